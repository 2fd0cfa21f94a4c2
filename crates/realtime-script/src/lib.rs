//! An OpenAI server that understands nothing and says what its script holds. For tests and benchmarks.
//!
//! It serves what a call needs: Realtime over WebSocket, speech, chat completions and embeddings.
//! Asked to find turns it takes whatever is not silent for a voice. What it speaks is a tone as long as its words would take. It misbehaves where its script says so
//! ([`Fault`]) or when it is told to ([`Server::lose`], [`Server::door`]). Served from memory it needs no
//! sockets, so that a test can pause tokio's clock.

mod answers;
mod detector;
mod memory;
mod realtime;
mod rest;
mod script;
mod shared;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use axum::serve::Listener;
use openai_realtime::ErrorDetail;
use openai_realtime::client::{Dial, Options};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use script::{Door, Fault, Line, Loss, Script};
pub use shared::{Seen, What};

use memory::Tcp;
use shared::{Order, Shared};

/// The server, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    base_url: String,
    dial: Option<Arc<dyn Dial>>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on a free port of this machine.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(script: impl Into<Script>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let shared = Arc::new(Shared::new(script.into()));
        let listener = Tcp {
            listener,
            shared: shared.clone(),
        };
        Ok(Self::serve(listener, shared, base_url, None))
    }

    /// Serves in memory: only [`Server::client`] leads there.
    pub fn in_memory(script: impl Into<Script>) -> Self {
        let shared = Arc::new(Shared::new(script.into()));
        let (dial, listener) = memory::memory(shared.clone());
        let base_url = "http://script.invalid/v1".to_owned();
        Self::serve(listener, shared, base_url, Some(Arc::new(dial)))
    }

    fn serve<L>(
        listener: L,
        shared: Arc<Shared>,
        base_url: String,
        dial: Option<Arc<dyn Dial>>,
    ) -> Self
    where
        L: Listener,
        L::Addr: std::fmt::Debug,
    {
        let router = router(shared.clone());
        let task = tokio::spawn(async move {
            // It ends by being aborted.
            let _ = axum::serve(listener, router).await;
        });
        Self {
            base_url,
            dial,
            shared,
            task,
        }
    }

    /// What clients are given as OpenAI's address.
    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    /// What a Realtime client connects with.
    pub fn client(&self) -> Options {
        Options {
            dial: self.dial.clone(),
            ..Options::new(self.base_url(), "any".to_owned().into())
        }
    }

    /// What connections meet from now on.
    pub fn door(&self, door: Door) {
        self.shared.set_door(door);
    }

    /// Loses every session that there is.
    pub fn lose(&self, loss: Loss) {
        self.order(Order::Lose(loss));
    }

    /// Sends an error to every session that there is.
    pub fn report(&self, error: ErrorDetail) {
        self.order(Order::Report(error));
    }

    fn order(&self, order: Order) {
        // Without a session there is nothing to do.
        let _ = self.shared.orders.send(order);
    }

    /// How often somebody tried to connect.
    pub fn knocks(&self) -> usize {
        self.shared.knocks()
    }

    /// What clients did, as far as it is still known.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        self.lose(Loss::Cut);
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/realtime", get(realtime::upgrade))
        .route("/v1/audio/speech", post(rest::speech))
        .route("/v1/chat/completions", post(rest::chat))
        .route("/v1/embeddings", post(rest::embeddings))
        .with_state(shared)
}

/// Samples of a tone at 24 kHz that lasts as long as the words would.
fn tone(text: &str) -> Vec<i16> {
    const PER_CHARACTER: usize = 24_000 * 60 / 1_000;
    // 440 Hz at a quarter of full scale.
    let step = std::f32::consts::TAU * 440.0 / 24_000.0;
    (0..text.chars().count() * PER_CHARACTER)
        .map(|index| ((index as f32 * step).sin() * 8_192.0) as i16)
        .collect()
}

#[cfg(test)]
mod tests {
    use openai_realtime::client::{Closed, ConnectError, SILENCE_TIMEOUT, connect};
    use openai_realtime::{ClientEvent, Item, NoFields, ResponseCreate, ServerEvent};

    use super::*;

    #[tokio::test]
    async fn a_turn_calls_its_tool_and_says_what_that_gave() {
        let line = Line {
            heard: "What plan am I on?".into(),
            tool: Some("get_account".into()),
            answer: "You are on {plan}.".into(),
            ..Line::default()
        };
        let server = Server::start(vec![line]).await.unwrap();
        let connection = connect(&server.client()).await;
        let (sender, mut receiver) = connection.unwrap().split();
        let mut seen = Vec::new();
        let mut until_done = async |seen: &mut Vec<String>| loop {
            match receiver.recv().await.unwrap() {
                ServerEvent::TranscriptionCompleted(said) => seen.push(said.transcript),
                ServerEvent::OutputItemDone(item) => match item.item {
                    Item::FunctionCall(call) => seen.push(format!("-> {}", call.name)),
                    Item::Message(said) => seen.push(said.words()),
                    _ => {}
                },
                ServerEvent::ResponseDone(_) => return,
                _ => {}
            }
        };
        let create = || ClientEvent::ResponseCreate(ResponseCreate::default());
        let commit = ClientEvent::InputAudioBufferCommit(NoFields {});
        sender.send(commit).await.unwrap();
        sender.send(create()).await.unwrap();
        until_done(&mut seen).await;
        let output = openai_realtime::ConversationItemCreate {
            previous_item_id: None,
            item: Item::function_call_output("call", r#"{"plan":"pro"}"#),
        };
        let output = ClientEvent::ConversationItemCreate(output);
        sender.send(output).await.unwrap();
        sender.send(create()).await.unwrap();
        until_done(&mut seen).await;
        assert_eq!(
            seen,
            ["What plan am I on?", "-> get_account", "You are on pro."]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn in_memory_it_is_refused_lost_and_half_open_as_told() {
        let server = Server::in_memory(Vec::new());
        server.door(Door::Down);
        let error = connect(&server.client()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Transport(_)), "{error:?}");
        let error = ErrorDetail::server("server_overloaded", "full");
        server.door(Door::Refusing { status: 503, error });
        let error = connect(&server.client()).await.unwrap_err();
        assert!(
            matches!(&error, ConnectError::Refused { status: 503, error }
                if error.code.as_deref() == Some("server_overloaded")),
            "{error:?}"
        );
        server.door(Door::Open);
        let (code, reason) = (1012, "restart".to_owned());
        let close = Loss::Close {
            code,
            reason: reason.clone(),
        };
        let half_open = Closed::Silent(SILENCE_TIMEOUT);
        for (loss, closed) in [
            (close, Closed::Remote { code, reason }),
            (Loss::Freeze, half_open),
        ] {
            let mut connection = connect(&server.client()).await.unwrap();
            assert!(matches!(
                connection.recv().await,
                Ok(ServerEvent::SessionCreated(_))
            ));
            // Idle for longer than it may be silent: it answers pings.
            tokio::time::sleep(2 * SILENCE_TIMEOUT).await;
            server.lose(loss);
            assert_eq!(connection.recv().await, Err(closed));
        }
        assert_eq!(server.knocks(), 4);
    }
}
