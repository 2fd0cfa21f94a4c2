//! Measures a real local-ai over its models, as a client in real time: `bench` says how quick it is
//! and what it costs, `soak` whether it lasts. `cargo xtask bench local-ai` and
//! `cargo xtask soak local-ai` run it.
//!
//! The server is a process of its own, so that its memory and its processor time are its alone.

mod bench;
mod caller;
mod clip;
mod costs;
mod detection;
mod ledger;
mod line;
mod questions;
mod server;
mod soak;
mod table;
mod turn;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "measure")]
struct Cli {
    /// Folder that holds the models.
    #[arg(long, env = "MODELS_DIR", global = true, default_value = ".dev/models")]
    models_dir: PathBuf,
    /// Threads that one inference may use.
    #[arg(long, global = true, default_value_t = 2)]
    threads: usize,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How soon answers begin, and what sessions cost.
    Bench(bench::Options),
    /// Whether answers end and memory stays flat while people talk, interrupt and hang up.
    Soak(soak::Options),
    /// The server that is measured.
    #[command(hide = true)]
    Serve,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.what {
        What::Serve => server::serve(&cli.models_dir, cli.threads).await,
        What::Bench(options) => {
            let server = server::Server::start(&cli.models_dir, cli.threads).await?;
            bench::run(&server, &options).await?;
            Ok(tokio::task::spawn_blocking(move || detection::run(&cli.models_dir)).await??)
        }
        What::Soak(options) => {
            let server = server::Server::start(&cli.models_dir, cli.threads).await?;
            soak::run(&server, &options).await
        }
    }
}
