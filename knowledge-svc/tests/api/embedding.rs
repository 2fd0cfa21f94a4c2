//! How passages come to their vectors, whatever happens on the way.

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use proto::insta::knowledge::v1::EmbeddingState::{Failed, Pending, Ready};

use crate::{
    app::{TestApp, document},
    embedder::Mood,
};

const TEXT: &str = "You get your money back within 30 days.";

#[tokio::test]
async fn a_document_is_found_by_text_before_it_has_vectors() {
    let app = TestApp::start().await;
    app.embedder.set(Mood::Status(503));
    let created = app
        .create(document("refunds", "Refunds", TEXT))
        .await
        .unwrap();
    assert_eq!(created.embedding_state(), Pending);
    app.until_asked(|texts| !texts.is_empty()).await;
    app.embedder.set(Mood::Well);
    let found = app.ask("money back 30 days").await;
    assert!(!found.degraded);
    let score = found.passages[0].score.unwrap();
    assert_eq!(
        (score.similarity, score.vector_rank, score.text_rank),
        (None, None, Some(1))
    );
}

#[tokio::test]
async fn an_embedder_that_comes_back_gets_its_work() {
    for mood in [
        Mood::Status(503),
        Mood::Status(429),
        Mood::Status(401),
        Mood::Status(500),
    ] {
        let app = TestApp::start().await;
        app.embedder.set(mood);
        app.create(document("refunds", "Refunds", TEXT))
            .await
            .unwrap();
        app.until_asked(|texts| !texts.is_empty()).await;
        app.embedder.set(Mood::Well);
        app.clock.advance(TimeDelta::seconds(31));
        app.until("refunds", Ready).await;
    }
}

#[tokio::test]
async fn an_embedder_that_does_not_listen_gets_its_work_later() {
    let mut app = TestApp::start().await;
    let listening = std::mem::replace(&mut app.embedder.base_url, "http://127.0.0.1:1/v1".into());
    app.restart("test-model").await;
    app.create(document("refunds", "Refunds", TEXT))
        .await
        .unwrap();
    assert_eq!(app.get("refunds").await.unwrap().embedding_state(), Pending);
    assert!(app.ask("money back").await.degraded);
    app.embedder.base_url = listening;
    app.restart("test-model").await;
    app.clock.advance(TimeDelta::seconds(31));
    app.until("refunds", Ready).await;
}

#[tokio::test]
async fn one_passage_that_is_refused_keeps_no_other_back() {
    let mut app = TestApp::start().await;
    app.embedder.set(Mood::Status(503));
    for (id, text) in [
        ("good-one", TEXT),
        ("poison", "A poisonous text."),
        ("good-two", TEXT),
    ] {
        app.create(document(id, "Title", text)).await.unwrap();
    }
    app.until_asked(|texts| texts.iter().any(|text| text.contains("poison")))
        .await;
    app.embedder.set(Mood::Refusing("poison"));
    app.clock.advance(TimeDelta::seconds(31));
    app.until("good-one", Ready).await;
    app.until("good-two", Ready).await;
    app.until("poison", Failed).await;
    assert_eq!(
        app.ask("poisonous text").await.passages[0].document_id,
        "poison"
    );

    app.embedder.set(Mood::Well);
    app.restart("test-model").await;
    app.until("poison", Ready).await;
}

#[tokio::test]
async fn vectors_of_another_length_are_never_kept() {
    let app = TestApp::start().await;
    app.embedder.set(Mood::Dimensions(1536));
    app.create(document("refunds", "Refunds", TEXT))
        .await
        .unwrap();
    app.until("refunds", Failed).await;
    let found = app.ask("money back within days").await;
    assert!(found.degraded, "nor is the question's");
    assert_eq!(found.embedding_model, "");
    assert_eq!(found.passages[0].document_id, "refunds");
}

#[tokio::test]
async fn what_a_dead_worker_held_is_done_when_its_lease_has_lapsed() {
    let mut app = TestApp::start().await;
    app.embedder.set(Mood::Silent);
    app.create(document("refunds", "Refunds", TEXT))
        .await
        .unwrap();
    app.until_asked(|texts| !texts.is_empty()).await;
    app.embedder.set(Mood::Well);
    // The worker under way waits for an answer that never comes, as one that was killed never acts again.
    let leased = "DO $$ BEGIN ASSERT (SELECT due_time > to_timestamp(1800000000) AND attempts = 1
                  FROM insta_knowledge.embedding_jobs), 'the job is held'; END $$";
    let mut connection = app.database.admin_url().connect().await.unwrap();
    connection.batch_execute(leased).await.unwrap();
    let hold = "UPDATE insta_knowledge.embedding_jobs SET due_time = to_timestamp(1800000060)";
    app.restart("test-model").await;
    connection.batch_execute(hold).await.unwrap();
    app.clock.advance(TimeDelta::seconds(61));
    app.until("refunds", Ready).await;
}

#[tokio::test]
async fn a_worker_that_is_stopped_gives_its_work_back() {
    let mut app = TestApp::start().await;
    app.embedder.set(Mood::Silent);
    app.create(document("refunds", "Refunds", TEXT))
        .await
        .unwrap();
    app.until_asked(|texts| !texts.is_empty()).await;
    app.embedder.set(Mood::Well);
    app.restart("test-model").await;
    // The clock stands still: no lease lapses.
    app.until("refunds", Ready).await;
}

#[tokio::test]
async fn vectors_of_another_model_are_made_anew_and_never_compared() {
    let mut app = TestApp::start().await;
    app.create_ready(&[document("refunds", "Refunds", TEXT)])
        .await;
    app.embedder.set(Mood::Refusing("Refunds"));
    app.restart("other-model").await;
    app.until("refunds", Failed).await;
    let found = app.ask("money back within 30 days").await;
    assert_eq!(found.embedding_model, "other-model");
    assert_eq!(found.passages[0].score.unwrap().similarity, None);

    app.embedder.set(Mood::Well);
    app.restart("other-model").await;
    app.until("refunds", Ready).await;
    let found = app.ask("money back within 30 days").await;
    assert!(found.passages[0].score.unwrap().similarity.is_some());
}

#[tokio::test]
async fn a_large_document_gets_all_its_vectors() {
    let app = TestApp::start().await;
    let content: String = (0..50)
        .map(|n| format!("# Part {n}\nText number {n}.\n"))
        .collect();
    app.create(document("large", "Large", &content))
        .await
        .unwrap();
    app.until("large", Ready).await;
    assert_eq!(app.embedder.texts().len(), 50);
    assert!(app.embedder.requests().len() >= 4, "in batches");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_and_the_worker_never_stand_in_each_others_way() {
    let app = TestApp::start().await;
    let version = |word: &str| -> String {
        (0..60)
            .map(|n| format!("# Part {n}\nText {word} {n}.\n"))
            .collect()
    };
    app.create(document("large", "Large", &version("0")))
        .await
        .unwrap();
    for n in 1..20 {
        let asked = app.embedder.requests().len();
        let next = document("large", "Large", &version(&n.to_string()));
        app.update(next, &["content"]).await.unwrap();
        // The next write comes while vectors of this one are made.
        app.until_asked(|_| app.embedder.requests().len() > asked)
            .await;
    }
    app.until("large", Ready).await;
    assert_eq!(
        app.ask("text 19 part 7").await.passages[0].text,
        "Text 19 7."
    );
}
