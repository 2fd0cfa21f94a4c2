//! `bench` and `soak`: what local-ai costs and how long it lasts, by the programs that measure it; and how
//! calls sound to their callers.

mod calls;

use std::ffi::OsString;
use std::process::Command;

use clap::{Args, ValueEnum};

use super::e2e::System;
use super::eval::bench_knowledge;
use crate::process::{cargo, run_visibly};
use crate::project::Project;
use crate::setup;

/// What is measured, and how.
#[derive(Debug, Clone, Args)]
pub struct Options {
    what: Subject,
    /// Measure what `cargo run --release` builds rather than what is developed with.
    #[arg(long)]
    release: bool,
    /// Options of the program that measures; see `--help` after the subject. `calls`, `search` and `import` know `--sample`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Subject {
    LocalAi,
    /// Whole calls, as their callers hear them.
    Calls,
    /// Searches, as a collection grows, beside their statements run bare.
    Search,
    /// Imports, beside the embedder alone.
    Import,
}

/// How soon answers begin, and what sessions cost; or how soon callers are heard and answered.
pub fn bench(project: &Project, options: &Options) -> anyhow::Result<()> {
    match options.what {
        Subject::LocalAi => measure(project, options, "bench"),
        Subject::Calls => calls::bench(project, &options.args),
        Subject::Search => knowledge(project, options, "search"),
        Subject::Import => knowledge(project, options, "import"),
    }
}

/// Whether answers end and memory stays flat.
pub fn soak(project: &Project, options: &Options) -> anyhow::Result<()> {
    match options.what {
        Subject::LocalAi => measure(project, options, "soak"),
        Subject::Calls | Subject::Search | Subject::Import => {
            anyhow::bail!("only local-ai is soaked")
        }
    }
}

/// A few calls on a system that is up, to see that they are measured.
pub(super) fn calls_sample(system: &System) -> anyhow::Result<()> {
    calls::measure(system, true)
}

/// A few seconds of each, to see that they work.
pub(super) fn sample(project: &Project) -> anyhow::Result<()> {
    let of = |what| Options {
        what,
        release: false,
        args: vec!["--sample".into()],
    };
    bench(project, &of(Subject::LocalAi))?;
    bench(project, &of(Subject::Search))?;
    bench(project, &of(Subject::Import))?;
    soak(project, &of(Subject::LocalAi))
}

fn knowledge(project: &Project, options: &Options, subject: &str) -> anyhow::Result<()> {
    let installed = setup::run(project)?;
    let is_sample = options.args.iter().any(|arg| arg == "--sample");
    bench_knowledge(project, &installed, subject, is_sample, options.release)
}

/// Builds the program that measures and runs it.
fn measure(project: &Project, options: &Options, command: &str) -> anyhow::Result<()> {
    let installed = setup::run(project)?;
    // All packages are selected, because a selection of them is built with other features.
    run_visibly(
        cargo(project.root())
            .args(["build", "--quiet", "--workspace", "--example", "measure"])
            .args(options.release.then_some("--release")),
    )?;
    let mut programs = project.programs_dir();
    if options.release {
        programs.set_file_name("release");
    }
    run_visibly(
        Command::new(programs.join("examples/measure"))
            .arg(command)
            .args(&options.args)
            .env("MODELS_DIR", &installed.models),
    )
}
