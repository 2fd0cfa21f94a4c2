//! A help centre is imported while parts are killed: in the end all of it is there, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::faults::kill;
use super::shown;
use super::system::{Running, System, until};

const FILES: usize = 1_000;
const COLLECTION: &str = "journey-imports";
const LIST_COLLECTIONS: &str = "insta.knowledge.v1.KnowledgeService/ListCollections";
const LIST_DOCUMENTS: &str = "insta.knowledge.v1.KnowledgeService/ListDocuments";
const DELETE_DOCUMENT: &str = "insta.knowledge.v1.KnowledgeService/DeleteDocument";
/// What a thousand vectors take on a slow machine, with room.
const VECTORS: Duration = Duration::from_secs(240);

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let folder = system.project.dev_dir().join("e2e").join("import");
    let imported = write(&folder, FILES).and_then(|()| survives(system, &folder));
    let back = system.up(&[]);
    let removed = back.and_then(|()| remove(system, &folder));
    imported.and(removed)?;
    shown("an import of a thousand files goes on when its service and the database are killed");
    Ok(())
}

fn survives(system: &System, folder: &Path) -> anyhow::Result<()> {
    let import = Running::start(&mut import(system, folder)?)?;
    until_there_are(system, FILES / 10)?;
    kill(system, "knowledge-svc")?;
    system.up(&[])?;
    until_there_are(system, FILES / 2)?;
    kill(system, "postgres")?;
    system.up(&[])?;
    let report = import.finish()?;
    let added = report.lines().find_map(|line| line.strip_prefix("added"));
    ensure!(
        added.is_some_and(|count| count.trim() == FILES.to_string()),
        "what the import reports: {report}"
    );

    // The worker that makes vectors is a part of the service.
    kill(system, "knowledge-svc")?;
    system.up(&[])?;
    let all = until("all vectors", VECTORS, || {
        let collection = collection(system)?;
        Ok((number(&collection, "pendingPassages") == 0).then_some(collection))
    })?;
    for (what, count) in [
        ("documents", FILES),
        ("passages", FILES),
        ("failedPassages", 0),
    ] {
        ensure!(
            number(&all, what) == count,
            "{what} should be {count}: {all}"
        );
    }
    Ok(())
}

/// Leaves nothing of the import: all files but one are gone from the folder, and so are their documents.
fn remove(system: &System, folder: &Path) -> anyhow::Result<()> {
    write(folder, 1)?;
    Running::start(&mut import(system, folder)?)?.finish()?;
    fs::remove_dir_all(folder)?;
    let token = system.token(&["--client", "integration"])?;
    let left = system.must(&token, LIST_DOCUMENTS, &json!({"collection": COLLECTION}))?;
    let left = left["documents"].as_array().cloned().unwrap_or_default();
    ensure!(left.len() <= 1, "documents without a file: {left:?}");
    for document in left {
        let document = json!({"document_id": document["documentId"]});
        system.must(&token, DELETE_DOCUMENT, &document)?;
    }
    Ok(())
}

/// The folder with so many files.
fn write(folder: &Path, files: usize) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for number in 0..files {
        let text =
            format!("# Machine {number}\n\nThe manual of machine {number} hangs beside it.\n");
        fs::write(folder.join(format!("machine-{number}.md")), text)?;
    }
    Ok(())
}

/// The command as people give it.
fn import(system: &System, folder: &Path) -> anyhow::Result<Command> {
    let program: PathBuf = system.project.programs_dir().join("knowledge-svc");
    let client = &system.state.clients["integration"];
    let mut command = Command::new(program);
    command
        .arg("import")
        .arg(folder)
        .args(["--collection", COLLECTION, "--no-wait"])
        .env("KNOWLEDGE_URL", &system.state.services["knowledge"].grpc)
        .env("AUTH_URL", &system.state.services["auth"].grpc)
        .env("CLIENT_ID", &client.client_id)
        .env("CLIENT_SECRET", &client.client_secret);
    Ok(command)
}

fn until_there_are(system: &System, documents: usize) -> anyhow::Result<()> {
    until("so many documents", Duration::from_secs(60), || {
        let collection = collection(system)?;
        Ok((number(&collection, "documents") >= documents).then_some(()))
    })
}

/// What is told of the collection, if there is anything in it.
fn collection(system: &System) -> anyhow::Result<Value> {
    let token = system.token(&["--client", "integration"])?;
    let all = system.must(&token, LIST_COLLECTIONS, &json!({}))?;
    let all = all["collections"].as_array().cloned().unwrap_or_default();
    let ours = all.into_iter().find(|one| one["collection"] == COLLECTION);
    Ok(ours.unwrap_or_default())
}

/// A count; grpcurl writes it as a string, and leaves a zero out.
fn number(collection: &Value, what: &str) -> usize {
    let text = collection[what].as_str().unwrap_or("0");
    text.parse().unwrap_or_default()
}
