//! `knowledge-svc import` and `knowledge-svc search`, as they are typed.

use std::{fs, path::Path};

use insta::assert_snapshot;
use service_kit::Scope;
use test_kit::Identity;
use tokio::process::Command;

use crate::app::TestApp;

/// Runs the program, and shows how it ended and what it printed.
async fn run(app: &TestApp, scopes: &[Scope], args: &[&str]) -> String {
    let token = app.identity.token(&Identity::service(scopes));
    let output = Command::new(env!("CARGO_BIN_EXE_knowledge-svc"))
        .args(args)
        .env_clear()
        .env("KNOWLEDGE_URL", app.service.url.to_string())
        .env("SERVICE_TOKEN", token)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

const WRITER: [Scope; 2] = [Scope::KnowledgeRead, Scope::KnowledgeWrite];

async fn import(app: &TestApp, folder: &Path, more: &[&str]) -> String {
    let folder = folder.to_str().unwrap();
    let args = ["import", folder, "--collection", "help"];
    run(app, &WRITER, &[&args, more].concat()).await
}

#[tokio::test]
async fn a_folder_is_imported_again_and_again_and_then_searched() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    fs::create_dir(folder.path().join("billing")).unwrap();
    write(
        "billing/refunds.md",
        b"---\ntitle: Refunds\n---\nYou get your money back within 30 days.",
    );
    write(
        "webhooks.md",
        b"# Webhooks\nA webhook tells your program of changes.",
    );
    write("broken.md", b"\xff\xfe\x00");
    write(".hidden.md", b"# Hidden");
    assert_snapshot!(import(&app, folder.path(), &[]).await, @r"
    exit status: 1
    added          2
    changed        0
    unchanged      0
    removed        0
    failed         1
      broken.md: The file is written in UTF-16; save it as UTF-8.
    error: not every file was imported
    ");

    write(
        "webhooks.md",
        b"# Webhooks\nA webhook tells your program of each change.",
    );
    fs::remove_file(folder.path().join("broken.md")).unwrap();
    fs::remove_dir_all(folder.path().join("billing")).unwrap();
    assert_snapshot!(import(&app, folder.path(), &["--keep-missing"]).await, @r"
    exit status: 0
    added          0
    changed        1
    unchanged      0
    removed        0
    failed         0
    ");
    let search = [
        "search",
        "money back",
        "--collection",
        "help",
        "--limit",
        "1",
    ];
    assert_snapshot!(run(&app, &WRITER, &search).await, @r"
    exit status: 0
    1. Refunds (billing-refunds)
       score 1.054, confidence 1.00, by meaning 1 (similarity 0.472), 100 % of the words, by text 1
       You get your money back within 30 days.
       | You get your money back within 30 days.

    Vectors of test-model.
    ");

    assert_snapshot!(import(&app, folder.path(), &["--no-wait"]).await, @r"
    exit status: 0
    added          0
    changed        0
    unchanged      1
    removed        1
    failed         0
    ");
    assert_snapshot!(run(&app, &WRITER, &search).await, @r"
    exit status: 0
    Nothing answers this.

    Vectors of test-model.
    ");
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let without_path = |said: String| said.replace(&path, "[folder]");
    assert_snapshot!(without_path(import(&app, folder.path(), &[]).await), @r"
    exit status: 1
    error: [folder] holds no file that can be imported
    ");
    let missing = folder.path().join("missing");
    assert_snapshot!(without_path(import(&app, &missing, &[]).await), @r"
    exit status: 1
    error: cannot read [folder]/missing: No such file or directory (os error 2)
    ");

    fs::write(folder.path().join("a.md"), "# A\nText.").unwrap();
    let args = ["import", &path, "--collection", "Help!"];
    assert_snapshot!(run(&app, &WRITER, &args).await, @r"
    exit status: 1
    error: nothing was imported: start.collection must be 3 to 80 lower-case letters, digits or dashes
    ");
    let args = ["import", &path, "--collection", "help"];
    assert_snapshot!(run(&app, &[Scope::KnowledgeRead], &args).await, @r"
    exit status: 1
    error: nothing was imported: this token does not allow this call
    ");
    assert_snapshot!(run(&app, &WRITER, &["search", "", "--label", "A label"]).await, @r"
    exit status: 1
    error: query must have 1 to 1000 characters, has 0
    ");
    assert_snapshot!(run(&app, &WRITER, &["search", "refunds", "--limit", "0"]).await, @r"
    exit status: 2
    error: invalid value '0' for '--limit <LIMIT>': 0 is not in 1..=20

    For more information, try '--help'.
    ");
}
