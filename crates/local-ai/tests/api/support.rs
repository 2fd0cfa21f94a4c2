//! A running server and a client of it.

use std::sync::Arc;
use std::time::Duration;

use local_ai::brain::Brain;
use local_ai::chat::Chat;
use local_ai::engine::{Engine, Models};
use local_ai::server::{self, App};
use openai_realtime::client::{Connection, Options, connect};
use openai_realtime::{
    ClientEvent, ClientMessage, ConversationItemCreate, ErrorDetail, InputAudioBufferAppend, Item,
    NoFields, ResponseCreate, ResponseParams, Role, ServerEvent, SessionUpdate, audio,
};
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::scripted::Scripted;

/// Nothing in these tests takes longer; waiting for it means that it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a port of its own. It ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) scripted: Arc<Scripted>,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) running: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    /// With scripted models.
    pub(crate) async fn start() -> Self {
        let scripted = Arc::new(Scripted::default());
        Self::with(scripted.clone(), scripted, None, 64).await
    }

    pub(crate) async fn with_places(places: usize) -> Self {
        let scripted = Arc::new(Scripted::default());
        Self::with(scripted.clone(), scripted, None, places).await
    }

    pub(crate) async fn with_chat(chat: Chat) -> Self {
        let scripted = Arc::new(Scripted::default());
        Self::with(scripted.clone(), scripted, Some(chat), 64).await
    }

    pub(crate) async fn with_models(models: Arc<dyn Models>) -> Self {
        Self::with(models, Arc::default(), None, 64).await
    }

    async fn with(
        models: Arc<dyn Models>,
        scripted: Arc<Scripted>,
        chat: Option<Chat>,
        places: usize,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let engine = Engine::new(models);
        let app = App::new(engine.clone(), Brain::new(engine, chat), places);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server::serve(listener, app, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            scripted,
            stop: Some(stop),
            running,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(self.url("/v1"), SecretString::from("any"));
        options.incoming_capacity = 4_096;
        options
    }

    /// A session whose `session.created` has been read.
    pub(crate) async fn session(&self) -> Client {
        let mut client = Client(connect(&self.options()).await.unwrap());
        assert!(matches!(
            client.next().await,
            ServerEvent::SessionCreated(_)
        ));
        client
    }

    /// The same without turn detection.
    pub(crate) async fn manual_session(&self) -> Client {
        let mut client = self.session().await;
        client
            .update(serde_json::json!({"audio": {"input": {"turn_detection": null}}}))
            .await;
        client
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A held synthesis would keep the runtime from ending.
        self.scripted.release();
    }
}

/// A client of one session.
pub(crate) struct Client(pub(crate) Connection);

impl Client {
    pub(crate) async fn send(&self, event: ClientEvent) {
        self.0.send(event).await.unwrap();
    }

    /// Sends an event under the id `id`.
    pub(crate) async fn send_as(&self, id: &str, event: ClientEvent) {
        let message = ClientMessage {
            event_id: Some(id.to_owned()),
            event,
        };
        self.0.send(message).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> ServerEvent {
        tokio::time::timeout(PATIENCE, self.0.recv())
            .await
            .expect("the server went silent")
            .expect("the server closed the connection")
    }

    /// All events up to and including the first that `is_last`.
    pub(crate) async fn until(
        &mut self,
        is_last: impl Fn(&ServerEvent) -> bool,
    ) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        loop {
            events.push(self.next().await);
            if events.last().is_some_and(&is_last) {
                return events;
            }
        }
    }

    /// All events of a response, and of what happens beside it.
    pub(crate) async fn until_done(&mut self) -> Vec<ServerEvent> {
        self.until(|event| matches!(event, ServerEvent::ResponseDone(_)))
            .await
    }

    /// Changes the session and gives the event that answers.
    pub(crate) async fn update(&mut self, session: Value) -> ServerEvent {
        let session = Box::new(serde_json::from_value(session).unwrap());
        self.send(ClientEvent::SessionUpdate(SessionUpdate { session }))
            .await;
        self.next().await
    }

    pub(crate) async fn append(&self, samples: &[i16]) {
        for chunk in samples.chunks(2_400) {
            let audio = audio::encode(chunk);
            self.send(ClientEvent::InputAudioBufferAppend(
                InputAudioBufferAppend { audio },
            ))
            .await;
        }
    }

    pub(crate) async fn commit(&self) {
        self.send(ClientEvent::InputAudioBufferCommit(NoFields {}))
            .await;
    }

    /// Adds an item and reads the two events that answer.
    pub(crate) async fn add(&mut self, item: Item) -> String {
        let create = ConversationItemCreate {
            previous_item_id: None,
            item,
        };
        self.send(ClientEvent::ConversationItemCreate(create)).await;
        let ServerEvent::ConversationItemAdded(added) = self.next().await else {
            panic!("the item was not added")
        };
        assert!(matches!(
            self.next().await,
            ServerEvent::ConversationItemDone(_)
        ));
        added.item.id().unwrap().to_owned()
    }

    pub(crate) async fn say(&mut self, text: &str) -> String {
        self.add(Item::text(Role::User, text)).await
    }

    pub(crate) async fn create(&self, response: Value) {
        let params: ResponseParams = serde_json::from_value(response).unwrap();
        self.send(ClientEvent::ResponseCreate(ResponseCreate {
            response: Some(Box::new(params)),
        }))
        .await;
    }

    /// The next event, which must be an error.
    pub(crate) async fn error(&mut self) -> ErrorDetail {
        match self.next().await {
            ServerEvent::Error(event) => event.error,
            other => panic!("expected an error, got {other:?}"),
        }
    }
}

/// Waits until something that other tasks do has happened.
pub(crate) async fn eventually(has_happened: impl Fn() -> bool) {
    let waiting = async {
        while !has_happened() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it never happened");
}

/// The types of events, without repetitions of the same one after the other.
pub(crate) fn kinds(events: &[ServerEvent]) -> Vec<&str> {
    let mut kinds: Vec<&str> = events.iter().map(ServerEvent::event_type).collect();
    kinds.dedup();
    kinds
}

/// What the audio of these events says, and how many samples it has.
pub(crate) fn spoken(events: &[ServerEvent]) -> (String, Vec<i16>) {
    let (mut text, mut samples) = (String::new(), Vec::new());
    for event in events {
        match event {
            ServerEvent::OutputAudioTranscriptDelta(delta) => text.push_str(&delta.delta),
            ServerEvent::OutputAudioDelta(delta) => {
                audio::decode_into(&delta.delta, &mut samples).unwrap();
            }
            _ => {}
        }
    }
    (text, samples)
}

/// The instructions that make a scripted session say `text`.
pub(crate) fn saying(text: &str) -> Value {
    serde_json::json!({"instructions": format!("Say exactly: \"{text}\""), "input": []})
}
