//! Changing documents.

use std::sync::Arc;

use insta::assert_snapshot;
use proto::insta::knowledge::v1::{EmbeddingState::Ready, *};
use test_kit::told;
use tonic_types::StatusExt;

use crate::app::{TestApp, document};

#[tokio::test]
async fn only_the_named_fields_change() {
    let app = TestApp::start().await;
    let before = app
        .create(document("refunds", "Refunds", "Within 30 days."))
        .await
        .unwrap();
    app.clock.advance(chrono::TimeDelta::seconds(5));
    let mut change = document("refunds", "Money back", "Ignored.");
    change.labels = vec!["billing".into()];
    app.update(change, &["title", "labels"]).await.unwrap();
    let after = app.get("refunds").await.unwrap();
    assert_eq!(
        (after.title.as_str(), after.content.as_str()),
        ("Money back", "Within 30 days.")
    );
    assert_eq!(after.labels, ["billing"]);
    assert_ne!(after.etag, before.etag);
    assert_eq!(after.create_time, before.create_time);
    assert_eq!(
        after.update_time.unwrap().seconds,
        before.update_time.unwrap().seconds + 5
    );
}

#[tokio::test]
async fn unchanged_passages_keep_their_vectors() {
    let app = TestApp::start().await;
    let sections = |second: &str| format!("Lead.\n\n# One\nStays.\n\n# Two\n{second}");
    app.create_ready(&[document("refunds", "Refunds", &sections("Old."))])
        .await;
    let before = app.embedder.texts().len();
    app.update(document("refunds", "", &sections("New.")), &["content"])
        .await
        .unwrap();
    app.until("refunds", Ready).await;
    assert_eq!(app.embedder.texts()[before..], ["Refunds\nTwo\nNew."]);

    let mut moved = document("refunds", "", "");
    moved.collection = "archive".into();
    let moved = app.update(moved, &["collection"]).await.unwrap();
    assert_eq!(moved.embedding_state(), Ready, "no text changed");
    app.update(document("refunds", "Money back", ""), &["title"])
        .await
        .unwrap();
    app.until("refunds", Ready).await;
    assert_eq!(
        app.embedder.texts()[before + 1..].len(),
        3,
        "the title stands before every passage"
    );
}

#[tokio::test]
async fn searches_follow_the_change() {
    let app = TestApp::start().await;
    app.create_ready(&[document(
        "refunds",
        "Refunds",
        "Money back within thirty days.",
    )])
    .await;
    let mut moved = document("refunds", "", "Nothing is paid out.");
    moved.collection = "archive".into();
    app.update(moved, &["content", "collection"]).await.unwrap();
    let request = SearchRequest {
        query: "refunds paid out".into(),
        collection: "archive".into(),
        ..SearchRequest::default()
    };
    let found = app.search(request).await.unwrap();
    assert_eq!(found.passages[0].text, "Nothing is paid out.");
    let request = SearchRequest {
        query: "refunds paid out".into(),
        collection: "help".into(),
        ..SearchRequest::default()
    };
    assert_eq!(app.search(request).await.unwrap().passages, []);
}

#[tokio::test]
async fn of_two_changes_of_the_same_state_one_is_told_that_it_lost() {
    let app = TestApp::start().await;
    let before = app
        .create(document("refunds", "Refunds", "Within 30 days."))
        .await
        .unwrap();
    let change = |title: &str| {
        let mut change = document("refunds", title, "");
        change.etag = before.etag.clone();
        change
    };
    let (one, other) = tokio::join!(
        app.update(change("One"), &["title"]),
        app.update(change("Other"), &["title"]),
    );
    let (won, lost) = match (one, other) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        both => panic!("exactly one succeeds: {both:?}"),
    };
    assert_snapshot!(told(&lost), @"Aborted [ETAG_MISMATCH] the document has changed since it was read; read it again");
    let details = lost.get_details_error_info().unwrap();
    assert_eq!(
        details.metadata["etag"], won.etag,
        "so that it can be tried on what is there now"
    );
    let after = app.get("refunds").await.unwrap();
    assert_eq!((after.title, after.etag), (won.title, won.etag));
}

#[tokio::test]
async fn without_an_etag_the_last_change_wins() {
    let app = TestApp::start().await;
    app.create(document("refunds", "Refunds", "Within 30 days."))
        .await
        .unwrap();
    for title in ["One", "Two", "Two"] {
        app.update(document("refunds", title, ""), &["title"])
            .await
            .unwrap();
    }
    assert_eq!(app.get("refunds").await.unwrap().title, "Two");
}

#[tokio::test]
async fn wrong_changes_are_told_and_change_nothing() {
    let app = TestApp::start().await;
    let before = app
        .create(document("refunds", "Refunds", "Within 30 days."))
        .await
        .unwrap();
    let none = app
        .client()
        .update_document(app.writer(UpdateDocumentRequest::default()))
        .await;
    assert_snapshot!(told(&none.unwrap_err()), @"InvalidArgument [document] document must be given");
    let update = async |document: Document, paths: &[&str]| {
        told(&app.update(document, paths).await.unwrap_err())
    };
    assert_snapshot!(update(document("refunds", "", ""), &[]).await, @"InvalidArgument [update_mask] update_mask must name at least one of title, content, content_type, collection, language, labels, visibility");
    assert_snapshot!(update(document("refunds", "", ""), &["etag"]).await, @"InvalidArgument [update_mask] update_mask must name at least one of title, content, content_type, collection, language, labels, visibility");
    let mut wrong = document("No!", "", "");
    wrong.language = "english".into();
    wrong.labels = vec![String::new()];
    wrong.content_type = 9;
    wrong.collection = String::new();
    let all = [
        "title",
        "content",
        "content_type",
        "collection",
        "language",
        "labels",
    ];
    assert_snapshot!(update(wrong, &all).await, @"InvalidArgument [document.document_id, document.collection, document.content, document.content_type, document.labels, document.language, document.title] document.document_id must be 3 to 80 lower-case letters, digits or dashes; document.collection must be 3 to 80 lower-case letters, digits or dashes; document.content must have 1 to 1048576 bytes, has 0; document.content_type must be CONTENT_TYPE_MARKDOWN, CONTENT_TYPE_HTML or CONTENT_TYPE_PLAIN_TEXT; document.labels must be at most 20 labels of 1 to 40 characters, without control characters; document.language must be a BCP 47 tag such as en or pt-BR; document.title must have 1 to 200 characters, and no control characters");
    assert_snapshot!(update(document("refunds", "", "# Only"), &["content"]).await, @"InvalidArgument [document.content] document.content must hold some text besides headings, pictures and markup");
    assert_snapshot!(update(document("nothing", "Title", ""), &["title"]).await, @"NotFound [DOCUMENT_NOT_FOUND] there is no such document");
    let mut stale = document("refunds", "Title", "");
    stale.etag = "not an etag".into();
    assert_snapshot!(update(stale, &["title"]).await, @"Aborted [ETAG_MISMATCH] the document has changed since it was read; read it again");
    assert_eq!(app.get("refunds").await.unwrap().etag, before.etag);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_search_sees_half_a_document() {
    let app = Arc::new(TestApp::start().await);
    let version = |word: &str| {
        (0..6)
            .map(|n| format!("# Part {n}\nLantern {word} number {n}.\n"))
            .collect::<String>()
    };
    app.create(document("lantern", "Lantern", &version("red")))
        .await
        .unwrap();
    let writer = tokio::spawn({
        let app = app.clone();
        let versions = [version("green"), version("red")];
        async move {
            for content in versions.iter().cycle().take(20) {
                app.update(document("lantern", "", content), &["content"])
                    .await
                    .unwrap();
            }
        }
    });
    let mut searches = 0;
    while !writer.is_finished() || searches == 0 {
        let request = SearchRequest {
            query: "lantern number".into(),
            // An answer holds a few of one document.
            include_rejected: true,
            ..SearchRequest::default()
        };
        let found = app.search(request).await.unwrap().passages;
        assert_eq!(found.len(), 6);
        let red = found
            .iter()
            .filter(|passage| passage.text.contains("red"))
            .count();
        assert!(
            red == 0 || red == 6,
            "{red} of 6 passages are of one version"
        );
        searches += 1;
    }
    writer.await.unwrap();
}
