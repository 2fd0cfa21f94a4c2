//! The Realtime protocol (GA) over WebSocket: one task a session, and one writer a socket.

mod checks;
mod conversation;
mod endpointing;
mod generate;
mod input_audio;
mod items;
mod listening;
mod plan;
mod prepare;
mod recognition;
mod response;
mod responses;
mod samples;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod tokens;
mod turns;
mod writer;

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt as _;
use futures::stream::SplitStream;
use openai_realtime::{ClientDecodeError, ClientMessage, DecodeError, ErrorDetail, code};
use speech::recognition::Transcript;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use crate::engine::EngineError;
use crate::server::App;
use generate::Step;
use session::Session;
use writer::{Gone, Outgoing};

/// The largest event: 15 MiB of audio as base64, and what is around it.
const MAX_EVENT_BYTES: usize = 21 * 1024 * 1024;
/// The largest message that is read. What is larger than an event may be is refused and the
/// session goes on; what is larger than this ends it.
pub(crate) const MAX_MESSAGE_BYTES: usize = 2 * MAX_EVENT_BYTES;
/// As on OpenAI's service.
const MAX_SESSION: Duration = Duration::from_mins(60);
/// A peer that sends nothing for so long, not even a pong, is gone.
const MAX_SILENCE: Duration = Duration::from_secs(45);
/// How long a peer may take to close its side.
const FAREWELL: Duration = Duration::from_secs(2);
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
    /// How complete a turn sounds before the pause that began at `since`, unless the model failed.
    Judged { since: u64, complete: Option<f32> },
    /// A response went on.
    Response { serial: u64, step: Step },
}

/// Serves one socket until it ends.
pub(crate) async fn serve(socket: WebSocket, app: App, model: Option<String>, is_beta: bool) {
    let (sink, mut stream) = socket.split();
    let (mut outgoing, writing) = Outgoing::start(sink);
    if is_beta {
        let error = ErrorDetail::invalid(
            code::BETA_API_SHAPE_DISABLED,
            "The Realtime Beta API is not supported. Leave out the OpenAI-Beta header.",
        );
        let _ = outgoing.error(error).await;
        let _ = outgoing.close(4000, "beta_api_shape_disabled").await;
    } else if let Err(Gone) = run(&mut stream, &mut outgoing, app, model).await {
        tracing::debug!("A Realtime peer went away");
    }
    drop(outgoing);
    // The writer has a deadline for everything it does.
    let _ = writing.await;
    // A socket that is dropped with something unread is reset, and the peer may never see why it
    // was closed.
    let unread = async { while let Some(Ok(_)) = stream.next().await {} };
    let _ = timeout(FAREWELL, unread).await;
}

async fn run(
    stream: &mut SplitStream<WebSocket>,
    outgoing: &mut Outgoing,
    app: App,
    model: Option<String>,
) -> Result<(), Gone> {
    let (sender, mut internal) = mpsc::channel(INTERNAL_EVENTS);
    let shutdown = app.shutdown.clone();
    let mut session = match Session::new(app, model, MAX_SESSION, sender) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "A Realtime session could not start");
            return outgoing.close(1011, "The models failed.").await;
        }
    };
    let end = Instant::now() + MAX_SESSION;
    let mut silent_at = Instant::now() + MAX_SILENCE;
    loop {
        for event in session.take_events() {
            outgoing.event(event).await?;
        }
        let deadline = session.deadline().unwrap_or(end);
        let has_unheard = session.has_unheard();
        tokio::select! {
            message = stream.next(), if !has_unheard => {
                silent_at = Instant::now() + MAX_SILENCE;
                match message {
                    Some(Ok(Message::Text(text))) => session.frame(read(&text)),
                    Some(Ok(Message::Binary(_))) => session.error(no_event(
                        "Binary frames are not part of the protocol; send JSON as text.",
                    )),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                }
            }
            () = yield_now(), if has_unheard => session.hear(),
            Some(event) = internal.recv() => session.internal(event),
            Some(ended) = session.tasks.join_next_with_id() => session.task_ended(ended),
            () = sleep_until(deadline), if deadline < end => session.deadline_passed(Instant::now()),
            () = sleep_until(silent_at) => return outgoing.close(1011, "No sign of life from the client.").await,
            () = sleep_until(end) => {
                const REASON: &str = "Your session hit the maximum duration of 60 minutes.";
                outgoing.error(ErrorDetail::invalid(code::SESSION_EXPIRED, REASON)).await?;
                return outgoing.close(1001, REASON).await;
            }
            () = shutdown.cancelled() => return outgoing.close(1012, "The server is shutting down.").await,
        }
    }
}

fn read(text: &str) -> Result<ClientMessage, ClientDecodeError> {
    if text.len() > MAX_EVENT_BYTES {
        return Err(ClientDecodeError {
            event_id: None,
            error: DecodeError::Json("it is larger than 21 MiB".to_owned()),
        });
    }
    ClientMessage::parse(text)
}

fn no_event(message: &str) -> ErrorDetail {
    ErrorDetail::invalid(code::INVALID_JSON, message)
}

/// A new id such as `item_3fe1…`, at most 32 characters.
fn new_id(kind: &str) -> String {
    let mut id = format!("{kind}_{}", Uuid::new_v4().simple());
    id.truncate(26);
    id
}
