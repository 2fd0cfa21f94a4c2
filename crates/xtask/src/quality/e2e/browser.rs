//! What a customer does on the page, in a real browser.

use std::process::Command;

use anyhow::Context;

use super::system::System;
use crate::process::run_visibly;

/// Makes these journeys, or all that go with the usual settings. The script finds the system by its
/// state, and the browser and psql by their paths.
pub(super) fn drive(system: &System, journeys: &[&str]) -> anyhow::Result<()> {
    let chromium =
        system.installed.chromium.as_ref().context(
            "there is no Chromium: sudo apt-get install --no-install-recommends chromium",
        )?;
    run_visibly(
        Command::new("npm")
            .args(["run", "--silent", "e2e", "--"])
            .args(journeys)
            .current_dir(system.project.web_dir())
            .env("INSTA_STATE", system.project.dev_dir().join("state.json"))
            .env("CHROMIUM", chromium)
            .env("PSQL", system.installed.postgres.join("bin/psql")),
    )
}
