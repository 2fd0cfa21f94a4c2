//! `check`: everything that can be judged without running the project.

use std::path::Path;
use std::process::Command;

use super::generate;
use super::step::{Steps, timed};
use crate::process::{cargo, run_visibly};
use crate::project::Project;

/// Format, lints, contracts, types, generated files.
pub fn check(project: &Project) -> anyhow::Result<()> {
    timed(|steps| run_checks(project, steps))
}

pub(super) fn run_checks(project: &Project, steps: &mut Steps) -> anyhow::Result<()> {
    let root = project.root();
    steps.run("format", || {
        run_visibly(cargo(root).args(["fmt", "--all", "--check"]))
    })?;
    steps.run("contracts", || contracts(project))?;
    steps.run("generated files", || generate::check(project))?;
    steps.run("page: lint and types", || {
        npm(project, "lint")?;
        npm(project, "types")
    })?;
    steps.run("clippy", || clippy(root))
}

/// With the `livekit` crate too, which cannot be linked from the registries alone. Its build script
/// skips its download when it is told that documentation is being made.
fn clippy(root: &Path) -> anyhow::Result<()> {
    run_visibly(
        cargo(root)
            .args(["clippy", "--workspace", "--all-targets", "--quiet"])
            .args(["--features", "livekit-rtc/livekit-crate"])
            .args(["--", "--deny", "warnings"])
            .env("DOCS_RS", "1"),
    )
}

fn contracts(project: &Project) -> anyhow::Result<()> {
    let buf = |args: &[&str]| {
        run_visibly(
            Command::new(generate::buf(project))
                .args(args)
                .current_dir(project.root()),
        )
    };
    buf(&["lint"])?;
    buf(&["breaking", "--against", generate::BASELINE])
}

pub(super) fn npm(project: &Project, script: &str) -> anyhow::Result<()> {
    run_visibly(
        Command::new("npm")
            .args(["run", "--silent", script])
            .current_dir(project.web_dir()),
    )
}
