//! An OpenAI server that understands nothing and says what its script holds. For tests and benchmarks.
//!
//! It serves what a call needs: Realtime over WebSocket, speech, chat completions and embeddings.
//! What it speaks is a tone as long as its words would take.

mod realtime;
mod rest;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One turn of every session: what is heard and what is answered, whatever was said.
#[derive(Debug, Clone)]
pub struct Line {
    /// The transcript of what the caller said.
    pub heard: String,
    /// The tool that is called first, without arguments.
    pub tool: Option<String>,
    /// What is answered; `{field}` stands for a field of the tool's result.
    pub answer: String,
}

/// The server, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on a free port of this machine. A session that goes on after the last line begins anew.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(script: Vec<Line>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let script: Arc<[Line]> = script.into();
        let router = Router::new()
            .route("/v1/realtime", get(realtime::upgrade))
            .route("/v1/audio/speech", post(rest::speech))
            .route("/v1/chat/completions", post(rest::chat))
            .route("/v1/embeddings", post(rest::embeddings))
            .with_state(script);
        let task = tokio::spawn(async move {
            // It ends by being aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task })
    }

    /// What clients are given as OpenAI's address.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
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
    use openai_realtime::client::{Options, connect};
    use openai_realtime::{ClientEvent, Item, NoFields, ResponseCreate, ServerEvent};

    use super::*;

    #[tokio::test]
    async fn a_turn_calls_its_tool_and_says_what_that_gave() {
        let line = Line {
            heard: "What plan am I on?".into(),
            tool: Some("get_account".into()),
            answer: "You are on {plan}.".into(),
        };
        let server = Server::start(vec![line]).await.unwrap();
        let key = "any".to_owned().into();
        let connection = connect(&Options::new(server.base_url(), key)).await;
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
}
