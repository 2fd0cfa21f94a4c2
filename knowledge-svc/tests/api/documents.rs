//! Making, reading, listing and removing documents.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use proto::insta::knowledge::v1::*;
use test_kit::told;

use crate::app::{TestApp, document};

#[tokio::test]
async fn a_document_comes_back_as_it_was_written() {
    let app = TestApp::start().await;
    let written = Document {
        labels: vec!["billing".into()],
        content_type: ContentType::PlainText.into(),
        language: "en-GB".into(),
        ..document("refunds", " Refunds ", "Within 30 days.")
    };
    let created = app.create(written).await.unwrap();
    assert_eq!(
        created.content, "",
        "answers to writes leave the content out"
    );
    let read = app.get("refunds").await.unwrap();
    let expected = Document {
        content: "Within 30 days.".into(),
        embedding_state: read.embedding_state,
        ..created
    };
    assert_eq!(read, expected);
    assert_eq!(
        (read.title.as_str(), read.language.as_str()),
        ("Refunds", "en-GB")
    );
    assert_eq!(read.create_time, read.update_time);
}

#[tokio::test]
async fn what_is_left_out_has_a_default() {
    let app = TestApp::start().await;
    let created = app
        .create(document("", "Refunds", "Within 30 days."))
        .await
        .unwrap();
    assert_eq!(created.content_type(), ContentType::Markdown);
    assert_eq!(created.language, "en");
    assert!(
        app.get(&created.document_id).await.is_ok(),
        "the id that was made is good"
    );
}

#[tokio::test]
async fn every_wrong_field_is_told() {
    let app = TestApp::start().await;
    let none = app
        .client()
        .create_document(app.writer(CreateDocumentRequest::default()))
        .await;
    assert_snapshot!(told(&none.unwrap_err()), @"InvalidArgument [document] document must be given");
    let wrong = Document {
        document_id: "A".into(),
        collection: String::new(),
        title: "\n".into(),
        content: String::new(),
        content_type: 7,
        language: "english".into(),
        labels: vec![String::new()],
        ..Document::default()
    };
    assert_snapshot!(told(&app.create(wrong).await.unwrap_err()), @"InvalidArgument [document.document_id, document.collection, document.title, document.content_type, document.content, document.language, document.labels] document.document_id must be 3 to 80 lower-case letters, digits or dashes; document.collection must be 3 to 80 lower-case letters, digits or dashes; document.title must have 1 to 200 characters, and no control characters; document.content_type must be CONTENT_TYPE_MARKDOWN, CONTENT_TYPE_HTML or CONTENT_TYPE_PLAIN_TEXT; document.content must have 1 to 1048576 bytes, has 0; document.language must be a BCP 47 tag such as en or pt-BR; document.labels must be at most 20 labels of 1 to 40 characters, without control characters");
    let nul = app.create(document("abc", "Title", "a\0b")).await;
    assert_snapshot!(told(&nul.unwrap_err()), @"InvalidArgument [document.content] document.content must not hold NUL characters");
    let no_text = app
        .create(document("abc", "Title", "# Only\n\n<p>this</p>"))
        .await;
    assert_snapshot!(told(&no_text.unwrap_err()), @"InvalidArgument [document.content] document.content must hold some text besides headings, pictures and markup");
    let many = app
        .create(document("abc", "Title", &"# a\nb\n".repeat(10_000)))
        .await;
    assert_snapshot!(told(&many.unwrap_err()), @"InvalidArgument [document.content] document.content makes 10000 passages, and at most 2000 are kept: split the document");
    let large = app
        .create(document("abc", "Title", &"x ".repeat(600_000)))
        .await
        .unwrap_err();
    assert_snapshot!(told(&large).split(':').next().unwrap(), @"InvalidArgument [document.content] document.content must have 1 to 1048576 bytes, has 1200000");
}

#[tokio::test]
async fn an_id_is_taken_once_even_by_two_at_once() {
    let app = TestApp::start().await;
    let (one, other) = tokio::join!(
        app.create(document("refunds", "One", "Text.")),
        app.create(document("refunds", "Other", "Text.")),
    );
    let error = match (one, other) {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        both => panic!("exactly one succeeds: {both:?}"),
    };
    assert_snapshot!(told(&error), @"AlreadyExists [DOCUMENT_EXISTS] a document with this id is there already");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    assert_snapshot!(told(&app.get("nothing").await.unwrap_err()), @"NotFound [DOCUMENT_NOT_FOUND] there is no such document");
    assert_snapshot!(told(&app.get("No!").await.unwrap_err()), @"InvalidArgument [document_id] document_id must be 3 to 80 lower-case letters, digits or dashes");
    assert_snapshot!(told(&app.delete("nothing").await.unwrap_err()), @"NotFound [DOCUMENT_NOT_FOUND] there is no such document");
    assert_snapshot!(told(&app.delete("").await.unwrap_err()), @"InvalidArgument [document_id] document_id must be 3 to 80 lower-case letters, digits or dashes");
}

#[tokio::test]
async fn a_removed_document_leaves_nothing_behind() {
    let app = TestApp::start().await;
    app.create_ready(&[document("refunds", "Refunds", "Money back within 30 days.")])
        .await;
    assert_eq!(app.ask("money back refunds").await.passages.len(), 1);
    app.delete("refunds").await.unwrap();
    assert_eq!(app.ask("money back refunds").await.passages.len(), 0);
    assert_snapshot!(told(&app.delete("refunds").await.unwrap_err()), @"NotFound [DOCUMENT_NOT_FOUND] there is no such document");
    let again = app
        .create(document("refunds", "Refunds", "Other text."))
        .await
        .unwrap();
    assert!(!again.etag.is_empty());
}

#[tokio::test]
async fn pages_hold_every_document_once() {
    let app = TestApp::start().await;
    for number in 0..5 {
        let mut document = document(&format!("doc-{number}"), "Title", "Text.");
        document.collection = if number == 4 {
            "other".into()
        } else {
            "help".into()
        };
        app.create(document).await.unwrap();
    }
    let mut request = ListDocumentsRequest {
        collection: "help".into(),
        page_size: 3,
        ..ListDocumentsRequest::default()
    };
    let first = app.list(request.clone()).await.unwrap();
    assert!(
        first
            .documents
            .iter()
            .all(|document| document.content.is_empty())
    );
    request.page_token = first.next_page_token.clone();
    let last = app.list(request.clone()).await.unwrap();
    assert_eq!(last.next_page_token, "");
    let ids = first.documents.iter().chain(&last.documents);
    let ids: Vec<_> = ids.map(|document| document.document_id.as_str()).collect();
    assert_eq!(ids, ["doc-0", "doc-1", "doc-2", "doc-3"]);
    let all = app.list(ListDocumentsRequest::default()).await.unwrap();
    let ids: BTreeSet<_> = all
        .documents
        .into_iter()
        .map(|document| document.document_id)
        .collect();
    assert_eq!(ids.len(), 5);

    request.collection = "other".into();
    request.page_size = 101;
    assert_snapshot!(told(&app.list(request.clone()).await.unwrap_err()), @"InvalidArgument [page_size, page_token] page_size must be 0 to 100; page_token must be a next_page_token of the list of this collection and these labels");
    request.page_token = "nonsense".into();
    request.collection = "x".into();
    assert_snapshot!(told(&app.list(request).await.unwrap_err()), @"InvalidArgument [collection, page_size, page_token] collection must be 3 to 80 lower-case letters, digits or dashes; page_size must be 0 to 100; page_token must be a next_page_token of this list");
}

#[tokio::test]
async fn documents_are_listed_by_their_labels() {
    let app = TestApp::start().await;
    for (id, labels) in [("doc-0", "a b"), ("doc-1", "b"), ("doc-2", "b c a")] {
        let labels = labels.split(' ').map(ToOwned::to_owned).collect();
        let document = Document {
            labels,
            ..document(id, "Title", "Text.")
        };
        app.create(document).await.unwrap();
    }
    let mut request = ListDocumentsRequest {
        labels: vec!["a".into(), "b".into()],
        page_size: 1,
        ..ListDocumentsRequest::default()
    };
    let first = app.list(request.clone()).await.unwrap();
    request.page_token = first.next_page_token;
    let last = app.list(request.clone()).await.unwrap();
    assert_eq!(last.next_page_token, "");
    let ids = [first.documents, last.documents].concat();
    let ids: Vec<_> = ids.iter().map(|document| &document.document_id).collect();
    assert_eq!(ids, ["doc-0", "doc-2"]);
    request.labels.pop();
    assert_snapshot!(told(&app.list(request.clone()).await.unwrap_err()), @"InvalidArgument [page_token] page_token must be a next_page_token of the list of this collection and these labels");
    request.labels = vec!["a".repeat(41)];
    assert_snapshot!(told(&app.list(request).await.unwrap_err()), @"InvalidArgument [labels, page_token] labels must be at most 20 labels of 1 to 40 characters, without control characters; page_token must be a next_page_token of the list of this collection and these labels");
}
