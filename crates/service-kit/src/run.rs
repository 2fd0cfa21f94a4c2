//! From the command line to a service that serves.

use std::{ffi::OsString, future::Future, process::ExitCode};

use anyhow::Context;
use clap::Parser;

use crate::{Listeners, Shutdown, config::ServerConfig, telemetry};

/// Makes aws-lc-rs the cryptography of the process. Several may be linked; none is guessed.
///
/// Calling it again changes nothing.
pub fn install_crypto() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Puts in `serve` where no command stands on the command line, so that every setting can follow the program's name.
pub fn with_serve(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.into_iter().collect();
    let names_command = args
        .get(1)
        .is_some_and(|arg| !arg.to_string_lossy().starts_with('-'));
    if !names_command {
        args.insert(args.len().min(1), "serve".into());
    }
    args
}

/// Runs a service: reads its settings, binds its ports, serves until it is told to stop.
///
/// Ends with a plain sentence on stderr and a failing exit code when it cannot: 2 for wrong settings, 1 for
/// anything else.
pub fn run<C, F>(
    server: impl Fn(&C) -> &ServerConfig,
    serve: impl FnOnce(C, Listeners, Shutdown) -> F,
) -> ExitCode
where
    C: Parser,
    F: Future<Output = anyhow::Result<()>>,
{
    run_with(C::parse(), server, serve)
}

/// As [`run`], with settings that were read already.
pub fn run_with<C, F>(
    config: C,
    server: impl Fn(&C) -> &ServerConfig,
    serve: impl FnOnce(C, Listeners, Shutdown) -> F,
) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    install_crypto();
    match block_on(config, server, serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<C, F>(
    config: C,
    server: impl Fn(&C) -> &ServerConfig,
    serve: impl FnOnce(C, Listeners, Shutdown) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    telemetry::init_logging(&server(&config).telemetry).context("RUST_LOG cannot be read")?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let shutdown = Shutdown::on_signals()?;
            let listeners = Listeners::bind(server(&config)).await?;
            serve(config, listeners, shutdown).await
        })
}
