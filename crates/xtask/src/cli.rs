//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::project::Project;
use crate::{setup, supervisor};

/// Sets up, runs, checks and tests the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring in every outside piece: servers, models, packages. Repeating it costs nothing.
    Setup,

    /// Own the parts of a clone. `up` starts this; it is of no use by itself.
    #[command(hide = true)]
    Supervise { root: PathBuf },
}

impl Cli {
    /// Carries the command out. A failure is told on stderr.
    pub fn run(self) -> ExitCode {
        match self.command.run() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Setup => {
                setup::run(&Project::of_build()?)?;
            }
            Self::Supervise { root } => supervisor::run(&Project::at(root))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::Cli::command().debug_assert();
    }
}
