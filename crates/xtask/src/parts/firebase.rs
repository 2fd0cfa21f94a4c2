//! Firebase's own Auth emulator. Accounts are kept over restarts.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::part::{Probe, Process, Signal};
use super::plan::{Context, text};
use crate::project::Project;

/// What the tools print when accounts have been read back and the emulator can be used.
const READY: &str = "All emulators ready!";

pub(super) fn process(context: &Context) -> Process {
    let dir = dir(context.project);
    let accounts = text(&dir.join("accounts"));
    let project = &context.endpoints.firebase.project_id;
    let args = [
        &text(&context.installed.firebase),
        "emulators:start",
        "--only",
        "auth",
        "--project",
        project,
        "--import",
        &accounts,
        "--export-on-exit",
        &accounts,
    ];
    Process {
        args: args.map(str::to_owned).into(),
        // Folders of its own: nothing of the user's reaches it, and clones do not see each other's.
        env: [("XDG_CONFIG_HOME", "config"), ("TMPDIR", "tmp")]
            .map(|(name, folder)| (name.to_owned(), text(&dir.join(folder))))
            .into(),
        // On this one it writes the accounts down, which takes a tenth of a second.
        stop: Signal::Interrupt,
        orphaned: Signal::Interrupt,
        ..Process::new("node".into(), &dir)
    }
}

pub(super) fn probe(context: &Context, host: &str) -> Probe {
    Probe::HttpAndLog {
        url: format!("http://{host}/"),
        log: context.project.log("firebase"),
        text: READY.into(),
    }
}

/// Writes the emulator's settings.
pub fn write_config(context: &Context) -> anyhow::Result<()> {
    let ports = context.endpoints.ports;
    let at = |port: u16| json!({"host": "127.0.0.1", "port": port});
    let config = json!({
        "emulators": {
            "auth": at(ports.firebase()),
            "hub": at(ports.firebase_hub()),
            "logging": at(ports.firebase_logging()),
            // Without this the tools would fetch the interface, which is no package.
            "ui": {"enabled": false},
            "singleProjectMode": true,
        },
    });
    let dir = dir(context.project);
    fs::create_dir_all(dir.join("tmp"))
        .and_then(|()| fs::write(dir.join("firebase.json"), config.to_string()))
        .with_context(|| dir.display().to_string())
}

fn dir(project: &Project) -> PathBuf {
    project.dev_dir().join("firebase")
}
