//! `e2e`: the whole system, used as people use it: with a browser, by telephone, with grpcurl.

mod browser;
mod faults;
mod identity;
mod integration;
mod operators;
mod replacements;
mod system;
mod turns;

use std::future::Future;

use super::eval;
use crate::project::Project;
use crate::run::{self, Options as UpOptions};
use crate::supervisor::Supervisor;
use system::System;

/// Which journeys are made.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Only the faults, and those of every part: each is killed during a call. Takes minutes.
    #[arg(long)]
    pub faults: bool,
}

/// Brings the system up, makes the journeys, and stops what was not running before.
pub fn e2e(project: &Project, options: &Options) -> anyhow::Result<()> {
    let ran_before = Supervisor::find(project).is_some();
    let result = run::up(project, &UpOptions::default()).and_then(|_| journeys(project, options));
    if !ran_before {
        block_on(run::down(project))?;
    }
    result
}

fn journeys(project: &Project, options: &Options) -> anyhow::Result<()> {
    let system = System::of(project)?;
    if options.faults {
        return faults::every(&system);
    }
    browser::drive(&system, &[])?;
    identity::show(&system)?;
    operators::show(&system)?;
    integration::show(&system)?;
    faults::sample(&system)?;
    eval::dialogue_sample(project)?;
    shown("a few questions to the assistant");
    turns::show(&system)?;
    replacements::show(&system)
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
