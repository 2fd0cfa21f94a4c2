//! Keeps the help articles and finds the passages that answer a question.
//!
//! A document is cut into passages ([`domain`]), kept with them in one transaction ([`store`]) and found by text at
//! once; a background worker ([`jobs`]) has their vectors made ([`embedding`]), and from then on they are found by
//! meaning too. Questions of users that nothing answers are kept for a time, for whoever writes the articles.

mod app;
mod bare;
pub mod cli;
pub mod client;
mod config;
mod domain;
mod embedding;
mod error;
mod jobs;
mod service;
mod store;

use std::{sync::Arc, time::Duration};

use app::App;
pub use bare::BareSearch;
use chrono::TimeDelta;
pub use config::Config;
pub use domain::embedded_texts;
use jobs::Ingestion;
use proto::insta::knowledge::v1::knowledge_service_server::KnowledgeServiceServer;
use service_kit::{Listeners, Server, Shutdown, clock::Clock, keys::TokenVerifier};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

/// The largest message. A file of an import may be larger than what is kept, and is then told so.
const MAX_REQUEST: usize = 4 * 1024 * 1024;
/// How long a task may take to give back or write what it holds when the service stops.
const WORKER_STOP: Duration = Duration::from_secs(5);

/// Serves until `shutdown`, with tokens verified by the keys of auth-svc.
///
/// # Errors
/// When the service cannot be set up.
pub async fn serve(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let clock = Clock::system();
    let verifier = TokenVerifier::remote(
        service_kit::client::channel(&config.auth.auth_url)?,
        clock.clone(),
    );
    serve_with(config, verifier, clock, listeners, shutdown).await
}

/// As [`serve`], with tokens verified by `verifier` and times read from `clock`.
///
/// # Errors
/// When the service cannot be set up.
pub async fn serve_with(
    config: Config,
    verifier: TokenVerifier,
    clock: Clock,
    listeners: Listeners,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let db = store::pool(&config.database);
    let embedder = Arc::new(embedding::Embedder::new(&config.embedding)?);
    let wake = Arc::new(Notify::new());
    let (index_seen, index) = watch::channel(None);
    let (ingestion_seen, ingestion) = watch::channel(Ingestion::Unknown);
    let worker = jobs::Worker {
        db: db.clone(),
        embedder: embedder.clone(),
        clock: clock.clone(),
        wake: wake.clone(),
        index: index_seen,
        ingestion: ingestion_seen,
        keep_unanswered: TimeDelta::days(config.unanswered_retention_days.into()),
    };
    let worker = tokio::spawn(worker.run(shutdown.clone()));
    let (keeper, open, unanswered) = jobs::unanswered::queue();
    let writer = tokio::spawn(unanswered.write(db.clone()));
    let app = App {
        db: db.clone(),
        embedder,
        clock,
        wake,
        index,
        ingestion,
        keeper,
        min_confidence: config.search_min_confidence,
    };
    Server::new(verifier)
        .service(KnowledgeServiceServer::new(app).max_decoding_message_size(MAX_REQUEST))
        .ready(move || {
            let db = db.clone();
            async move { store::check(&db).await }
        })
        .serve(&config.server, listeners, shutdown)
        .await?;
    drop(open);
    if !ends(worker).await {
        tracing::warn!("The embedding worker was cut off; its jobs go on when their lease lapses");
    }
    if !ends(writer).await {
        tracing::warn!("Questions that nothing answered were lost: they could not be written");
    }
    Ok(())
}

/// Whether a task ends by itself soon; it is ended otherwise.
async fn ends(task: JoinHandle<()>) -> bool {
    let abort = task.abort_handle();
    let ends = tokio::time::timeout(WORKER_STOP, task).await.is_ok();
    if !ends {
        abort.abort();
    }
    ends
}
