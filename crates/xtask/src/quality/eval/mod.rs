//! `eval`: how good the models are at what they are there for, against floors. Each evaluation is an
//! example program of the crate it judges, so that these commands link no models themselves.

mod speech;

use std::process::Command;

use crate::process::{cargo, run_visibly};
use crate::project::Project;
use crate::setup::{self, Installed};

/// What to judge.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Evaluation {
    /// How well speech is understood: word error rates of people and of synthesised voices, in noise and
    /// over the telephone; and whether sounds without words stay without words. Takes minutes.
    Speech {
        /// Take a small part, in seconds.
        #[arg(long)]
        sample: bool,
    },
}

/// Judges, prints what was found, and fails where it is below a floor.
pub fn eval(project: &Project, evaluation: Evaluation) -> anyhow::Result<()> {
    let installed = setup::run(project)?;
    evaluate(project, &installed, evaluation)
}

pub(super) fn evaluate(
    project: &Project,
    installed: &Installed,
    evaluation: Evaluation,
) -> anyhow::Result<()> {
    match evaluation {
        Evaluation::Speech { sample } => speech::judge(project, installed, sample),
    }
}

/// An example program of the project, with the models at hand.
fn example(project: &Project, installed: &Installed, name: &str) -> Command {
    let mut command = cargo(project.root());
    command
        .args(["run", "--quiet", "--example", name, "--"])
        .env("MODELS_DIR", &installed.models);
    command
}

fn run(mut command: Command) -> anyhow::Result<()> {
    run_visibly(&mut command)
}
