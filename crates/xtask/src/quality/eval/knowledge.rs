//! Runs the evaluation of searches.

use std::process::Command;

use super::{example, run};
use crate::process::cargo;
use crate::project::Project;
use crate::setup::{self, Installed};

/// What is judged, and what is shown of it.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Options {
    /// The demo articles alone, in seconds.
    #[arg(long)]
    pub sample: bool,

    /// Say which questions of the development half went wrong.
    #[arg(long)]
    pub wrong: bool,
}

pub(super) fn judge(
    project: &Project,
    installed: &Installed,
    options: Options,
) -> anyhow::Result<()> {
    let mut command = program(project, installed);
    command
        .args(options.sample.then_some("--sample"))
        .args(options.wrong.then_some("--wrong"));
    if !options.sample {
        command.env("MANUAL_DIR", setup::manual()?);
    }
    run(command)
}

/// Measures how quick searches or imports are, with a program built as `is_release` says.
pub fn bench(
    project: &Project,
    installed: &Installed,
    subject: &str,
    is_sample: bool,
    is_release: bool,
) -> anyhow::Result<()> {
    let mut command = cargo(project.root());
    command
        .args(["run", "--quiet", "--example", "eval_knowledge"])
        .args(is_release.then_some("--release"))
        .args(["--", "--bench", subject])
        .args(is_sample.then_some("--sample"))
        .env("MODELS_DIR", &installed.models);
    surroundings(&mut command, project, installed);
    if !is_sample {
        command.env("MANUAL_DIR", setup::manual()?);
    }
    run(command)
}

/// Has the questions asked aloud, and keeps what is heard.
pub fn hear(project: &Project) -> anyhow::Result<()> {
    let installed = setup::run(project)?;
    let mut command = program(project, &installed);
    command.arg("--hear");
    run(command)
}

fn program(project: &Project, installed: &Installed) -> Command {
    let mut command = example(project, installed, "eval_knowledge");
    surroundings(&mut command, project, installed);
    command
}

fn surroundings(command: &mut Command, project: &Project, installed: &Installed) {
    command
        .env("TEST_POSTGRES_DIR", &installed.postgres)
        // Nine thousand passages take minutes to embed, once.
        .env("VECTORS_FILE", project.dev_dir().join("vectors.bin"));
}
