//! Issues every token of the system, and keeps every secret that signs one.

mod app;
pub mod bootstrap;
pub mod cli;
mod config;
mod domain;
mod error;
mod firebase;
mod http;
mod keys;
mod livekit;
mod profiles;
mod secrets;
mod service;
mod store;

use std::sync::Arc;

use app::App;
pub use config::{Config, ConfigError, FirebaseConfig, LivekitConfig};
use proto::insta::auth::v1::auth_service_server::AuthServiceServer;
use service::Auth;
use service_kit::{Listeners, Server, Shutdown, clock::Clock};

/// The largest request: two tokens and a name would fit in many times over.
const MAX_REQUEST: usize = 64 * 1024;

/// Serves until `shutdown`.
///
/// # Errors
/// When the settings do not fit together, or the service cannot be set up.
pub async fn serve(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    serve_with(config, Clock::system(), listeners, shutdown).await
}

/// As [`serve`], with times read from `clock`.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    config: Config,
    clock: Clock,
    listeners: Listeners,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    config.check()?;
    let app = Arc::new(App::new(&config, clock)?);
    let ready = app.clone();
    Server::new(app.verifier.clone())
        .service(AuthServiceServer::new(Auth(app.clone())).max_decoding_message_size(MAX_REQUEST))
        .http(http::routes(app))
        .ready(move || {
            let app = ready.clone();
            async move { app.check_ready().await }
        })
        .serve(&config.server, listeners, shutdown)
        .await
}
