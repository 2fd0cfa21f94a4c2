//! Who holds the conversation: the interface of a speech-to-speech provider, and what all of them need.
//!
//! A [`Provider`] takes orders ([`Command`]) and tells what happens ([`Event`]) over two queues, and
//! keeps in a [`History`] what was said. One that cannot go on gives its [`Desk`] back, and the next in
//! line sits down to it: the conversation goes on where it was. To add one: a type that implements
//! [`Provider`], and its place in the list that the app makes.
//!
//! [`crate::realtime`] is the first, [`crate::cascade`] the second.

mod history;
mod usage;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use openai_realtime::{ErrorDetail, Tool, code};
use tokio::sync::{mpsc, oneshot};

use crate::domain::{self, ItemId, Realtime, ResponseId, Ticket, ToolCallId};
pub use history::History;
pub(crate) use history::{EntryId, Telling};
pub use usage::{Bill, CURRENCY, Prices, Tokens, Usage};

/// Commands that may wait: a minute of speech in pieces of 20 ms.
const COMMAND_CAPACITY: usize = 3_000;
const EVENT_CAPACITY: usize = 256;

/// Something that converses by voice.
pub trait Provider: Send + Sync {
    /// Holds a call's conversation until the call ends or the provider cannot go on.
    fn hold(&self, desk: Desk) -> BoxFuture<'static, Over>;
}

/// A call's conversation, as whoever holds it needs it.
pub struct Desk {
    /// Orders. Their end is the end of the call.
    pub commands: mpsc::Receiver<Command>,
    /// What happens. They are not taken any more when the call is over.
    pub events: mpsc::Sender<Event>,
    /// What was said so far.
    pub history: History,
    /// What to be told at the beginning, as it is now.
    pub setup: SharedSetup,
}

/// What a provider is told at the beginning, once that is known; `None` when the call ended before.
pub type SharedSetup = Shared<BoxFuture<'static, Option<Arc<Setup>>>>;

/// A provider holds a conversation no more.
pub enum Over {
    /// The call has ended.
    Unwanted,
    /// It cannot go on; another may.
    Failed(Failure, Desk),
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
    /// The call goes on with the fallback.
    FellBack,
    /// The fallback cannot go on either.
    FallbackFailed(Failure),
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
    pub(crate) fn of(error: &ErrorDetail) -> Self {
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
    pub(crate) fn spares_sessions(self) -> bool {
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
            Self::FellBack => "FALLBACK_IN_USE",
            Self::FallbackFailed(_) => "FALLBACK_FAILED",
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
            Self::FellBack => "The call goes on with transcription, chat and speech.",
            Self::FallbackFailed(_) => "Transcription, chat or speech cannot be had either.",
        }
    }
}

/// The call's end of its conversation. Whoever holds it stops when this is dropped.
#[derive(Debug)]
pub struct Link {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
}

/// Whoever holds the conversation takes no more commands, or not fast enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the speech provider takes no more commands")]
pub struct LinkStalled;

impl Link {
    /// Begins: the first of these providers at once, each other when the one before it has failed.
    pub fn open(providers: Vec<Arc<dyn Provider>>, setup: oneshot::Receiver<Setup>) -> Self {
        let (commands, command_queue) = mpsc::channel(COMMAND_CAPACITY);
        let (event_queue, events) = mpsc::channel(EVENT_CAPACITY);
        let desk = Desk {
            commands: command_queue,
            events: event_queue,
            history: History::default(),
            setup: setup.map(|setup| setup.ok().map(Arc::new)).boxed().shared(),
        };
        tokio::spawn(hold(providers, desk));
        Self { commands, events }
    }

    /// Hands a command over.
    ///
    /// # Errors
    /// [`LinkStalled`] when every provider has failed for good or does not keep up.
    pub fn send(&self, command: Command) -> Result<(), LinkStalled> {
        self.commands.try_send(command).map_err(|_| LinkStalled)
    }

    /// The next event; `None` after every provider has failed for good. Dropping the future loses
    /// nothing.
    pub async fn recv(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

/// Lets one provider after the other hold the conversation. None that has failed gets it back: what
/// broke one call in the middle may do so again, and a caller hears each change.
async fn hold(providers: Vec<Arc<dyn Provider>>, mut desk: Desk) {
    let mut waiting = providers.into_iter();
    let mut next = waiting.next();
    let mut trouble: fn(Failure) -> Trouble = Trouble::Failed;
    while let Some(provider) = next {
        let Over::Failed(failure, given_back) = provider.hold(desk).await else {
            return;
        };
        desk = given_back;
        next = waiting.next();
        desk.trouble(trouble(failure)).await;
        trouble = Trouble::FallbackFailed;
        if next.is_some() {
            tracing::warn!("The conversation goes on with the fallback");
            metrics::counter!("insta_agent_fallbacks").increment(1);
            desk.trouble(Trouble::FellBack).await;
            desk.tell(Realtime::Replaced).await;
        }
    }
    desk.tell(Realtime::Failed).await;
}

impl Desk {
    /// Tells it to whoever watches the call, which may be over already.
    async fn trouble(&self, trouble: Trouble) {
        let _ = self.events.send(Event::Trouble(trouble)).await;
    }

    /// Tells it to the conversation, which may be over already.
    async fn tell(&self, event: Realtime) {
        let _ = self.events.send(Event::Conversation(event)).await;
    }
}
