//! The task that holds a conversation: it always has what was said, and makes one answer at a time.

mod orders;

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::hearing::{Heard, transcribe};
use super::reply::{Making, Piece};
use super::{Cascade, RequestError, chat};
use crate::domain::{ItemId, Outcome, Realtime, ResponseId, Ticket};
use crate::provider::{Bill, Desk, Event, Failure, Over, Setup, Usage};

/// Requests in a row that may fail.
const MAX_FAILURES: u32 = 3;

/// Holds the conversation until nobody wants it any more or the servers give nothing.
pub(super) async fn run(cascade: Cascade, desk: Desk) -> Over {
    let Some(setup) = desk.setup.clone().await else {
        return Over::Unwanted;
    };
    let mut session = Session {
        cascade,
        setup,
        desk,
        hearing: None,
        failed: HashSet::new(),
        is_resting: false,
        words: None,
        reply: None,
        last_id: 0,
        failures: 0,
    };
    match session.converse().await {
        End::Unwanted => Over::Unwanted,
        End::Failed(failure) => {
            tracing::error!(?failure, "The cascade is given up");
            Over::Failed(failure, session.into_desk())
        }
    }
}

struct Session {
    cascade: Cascade,
    setup: Arc<Setup>,
    desk: Desk,
    /// The turn that is being transcribed.
    hearing: Option<(ItemId, BoxFuture<'static, Result<Heard, RequestError>>)>,
    /// Turns that could not be transcribed, once.
    failed: HashSet<ItemId>,
    /// Whether such turns wait until something is asked for.
    is_resting: bool,
    /// Whether there were words in the turns since the last answer began, if there were turns.
    words: Option<bool>,
    reply: Option<Reply>,
    last_id: u32,
    /// Requests that have failed in a row.
    failures: u32,
}

/// An answer that is asked for.
struct Reply {
    ticket: Ticket,
    response: ResponseId,
    item: ItemId,
    may_call: bool,
    text: String,
    has_sound: bool,
    /// Whether it has called a tool; its words come before that.
    has_called: bool,
    /// `None` while it waits for the caller's words.
    making: Option<Making>,
}

/// The task is done.
enum End {
    /// The call has ended.
    Unwanted,
    /// The servers give nothing.
    Failed(Failure),
}

impl Session {
    async fn converse(&mut self) -> End {
        if let Err(end) = self.begin().await {
            return end;
        }
        loop {
            if let Err(end) = self.take_turn().await {
                return end;
            }
        }
    }

    fn into_desk(self) -> Desk {
        Desk {
            setup: ready(Some(self.setup)).boxed().shared(),
            ..self.desk
        }
    }

    /// Takes over what another has left: turns whose words are not known are heard again.
    async fn begin(&mut self) -> Result<(), End> {
        self.desk.history.session_lost();
        self.tell(Realtime::Connected).await?;
        loop {
            let item = self.next_item();
            if !self.desk.history.committed(&item) {
                return Ok(());
            }
            self.tell(Realtime::Committed(item)).await?;
        }
    }

    fn next_item(&mut self) -> ItemId {
        self.last_id += 1;
        format!("cascade_item_{}", self.last_id).into()
    }

    /// Waits for whatever happens next, and deals with it. Commands come first: an interruption must
    /// not wait for a burst of sound.
    async fn take_turn(&mut self) -> Result<(), End> {
        self.begin_hearing();
        self.begin_reply().await?;
        tokio::select! {
            biased;
            () = self.desk.events.closed() => Err(End::Unwanted),
            command = self.desk.commands.recv() => match command {
                Some(command) => self.command(command).await,
                None => Err(End::Unwanted),
            },
            heard = heard(&mut self.hearing) => self.heard(heard).await,
            piece = next_piece(&mut self.reply) => self.came(piece).await,
        }
    }

    /// Transcribes the oldest turn whose words are not known, one at a time.
    fn begin_hearing(&mut self) {
        if self.hearing.is_some() || self.is_resting {
            return;
        }
        if let Some((item, sound)) = self.desk.history.unheard() {
            let request = transcribe(self.cascade.clone(), sound.to_vec());
            self.hearing = Some((item.clone(), request.boxed()));
        }
    }

    async fn heard(&mut self, heard: Result<Heard, RequestError>) -> Result<(), End> {
        let Some((item, _)) = self.hearing.take() else {
            return Ok(());
        };
        match heard {
            Ok(Heard { text, usage }) => {
                self.failures = 0;
                let text = text.trim().to_owned();
                self.words = Some(self.words == Some(true) || !text.is_empty());
                self.desk.history.heard(&item, &text);
                if let Some(usage) = usage {
                    self.used(usage.into()).await?;
                }
                let text = Some(text);
                self.tell(Realtime::CallerText { item, text }).await
            }
            Err(error) => {
                self.failure(&error, "transcription")?;
                // It is tried again when an answer is asked for again.
                self.is_resting = true;
                if !self.failed.insert(item.clone()) {
                    self.desk.history.forget(&item);
                    let text = None;
                    self.tell(Realtime::CallerText { item, text }).await?;
                }
                self.end_reply(Outcome::Failed).await
            }
        }
    }

    /// Begins the answer that is asked for, once all that the caller has said is known.
    async fn begin_reply(&mut self) -> Result<(), End> {
        if self.hearing.is_some() {
            return Ok(());
        }
        let Some(reply) = self.reply.as_mut().filter(|reply| reply.making.is_none()) else {
            return Ok(());
        };
        if self.words.take() == Some(false) {
            // Nobody has said anything.
            return self.end_reply(Outcome::Cancelled).await;
        }
        let history = &self.desk.history;
        let request = chat::request(
            &self.cascade.chat_model,
            &self.setup,
            history,
            reply.may_call,
        );
        let prefix = reply.response.as_str().to_owned();
        reply.making = Some(Making::start(self.cascade.clone(), request, prefix));
        Ok(())
    }

    async fn came(&mut self, piece: Piece) -> Result<(), End> {
        let Some(reply) = &mut self.reply else {
            return Ok(());
        };
        let (response, item) = (reply.response.clone(), reply.item.clone());
        match piece {
            Piece::Text(delta) => {
                reply.text += &delta;
                self.tell(Realtime::Text {
                    response,
                    item,
                    delta,
                })
                .await
            }
            Piece::Audio(audio) => {
                reply.has_sound = true;
                self.tell(Realtime::Audio {
                    response,
                    item,
                    audio,
                })
                .await
            }
            Piece::Call(request) => {
                if !std::mem::replace(&mut reply.has_called, true) {
                    let text = std::mem::take(&mut reply.text);
                    self.desk.history.answered_with(item, text);
                }
                self.desk.history.called(request.clone());
                self.tell(Realtime::ToolCall { response, request }).await
            }
            Piece::Used(usage) => self.used(usage).await,
            Piece::End(end) => self.reply_ended(end).await,
        }
    }

    /// What was said of it is in the history until it is known what of it was heard.
    async fn reply_ended(&mut self, end: Result<(), RequestError>) -> Result<(), End> {
        let Some(reply) = &mut self.reply else {
            return Ok(());
        };
        let item = reply.item.clone();
        if !reply.has_sound {
            self.desk.history.forget(&item);
        } else if end.is_ok() && !reply.has_called {
            let text = std::mem::take(&mut reply.text);
            self.desk.history.answered_with(item, text);
        }
        let outcome = match end {
            Ok(()) => {
                self.failures = 0;
                Outcome::Completed
            }
            Err(error) => {
                self.failure(&error, "answer")?;
                Outcome::Failed
            }
        };
        self.end_reply(outcome).await
    }

    /// There is no more of the answer that was asked for, if one was.
    async fn end_reply(&mut self, outcome: Outcome) -> Result<(), End> {
        let Some(reply) = self.reply.take() else {
            return Ok(());
        };
        self.tell(Realtime::ResponseDone {
            response: reply.response,
            ticket: Some(reply.ticket),
            outcome,
        })
        .await
    }

    /// A request has failed. Says whether that ends everything.
    fn failure(&mut self, error: &RequestError, stage: &'static str) -> Result<(), End> {
        tracing::warn!(%error, stage, "A request of the cascade failed");
        metrics::counter!("insta_agent_cascade_failures", "stage" => stage).increment(1);
        if let RequestError::Fatal(failure) = error {
            return Err(End::Failed(*failure));
        }
        self.failures += 1;
        if self.failures < MAX_FAILURES {
            Ok(())
        } else {
            Err(End::Failed(Failure::Unreachable))
        }
    }

    async fn used(&mut self, usage: Usage) -> Result<(), End> {
        usage.count();
        let cost = None;
        self.send(Event::Used(Bill { usage, cost })).await
    }

    async fn tell(&mut self, event: Realtime) -> Result<(), End> {
        self.send(Event::Conversation(event)).await
    }

    async fn send(&mut self, event: Event) -> Result<(), End> {
        let sent = self.desk.events.send(event).await;
        sent.map_err(|_| End::Unwanted)
    }
}

/// How transcribing went; waits for ever while nothing is transcribed.
async fn heard(
    hearing: &mut Option<(ItemId, BoxFuture<'static, Result<Heard, RequestError>>)>,
) -> Result<Heard, RequestError> {
    match hearing {
        Some((_, request)) => request.await,
        None => pending().await,
    }
}

/// The next piece of the answer; waits for ever while none is made.
async fn next_piece(reply: &mut Option<Reply>) -> Piece {
    match reply.as_mut().and_then(|reply| reply.making.as_mut()) {
        Some(making) => making.next().await,
        None => pending().await,
    }
}
