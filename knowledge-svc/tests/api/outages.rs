//! When what the service needs is away.

use insta::assert_snapshot;
use proto::insta::knowledge::v1::*;
use service_kit::{Scope, clock::Clock};
use test_kit::{Identity, TestService, told};
use tokio::net::TcpListener;

use crate::{
    app::{TestApp, config, document, serve},
    embedder::{Mood, TestEmbedder},
};

#[tokio::test]
async fn an_embedder_that_is_down_slow_or_wrong_leaves_the_text() {
    let app = TestApp::start().await;
    app.create_ready(&[document(
        "refunds",
        "Refunds",
        "You get your money back within 30 days.",
    )])
    .await;
    for (mood, query) in [
        (Mood::Status(500), "Money back within days?"),
        (Mood::Silent, "Is money back within days?"),
        (Mood::Dimensions(3), "Was money back within days?"),
    ] {
        app.embedder.set(mood);
        let found = app.ask(query).await;
        assert!(found.degraded);
        assert_eq!(found.embedding_model, "");
        let score = found.passages[0].score.unwrap();
        assert_eq!((score.similarity, score.text_rank), (None, Some(1)));
        assert_eq!(app.ask("How long should I boil an egg?").await.passages, []);
    }
    let ready = reqwest::get(format!("{}readyz", app.service.admin_url))
        .await
        .unwrap();
    assert_eq!(
        ready.status(),
        200,
        "the service is ready without its embedder"
    );
    app.embedder.set(Mood::Well);
    assert!(!app.ask("Money back within days?").await.degraded);
}

/// What searching, reading and writing tell, and what the readiness check says.
async fn told_without_database(service: &TestService, identity: &Identity) -> String {
    let mut client = knowledge_service_client::KnowledgeServiceClient::new(service.channel());
    let caller = Identity::service(&[Scope::KnowledgeRead, Scope::KnowledgeWrite]);
    let search = SearchRequest {
        query: "money back".into(),
        ..SearchRequest::default()
    };
    let search = client
        .search(identity.request(&caller, search))
        .await
        .unwrap_err();
    let get = GetDocumentRequest {
        document_id: "refunds".into(),
    };
    let get = client
        .get_document(identity.request(&caller, get))
        .await
        .unwrap_err();
    let create = CreateDocumentRequest {
        document: Some(document("refunds", "Refunds", "Text.")),
    };
    let create = client
        .create_document(identity.request(&caller, create))
        .await
        .unwrap_err();
    let ready = reqwest::get(format!("{}readyz", service.admin_url))
        .await
        .unwrap();
    format!(
        "{}\n{}\n{}\n{}",
        told(&search),
        told(&get),
        told(&create),
        ready.status()
    )
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable_and_not_a_hang() {
    let embedder = TestEmbedder::of_words().await;
    let clock = Clock::system();
    let identity = Identity::new(clock.clone());
    // One that takes connections and never answers, and one that is not there.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let mut answers = Vec::new();
    for port in [silent_port, 1] {
        let url = format!("postgresql://u:p@127.0.0.1:{port}/db?sslmode=disable");
        let database = db::DatabaseConfig {
            database_url: url.parse().unwrap(),
            database_max_connections: 2,
        };
        let service = serve(config(database, &embedder, "test-model"), &identity, &clock).await;
        answers.push(told_without_database(&service, &identity).await);
        service.stop().await.unwrap();
    }
    assert_eq!(answers[0], answers[1]);
    assert_snapshot!(answers[0], @r"
    Unavailable [DATABASE_UNAVAILABLE] documents cannot be reached at the moment
    Unavailable [DATABASE_UNAVAILABLE] documents cannot be reached at the moment
    Unavailable [DATABASE_UNAVAILABLE] documents cannot be reached at the moment
    503 Service Unavailable
    ");
}

#[tokio::test]
async fn connections_that_were_cut_are_replaced() {
    use diesel_async::SimpleAsyncConnection;
    let app = TestApp::start().await;
    app.create_ready(&[document("refunds", "Refunds", "You get your money back.")])
        .await;
    let mut admin = app.database.admin_url().connect().await.unwrap();
    admin
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    assert_eq!(app.ask("money back").await.passages.len(), 1);
    app.create_ready(&[document(
        "webhooks",
        "Webhooks",
        "A webhook tells of changes.",
    )])
    .await;
}
