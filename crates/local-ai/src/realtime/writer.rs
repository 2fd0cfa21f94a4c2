//! The one writer of a socket.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::SinkExt as _;
use futures::stream::SplitSink;
use openai_realtime::{ErrorDetail, ErrorEvent, ServerEvent, ServerMessage};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

/// Messages that may wait to be written: some 25 s of audio.
const QUEUE: usize = 128;
/// The longest wait for a peer to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(15);

/// The peer is gone, or takes nothing any more.
#[derive(Debug)]
pub(super) struct Gone;

/// Where a session puts its events.
pub(super) struct Outgoing {
    queue: mpsc::Sender<Message>,
    events: u64,
}

impl Outgoing {
    /// Starts the writer, which ends when this is dropped or the peer is gone.
    pub(super) fn start(sink: SplitSink<WebSocket, Message>) -> (Self, JoinHandle<()>) {
        let (queue, messages) = mpsc::channel(QUEUE);
        (
            Self { queue, events: 0 },
            tokio::spawn(write(sink, messages)),
        )
    }

    /// Sends an event under an id of its own.
    pub(super) async fn event(&mut self, event: ServerEvent) -> Result<(), Gone> {
        self.events += 1;
        let message = ServerMessage {
            event_id: format!("event_{:08}", self.events),
            event,
        };
        match serde_json::to_string(&message) {
            Ok(text) => self.send(Message::text(text)).await,
            Err(error) => {
                tracing::error!(%error, kind = message.event.event_type(), "Unwritable event");
                Ok(())
            }
        }
    }

    pub(super) async fn error(&mut self, error: ErrorDetail) -> Result<(), Gone> {
        self.event(ServerEvent::Error(ErrorEvent { error })).await
    }

    pub(super) async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        self.send(Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        })))
        .await
    }

    async fn send(&self, message: Message) -> Result<(), Gone> {
        self.queue
            .send_timeout(message, PATIENCE)
            .await
            .map_err(|_| Gone)
    }
}

async fn write(mut sink: SplitSink<WebSocket, Message>, mut messages: mpsc::Receiver<Message>) {
    let mut pings = interval(PING_EVERY);
    loop {
        let message = tokio::select! {
            message = messages.recv() => match message {
                Some(message) => message,
                None => break,
            },
            _ = pings.tick() => Message::Ping(Vec::new().into()),
        };
        let is_last = matches!(message, Message::Close(_));
        match timeout(PATIENCE, sink.send(message)).await {
            Ok(Ok(())) if !is_last => {}
            _ => break,
        }
    }
    // The peer may be gone already.
    let _ = timeout(PATIENCE, sink.close()).await;
}
