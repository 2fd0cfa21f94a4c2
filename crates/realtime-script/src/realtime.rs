//! A Realtime session that follows the script.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response as HttpResponse};
use openai_realtime::{
    ClientEvent, ClientMessage, ErrorEvent, Nullable, ResponseCreate, ServerEvent, ServerMessage,
    SessionEvent, SpeechStarted, SpeechStopped, audio,
};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};

use crate::answers::{Act, Answers, Step};
use crate::detector::{Detector, Found};
use crate::script::{Door, Loss};
use crate::shared::{Order, Shared, What};

pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    upgrade: WebSocketUpgrade,
) -> HttpResponse {
    match shared.door() {
        Door::Open => {}
        Door::Refusing { status, error } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            return (status, Json(json!({ "error": error }))).into_response();
        }
        Door::Silent | Door::Down => return std::future::pending().await,
    }
    let orders = shared.orders.subscribe();
    upgrade.on_upgrade(async move |socket| {
        let number = shared.new_session();
        let session = Session {
            socket,
            orders,
            number,
            answers: Answers::new(shared.clone(), number),
            last_step: Instant::now(),
            sent: 0,
            input: Vec::new(),
            received: 0,
            detector: None,
            turn: String::new(),
            shared: shared.clone(),
        };
        session.run().await;
        shared.saw(number, What::Gone);
    })
}

struct Session {
    socket: WebSocket,
    orders: broadcast::Receiver<Order>,
    number: usize,
    answers: Answers,
    /// When the last step of an answer was taken.
    last_step: Instant,
    /// Events sent, which makes their ids unique.
    sent: usize,
    /// Sound since the last commit, and samples of the whole session.
    input: Vec<i16>,
    received: u64,
    detector: Option<Detector>,
    /// The item of the turn that the detector hears.
    turn: String,
    shared: Arc<Shared>,
}

/// The session is over.
struct Over;

impl Session {
    async fn run(mut self) {
        let session = Box::default();
        let created = ServerEvent::SessionCreated(SessionEvent { session });
        let mut outcome = self.send(created).await;
        while outcome.is_ok() {
            let due = self.answers.next_wait().map(|wait| self.last_step + wait);
            outcome = tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Ok(Order::Lose(loss)) => self.lose(loss).await,
                    Ok(Order::Report(error)) => {
                        self.send(ServerEvent::Error(ErrorEvent { error })).await
                    }
                    Err(_) => Err(Over),
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.step().await
                }
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => self.take(&text).await,
                    Some(Ok(_)) => Ok(()),
                    Some(Err(_)) | None => Err(Over),
                },
            };
        }
    }

    /// What is no event is none of the script's business.
    async fn take(&mut self, text: &str) -> Result<(), Over> {
        let Ok(message) = ClientMessage::parse(text) else {
            return Ok(());
        };
        match &message.event {
            ClientEvent::InputAudioBufferAppend(sound) => {
                let samples = audio::decode(&sound.audio).unwrap_or_default();
                return self.listen(&samples).await;
            }
            ClientEvent::InputAudioBufferCommit(_) => {
                self.turn_over();
                self.forget_turn();
            }
            ClientEvent::InputAudioBufferClear(_) => {
                self.input.clear();
                self.forget_turn();
            }
            event => {
                let event = Box::new(event.clone());
                self.shared.saw(self.number, What::Event(event));
            }
        }
        if let ClientEvent::SessionUpdate(update) = &message.event {
            let input = update.session.audio_input();
            match input.map(|input| &input.turn_detection) {
                Some(Nullable::Value(wanted)) => self.detector = Some(Detector::new(wanted)),
                Some(Nullable::Null) => self.detector = None,
                Some(Nullable::Absent) | None => {}
            }
        }
        if self.answers.next_wait().is_none() {
            self.last_step = Instant::now();
        }
        for event in self.answers.handle(message) {
            self.send(event).await?;
        }
        Ok(())
    }

    /// Takes sound, and the turns that are in it.
    async fn listen(&mut self, samples: &[i16]) -> Result<(), Over> {
        let position = self.received;
        self.received += samples.len() as u64;
        self.input.extend_from_slice(samples);
        let Some(detector) = &mut self.detector else {
            return Ok(());
        };
        let creates_response = detector.creates_response;
        for found in detector.take(position, samples) {
            match found {
                Found::Start(audio_start_ms) => {
                    self.turn = self.answers.new_turn();
                    let item_id = self.turn.clone();
                    self.send(ServerEvent::SpeechStarted(SpeechStarted {
                        item_id,
                        audio_start_ms,
                    }))
                    .await?;
                }
                Found::End(audio_end_ms) => {
                    let item_id = self.turn.clone();
                    self.turn_over();
                    if self.answers.next_wait().is_none() {
                        self.last_step = Instant::now();
                    }
                    self.send(ServerEvent::SpeechStopped(SpeechStopped {
                        item_id: item_id.clone(),
                        audio_end_ms,
                    }))
                    .await?;
                    let mut answers = self.answers.hear(item_id);
                    if creates_response {
                        answers.extend(self.answers.respond(ResponseCreate::default(), None));
                    }
                    for event in answers {
                        self.send(event).await?;
                    }
                }
            }
        }
        Ok(())
    }

    fn turn_over(&mut self) {
        let sound = std::mem::take(&mut self.input);
        self.shared.saw(self.number, What::Turn(sound));
    }

    fn forget_turn(&mut self) {
        if let Some(detector) = &mut self.detector {
            detector.reset();
        }
    }

    async fn step(&mut self) -> Result<(), Over> {
        let Some(Step { act, .. }) = self.answers.next() else {
            return Ok(());
        };
        self.last_step = Instant::now();
        match act {
            Act::Send(event) => self.send(*event).await,
            Act::Raw(frame) => self.frame(Message::text(frame)).await,
            Act::Lose(loss) => self.lose(loss).await,
        }
    }

    async fn lose(&mut self, loss: Loss) -> Result<(), Over> {
        match loss {
            Loss::Cut => {}
            Loss::Close { code, reason } => {
                let reason = reason.into();
                self.frame(Message::Close(Some(CloseFrame { code, reason })))
                    .await?;
            }
            // The socket stays, and nobody looks at it, until there is another order.
            Loss::Freeze => while let Ok(Order::Report(_)) = self.orders.recv().await {},
        }
        Err(Over)
    }

    async fn send(&mut self, event: ServerEvent) -> Result<(), Over> {
        self.sent += 1;
        let event_id = format!("event_{}", self.sent);
        let text = serde_json::to_string(&ServerMessage { event_id, event }).map_err(|_| Over)?;
        self.frame(Message::text(text)).await
    }

    async fn frame(&mut self, message: Message) -> Result<(), Over> {
        self.socket.send(message).await.map_err(|_| Over)
    }
}
