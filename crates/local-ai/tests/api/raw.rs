//! A client that sends any text and sees events as they are on the wire.

use std::collections::HashSet;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::support::Server;

/// Nothing in these tests takes longer; waiting for it means that it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct RawClient {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    /// Ids of events, none of which may come twice.
    ids: HashSet<String>,
    fences: usize,
}

impl RawClient {
    /// A session, and the event that began it.
    pub(crate) async fn connect(server: &Server) -> (Self, Value) {
        let url = format!("ws://{}/v1/realtime", server.address);
        let (socket, _) = connect_async(url).await.unwrap();
        let mut client = Self {
            socket,
            ids: HashSet::new(),
            fences: 0,
        };
        let created = client.next().await;
        assert_eq!(created["type"], "session.created");
        (client, created)
    }

    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        let text: String = text.into();
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("the server went silent")
                .expect("the server closed the connection")
                .unwrap();
            let Message::Text(text) = message else {
                assert!(!message.is_close(), "the server closed the connection");
                continue;
            };
            let event: Value = serde_json::from_str(&text).unwrap();
            let id = event["event_id"].as_str().expect("an event has an id");
            assert!(self.ids.insert(id.to_owned()), "twice: {event}");
            return event;
        }
    }

    /// All events up to and including the first that `is_last`.
    pub(crate) async fn until(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.next().await);
            if events.last().is_some_and(&is_last) {
                return events;
            }
        }
    }

    /// Everything that what was sent before leads to at once. The protocol answers in order, so
    /// it is all that comes before the answer to a question of our own.
    pub(crate) async fn settle(&mut self) -> Vec<Value> {
        self.fences += 1;
        let fence = format!("fence {}", self.fences);
        let question =
            json!({"type": "conversation.item.retrieve", "event_id": fence, "item_id": "no such"});
        self.send(question.to_string()).await;
        let mut events = self
            .until(|event| event["error"]["event_id"] == fence.as_str())
            .await;
        events.pop();
        events
    }
}
