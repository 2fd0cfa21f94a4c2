//! How passages come to their vectors, whatever happens on the way.

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use insta::assert_snapshot;
use proto::insta::knowledge::v1::{
    EmbeddingState::{Failed, Pending, Ready},
    SearchResponse,
};
use test_kit::told;
use tonic::{Code, Status};

use crate::{
    app::{TestApp, document, file, start},
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
        Mood::RateLimited(5),
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

/// Writes until the service refuses to, which it does once it has seen the embedder's vectors.
async fn until_refused(app: &TestApp) -> Status {
    for number in 0.. {
        let written = app
            .create(document(&format!("doc-{number}"), "Title", "Words."))
            .await;
        match written {
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            Err(refused) => return refused,
        }
        assert!(number < 1000, "the service never refuses");
    }
    unreachable!("the loop ends otherwise")
}

fn similarity(found: &SearchResponse) -> Option<f64> {
    found.passages[0].score.unwrap().similarity
}

#[tokio::test]
async fn a_model_that_does_not_fit_takes_nothing_in_while_the_old_index_serves() {
    let mut app = TestApp::start().await;
    app.create_ready(&[document("refunds", "Refunds", TEXT)])
        .await;
    app.embedder.set(Mood::DimensionsOf("wide-model", 1536));
    app.restart("wide-model").await;

    let refused = app
        .create(document("webhooks", "Webhooks", "Text."))
        .await
        .unwrap_err();
    assert_snapshot!(told(&refused), @"FailedPrecondition [EMBEDDING_MISMATCH] nothing can be written while the embedding model does not fit the index: the embedder answered with 1536 dimensions, 384 are needed");
    for refused in [
        app.update(document("refunds", "Title", ""), &["title"])
            .await
            .map(|_| ()),
        app.import(start(), vec![file("a.md", "Text.")])
            .await
            .map(|_| ()),
    ] {
        assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    }
    let found = app.ask("When do I get my money back?").await;
    assert!(!found.degraded);
    assert_eq!(found.embedding_model, "test-model");
    assert!(similarity(&found).is_some());

    app.restart("test-model").await;
    app.create_ready(&[document("webhooks", "Webhooks", "Text.")])
        .await;
}

#[tokio::test]
async fn a_model_that_fits_after_all_is_let_in() {
    let mut app = TestApp::start().await;
    app.embedder.set(Mood::Dimensions(1536));
    app.restart("other-model").await;
    until_refused(&app).await;
    app.embedder.set(Mood::Well);
    app.clock.advance(TimeDelta::seconds(31));
    let taken = async {
        while app
            .create(document("webhooks", "Webhooks", "Text."))
            .await
            .is_err()
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), taken)
        .await
        .expect("it is let in");
    app.until("webhooks", Ready).await;
}

#[tokio::test]
async fn vectors_of_another_length_are_never_kept() {
    let app = TestApp::start().await;
    // The model changes behind the service's back.
    app.create_ready(&[document("webhooks", "Webhooks", "Text.")])
        .await;
    app.embedder.set(Mood::Dimensions(1536));
    app.create(document("refunds", "Refunds", TEXT))
        .await
        .unwrap();
    until_refused(&app).await;
    assert_eq!(app.get("refunds").await.unwrap().embedding_state(), Pending);
    let found = app.ask("money back within days").await;
    assert!(found.degraded, "nor is the question's");
    assert_eq!(found.embedding_model, "");
    assert_eq!(found.passages[0].document_id, "refunds");
}

#[tokio::test]
async fn a_provider_that_asks_for_patience_gets_it() {
    let app = TestApp::start().await;
    app.embedder.set(Mood::RateLimited(20));
    app.create(document("refunds", "Refunds", TEXT))
        .await
        .unwrap();
    app.until_asked(|texts| texts.len() == 1).await;
    let due = "DO $$ BEGIN ASSERT (SELECT due_time = to_timestamp(1800000020)
               FROM insta_knowledge.embedding_jobs), 'as the provider says'; END $$";
    let mut connection = app.database.admin_url().connect().await.unwrap();
    while connection.batch_execute(due).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // Nothing else is sent either before the time has come.
    app.create(document("webhooks", "Webhooks", "Text."))
        .await
        .unwrap();
    app.clock.advance(TimeDelta::seconds(19));
    app.embedder.set(Mood::Well);
    assert!(
        !app.ask("money back").await.degraded,
        "questions are another matter"
    );
    assert_eq!(
        app.embedder.requests().len(),
        2,
        "one refused, one question"
    );
    app.clock.advance(TimeDelta::seconds(2));
    app.until("refunds", Ready).await;
    app.until("webhooks", Ready).await;
    let texts = app.embedder.texts();
    assert_eq!(
        texts
            .iter()
            .filter(|text| text.starts_with("Webhooks"))
            .count(),
        1,
        "{texts:?}"
    );
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
async fn another_model_takes_over_when_all_its_vectors_are_there() {
    let mut app = TestApp::start().await;
    app.create_ready(&[
        document("refunds", "Refunds", TEXT),
        document("webhooks", "Webhooks", "Text."),
    ])
    .await;
    app.embedder.set(Mood::Refusing("Webhooks"));
    app.restart("other-model").await;
    app.until("webhooks", Failed).await;
    // One has its vector, the other was refused: the index stays as it was, and whole.
    for query in ["money back within 30 days", "text"] {
        let found = app.ask(query).await;
        assert_eq!(found.embedding_model, "test-model");
        assert!(similarity(&found).is_some(), "{query}");
    }
    let questions = |app: &TestApp| {
        let requests = app.embedder.requests();
        let models = requests
            .iter()
            .filter(|request| request["input"][0] == "text");
        models
            .map(|request| request["model"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        questions(&app),
        ["test-model"],
        "questions are embedded by the model they are compared with"
    );

    app.embedder.set(Mood::Well);
    app.restart("other-model").await;
    app.until("webhooks", Ready).await;
    let switched = async {
        loop {
            let found = app.ask("money back within 30 days").await;
            assert!(similarity(&found).is_some(), "at no time without vectors");
            if found.embedding_model == "other-model" {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), switched)
        .await
        .expect("it takes over");

    // Back again: the vectors of before are still there, and nothing is embedded.
    let before = app.embedder.texts().len();
    app.restart("test-model").await;
    let switched = async {
        while app.ask("money back within 30 days").await.embedding_model != "test-model" {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), switched)
        .await
        .expect("it takes over");
    let asked = app.embedder.texts()[before..]
        .iter()
        .filter(|text| text.contains(TEXT))
        .count();
    assert_eq!(asked, 0);
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
