//! `test`: everything that shows that the project works, from a fresh clone on.

use std::process::Command;

use super::bench;
use super::check::{npm, run_checks};
use super::conformance::run_scripts;
use super::e2e::{Options as E2eOptions, e2e};
use super::eval::{Evaluation, KnowledgeOptions, evaluate};
use super::step::timed;
use crate::process::{cargo, run_visibly};
use crate::project::Project;
use crate::setup::{self, Installed};

/// Sets up, checks, and runs every test.
pub fn test(project: &Project) -> anyhow::Result<()> {
    timed(|steps| {
        let installed = steps.run("setup", || setup::run(project))?;
        run_checks(project, steps)?;
        steps.run("build", || {
            run_visibly(cargo(project.root()).args(["build", "--workspace", "--bins", "--quiet"]))
        })?;
        run_scripts(project, &installed, steps)?;
        steps.run("page: tests", || npm(project, "test"))?;
        steps.run("unit and integration tests", || {
            run_visibly(with_installed(
                cargo(project.root()).args(["test", "--workspace"]),
                &installed,
            ))
        })?;
        steps.run("bench and soak, a sample", || bench::sample(project))?;
        steps.run("evaluation, a sample", || {
            evaluate(project, &installed, &Evaluation::Speech { sample: true })?;
            evaluate(project, &installed, &Evaluation::Turns { sample: true })?;
            let sample = KnowledgeOptions {
                sample: true,
                ..KnowledgeOptions::default()
            };
            evaluate(project, &installed, &Evaluation::Knowledge(sample))
        })?;
        steps.run("whole system", || e2e(project, &E2eOptions::default()))
    })
}

/// Tells tests where the outside pieces are.
fn with_installed<'a>(command: &'a mut Command, installed: &Installed) -> &'a mut Command {
    if let Some(chromium) = &installed.chromium {
        command.env("CHROMIUM", chromium);
    }
    command
        .env("GRPCURL", &installed.grpcurl)
        .env("LIVEKIT_PYTHON", &installed.livekit_python)
        .env("LIVEKIT_SERVER", &installed.livekit_server)
        .env("MODELS_DIR", &installed.models)
        .env("TEST_POSTGRES_DIR", &installed.postgres)
}
