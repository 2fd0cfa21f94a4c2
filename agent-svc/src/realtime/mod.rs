//! The bridge to the Realtime provider: keeps a session, and brings it back when it is lost.
//!
//! One task per call owns the socket. It is dialled before it is needed; when it breaks, a new
//! session gets the instructions, the tools, what was said, and the turn that was not answered.
//! Before the provider ends a session for its age, the next one is made beside it and takes over in
//! a pause, which nobody notices. It decides nothing about the conversation: [`crate::domain`] does.
//!
//! `session` is the task, `breaker` knows whether sessions can be had, `dial` makes them, `live` is one of them, `history` is what every one
//! must know, `translate` reads the provider's events, `usage` counts what they cost.

mod breaker;
mod dial;
mod history;
mod live;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod translate;
mod usage;

use std::time::Duration;

use openai_realtime::{ErrorDetail, Tool, TurnDetection, client, code};
use tokio::sync::{mpsc, oneshot};

use crate::domain::{self, ItemId, ResponseId, Ticket, ToolCallId};
pub use breaker::{Breaker, Unavailable};
pub use usage::{Bill, CURRENCY, Prices, Tokens, Usage};

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
    /// How it decides about turns, if it does.
    pub turn_detection: Option<TurnDetection>,
    /// How long a lost session is tried again.
    pub reconnect_timeout: Duration,
    /// How old a session may be before it is exchanged.
    pub max_session_duration: Duration,
    /// What its tokens cost, if that is known.
    pub prices: Option<Prices>,
    /// What all calls know of it.
    pub breaker: Breaker,
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
    /// Remove an item, of the assistant's or of the caller's.
    Delete(ItemId),
    /// Go by other instructions from the next response on, in later sessions too.
    Instruct(String),
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
        /// The provider's items that it is made of; of what the dedicated voice said, none.
        items: Vec<ItemId>,
    },
}

/// What the session tells the call's task.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something for the conversation.
    Conversation(domain::Realtime),
    /// Something that whoever watches the call should know. Comes before what it means for the
    /// conversation.
    Trouble(Trouble),
    /// Something was paid for.
    Used(Bill),
}

/// What goes wrong with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It was lost and is being made again.
    Reconnecting,
    /// The provider has no room for a response at the moment.
    RateLimited,
    /// There will be no session any more.
    Failed(Failure),
}

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The account has no quota left.
    InsufficientQuota,
    /// The key is wrong.
    InvalidApiKey,
    /// The account was closed.
    AccountDeactivated,
    /// The account's spending limit is reached.
    BillingHardLimit,
    /// Prepaid credit is used up.
    CreditExhausted,
    /// The provider refuses for another reason that will not go away.
    Refused,
    /// The provider could not be reached for too long.
    Unreachable,
}

impl Failure {
    /// The failure that an error of the provider means.
    fn of(error: &ErrorDetail) -> Self {
        match error.fatal_code() {
            Some(code::INSUFFICIENT_QUOTA) => Self::InsufficientQuota,
            Some(code::INVALID_API_KEY) => Self::InvalidApiKey,
            Some(code::ACCOUNT_DEACTIVATED) => Self::AccountDeactivated,
            Some(code::BILLING_HARD_LIMIT) => Self::BillingHardLimit,
            Some(code::CREDIT_EXHAUSTED) => Self::CreditExhausted,
            _ => Self::Refused,
        }
    }

    /// Whether it lasts until somebody looks after the provider's account.
    pub fn needs_operator(self) -> bool {
        self.spares_sessions() || self == Self::InvalidApiKey
    }

    /// Whether a session may be had all the same, in which no answer is made.
    fn spares_sessions(self) -> bool {
        match self {
            Self::InsufficientQuota
            | Self::AccountDeactivated
            | Self::BillingHardLimit
            | Self::CreditExhausted => true,
            Self::InvalidApiKey | Self::Refused | Self::Unreachable => false,
        }
    }
}

impl Trouble {
    /// A stable name.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Reconnecting => "REALTIME_RECONNECTING",
            Self::RateLimited => "REALTIME_RATE_LIMITED",
            Self::Failed(Failure::InsufficientQuota) => "REALTIME_INSUFFICIENT_QUOTA",
            Self::Failed(Failure::InvalidApiKey) => "REALTIME_INVALID_API_KEY",
            Self::Failed(Failure::AccountDeactivated) => "REALTIME_ACCOUNT_DEACTIVATED",
            Self::Failed(Failure::BillingHardLimit) => "REALTIME_BILLING_HARD_LIMIT_REACHED",
            Self::Failed(Failure::CreditExhausted) => "REALTIME_CREDIT_BALANCE_EXHAUSTED",
            Self::Failed(Failure::Refused) => "REALTIME_REFUSED",
            Self::Failed(Failure::Unreachable) => "REALTIME_UNREACHABLE",
        }
    }

    /// The same in words.
    pub fn message(self) -> &'static str {
        match self {
            Self::Reconnecting => "The speech provider's session is made again.",
            Self::RateLimited => "The speech provider has no room for an answer at the moment.",
            Self::Failed(Failure::Unreachable) => "The speech provider could not be reached.",
            Self::Failed(Failure::InvalidApiKey) => "The speech provider refuses the key.",
            Self::Failed(Failure::Refused) => "The speech provider refuses the session.",
            Self::Failed(
                Failure::InsufficientQuota
                | Failure::AccountDeactivated
                | Failure::BillingHardLimit
                | Failure::CreditExhausted,
            ) => "The speech provider's account cannot be used.",
        }
    }
}

/// The call's end of its session. The session ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
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
    pub async fn recv(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}
