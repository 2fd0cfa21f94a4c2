//! The life of an instance: what runs beside its calls, and how it stops.

use std::sync::Arc;
use std::time::Duration;

use proto::insta::agent::v1::agent_service_server::AgentServiceServer;
use service_kit::clock::Clock;
use service_kit::keys::TokenVerifier;
use service_kit::{Listeners, Server, Shutdown, client};

use crate::app::App;
use crate::call::LEASE;
use crate::config::Config;
use crate::domain::EndReason;
use crate::service::{Service, livekit_token};
use crate::store::{self, calls};
use crate::{summary, worker};

/// The largest request: a text to say.
const MAX_REQUEST: usize = 16 * 1024;
/// Leases are renewed several times before they end.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// How long calls that were told to end may take to do so.
const LAST_WORDS: Duration = Duration::from_secs(3);

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
    let app = Arc::new(App::build(&config, clock)?);
    // RPCs go on while calls drain, so that they can be watched and ended.
    let closing = Shutdown::new();
    let summaries = tokio::spawn(summary::run(app.clone(), closing.clone()));
    let worker = tokio::spawn(worker::run(app.clone()));
    let housekeeping = tokio::spawn(keep_house(app.clone()));
    let drain = tokio::spawn(drain(
        app.clone(),
        config.server.drain_timeout(),
        shutdown,
        closing.clone(),
    ));

    let (ready, noted) = (app.clone(), app.clone());
    let served = Server::new(verifier.clone())
        .service(
            AgentServiceServer::new(Service(app.clone())).max_decoding_message_size(MAX_REQUEST),
        )
        .http(livekit_token::routes(app.clone(), verifier))
        .ready(move || {
            let app = ready.clone();
            async move {
                anyhow::ensure!(!app.calls.is_draining(), "stopping");
                store::check(&app.db).await
            }
        })
        .note(move || noted.provider_note())
        .serve(&config.server, listeners, closing.clone())
        .await;
    closing.trigger();
    drain.abort();
    worker.abort();
    housekeeping.abort();
    // A summary under way is leased: another instance makes it if this one does not.
    let _ = tokio::time::timeout(LAST_WORDS, summaries).await;
    served
}

/// On `shutdown` no more calls are taken; those that live may go on until `patience` is over.
async fn drain(app: Arc<App>, patience: Duration, shutdown: Shutdown, closing: Shutdown) {
    shutdown.triggered().await;
    app.calls.drain();
    let (live, _) = app.calls.load();
    if live > 0 {
        tracing::info!(calls = live, "Waiting for calls to end");
    }
    if tokio::time::timeout(patience, app.calls.all_ended())
        .await
        .is_err()
    {
        app.calls.end_all(EndReason::Shutdown);
        if tokio::time::timeout(LAST_WORDS, app.calls.all_ended())
            .await
            .is_err()
        {
            tracing::warn!("Calls were cut off at the end of the drain time");
        }
    }
    closing.trigger();
}

/// Keeps the leases of live calls, and ends calls whose instance is gone.
async fn keep_house(app: Arc<App>) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = keep_house_once(&app).await {
            tracing::warn!(?error, "Calls cannot be kept in the database at the moment");
        }
    }
}

async fn keep_house_once(app: &App) -> Result<(), store::StoreError> {
    let now = app.clock.now();
    let mut connection = app.db.get().await?;
    calls::renew(&mut connection, &app.calls.ids(), now + LEASE).await?;
    let abandoned = calls::end_abandoned(&mut connection, now).await?;
    for call in abandoned {
        tracing::warn!(call.id = %call, "A call was ended whose instance is gone");
        app.ended.notify_one();
    }
    Ok(())
}
