//! auth-svc: see the library and the README beside it.

use std::process::ExitCode;

use auth_svc::{Config, bootstrap, cli::Command};

fn main() -> ExitCode {
    match Command::from_args(std::env::args_os()) {
        Command::Serve(config) => {
            service_kit::run_with(*config, |config: &Config| &config.server, auth_svc::serve)
        }
        Command::BootstrapClient(options) => finish(|| bootstrap::client(options)),
        Command::BootstrapOperator(options) => finish(|| bootstrap::operator(options)),
    }
}

/// Does one thing and ends with a plain sentence when it cannot be done.
#[tokio::main(flavor = "current_thread")]
async fn finish<F: Future<Output = anyhow::Result<()>>>(task: impl FnOnce() -> F) -> ExitCode {
    service_kit::install_crypto();
    match task().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
