//! knowledge-svc: see the library and the README beside it.

use std::{io::IsTerminal, process::ExitCode};

use knowledge_svc::{
    Config,
    cli::Command,
    client::{Emphasis, import, search},
};

fn main() -> ExitCode {
    match Command::from_args(std::env::args_os()) {
        Command::Serve(config) => service_kit::run_with(
            *config,
            |config: &Config| &config.server,
            knowledge_svc::serve,
        ),
        Command::Import(options) => finish(async {
            let report = import(&options).await?;
            print!("{report}");
            anyhow::ensure!(!report.has_failures(), "not every file was imported");
            Ok(())
        }),
        Command::Search(options) => finish(async {
            let emphasis = match std::io::stdout().is_terminal() {
                true => Emphasis::Bold,
                false => Emphasis::None,
            };
            print!("{}", search(&options, emphasis).await?);
            Ok(())
        }),
    }
}

/// Does one thing and ends with a plain sentence when it cannot be done.
#[tokio::main(flavor = "current_thread")]
async fn finish(task: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    service_kit::install_crypto();
    match task.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
