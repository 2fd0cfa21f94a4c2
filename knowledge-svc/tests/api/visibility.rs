//! Which plan finds which article.

use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use proto::insta::knowledge::v1::*;
use service_kit::{CallId, Caller, Tier};
use test_kit::{Identity, told};

use crate::{
    app::{TestApp, document},
    embedder::Mood,
};

async fn with_articles() -> TestApp {
    let app = TestApp::start().await;
    let article = |id: &str, visibility: Visibility| Document {
        visibility: visibility.into(),
        ..document(id, "Lantern", "A lantern gives light.")
    };
    app.create_ready(&[
        article("for-all", Visibility::Unspecified),
        article("for-pro", Visibility::Pro),
        article("for-enterprise", Visibility::Enterprise),
    ])
    .await;
    app
}

fn ids(passages: &[Passage]) -> Vec<&str> {
    let mut ids: Vec<_> = passages
        .iter()
        .map(|passage| passage.document_id.as_str())
        .collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_plan_finds_its_own_articles_and_those_of_lower_plans() {
    let app = with_articles().await;
    // By meaning and by text, then by text alone.
    for mood in [Mood::Well, Mood::Status(503)] {
        let query = format!(
            "lantern light {}",
            if mood == Mood::Well { "" } else { "?" }
        );
        app.embedder.set(mood);
        assert_eq!(ids(&app.ask_as(Tier::Free, &query).await), ["for-all"]);
        assert_eq!(
            ids(&app.ask_as(Tier::Pro, &query).await),
            ["for-all", "for-pro"]
        );
        assert_eq!(
            ids(&app.ask_as(Tier::Enterprise, &query).await),
            ["for-all", "for-enterprise", "for-pro"]
        );
    }
}

#[tokio::test]
async fn an_agent_finds_what_its_caller_may() {
    let app = with_articles().await;
    let found = async |tier| {
        let caller = Caller::Delegate {
            user_id: "ada".parse().unwrap(),
            tier,
            call_id: CallId::generate(),
            client_id: "agent-svc".parse().unwrap(),
        };
        let request = SearchRequest {
            query: "lantern light".into(),
            ..SearchRequest::default()
        };
        let request = app.identity.request(&caller, request);
        app.client()
            .search(request)
            .await
            .unwrap()
            .into_inner()
            .passages
            .len()
    };
    assert_eq!(
        (found(Tier::Free).await, found(Tier::Enterprise).await),
        (1, 3)
    );
}

#[tokio::test]
async fn a_change_of_visibility_counts_at_once() {
    let app = with_articles().await;
    let change = Document {
        visibility: Visibility::Enterprise.into(),
        ..document("for-all", "", "")
    };
    let changed = app.update(change, &["visibility"]).await.unwrap();
    assert_eq!(changed.visibility(), Visibility::Enterprise);
    assert_eq!(
        changed.embedding_state(),
        EmbeddingState::Ready,
        "no text changed"
    );
    assert!(
        app.ask_as(Tier::Pro, "lantern light")
            .await
            .iter()
            .all(|p| p.document_id == "for-pro")
    );
    let wrong = Document {
        visibility: 9,
        ..document("for-all", "", "")
    };
    let refused = app.update(wrong, &["visibility"]).await.unwrap_err();
    insta::assert_snapshot!(told(&refused), @"InvalidArgument [document.visibility] document.visibility must be VISIBILITY_FREE, VISIBILITY_PRO or VISIBILITY_ENTERPRISE");
}

#[tokio::test]
async fn words_of_articles_for_higher_plans_weigh_nothing() {
    let app = with_articles().await;
    let secret = Document {
        visibility: Visibility::Enterprise.into(),
        ..document(
            "secret",
            "Prices",
            "The moonbeam tariff costs nine dollars.",
        )
    };
    app.create_ready(&[secret]).await;
    assert_eq!(app.ask_as(Tier::Free, "moonbeam tariff").await, []);
    assert_eq!(
        ids(&app.ask_as(Tier::Enterprise, "moonbeam tariff").await),
        ["secret"]
    );
    // Identity::user is on the free plan.
    let request = SearchRequest {
        query: "moonbeam tariff".into(),
        ..SearchRequest::default()
    };
    let request = app.identity.request(&Identity::user("ada"), request);
    assert_eq!(
        app.client()
            .search(request)
            .await
            .unwrap()
            .into_inner()
            .passages,
        []
    );
}

#[tokio::test]
async fn the_database_keeps_articles_from_sessions_that_have_not_said_who_reads() {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        documents: i64,
    }
    let app = with_articles().await;
    let mut connection = app.database.url("insta_knowledge").connect().await.unwrap();
    let mut seen = Vec::new();
    for setting in [
        "",
        "SET insta_knowledge.visibility = '1'",
        "SET insta_knowledge.visibility = '2'",
    ] {
        connection.batch_execute(setting).await.unwrap();
        let row: Row =
            diesel::sql_query("SELECT count(*) AS documents FROM insta_knowledge.documents")
                .get_result(&mut connection)
                .await
                .unwrap();
        seen.push(row.documents);
    }
    assert_eq!(seen, [1, 2, 3]);
}
