//! `migrate`: new migrations are run on the database that is up.

use anyhow::Context as _;

use super::database;
use crate::endpoints::Endpoints;
use crate::parts::Context;
use crate::ports::Ports;
use crate::process::run_visibly;
use crate::project::Project;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::setup;
use crate::supervisor::{Supervisor, this_program};

/// Runs the migrations that have not run yet.
///
/// # Errors
///
/// The database is ours and not up, or a migration fails.
pub async fn migrate(project: &Project) -> anyhow::Result<()> {
    let settings = Settings::load(project)?;
    let secrets = Secrets::load(project)?;
    let supervisor =
        Supervisor::find(project).context("nothing runs here: start it with `cargo xtask up`")?;
    let ports = Ports::at(supervisor.status().await?.base_port);
    let endpoints = Endpoints::new(ports, &settings, &secrets)?;
    let context = Context {
        project,
        installed: &setup::locate()?,
        endpoints: &endpoints,
        settings: &settings,
        secrets: &secrets,
        xtask: this_program()?,
    };
    run_visibly(&mut database::migrate(&context))
}
