//! Building what runs: our programs, and the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::Context;

use crate::process::{cargo, run, run_visibly};
use crate::project::Project;

const WEB_LIMIT: Duration = Duration::from_secs(5 * 60);
/// What the page is made of, in `web/`.
const WEB_SOURCES: [&str; 6] = [
    "index.html",
    "package-lock.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];

/// Builds our programs. cargo prints for itself, on stderr.
pub fn programs(project: &Project) -> anyhow::Result<()> {
    run_visibly(
        cargo(project.root())
            .args(["build", "--workspace", "--bins"])
            .stdin(Stdio::null()),
    )
}

/// Builds the page unless it is newer than everything it is made of.
pub fn web(project: &Project) -> anyhow::Result<()> {
    let web = project.web_dir();
    let built = modified(&web.join("dist/index.html"));
    let changed = WEB_SOURCES
        .iter()
        .filter_map(|source| newest(&web.join(source)))
        .max();
    if built.is_some() && built >= changed {
        return Ok(());
    }
    eprintln!("Building the page");
    run(
        Command::new("npm")
            .args(["run", "--silent", "build"])
            .current_dir(&web),
        WEB_LIMIT,
    )
    .map(drop)
    .context("the page cannot be built")
}

fn newest(path: &PathBuf) -> Option<SystemTime> {
    let below = fs::read_dir(path).into_iter().flatten().flatten();
    below
        .filter_map(|entry| newest(&entry.path()))
        .chain(modified(path))
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
