//! Importing many documents.

use insta::assert_snapshot;
use proto::insta::knowledge::v1::{EmbeddingState::Ready, import_documents_request::Part, *};
use service_kit::Tier;
use test_kit::told;

use crate::app::{TestApp, document, file, shown, start};

fn removing() -> ImportStart {
    ImportStart {
        remove_missing: true,
        ..start()
    }
}

#[tokio::test]
async fn files_become_documents_and_what_did_not_change_costs_nothing() {
    let app = TestApp::start().await;
    let refunds = "---\ntitle: Refunds\nlabels: [billing]\nvisibility: pro\n---\n# Refunds\nMoney back within 30 days.";
    let page =
        "<html lang=de><title>Preise</title><nav>Start</nav><main><p>Pro kostet 9 Euro.</main>";
    let files = || {
        vec![
            file("billing/refunds.md", refunds),
            file("prices.html", page),
            file("notes.txt", "Plain words."),
        ]
    };
    let first = app.import(removing(), files()).await.unwrap();
    assert_snapshot!(shown(&first), @r"
    billing/refunds.md: added: billing-refunds
    prices.html: added: prices
    notes.txt: added: notes
    ");
    for id in ["billing-refunds", "prices", "notes"] {
        app.until(id, Ready).await;
    }
    let stored = app.get("billing-refunds").await.unwrap();
    assert_eq!(
        (stored.title.as_str(), stored.source.as_str()),
        ("Refunds", "billing/refunds.md")
    );
    assert_eq!(stored.content, "# Refunds\nMoney back within 30 days.");
    assert_eq!(
        (stored.visibility(), stored.labels.join(",")),
        (Visibility::Pro, "billing".into())
    );
    let stored = app.get("prices").await.unwrap();
    assert_eq!(
        (stored.title.as_str(), stored.language.as_str()),
        ("Preise", "de")
    );
    assert_eq!(stored.content_type(), ContentType::Html);
    assert_eq!(
        app.ask_as(Tier::Pro, "money back").await[0].document_id,
        "billing-refunds"
    );

    let embedded = app.embedder.texts().len();
    let etag = app.get("notes").await.unwrap().etag;
    let again = app.import(removing(), files()).await.unwrap();
    assert!(
        again
            .iter()
            .all(|result| result.outcome() == ImportOutcome::Unchanged)
    );
    assert_eq!(app.get("notes").await.unwrap().etag, etag);

    let longer = format!("{refunds}\n# Later\nPayments after that are kept.");
    let files = vec![file("billing/refunds.md", &longer), file("new.md", "New.")];
    let third = app.import(removing(), files).await.unwrap();
    assert_snapshot!(shown(&third), @r"
    billing/refunds.md: changed: billing-refunds
    new.md: added: new
    notes.txt: removed: notes
    prices.html: removed: prices
    ");
    app.until("billing-refunds", Ready).await;
    app.until("new", Ready).await;
    let texts = app.embedder.texts();
    let mut texts: Vec<_> = texts[embedded..]
        .iter()
        .map(|text| text.lines().last().unwrap())
        .collect();
    texts.sort_unstable();
    assert_eq!(
        texts[..2],
        ["New.", "Payments after that are kept."],
        "only what is new is embedded"
    );
}

#[tokio::test]
async fn a_broken_file_is_told_and_keeps_no_other_back() {
    let app = TestApp::start().await;
    app.import(start(), vec![file("a-doc.md", "The first version.")])
        .await
        .unwrap();
    let files = vec![
        file("a-doc.md", "---\ntitle: [\n---\nThe second version."),
        file("b-doc.md", "Good."),
    ];
    let results = app.import(removing(), files).await.unwrap();
    assert_snapshot!(shown(&results), @r"
    a-doc.md: failed: The file has front matter that cannot be read, see line 2.
    b-doc.md: added: b-doc
    ");
    assert_eq!(
        app.get("a-doc").await.unwrap().content,
        "The first version.",
        "kept as it was"
    );
}

#[tokio::test]
async fn bad_input_of_every_kind_is_told_or_read_rightly() {
    let app = TestApp::start().await;
    app.create(document("taken", "Other", "Other text."))
        .await
        .unwrap();
    let mut elsewhere = document("elsewhere", "Other", "Other text.");
    elsewhere.collection = "partners".into();
    app.create(elsewhere).await.unwrap();
    let bytes = |path: &str, content: &[u8]| ImportFile {
        path: path.into(),
        content: content.to_vec(),
        ..ImportFile::default()
    };
    let of_type = |content_type: i32| ImportFile {
        content_type,
        ..file("no-ending", "Text.")
    };
    let script = "<p>Text.</p><script>document.write('<p>evil</p>')</script>";
    let results = app
        .import(
            start(),
            vec![
                file("large.md", &"x ".repeat(1_000_000)),
                bytes("picture.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
                file("picture.png", "x"),
                bytes("latin.md", b"R\xfcckgabe"),
                bytes("wide.txt", b"\xff\xfeT\0e\0"),
                file("nul.md", "a\0b"),
                file(
                    "front.md",
                    "---\ntitle: Refunds\nText without an end of the front matter.",
                ),
                file("empty.md", ""),
                file("blank.html", "<html><body><nav>Home</nav></body></html>"),
                file("headings.md", &"# a\nb\n".repeat(10_000)),
                file(
                    "many-headings.md",
                    &format!("{}Text.", "# a\n".repeat(10_000)),
                ),
                file("script.html", script),
                file("one.md", "---\nid: same-id\n---\nText."),
                file("two.md", "---\nid: same-id\n---\nText."),
                file("one.md", "---\nid: same-id\n---\nText."),
                file("taken.md", "Text."),
                file("elsewhere.md", "Text."),
                file("klingon.md", "---\nlanguage: klingon\n---\nText."),
                file("tlh.md", "---\nlanguage: tlh\n---\nQapla."),
                file("gold.md", "---\nvisibility: gold\n---\nText."),
                file("../up.md", "Text."),
                of_type(0),
                of_type(9),
                of_type(ContentType::PlainText.into()),
            ],
        )
        .await
        .unwrap();
    assert_snapshot!(shown(&results), @r"
    large.md: failed: The file must have 1 to 1048576 bytes, has 2000000.
    picture.md: failed: The file is no text: byte 9 is NUL.
    picture.png: failed: The file is of no kind that can be read: .md, .markdown, .html, .htm, .xhtml, .txt or .text.
    latin.md: failed: The file is not written in UTF-8, see line 1; save it as UTF-8.
    wide.txt: failed: The file is written in UTF-16; save it as UTF-8.
    nul.md: failed: The file is no text: byte 2 is NUL.
    front.md: failed: The file begins with front matter that no line of --- ends.
    empty.md: failed: The file is empty.
    blank.html: failed: The file must hold some text besides headings, pictures and markup.
    headings.md: failed: The file makes 10000 passages, and at most 2000 are kept: split the document.
    many-headings.md: added: many-headings
    script.html: added: script
    one.md: added: same-id
    two.md: failed: The id same-id is that of one.md; give one of the files another id in its front matter.
    one.md: failed: The file one.md came twice.
    taken.md: changed: taken
    elsewhere.md: failed: The id elsewhere belongs to a document of the collection partners; give the file another id in its front matter.
    klingon.md: failed: The file has a language that must be a BCP 47 tag such as en or pt-BR.
    tlh.md: added: tlh
    gold.md: failed: The file has a visibility that must be free, pro or enterprise.
    ../up.md: failed: The path must be a relative path of 1 to 500 bytes with / between its parts, without . and .. and control characters.
    no-ending: failed: The file is of no kind that can be read: .md, .markdown, .html, .htm, .xhtml, .txt or .text.
    no-ending: failed: The content_type must be CONTENT_TYPE_MARKDOWN, CONTENT_TYPE_HTML or CONTENT_TYPE_PLAIN_TEXT.
    no-ending: added: no-ending
    ");
    let read = app.ask_as(Tier::Free, "Text.").await;
    assert!(
        read.iter().all(|passage| !passage.text.contains("evil")),
        "{read:?}"
    );
}

#[tokio::test]
async fn a_retry_with_the_same_request_id_tells_the_same_and_writes_once() {
    let app = TestApp::start().await;
    let named = ImportStart {
        request_id: "018f4e9c-7e5b-7c3a-9d27-5d0c1a2b3c4d".into(),
        ..removing()
    };
    app.import(start(), vec![file("old.md", "The first version.")])
        .await
        .unwrap();
    let files = || {
        vec![
            file("old.md", "The second version."),
            file("new.md", "New."),
        ]
    };
    // The first attempt breaks off after the first file.
    let first = app
        .import(named.clone(), files()[..1].to_vec())
        .await
        .unwrap();
    let etag = app.get("old").await.unwrap().etag;
    let retry = app.import(named.clone(), files()).await.unwrap();
    assert_eq!(first[0], retry[0]);
    assert_snapshot!(shown(&retry), @r"
    old.md: changed: old
    new.md: added: new
    ");
    assert_eq!(app.get("old").await.unwrap().etag, etag, "written once");
    let other = app
        .import(named.clone(), vec![file("old.md", "The third version.")])
        .await
        .unwrap();
    assert_snapshot!(shown(&other), @r"
    old.md: failed: Another file came by this path under the same request_id.
    new.md: removed: new
    ");
    assert_eq!(app.get("old").await.unwrap().content, "The second version.");
}

#[tokio::test]
async fn a_document_that_was_changed_otherwise_becomes_its_file_again() {
    let app = TestApp::start().await;
    let files = || vec![file("refunds.md", "Within 30 days.")];
    app.import(start(), files()).await.unwrap();
    app.update(document("refunds", "", "Never."), &["content"])
        .await
        .unwrap();
    let again = app.import(start(), files()).await.unwrap();
    assert_eq!(again[0].outcome(), ImportOutcome::Changed);
    assert_eq!(app.get("refunds").await.unwrap().content, "Within 30 days.");
}

#[tokio::test]
async fn only_what_was_imported_is_ever_removed() {
    let app = TestApp::start().await;
    app.create(document("by-hand", "By hand", "Text."))
        .await
        .unwrap();
    app.import(
        start(),
        vec![
            file("gone.md", "Text."),
            file("moved.md", "---\nid: stays\n---\nText."),
        ],
    )
    .await
    .unwrap();
    let keeping = app
        .import(start(), vec![file("new.md", "Text.")])
        .await
        .unwrap();
    assert_eq!(keeping.len(), 1, "nothing is removed unless asked for");
    let results = app
        .import(
            removing(),
            vec![file("here/moved.md", "---\nid: stays\n---\nText.")],
        )
        .await
        .unwrap();
    assert_snapshot!(shown(&results), @r"
    here/moved.md: unchanged: stays
    gone.md: removed: gone
    new.md: removed: new
    ");
    assert_eq!(app.get("stays").await.unwrap().source, "here/moved.md");
    assert!(app.get("by-hand").await.is_ok());
}

#[tokio::test]
async fn wrong_beginnings_are_told() {
    let app = TestApp::start().await;
    let wrong = ImportStart {
        collection: "No!".into(),
        request_id: "x".into(),
        remove_missing: false,
    };
    assert_snapshot!(told(&app.import(wrong, Vec::new()).await.unwrap_err()), @"InvalidArgument [start.collection, start.request_id] start.collection must be 3 to 80 lower-case letters, digits or dashes; start.request_id must be a UUID, or empty");
    assert_snapshot!(told(&app.send(vec![Part::File(file("a.md", "Text."))]).await.unwrap_err()), @"InvalidArgument [start] start must be the first message");
    assert_snapshot!(told(&app.send(Vec::new()).await.unwrap_err()), @"InvalidArgument [start] start must be the first message");
    let twice = vec![Part::Start(start()), Part::Start(start())];
    assert_snapshot!(told(&app.send(twice).await.unwrap_err()), @"InvalidArgument [file] file must be every message after the first");
    assert_eq!(app.import(start(), Vec::new()).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_during_an_import_never_fail_and_see_whole_documents() {
    let app = std::sync::Arc::new(TestApp::start().await);
    let version = |word: &str| {
        let content: String = (0..6)
            .map(|n| format!("# Part {n}\nLantern {word} number {n}.\n"))
            .collect();
        (0..10)
            .map(|n| file(&format!("lantern-{n}.md"), &content))
            .collect::<Vec<_>>()
    };
    app.import(start(), version("red")).await.unwrap();
    let writer = tokio::spawn({
        let app = app.clone();
        let versions = [version("green"), version("red"), version("green")];
        async move {
            for files in versions {
                app.import(removing(), files).await.unwrap();
            }
        }
    });
    while !writer.is_finished() {
        let request = SearchRequest {
            query: "lantern number 3".into(),
            page_size: 20,
            ..SearchRequest::default()
        };
        let found = app.search(request).await.unwrap().passages;
        assert!(!found.is_empty());
        for passage in &found {
            let of_same = found
                .iter()
                .filter(|other| other.document_id == passage.document_id);
            let words: std::collections::BTreeSet<_> = of_same
                .map(|passage| passage.text.split(' ').nth(1).unwrap())
                .collect();
            assert_eq!(words.len(), 1, "{words:?} of {}", passage.document_id);
        }
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_at_once_leave_every_document_once() {
    let app = TestApp::start().await;
    let files = || {
        (0..30)
            .map(|n| file(&format!("doc-{n}.md"), &format!("Text {n}.")))
            .collect::<Vec<_>>()
    };
    let (one, other) = tokio::join!(app.import(start(), files()), app.import(start(), files()));
    for results in [one.unwrap(), other.unwrap()] {
        assert!(
            results.iter().all(|result| result.failure.is_empty()),
            "{}",
            shown(&results)
        );
    }
    let listed = app
        .list(ListDocumentsRequest {
            page_size: 100,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(listed.documents.len(), 30);
    for document in listed.documents {
        app.until(&document.document_id, Ready).await;
    }
}
