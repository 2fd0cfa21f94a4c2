//! A Realtime session that follows the script.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response as HttpResponse};
use openai_realtime::{
    ClientEvent, ClientMessage, ErrorEvent, ServerEvent, ServerMessage, SessionEvent, audio,
};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};

use crate::answers::{Act, Answers, Step};
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
    /// Sound since the last commit.
    input: Vec<i16>,
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
                self.input
                    .extend(audio::decode(&sound.audio).unwrap_or_default());
            }
            ClientEvent::InputAudioBufferCommit(_) => {
                let sound = std::mem::take(&mut self.input);
                self.shared.saw(self.number, What::Turn(sound));
            }
            ClientEvent::InputAudioBufferClear(_) => self.input.clear(),
            event => {
                let event = Box::new(event.clone());
                self.shared.saw(self.number, What::Event(event));
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
