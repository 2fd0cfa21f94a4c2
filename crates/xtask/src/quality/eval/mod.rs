//! `eval`: how good the models, and what is built on them, are at what they are there for, against
//! floors. What links models is an example program of the crate it judges, so that these commands
//! link none themselves.

mod dialogue;
mod judge;
mod knowledge;
mod questions;
mod speech;
mod turns;

use std::process::Command;

use crate::process::{cargo, run_visibly};
use crate::project::Project;
use crate::setup::{self, Installed};

pub(super) use dialogue::sample as dialogue_sample;
pub(super) use knowledge::bench as bench_knowledge;
pub use knowledge::{Options as KnowledgeOptions, hear as hear_questions};

/// What to judge.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Evaluation {
    /// How well speech is understood: word error rates of people and of synthesised voices, in noise and
    /// over the telephone; and whether sounds without words stay without words. Takes minutes.
    Speech {
        /// Take a small part, in seconds.
        #[arg(long)]
        sample: bool,
    },
    /// How well the assistant takes turns: whether unfinished sentences are cut off, how long finished
    /// ones wait, and which sounds over it stop it, in silence and in noise. Takes minutes.
    Turns {
        /// Take a small part, in seconds.
        #[arg(long)]
        sample: bool,
    },
    /// How well searches find the passage that answers, and whether they say so when none does: over the demo
    /// articles and over the PostgreSQL manual. Takes minutes, the first time many.
    Knowledge(KnowledgeOptions),
    /// How well questions about the demo accounts and articles are answered, by the whole system.
    Dialogue(dialogue::Options),
}

/// Judges, prints what was found, and fails where it is below a floor.
pub fn eval(project: &Project, evaluation: &Evaluation) -> anyhow::Result<()> {
    let installed = setup::run(project)?;
    evaluate(project, &installed, evaluation)
}

pub(super) fn evaluate(
    project: &Project,
    installed: &Installed,
    evaluation: &Evaluation,
) -> anyhow::Result<()> {
    match evaluation {
        Evaluation::Speech { sample } => speech::judge(project, installed, *sample),
        Evaluation::Turns { sample } => turns::judge(project, installed, *sample),
        Evaluation::Knowledge(options) => knowledge::judge(project, installed, *options),
        Evaluation::Dialogue(options) => dialogue::eval(project, options),
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

/// Records the assistant's fixed sentences anew.
pub fn record_lines(project: &Project) -> anyhow::Result<()> {
    let installed = setup::run(project)?;
    run(example(project, &installed, "record_lines"))
}

fn run(mut command: Command) -> anyhow::Result<()> {
    run_visibly(&mut command)
}
