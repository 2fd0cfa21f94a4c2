//! The Realtime protocol (GA) over WebSocket: one task a session, and one writer a socket.

mod conversation;
mod generate;
mod input_audio;
mod listening;
mod response;
mod session;
mod settings;
mod writer;

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt as _;
use openai_realtime::{ClientMessage, ErrorDetail, code};
use speech::recognition::Transcript;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::engine::EngineError;
use crate::server::App;
use generate::Step;
use session::Session;
use writer::{Gone, Outgoing};

/// The largest message: 15 MiB of audio as base64, and the event around it.
pub(crate) const MAX_MESSAGE_BYTES: usize = 21 * 1024 * 1024;
/// As on OpenAI's service.
const MAX_SESSION: Duration = Duration::from_mins(60);
/// A peer that sends nothing for so long, not even a pong, is gone.
const MAX_SILENCE: Duration = Duration::from_secs(45);
/// Results that may wait for the session loop.
const INTERNAL_EVENTS: usize = 64;

/// What the session's own tasks tell it.
#[derive(Debug)]
enum Internal {
    /// A recognition ended.
    Heard {
        serial: u64,
        covered: u64,
        outcome: Result<Transcript, EngineError>,
    },
    /// A response went on.
    Response { id: String, step: Step },
}

/// Serves one socket until it ends.
pub(crate) async fn serve(socket: WebSocket, app: App, model: Option<String>, is_beta: bool) {
    let (sink, stream) = socket.split();
    let (mut outgoing, writing) = Outgoing::start(sink);
    if is_beta {
        let error = ErrorDetail::invalid(
            code::BETA_API_SHAPE_DISABLED,
            "The Realtime Beta API is not supported. Leave out the OpenAI-Beta header.",
        );
        let _ = outgoing.error(error).await;
        let _ = outgoing.close(4000, "beta_api_shape_disabled").await;
    } else if let Err(Gone) = run(stream, &mut outgoing, app, model).await {
        tracing::debug!("A Realtime peer went away");
    }
    drop(outgoing);
    // The writer has a deadline for everything it does.
    let _ = writing.await;
}

async fn run(
    mut stream: futures::stream::SplitStream<WebSocket>,
    outgoing: &mut Outgoing,
    app: App,
    model: Option<String>,
) -> Result<(), Gone> {
    let (sender, mut internal) = mpsc::channel(INTERNAL_EVENTS);
    let shutdown = app.shutdown.clone();
    let mut session = match Session::new(app, model, outgoing, sender) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "A Realtime session could not start");
            return outgoing.close(1011, "The models failed.").await;
        }
    };
    session.open(MAX_SESSION).await?;
    let end = Instant::now() + MAX_SESSION;
    let mut silent_at = Instant::now() + MAX_SILENCE;
    loop {
        tokio::select! {
            message = stream.next() => {
                silent_at = Instant::now() + MAX_SILENCE;
                match message {
                    Some(Ok(Message::Text(text))) => session.frame(ClientMessage::parse(&text)).await?,
                    Some(Ok(Message::Binary(_))) => session.binary_frame().await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                }
            }
            Some(event) = internal.recv() => session.internal(event).await?,
            Some(ended) = session.tasks.join_next_with_id() => session.task_ended(ended).await?,
            () = sleep_until(silent_at) => return session.close(1011, "No sign of life from the client.").await,
            () = sleep_until(end) => {
                return session.close(1001, "Your session hit the maximum duration of 60 minutes.").await;
            }
            () = shutdown.cancelled() => return session.close(1012, "The server is shutting down.").await,
        }
    }
}

/// A new id such as `item_3fe1…`, at most 32 characters.
fn new_id(kind: &str) -> String {
    let mut id = format!("{kind}_{}", Uuid::new_v4().simple());
    id.truncate(26);
    id
}
