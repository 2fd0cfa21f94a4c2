//! `setup`: brings every outside piece in, once a machine.

mod cache;
mod chromium;
mod clients;
mod fetch;
mod manifest;
mod manual;
mod pieces;
mod progress;
mod tools;
mod web;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

pub use cache::{Cache, create_dir, lock_file, searchable_by_others};
pub use clients::{Clients, clients};
pub use manifest::{Manifest, hex};
pub use manual::manual;
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
    let installed = plan.installed(chromium)?;
    link(&installed.models, &project.dev_dir().join("models"))?;
    Ok(installed)
}

/// Leaves a link to the models in the clone, where local-ai looks for them when it is started alone.
fn link(target: &Path, link: &Path) -> anyhow::Result<()> {
    if fs::read_link(link).is_ok_and(|now| now == target) {
        return Ok(());
    }
    create_dir(link.parent().expect("the link lies in a folder"))?;
    // Made beside it and renamed, so that whoever looks meanwhile finds the old one or the new one.
    let new = link.with_extension("new");
    let _ = fs::remove_file(&new);
    symlink(target, &new)?;
    fs::rename(&new, link).with_context(|| link.display().to_string())
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
