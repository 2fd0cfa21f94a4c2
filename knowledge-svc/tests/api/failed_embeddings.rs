//! Passages that got no vector: listed, and tried again.

use insta::assert_snapshot;
use proto::insta::knowledge::v1::{
    EmbeddingState::{Failed, Pending, Ready},
    *,
};
use test_kit::told;
use tonic::Status;

use crate::{
    app::{TestApp, document},
    embedder::Mood,
};

impl TestApp {
    async fn failed(
        &self,
        page_size: i32,
        page_token: &str,
    ) -> Result<ListFailedEmbeddingsResponse, Status> {
        let request = ListFailedEmbeddingsRequest {
            page_size,
            page_token: page_token.into(),
        };
        let answer = self
            .client()
            .list_failed_embeddings(self.writer(request))
            .await?;
        Ok(answer.into_inner())
    }

    async fn retry(&self, document_id: &str) -> Result<i64, Status> {
        let request = RetryFailedEmbeddingsRequest {
            document_id: document_id.into(),
        };
        let answer = self
            .client()
            .retry_failed_embeddings(self.writer(request))
            .await?;
        Ok(answer.into_inner().passages)
    }
}

async fn with_poison() -> TestApp {
    let app = TestApp::start().await;
    app.embedder.set(Mood::Refusing("poison"));
    for id in ["one", "two", "three"] {
        let content = format!("# Good\nText of {id}.\n# Bad\nA poisonous text of {id}.");
        app.create(document(id, "Title", &content)).await.unwrap();
        app.until(id, Failed).await;
        app.clock.advance(chrono::TimeDelta::seconds(5));
    }
    app
}

#[tokio::test]
async fn what_was_refused_is_listed_with_its_reason_a_page_at_a_time() {
    let app = with_poison().await;
    let first = app.failed(2, "").await.unwrap();
    let last = app.failed(2, &first.next_page_token).await.unwrap();
    assert_eq!(last.next_page_token, "");
    let shown: Vec<_> = [first.failed_embeddings, last.failed_embeddings]
        .concat()
        .into_iter()
        .map(|failed| {
            let seconds = failed.fail_time.unwrap().seconds - 1_800_000_000;
            format!(
                "{} > {}: {} ({} s)",
                failed.document_id, failed.heading_path, failed.failure, seconds
            )
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r"
    one > Bad: the embedder answered with status 400 (0 s)
    two > Bad: the embedder answered with status 400 (5 s)
    three > Bad: the embedder answered with status 400 (10 s)
    ");
    assert_snapshot!(told(&app.failed(101, "x").await.unwrap_err()), @"InvalidArgument [page_size, page_token] page_size must be 0 to 100; page_token must be a next_page_token of this list");
}

#[tokio::test]
async fn it_is_tried_again_when_asked_for_and_not_before() {
    let app = with_poison().await;
    app.embedder.set(Mood::Well);
    assert_eq!(app.retry("two").await.unwrap(), 1);
    app.until("two", Ready).await;
    assert_eq!(app.get("one").await.unwrap().embedding_state(), Failed);
    assert_eq!(app.retry("").await.unwrap(), 2);
    app.until("one", Ready).await;
    app.until("three", Ready).await;
    assert_eq!(app.retry("").await.unwrap(), 0);
    assert_eq!(app.failed(0, "").await.unwrap().failed_embeddings, []);
    assert_snapshot!(told(&app.retry("No!").await.unwrap_err()), @"InvalidArgument [document_id] document_id must be 3 to 80 lower-case letters, digits or dashes");
}

#[tokio::test]
async fn collections_tell_how_much_waits_and_how_much_failed() {
    let app = with_poison().await;
    app.embedder.set(Mood::Status(503));
    let mut other = document("other-doc", "Title", "Text.");
    other.collection = "partners".into();
    app.create(other).await.unwrap();
    assert_eq!(
        app.get("other-doc").await.unwrap().embedding_state(),
        Pending
    );
    let request = app.writer(ListCollectionsRequest {});
    let answer = app.client().list_collections(request).await.unwrap();
    let listed = answer.into_inner().collections;
    let shown = listed.iter().map(|c| {
        format!(
            "{}: {} {} {} {}",
            c.collection, c.documents, c.passages, c.pending_passages, c.failed_passages
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        ["help: 3 6 0 3", "partners: 1 1 1 0"]
    );
}
