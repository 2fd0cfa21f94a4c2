//! The two tasks that serve a socket, and the halves that talk to them.

use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Options;
use super::error::{Closed, SendError};
use crate::decode::DecodeError;
use crate::event::client::ClientMessage;
use crate::event::server::{ServerEvent, ServerMessage};

/// A connection. It ends when the receiver or every sender is dropped.
#[derive(Debug)]
pub struct Connection {
    /// Sends events.
    pub sender: Sender,
    /// Receives events, and at last how the connection ended.
    pub receiver: Receiver,
}

/// The sending half; clones share one queue.
#[derive(Debug, Clone)]
pub struct Sender {
    queue: mpsc::Sender<ClientMessage>,
    write_timeout: Duration,
}

/// The receiving half.
#[derive(Debug)]
pub struct Receiver {
    events: mpsc::Receiver<Result<ServerEvent, Closed>>,
    closed: Option<Closed>,
    _stop: DropGuard,
}

impl Connection {
    pub(super) fn start<S>(socket: WebSocketStream<S>, options: &Options) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (queue, outgoing) = mpsc::channel(options.outgoing_capacity.max(1));
        let (incoming, events) = mpsc::channel(options.incoming_capacity.max(1));
        let stop = CancellationToken::new();
        let (sink, stream) = socket.split();
        let writer = Writer {
            sink,
            outgoing,
            stop: stop.clone(),
            ping_interval: options.ping_interval,
            write_timeout: options.write_timeout,
        };
        let reader = Reader {
            stream,
            incoming,
            stop: stop.clone(),
            silence_timeout: options.silence_timeout,
        };
        let writing = tokio::spawn(writer.run());
        tokio::spawn(reader.run(writing));
        Self {
            sender: Sender {
                queue,
                write_timeout: options.write_timeout,
            },
            receiver: Receiver {
                events,
                closed: None,
                _stop: stop.drop_guard(),
            },
        }
    }

    /// Sends an event; see [`Sender::send`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn send(&self, message: impl Into<ClientMessage>) -> Result<(), SendError> {
        self.sender.send(message).await
    }

    /// Receives an event; see [`Receiver::recv`].
    ///
    /// # Errors
    /// As [`Receiver::recv`].
    pub async fn recv(&mut self) -> Result<ServerEvent, Closed> {
        self.receiver.recv().await
    }

    /// Both halves, to be used by different tasks.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}

impl Sender {
    /// Queues an event; it waits while the queue is full.
    ///
    /// # Errors
    /// The connection has ended, or the queue stayed full for the write timeout.
    pub async fn send(&self, message: impl Into<ClientMessage>) -> Result<(), SendError> {
        match self
            .queue
            .send_timeout(message.into(), self.write_timeout)
            .await
        {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(SendError::Stalled),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(SendError::Closed),
        }
    }

    /// Queues an event without waiting.
    ///
    /// # Errors
    /// The connection has ended, or the queue is full.
    pub fn try_send(&self, message: impl Into<ClientMessage>) -> Result<(), SendError> {
        self.queue
            .try_send(message.into())
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => SendError::Stalled,
                mpsc::error::TrySendError::Closed(_) => SendError::Closed,
            })
    }
}

impl Receiver {
    /// The next event. Safe to cancel.
    ///
    /// # Errors
    /// How the connection ended; the same again on every later call.
    pub async fn recv(&mut self) -> Result<ServerEvent, Closed> {
        if let Some(closed) = &self.closed {
            return Err(closed.clone());
        }
        let event = self.events.recv().await.unwrap_or(Err(Closed::Local));
        event.inspect_err(|closed| self.closed = Some(closed.clone()))
    }
}

/// Sends what is queued, and pings.
struct Writer<S> {
    sink: SplitSink<WebSocketStream<S>, Message>,
    outgoing: mpsc::Receiver<ClientMessage>,
    stop: CancellationToken,
    ping_interval: Duration,
    write_timeout: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Writer<S> {
    /// Runs until told to stop, all senders are gone, or the socket fails, which it returns.
    async fn run(mut self) -> Option<Closed> {
        let outcome = self.write_until_stopped().await;
        if outcome.is_ok() {
            let closing = CloseFrame {
                code: 1000.into(),
                reason: "".into(),
            };
            // The peer may be gone already; then there is nobody to tell.
            let _ = timeout(
                self.write_timeout,
                self.sink.send(Message::Close(Some(closing))),
            )
            .await;
        }
        self.stop.cancel();
        outcome.err()
    }

    async fn write_until_stopped(&mut self) -> Result<(), Closed> {
        let mut pings = interval(self.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                message = self.outgoing.recv() => match message {
                    Some(message) => Message::text(encode(&message)?),
                    None => return Ok(()),
                },
                _ = pings.tick() => Message::Ping(Bytes::new()),
            };
            let written = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                written = timeout(self.write_timeout, self.sink.send(message)) => written,
            };
            written
                .map_err(|_| Closed::Lost(format!("no write within {:?}", self.write_timeout)))??;
        }
    }
}

fn encode(message: &ClientMessage) -> Result<String, Closed> {
    // Only a value of an unknown kind, received from a newer server and sent back, cannot be
    // written; dropping it silently would leave the caller waiting for an answer.
    serde_json::to_string(message).map_err(|error| {
        Closed::Protocol(format!(
            "`{}` cannot be sent: {error}",
            message.event.event_type()
        ))
    })
}

/// Receives events until the connection ends, and then says how.
struct Reader<S> {
    stream: SplitStream<WebSocketStream<S>>,
    incoming: mpsc::Sender<Result<ServerEvent, Closed>>,
    stop: CancellationToken,
    silence_timeout: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Reader<S> {
    async fn run(mut self, writing: tokio::task::JoinHandle<Option<Closed>>) {
        let stop = self.stop.clone();
        let read = tokio::select! {
            () = stop.cancelled() => None,
            closed = self.read_until_closed() => Some(closed),
        };
        self.stop.cancel();
        let closed = match read {
            // Not after the writer, which may stand before a buffer that nobody empties.
            Some(closed) => closed,
            // A failed write explains an end that the reader knows nothing about.
            None => writing.await.ok().flatten().unwrap_or(Closed::Local),
        };
        tracing::debug!(%closed, "Realtime connection ended");
        // Nobody listens any more after the receiver was dropped.
        let _ = self.incoming.send(Err(closed)).await;
    }

    async fn read_until_closed(&mut self) -> Closed {
        loop {
            let message = match timeout(self.silence_timeout, self.stream.next()).await {
                Err(_) => return Closed::Silent(self.silence_timeout),
                Ok(None) => return Closed::Lost("the stream ended".to_owned()),
                Ok(Some(Err(error))) => return error.into(),
                Ok(Some(Ok(message))) => message,
            };
            let text = match message {
                Message::Text(text) => text,
                Message::Close(frame) => return remote(frame),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
                Message::Binary(_) => String::new().into(),
            };
            let event = match ServerMessage::parse(&text) {
                Ok(message) => message.event,
                Err(error) => unreadable(error),
            };
            if self.incoming.send(Ok(event)).await.is_err() {
                return Closed::Local;
            }
        }
    }
}

fn remote(frame: Option<CloseFrame>) -> Closed {
    match frame {
        Some(frame) => Closed::Remote {
            code: frame.code.into(),
            reason: frame.reason.to_string(),
        },
        None => Closed::Remote {
            code: 1005,
            reason: String::new(),
        },
    }
}

/// What cannot be read is passed on as unknown: the conversation may well survive without it.
fn unreadable(error: DecodeError) -> ServerEvent {
    match error {
        DecodeError::Payload {
            event_type, param, ..
        }
        | DecodeError::Missing { event_type, param } => {
            tracing::warn!(
                event.kind = event_type,
                event.param = param,
                "Unreadable Realtime event"
            );
            ServerEvent::Unknown(event_type)
        }
        DecodeError::UnknownType(event_type) => ServerEvent::Unknown(event_type),
        DecodeError::Json(_) | DecodeError::NoType => {
            tracing::warn!("A frame from the Realtime server is no event");
            ServerEvent::Unknown(String::new())
        }
    }
}
