//! `e2e`: the whole system, used as people use it: with a browser, by telephone, with grpcurl.

mod browser;
mod faults;
mod identity;
mod imports;
mod integration;
mod operators;
mod replacements;
mod system;
mod turns;

use std::future::Future;

use super::{bench, eval};
use crate::project::Project;
use crate::run::{self, Options as UpOptions};
use crate::supervisor::Supervisor;
pub(super) use system::System;

/// Which journeys are made.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Only the faults, and those of every part: each is killed during a call. Takes minutes.
    #[arg(long)]
    pub faults: bool,
}

/// Makes the journeys.
pub fn e2e(project: &Project, options: &Options) -> anyhow::Result<()> {
    with_system(project, |system| journeys(system, options))
}

/// Brings the system up for as long as it is used, and stops what was not running before.
pub(super) fn with_system(
    project: &Project,
    used: impl FnOnce(&System) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let ran_before = Supervisor::find(project).is_some();
    let up = run::up(project, &UpOptions::default());
    let result = up.and_then(|_| used(&System::of(project)?));
    if !ran_before {
        block_on(run::down(project))?;
    }
    result
}

fn journeys(system: &System, options: &Options) -> anyhow::Result<()> {
    if options.faults {
        return faults::every(system);
    }
    browser::drive(system, &[])?;
    identity::show(system)?;
    operators::show(system)?;
    integration::show(system)?;
    imports::show(system)?;
    faults::sample(system)?;
    eval::dialogue_sample(system.project)?;
    shown("a few questions to the assistant");
    bench::calls_sample(system)?;
    turns::show(system)?;
    replacements::show(system)
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

/// Says on stdout what has been shown.
fn shown(what: &str) {
    println!("{what}");
}
