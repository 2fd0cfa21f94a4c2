use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Two providers are in the dependency tree, so rustls cannot choose by itself. It fails when one is
    // chosen already, which nobody else does here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    xtask::cli::Cli::parse().run()
}
