use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    xtask::cli::Cli::parse().run()
}
