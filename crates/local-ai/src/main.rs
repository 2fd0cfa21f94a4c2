//! Starts the server: reads settings, loads models, listens.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser as _;
use local_ai::brain::Brain;
use local_ai::chat::Chat;
use local_ai::config::Config;
use local_ai::engine::{Engine, SpeechModels};
use local_ai::server::{self, App};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let filter = EnvFilter::try_new(&config.log).context("RUST_LOG is not a log filter")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    // Two providers are compiled in, so rustls cannot choose by itself.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    let started = Instant::now();
    let dir = config.models_dir(&std::env::current_dir()?)?;
    let (from, threads) = (dir.clone(), config.threads());
    let models = tokio::task::spawn_blocking(move || SpeechModels::load(&from, threads)).await??;
    let engine = Engine::new(Arc::new(models));
    tracing::info!(
        dir = %dir.display(),
        threads,
        voices = engine.voices().join(","),
        took_ms = started.elapsed().as_millis(),
        "Loaded {}",
        server::MODELS.join(", "),
    );
    let chat = config
        .chat_base_url
        .as_ref()
        .map(|url| Chat::new(url.as_str(), &config.chat_model, &config.chat_api_key));
    match &config.chat_base_url {
        Some(url) => {
            let host = url.host_str().unwrap_or_default();
            tracing::info!(
                host,
                model = config.chat_model,
                "Answers come from a chat endpoint"
            );
        }
        None => tracing::info!("Answers are made of what tools give"),
    }
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("failed to listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    tracing::info!(
        "Serving ws://{address}/v1/realtime and http://{address}/v1/{{{}}}",
        server::ENDPOINTS.join(",")
    );
    let app = App::new(
        engine.clone(),
        Brain::new(engine, chat),
        config.max_sessions,
    );
    server::serve(listener, app, server::signal()).await
}
