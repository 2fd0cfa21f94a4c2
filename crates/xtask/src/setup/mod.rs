//! `setup`: brings every outside piece in, once a machine.

mod cache;
mod chromium;
mod clients;
mod fetch;
mod manifest;
mod pieces;
mod progress;
mod tools;
mod web;

use std::time::Instant;

pub use cache::{Cache, create_dir, lock_file, searchable_by_others};
pub use clients::{Clients, clients};
pub use manifest::{Manifest, hex};
pub use pieces::Installed;

use crate::project::Project;
use progress::Progress;

/// Brings in whatever is missing, and hands back where everything is.
///
/// # Errors
///
/// Names every missing tool at once; or the piece that could not be brought in.
pub fn run(project: &Project) -> anyhow::Result<Installed> {
    let started = Instant::now();
    let manifest = Manifest::shipped()?;
    let cache = Cache::of_user()?;
    let plan = pieces::Plan::new(&manifest, &cache);
    let missing = plan.missing();
    if !missing.is_empty() || web::is_stale(project)? {
        tools::check(
            manifest
                .tools
                .iter()
                .filter(|tool| plan.needs(tool, &missing)),
        )?;
        let progress = Progress::new(missing.len() + 1);
        plan.install(&missing, &progress)?;
        web::install(project, &progress)?;
        progress.finish();
    }
    let chromium = chromium::install();
    eprintln!(
        "Set up in {:.1} s; pieces are kept in {}",
        started.elapsed().as_secs_f64(),
        cache.root().display()
    );
    plan.installed(chromium)
}

/// Where everything is, without bringing anything in.
///
/// # Errors
///
/// Something is missing.
pub fn locate() -> anyhow::Result<Installed> {
    let manifest = Manifest::shipped()?;
    pieces::Plan::new(&manifest, &Cache::of_user()?).installed(chromium::find())
}
