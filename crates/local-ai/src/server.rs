//! Routes, admission and shutdown.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::HeaderMap;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::brain::Brain;
use crate::engine::Engine;
use crate::error::{self, ApiError};
use crate::{realtime, rest};

/// The models that are loaded, by the names that `/v1/models` lists. Any name is accepted in
/// requests, so that clients made for other servers work unchanged.
pub const MODELS: [&str; 6] = [
    "local-realtime",
    "local-chat",
    "moonshine-tiny-en",
    "kokoro-82m",
    "all-minilm-l6-v2",
    "silero-vad",
];

/// The REST endpoints below `/v1/`.
pub const ENDPOINTS: [&str; 5] = [
    "audio/speech",
    "audio/transcriptions",
    "chat/completions",
    "embeddings",
    "models",
];

/// The largest REST body: 25 MiB of audio, as on OpenAI's service, and the form around it.
const MAX_BODY_BYTES: usize = 26 * 1024 * 1024;
/// How long connections may take to end after the signal.
const DRAIN: Duration = Duration::from_secs(5);

/// What requests share. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The models.
    pub(crate) engine: Engine,
    /// Who decides what to say.
    pub(crate) brain: Brain,
    /// One permit a Realtime session.
    sessions: Arc<Semaphore>,
    /// Cancelled when the server shuts down.
    pub(crate) shutdown: CancellationToken,
    /// The sessions, to wait for at shutdown.
    tracker: TaskTracker,
}

impl App {
    /// Puts the parts together.
    pub fn new(engine: Engine, brain: Brain, max_sessions: usize) -> Self {
        Self {
            engine,
            brain,
            sessions: Arc::new(Semaphore::new(max_sessions.min(Semaphore::MAX_PERMITS))),
            shutdown: CancellationToken::new(),
            tracker: TaskTracker::new(),
        }
    }
}

/// Serves until `shutdown` resolves, then ends what is going on within a few seconds.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (token, tracker) = (app.shutdown.clone(), app.tracker.clone());
    let stopping = token.clone();
    let serving = axum::serve(listener, router(app)).with_graceful_shutdown(async move {
        shutdown.await;
        stopping.cancel();
    });
    let deadline = async {
        token.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        outcome = serving => outcome?,
        () = deadline => {}
    }
    tracker.close();
    // Sessions were told to end and have a deadline of their own.
    let _ = tokio::time::timeout(DRAIN, tracker.wait()).await;
    Ok(())
}

/// Resolves at Ctrl-C or SIGTERM.
pub async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/v1/realtime", get(upgrade))
        .route("/realtime", get(upgrade))
        .route("/v1/audio/speech", post(rest::speech::create))
        .route(
            "/v1/audio/transcriptions",
            post(rest::transcriptions::create),
        )
        .route("/v1/embeddings", post(rest::embeddings::create))
        .route("/v1/chat/completions", post(rest::chat::create))
        .route("/v1/models", get(rest::models::list))
        .route("/v1/models/{*model}", get(rest::models::retrieve))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .fallback(|| async { ApiError::not_found("unknown_url", "Unknown request URL.") })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(map_response(error::in_shape))
        .with_state(app)
}

/// Models are loaded before the server listens, so it is ready until it stops.
async fn ready(State(app): State<App>) -> Response {
    if app.shutdown.is_cancelled() {
        return ApiError::overloaded("The server is shutting down.").into_response();
    }
    "ok".into_response()
}

#[derive(Debug, Deserialize)]
struct RealtimeQuery {
    model: Option<String>,
}

async fn upgrade(
    State(app): State<App>,
    Query(query): Query<RealtimeQuery>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let place = app.sessions.clone().try_acquire_owned().map_err(|_| {
        ApiError::overloaded("All Realtime sessions are in use. Try again in a moment.")
    })?;
    let is_beta = headers
        .get_all("openai-beta")
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.contains("realtime")));
    let tracker = app.tracker.clone();
    Ok(upgrade
        .max_message_size(realtime::MAX_MESSAGE_BYTES)
        .max_frame_size(realtime::MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| {
            tracker.track_future(async move {
                realtime::serve(socket, app, query.model, is_beta).await;
                drop(place);
            })
        }))
}
