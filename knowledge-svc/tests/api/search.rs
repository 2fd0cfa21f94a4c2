//! Searching.

use std::time::Duration;

use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use insta::assert_snapshot;
use proto::insta::knowledge::v1::*;
use service_kit::{CallId, Scope};
use test_kit::{Identity, told};

use crate::{
    app::{PATIENCE, TestApp, document},
    embedder::Mood,
};

async fn with_articles() -> TestApp {
    let app = TestApp::start().await;
    app.create_ready(&[
        document(
            "refunds",
            "Refunds",
            "You get your money back within 30 days.\n\n# Later\nPayments after that are kept.",
        ),
        document("webhooks", "Webhooks", "A webhook tells your program of changes."),
        document(
            "error-codes",
            "Error messages",
            "Every message has a code.\n\n- PL-310: the file is too large.\n- PL-429: too many requests.",
        ),
    ])
    .await;
    app
}

#[tokio::test]
async fn the_best_passage_comes_first_with_its_reasons_and_its_words() {
    let app = with_articles().await;
    let found = app.ask("When do I get my money back?").await;
    assert!(!found.degraded);
    assert_eq!(found.embedding_model, "test-model");
    let best = &found.passages[0];
    assert_eq!(
        (best.document_id.as_str(), best.heading_path.as_str()),
        ("refunds", "")
    );
    assert_eq!(best.speakable, "You get your money back within 30 days.");
    let score = best.score.unwrap();
    assert_eq!((score.vector_rank, score.text_rank), (Some(1), Some(1)));
    assert!(
        score
            .similarity
            .is_some_and(|similarity| (0.0..=1.0).contains(&similarity))
    );
    let fused: Vec<_> = found
        .passages
        .iter()
        .map(|p| p.score.unwrap().fused)
        .collect();
    assert!(fused.is_sorted_by(|a, b| a >= b), "{fused:?}");
}

#[tokio::test]
async fn the_sentence_that_answers_is_spoken_wherever_it_stands() {
    let app = with_articles().await;
    let found = app.ask("What does error PL-429 mean?").await;
    let best = &found.passages[0];
    assert_eq!(best.document_id, "error-codes");
    assert!(
        best.speakable.contains("too many requests"),
        "{}",
        best.speakable
    );
}

#[tokio::test]
async fn what_nothing_answers_finds_nothing() {
    let app = with_articles().await;
    for query in ["How long should I boil an egg?", "the of and", "???", "🥚"] {
        assert_eq!(app.ask(query).await.passages, [], "{query}");
    }
}

#[tokio::test]
async fn a_question_is_never_read_as_an_operator() {
    let app = with_articles().await;
    for query in [
        r"money' | 'back",
        r"back\slash \' money",
        "money & !back <-> (days:*)",
        "'; DROP TABLE documents; --",
        "http://a.b/c?d=e&f=%27 user@example.com /usr/local it's",
    ] {
        app.ask(query).await;
    }
    assert_eq!(
        app.ask("money back days").await.passages[0].document_id,
        "refunds"
    );
}

#[tokio::test]
async fn a_collection_limits_what_is_found() {
    let app = with_articles().await;
    let mut other = document(
        "other-refunds",
        "Refunds",
        "You get your money back within 90 days.",
    );
    other.collection = "partners".into();
    app.create_ready(&[other]).await;
    let mut request = SearchRequest {
        query: "When do I get my money back?".into(),
        collection: "partners".into(),
        ..SearchRequest::default()
    };
    let found = app.search(request.clone()).await.unwrap().passages;
    let ids: Vec<_> = found
        .iter()
        .map(|passage| passage.document_id.as_str())
        .collect();
    assert_eq!(ids, ["other-refunds"]);
    request.collection = "nothing-here".into();
    assert_eq!(app.search(request.clone()).await.unwrap().passages, []);
    request.collection.clear();
    request.page_size = 1;
    assert_eq!(app.search(request).await.unwrap().passages.len(), 1);
}

#[tokio::test]
async fn words_are_compared_by_the_rules_of_the_language() {
    let app = TestApp::start().await;
    app.embedder.set(Mood::Status(503));
    let mut german = document(
        "rueckgabe",
        "Kündigung",
        "Verträge können monatlich gekündigt werden.",
    );
    german.language = "de-AT".into();
    app.create(german).await.unwrap();
    let mut unknown = document("tlh-doc", "Qapla", "jatlhwI'pu' Hol.");
    unknown.language = "tlh".into();
    app.create(unknown).await.unwrap();
    let found = async |query: &str, language: &str| {
        let request = SearchRequest {
            query: query.into(),
            language: language.into(),
            ..SearchRequest::default()
        };
        let found = app.search(request).await.unwrap().passages;
        found
            .into_iter()
            .map(|passage| passage.document_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found("Vertrag kündigen", "de").await,
        ["rueckgabe"],
        "by their stems"
    );
    assert_eq!(found("Vertrag kündigen", "en").await, [] as [&str; 0]);
    assert_eq!(found("Qapla", "tlh").await, ["tlh-doc"], "as they are");
}

#[tokio::test]
async fn wrong_requests_are_told() {
    let app = TestApp::start().await;
    let wrong = SearchRequest {
        query: " ".into(),
        collection: "X".into(),
        page_size: 21,
        language: "english".into(),
        ..SearchRequest::default()
    };
    assert_snapshot!(told(&app.search(wrong).await.unwrap_err()), @"InvalidArgument [query, language, collection, page_size] query must have 1 to 1000 characters, has 0; language must be a BCP 47 tag such as en or pt-BR; collection must be 3 to 80 lower-case letters, digits or dashes; page_size must be 0 to 20");
    let wrong = SearchRequest {
        query: "x\0".repeat(501),
        page_size: -1,
        ..SearchRequest::default()
    };
    assert_snapshot!(told(&app.search(wrong).await.unwrap_err()), @"InvalidArgument [query, query, page_size] query must have 1 to 1000 characters, has 1002; query must not hold NUL characters; page_size must be 0 to 20");
}

#[tokio::test]
async fn users_agents_and_readers_find_the_same() {
    let app = with_articles().await;
    for caller in [
        Identity::user("ada"),
        Identity::delegate("ada", CallId::generate()),
        Identity::service(&[Scope::KnowledgeRead]),
    ] {
        let request = SearchRequest {
            query: "money back".into(),
            ..SearchRequest::default()
        };
        let answer = app
            .client()
            .search(app.identity.request(&caller, request))
            .await
            .unwrap();
        assert_eq!(answer.into_inner().passages[0].document_id, "refunds");
    }
}

#[tokio::test]
async fn the_same_question_is_embedded_once() {
    let app = with_articles().await;
    let before = app.embedder.requests().len();
    for query in ["Money back?", "money  back?", " MONEY BACK? "] {
        assert!(!app.ask(query).await.degraded);
    }
    let requests = app.embedder.requests();
    assert_eq!(requests.len(), before + 1);
    let request = &requests[before];
    assert_eq!(
        (&request["dimensions"], &request["model"]),
        (&384.into(), &"test-model".into())
    );
}

#[tokio::test]
async fn what_was_looked_at_and_left_out_can_be_seen_with_the_reason() {
    let app = with_articles().await;
    let looked_at = async |query: &str| {
        let request = SearchRequest {
            query: query.into(),
            page_size: 1,
            include_rejected: true,
            ..SearchRequest::default()
        };
        app.search(request).await.unwrap().passages
    };
    let found = looked_at("When do I get my money back?").await;
    assert_eq!(found.len(), 4, "every passage has a vector to compare");
    assert_eq!(found[0].rejection(), Rejection::Unspecified);
    let score = found[0].score.unwrap();
    assert!(score.coverage > 0.9 && score.confidence > 0.5, "{score:?}");
    let found = looked_at("How long should I boil an egg?").await;
    let unlikely = |passage: &Passage| passage.rejection() == Rejection::Unlikely;
    assert!(found.len() == 4 && found.iter().all(unlikely), "{found:?}");
}

#[tokio::test]
async fn a_long_passage_is_found_by_the_few_sentences_that_answer() {
    let app = TestApp::start().await;
    let other = "Nothing that matters stands in these words at all. ".repeat(12);
    let text = format!("{other} Parrots get a refund within forty days. {other}");
    app.create_ready(&[document("long", "Terms", &text)]).await;
    let found = app.ask("refund for parrots within forty days").await;
    let score = found.passages[0].score.unwrap();
    assert!(score.part_similarity > score.similarity, "{score:?}");
    let count = app
        .embedder
        .texts()
        .iter()
        .filter(|text| text.contains("Parrots"))
        .count();
    assert!(count >= 2, "the whole and a part of it were embedded");
}

#[tokio::test]
async fn what_is_said_before_a_question_changes_nothing() {
    let app = with_articles().await;
    let plain = app.ask("When do I get my money back?").await;
    let before = app.embedder.requests().len();
    let spoken = app
        .ask("So, uh, hi, I was wondering, when do I get my money back?")
        .await;
    assert_eq!(spoken.passages, plain.passages);
    assert_eq!(app.embedder.requests().len(), before, "its vector is known");
}

#[tokio::test]
async fn the_words_of_the_question_are_marked_by_their_stems() {
    let app = TestApp::start().await;
    app.create_ready(&[document(
        "codes",
        "Größe",
        "Größe matters: “PL-429” 🥚 means too many refunds, refunded or not.\nNothing else.",
    )])
    .await;
    let marked = async |query: &str| {
        let found = app.ask(query).await.passages;
        let passage = &found[0];
        let letters: Vec<char> = passage.text.chars().collect();
        let word = |range: &Highlight| {
            let (start, end) = (range.start as usize, range.end as usize);
            letters[start..end].iter().collect::<String>()
        };
        passage
            .highlights
            .iter()
            .map(word)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_snapshot!(marked("What does the refund error PL-429 mean for the größe?").await, @"Größe PL-429 means refunds refunded");
    assert_snapshot!(marked("Größe matters? Does it refund?").await, @"Größe matters refunds refunded");
}

#[tokio::test]
async fn a_rare_word_finds_more_than_a_common_one_said_often() {
    let app = TestApp::start().await;
    let often = "The report report report report is a report of the report.";
    let mut documents: Vec<_> = (0..8)
        .map(|number| document(&format!("report-{number}"), "Report report", often))
        .collect();
    documents.push(document(
        "watermark",
        "Pictures",
        "A long list of what may stand on a page, such as a logo, a date, a watermark or a number, follows.",
    ));
    app.create_ready(&documents).await;
    let found = app.ask("Has a report a watermark?").await.passages;
    let first = found.iter().find(|passage| {
        let score = passage.score.unwrap_or_default();
        score.text_rank == Some(1)
    });
    assert_eq!(
        first.map(|first| first.document_id.as_str()),
        Some("watermark")
    );
}

/// PostgreSQL would compare all of a few vectors, so here it is kept from whatever an index can spare it: a search that
/// does not read the index of vectors then asks for what the index does not hold.
#[tokio::test]
async fn vectors_are_looked_up_in_their_index() {
    #[derive(QueryableByName)]
    struct Index {
        #[diesel(sql_type = BigInt)]
        reads: i64,
    }
    let mut app = with_articles().await;
    let mut admin = app.database.admin_url().connect().await.unwrap();
    let settings = ["seqscan", "bitmapscan", "sort"].map(|how| {
        format!("EXECUTE format('ALTER DATABASE %I SET enable_{how} = off', current_database());")
    });
    let settings = format!("DO $$ BEGIN {} END $$", settings.concat());
    admin.batch_execute(&settings).await.unwrap();
    app.restart("test-model").await;
    let searches = async {
        loop {
            app.ask("When do I get my money back?").await;
            // PostgreSQL tells what was read about once a second.
            let index: Index = diesel::sql_query(
                "SELECT idx_scan AS reads FROM pg_stat_user_indexes WHERE indexrelname = 'passages_embedding_idx'",
            )
            .get_result(&mut admin)
            .await
            .unwrap();
            if index.reads > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let read = tokio::time::timeout(PATIENCE, searches).await;
    read.expect("the index of vectors is read");
}

#[tokio::test]
async fn labels_limit_what_is_found() {
    let app = TestApp::start().await;
    let article = |id: &str, labels: &[&str], visibility: Visibility| Document {
        labels: labels.iter().map(ToString::to_string).collect(),
        visibility: visibility.into(),
        ..document(id, "Lantern", "A lantern gives light.")
    };
    app.create_ready(&[
        article("none", &[], Visibility::Free),
        article("one", &["night"], Visibility::Free),
        article(
            "both",
            &["night", "it's a \"label\", {x}"],
            Visibility::Free,
        ),
        article("pro", &["night"], Visibility::Pro),
    ])
    .await;
    let found = async |labels: &[&str]| {
        let request = SearchRequest {
            query: "lantern light".into(),
            labels: labels.iter().map(ToString::to_string).collect(),
            page_size: 20,
            ..SearchRequest::default()
        };
        let found = app.search(request).await.unwrap().passages;
        let mut ids: Vec<_> = found
            .into_iter()
            .map(|passage| passage.document_id)
            .collect();
        ids.sort_unstable();
        ids.join(" ")
    };
    // By meaning and by text, then by text alone.
    assert_eq!(found(&[]).await, "both none one");
    assert_eq!(found(&["night"]).await, "both one");
    app.embedder.set(Mood::Status(503));
    assert_eq!(found(&["night", "it's a \"label\", {x}"]).await, "both");
    assert_eq!(found(&["Night"]).await, "");
    app.embedder.set(Mood::Well);

    let change = article("none", &["night"], Visibility::Free);
    app.update(change, &["labels"]).await.unwrap();
    assert_eq!(found(&["night"]).await, "both none one", "at once");
    let wrong = SearchRequest {
        query: "x".into(),
        labels: vec![String::new()],
        ..SearchRequest::default()
    };
    assert_snapshot!(told(&app.search(wrong).await.unwrap_err()), @"InvalidArgument [labels] labels must be at most 20 labels of 1 to 40 characters, without control characters");
}
