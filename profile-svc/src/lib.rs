//! Keeps what is known of each user: profile, account facts and what the last call was about.

mod app;
mod config;
mod domain;
mod error;
mod service;
mod store;

use app::App;
pub use config::Config;
use proto::insta::profile::v1::profile_service_server::ProfileServiceServer;
use service_kit::{Listeners, Server, Shutdown, client, clock::Clock, keys::TokenVerifier};

/// The largest request: a page of facts.
const MAX_REQUEST: usize = 64 * 1024;

/// Serves until `shutdown`, with tokens verified by the keys of auth-svc.
///
/// # Errors
/// When the service cannot be set up.
pub async fn serve(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let clock = Clock::system();
    let verifier = TokenVerifier::remote(client::channel(&config.auth.auth_url)?, clock.clone());
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
    let app = App {
        db: db::Pool::new(&config.database),
        clock,
    };
    let pool = app.db.clone();
    Server::new(verifier)
        .service(ProfileServiceServer::new(app).max_decoding_message_size(MAX_REQUEST))
        .ready(move || {
            let pool = pool.clone();
            async move { store::check(&pool).await }
        })
        .serve(&config.server, listeners, shutdown)
        .await
}
