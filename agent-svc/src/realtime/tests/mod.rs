//! The bridge against a server that does what each test says, step by step; and against one that
//! follows a script, in virtual time.

mod breaker;
mod detection;
mod scenarios;
pub(crate) mod stage;
mod whole;

use futures::{SinkExt as _, StreamExt as _};
use openai_realtime::{
    BufferCommitted, ClientEvent, ClientMessage, Delta, ErrorDetail, ErrorEvent, FunctionCall,
    Item, OutputItem, PartPosition, Response, ResponseEvent, ResponseStatus, ServerEvent,
    ServerMessage, SessionEvent, audio,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use std::sync::Arc;

use openai_realtime::client;
use tokio::sync::oneshot;

use super::*;
use crate::domain::{Outcome, Realtime, ResponseId, Role, Ticket, ToolCallId};
use crate::provider::{Command, Event, Failure, Link, Setup, Trouble};

/// A Realtime server for one test.
pub(crate) struct Server {
    listener: TcpListener,
}

/// One session of it.
pub(crate) struct Served(WebSocketStream<TcpStream>);

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener }
    }

    pub(crate) fn options(&self) -> client::Options {
        let address = self.listener.local_addr().expect("it is bound");
        client::Options::new(format!("http://{address}/v1"), "key".to_owned().into())
    }

    pub(crate) fn api(&self) -> RealtimeApi {
        RealtimeApi {
            client: self.options(),
            voice: "marin".into(),
            transcription_model: "gpt-transcribe".into(),
            turn_detection: None,
            reconnect_timeout: Duration::from_secs(5),
            max_session_duration: Duration::from_secs(1_200),
            prices: None,
            breaker: Breaker::default(),
            has_fallback: false,
        }
    }

    pub(crate) async fn accept(&self) -> Served {
        let (stream, _) = self.listener.accept().await.expect("a client connects");
        let socket = tokio_tungstenite::accept_async(stream).await;
        Served(socket.expect("the client speaks WebSocket"))
    }
}

impl Served {
    pub(crate) async fn recv(&mut self) -> ClientMessage {
        loop {
            let message = self
                .0
                .next()
                .await
                .expect("the client stays")
                .expect("a frame");
            if let Message::Text(text) = message {
                return ClientMessage::parse(&text).expect("the client speaks the protocol");
            }
        }
    }

    /// The next event of this type; those before it are skipped.
    pub(crate) async fn until(&mut self, event_type: &str) -> ClientMessage {
        loop {
            let message = self.recv().await;
            if message.event.event_type() == event_type {
                return message;
            }
        }
    }

    pub(crate) async fn send(&mut self, event: ServerEvent) {
        let event_id = "event_1".to_owned();
        let text = serde_json::to_string(&ServerMessage { event_id, event }).expect("JSON");
        self.0
            .send(Message::text(text))
            .await
            .expect("the client stays");
    }

    pub(crate) async fn set_up(&mut self) -> ClientMessage {
        let update = self.until("session.update").await;
        let session = Box::default();
        self.send(ServerEvent::SessionUpdated(SessionEvent { session }))
            .await;
        update
    }
}

fn open(server: &Server) -> Link {
    let (send, setup) = oneshot::channel();
    let instructions = "Be kind.".to_owned();
    let tools = Vec::new();
    send.send(Setup {
        instructions,
        tools,
    })
    .expect("the link waits for it");
    Link::open(vec![Arc::new(server.api())], setup)
}

fn response(id: &str, status: ResponseStatus, ticket: Option<&str>) -> ResponseEvent {
    let metadata =
        ticket.map(|ticket| [("ticket".to_owned(), ticket.into())].into_iter().collect());
    ResponseEvent {
        response: Box::new(Response {
            id: id.into(),
            status,
            metadata,
            ..Response::default()
        }),
    }
}

fn tool_call(call: &str) -> ServerEvent {
    ServerEvent::OutputItemDone(OutputItem {
        response_id: "resp_1".into(),
        output_index: 0,
        item: Item::FunctionCall(FunctionCall {
            name: "get_account".into(),
            call_id: Some(call.into()),
            arguments: "{}".into(),
            ..FunctionCall::default()
        }),
    })
}

/// The next event for the conversation.
async fn next(link: &mut Link) -> Realtime {
    loop {
        if let Event::Conversation(event) = link.recv().await.expect("the session goes on") {
            return event;
        }
    }
}

#[tokio::test]
async fn a_turn_is_sent_and_its_response_recognised_by_our_ticket() {
    let server = Server::start().await;
    let mut link = open(&server);
    let mut served = server.accept().await;
    let update = serde_json::to_value(served.set_up().await).expect("JSON");
    assert_eq!(update["session"]["instructions"], "Be kind.");
    assert!(update["session"]["audio"]["input"]["turn_detection"].is_null());
    assert_eq!(next(&mut link).await, Realtime::Connected);

    link.send(Command::Append(vec![7; 480])).unwrap();
    link.send(Command::Commit).unwrap();
    link.send(Command::CreateResponse {
        ticket: Ticket(3),
        tools: false,
    })
    .unwrap();
    let ClientEvent::InputAudioBufferAppend(sound) = served.recv().await.event else {
        panic!("sound comes first");
    };
    assert_eq!(audio::decode(&sound.audio).unwrap(), vec![7; 480]);
    served.until("input_audio_buffer.commit").await;
    let create = serde_json::to_value(served.until("response.create").await).expect("JSON");
    assert_eq!(create["response"]["metadata"]["ticket"], "3");
    assert_eq!(create["response"]["tool_choice"], "none");

    let committed = BufferCommitted {
        item_id: "item_1".into(),
        previous_item_id: None,
    };
    served
        .send(ServerEvent::InputAudioBufferCommitted(committed))
        .await;
    let created = response("resp_1", ResponseStatus::InProgress, Some("3"));
    served.send(ServerEvent::ResponseCreated(created)).await;
    let position = PartPosition {
        response_id: "resp_1".into(),
        item_id: "item_2".into(),
        ..PartPosition::default()
    };
    let delta = audio::encode(&[1, 2]);
    served
        .send(ServerEvent::OutputAudioDelta(Delta { position, delta }))
        .await;
    let done = response("resp_1", ResponseStatus::Incomplete, Some("3"));
    served.send(ServerEvent::ResponseDone(done)).await;

    assert_eq!(next(&mut link).await, Realtime::Committed("item_1".into()));
    let (response, ticket) = (ResponseId::from("resp_1"), Some(Ticket(3)));
    let created = Realtime::ResponseCreated {
        response: response.clone(),
        ticket,
    };
    assert_eq!(next(&mut link).await, created);
    let sound = Realtime::Audio {
        response: response.clone(),
        item: "item_2".into(),
        audio: vec![1, 2],
    };
    assert_eq!(next(&mut link).await, sound);
    let outcome = Outcome::Completed;
    assert_eq!(
        next(&mut link).await,
        Realtime::ResponseDone {
            response,
            ticket,
            outcome
        }
    );
}

#[tokio::test]
async fn refusals_come_back_as_what_they_were_about() {
    let server = Server::start().await;
    let mut link = open(&server);
    let mut served = server.accept().await;
    served.set_up().await;
    assert_eq!(next(&mut link).await, Realtime::Connected);
    let refuse = |event_id: Option<String>, code: &str| {
        let error = ErrorDetail {
            event_id,
            ..ErrorDetail::invalid(code, "no")
        };
        ServerEvent::Error(ErrorEvent { error })
    };
    link.send(Command::CreateResponse {
        ticket: Ticket(9),
        tools: true,
    })
    .unwrap();
    let create = served.until("response.create").await;
    served
        .send(refuse(
            create.event_id,
            "conversation_already_has_active_response",
        ))
        .await;
    assert_eq!(next(&mut link).await, Realtime::ResponseRejected(Ticket(9)));
    served
        .send(refuse(None, "response_cancel_not_active"))
        .await;
    served
        .send(refuse(None, "input_audio_buffer_commit_empty"))
        .await;
    assert_eq!(next(&mut link).await, Realtime::CommitRejected);
    served.send(refuse(None, "insufficient_quota")).await;
    let failure = Trouble::Failed(Failure::InsufficientQuota);
    assert_eq!(link.recv().await, Some(Event::Trouble(failure)));
    assert_eq!(next(&mut link).await, Realtime::Failed);
    assert_eq!(link.recv().await, None);
}

#[tokio::test]
async fn a_new_session_is_told_what_the_lost_one_knew() {
    let server = Server::start().await;
    let mut link = open(&server);
    let mut served = server.accept().await;
    served.set_up().await;
    assert_eq!(next(&mut link).await, Realtime::Connected);
    for (position, role, text) in [(2, Role::Assistant, "Pro."), (1, Role::User, "What plan?")] {
        let text = text.to_owned();
        link.send(Command::Remember {
            position,
            role,
            text,
            items: Vec::new(),
        })
        .unwrap();
    }
    link.send(Command::Append(vec![5; 2400])).unwrap();
    link.send(Command::Commit).unwrap();
    served.until("input_audio_buffer.commit").await;
    served.send(tool_call("call_1")).await;
    served.send(tool_call("call_2")).await;
    next(&mut link).await;
    next(&mut link).await;
    let call = ToolCallId::from("call_1");
    link.send(Command::AnswerTool {
        call,
        output: "{}".into(),
    })
    .unwrap();
    served.until("conversation.item.create").await;
    drop(served);

    assert_eq!(next(&mut link).await, Realtime::Disconnected);
    let mut served = server.accept().await;
    served.set_up().await;
    let mut told = Vec::new();
    loop {
        let message = serde_json::to_value(served.recv().await).expect("JSON");
        told.push(match message["type"].as_str() {
            Some("conversation.item.create") => {
                let item = &message["item"];
                let words = item["content"][0]["text"].as_str();
                words
                    .or(item["call_id"].as_str())
                    .unwrap_or_default()
                    .to_owned()
            }
            Some("input_audio_buffer.commit") => break,
            other => other.unwrap_or_default().to_owned(),
        });
    }
    let sound = "input_audio_buffer.append";
    assert_eq!(told, ["What plan?", "Pro.", sound]);
    for expected in ["function_call", "function_call_output"] {
        let message = serde_json::to_value(served.recv().await).expect("JSON");
        assert_eq!(message["item"]["type"], expected);
        assert_eq!(message["item"]["call_id"], "call_1");
    }
    assert_eq!(next(&mut link).await, Realtime::Connected);

    // The session does not know this call, so it is told of it with its answer.
    let call = ToolCallId::from("call_2");
    link.send(Command::AnswerTool {
        call,
        output: "{}".into(),
    })
    .unwrap();
    for expected in ["function_call", "function_call_output"] {
        let message = serde_json::to_value(served.recv().await).expect("JSON");
        assert_eq!(message["item"]["type"], expected);
        assert_eq!(message["item"]["call_id"], "call_2");
    }
}

#[tokio::test]
async fn a_session_ends_when_the_call_does() {
    let server = Server::start().await;
    let link = open(&server);
    let mut served = server.accept().await;
    served.set_up().await;
    drop(link);
    while let Some(Ok(message)) = served.0.next().await {
        assert!(!matches!(message, Message::Text(_)));
    }
}

#[tokio::test]
async fn new_instructions_hold_for_this_session_and_the_next() {
    let server = Server::start().await;
    let mut link = open(&server);
    let mut served = server.accept().await;
    served.set_up().await;
    assert_eq!(next(&mut link).await, Realtime::Connected);
    link.send(Command::Instruct("Be brief.".into())).unwrap();
    let written = Command::Remember {
        position: 1,
        role: Role::User,
        text: "Hello.".into(),
        items: vec!["message_1".into()],
    };
    link.send(written).unwrap();
    let ClientEvent::SessionUpdate(update) = served.until("session.update").await.event else {
        panic!("another event");
    };
    assert_eq!(
        serde_json::to_value(&update.session).unwrap(),
        serde_json::json!({"type": "realtime", "instructions": "Be brief."})
    );
    let created = served.until("conversation.item.create").await;
    insta::assert_json_snapshot!(created.event, @r#"
    {
      "type": "conversation.item.create",
      "item": {
        "type": "message",
        "role": "user",
        "content": [
          {
            "type": "input_text",
            "text": "Hello."
          }
        ]
      }
    }
    "#);
    drop(served);
    let update = server.accept().await.set_up().await;
    let ClientEvent::SessionUpdate(update) = update.event else {
        panic!("another event");
    };
    assert_eq!(update.session.instructions.as_deref(), Some("Be brief."));
}
