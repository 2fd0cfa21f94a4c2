//! `e2e`: the whole system, driven by a real browser as a person would.

use std::process::Command;

use anyhow::Context;

use crate::process::run_visibly;
use crate::project::Project;
use crate::run::{self, Options};
use crate::setup;
use crate::supervisor::Supervisor;

/// Brings the system up, drives the page, and stops what was not running before.
pub fn e2e(project: &Project) -> anyhow::Result<()> {
    let ran_before = Supervisor::find(project).is_some();
    let result = run::up(project, &Options::default()).and_then(|_| drive(project));
    if !ran_before {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(run::down(project))?;
    }
    result
}

/// The script finds the system by its state, and the browser and the models by their paths.
fn drive(project: &Project) -> anyhow::Result<()> {
    let installed = setup::locate()?;
    let chromium = installed
        .chromium
        .context("there is no Chromium: sudo apt-get install --no-install-recommends chromium")?;
    run_visibly(
        Command::new("npm")
            .args(["run", "--silent", "e2e"])
            .current_dir(project.web_dir())
            .env("INSTA_STATE", project.dev_dir().join("state.json"))
            .env("CHROMIUM", chromium)
            .env("GRPCURL", installed.grpcurl),
    )
}
