//! The bridge to the Realtime provider: keeps a session, and brings it back when it is lost.
//!
//! One task per call owns the socket. It is dialled before it is needed; when it breaks, a new
//! session gets the instructions, the tools, what was said, and the turn that was not answered. It
//! decides nothing about the conversation: [`crate::domain`] does.

mod history;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod translate;

use std::time::Duration;

use openai_realtime::{Tool, client};
use tokio::sync::{mpsc, oneshot};

use crate::domain::{self, ItemId, ResponseId, Ticket, ToolCallId, ToolRequest};

/// Commands that may wait: a minute of speech in pieces of 20 ms.
const COMMAND_CAPACITY: usize = 3_000;
const EVENT_CAPACITY: usize = 256;

/// How to reach the provider and what to ask of it.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Where, with which key and model.
    pub client: client::Options,
    /// The assistant's voice.
    pub voice: String,
    /// The model that writes down what the caller says.
    pub transcription_model: String,
    /// How long a lost session is tried again.
    pub reconnect_timeout: Duration,
}

/// What the session is told at its beginning.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The prompt.
    pub instructions: String,
    /// What may be called.
    pub tools: Vec<Tool>,
}

/// What the call's task asks of the session.
#[derive(Debug)]
pub enum Command {
    /// Sound of the caller, 24 kHz.
    Append(Vec<i16>),
    /// Make a user turn of it.
    Commit,
    /// Forget it.
    Clear,
    /// Ask for a response.
    CreateResponse {
        /// To recognise it by.
        ticket: Ticket,
        /// Whether it may call tools.
        tools: bool,
    },
    /// Stop a response.
    Cancel(ResponseId),
    /// Cut an item to what was heard.
    Truncate {
        /// The item.
        item: ItemId,
        /// What was heard.
        audio_end_ms: u64,
    },
    /// Remove an item.
    Delete(ItemId),
    /// Add what the dedicated voice said.
    AddAssistantText(String),
    /// Tell what a tool gave.
    AnswerTool {
        /// The call.
        call: ToolCallId,
        /// The result.
        output: String,
    },
    /// A turn as it will be told again if the session is lost.
    Remember {
        /// Its place.
        position: u32,
        /// Who spoke.
        role: domain::Role,
        /// What was heard.
        text: String,
    },
}

/// The call's end of its session. The session ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<domain::Realtime>,
}

/// The session takes no more commands, or not fast enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Realtime session takes no more commands")]
pub struct LinkStalled;

impl Link {
    /// Dials, and sets the session up as soon as `setup` is known.
    pub fn open(provider: Provider, setup: oneshot::Receiver<Setup>) -> Self {
        let (commands, command_queue) = mpsc::channel(COMMAND_CAPACITY);
        let (event_queue, events) = mpsc::channel(EVENT_CAPACITY);
        tokio::spawn(session::run(provider, setup, command_queue, event_queue));
        Self { commands, events }
    }

    /// Hands a command over.
    ///
    /// # Errors
    /// [`LinkStalled`] when the session has failed for good or does not keep up.
    pub fn send(&self, command: Command) -> Result<(), LinkStalled> {
        self.commands.try_send(command).map_err(|_| LinkStalled)
    }

    /// The next event; `None` after the session has failed for good. Dropping the future loses
    /// nothing.
    pub async fn recv(&mut self) -> Option<domain::Realtime> {
        self.events.recv().await
    }
}

/// A tool call that the session has seen and must know again after it was lost.
#[derive(Debug, Clone)]
struct SeenCall {
    request: ToolRequest,
    output: Option<String>,
}
