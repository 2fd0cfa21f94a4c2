//! What comes out of the conversation.

use std::time::Duration;

use super::{
    ItemId, Line, Moment, PauseId, ResponseId, SegmentId, SoundId, Source, SpeechId, Ticket,
    ToolCallId, ToolRequest, ToolStatus,
};

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Greet the caller although it is not known who they are: they have waited for it.
    GreetStranger,
    /// Judge from the sound of the caller's turn whether they have finished. Once a pause, when it
    /// has lasted as long as voice activity detection takes to notice.
    JudgeTurn(PauseId),
    /// Tell which words the sound has that the caller makes over the assistant, as far as it goes.
    RecogniseSound(SoundId),
    /// Send the caller's sound from now on. Only where a button delimits turns.
    OpenInput,
    /// Send no more than what the caller says from now on, where all sound was sent so far.
    SendSpeechOnly,
    /// Make a user turn of the sound sent so far.
    CommitAudio,
    /// Forget the sound sent since the last commit.
    ClearAudio,
    /// The sound so far belongs to a turn that the provider has ended, or to none.
    CloseInput,
    /// Ask for a response.
    CreateResponse {
        /// To recognise it by.
        ticket: Ticket,
        /// Whether it may call tools.
        tools: bool,
    },
    /// Stop a response.
    CancelResponse(ResponseId),
    /// Cut an item to what was heard.
    Truncate {
        /// The assistant's item.
        item: ItemId,
        /// What was heard of it, at least 1 and at most what was received.
        audio_end_ms: u64,
    },
    /// Remove an item: of the assistant's, of which nothing was heard, or of the caller's, that was no
    /// turn.
    Delete(ItemId),
    /// Tell the model what was said for it by the dedicated voice.
    AddAssistantText(String),
    /// Run a tool.
    CallTool {
        /// The call.
        request: ToolRequest,
        /// The turn of the caller that it belongs to, from 1. One before which nothing of an answer
        /// was heard counts as the turn before: nobody can have replied to anything in it.
        turn: u32,
    },
    /// Call a tool off. Its result is not wanted any more.
    CancelTool(ToolCallId),
    /// Tell the model what a tool gave. Once for each call.
    AnswerTool {
        /// The call.
        call: ToolCallId,
        /// What to tell.
        output: String,
    },
    /// A tool call is over; to be shown.
    ToolEnded(ToolRecord),
    /// Record that somebody is to take over, and tell those who watch.
    HandOver(HandOver),
    /// Have a text spoken by the dedicated voice.
    Synthesise {
        /// To recognise it by.
        speech: SpeechId,
        /// The text.
        text: String,
        /// Which of the sentences it is that never change.
        line: Option<Line>,
    },
    /// Play this after what is already playing.
    Play {
        /// The speech that it belongs to.
        speech: SpeechId,
        /// The samples.
        audio: Vec<i16>,
    },
    /// No more of this speech will come; report when it is played.
    FinishPlaying(SpeechId),
    /// Pause at once, with a short fade.
    Pause,
    /// Go on where it paused.
    Resume,
    /// Drop everything that is not played yet; paused or not, playing is free again.
    Stop(SpeechId),
    /// Show what the assistant is doing.
    SetState(AgentState),
    /// Show a piece of transcript.
    Transcript {
        /// Later text of the same segment replaces it. The assistant's text only grows.
        segment: SegmentId,
        /// Who speaks.
        role: Role,
        /// The text so far.
        text: String,
        /// Whether it will not change any more.
        is_final: bool,
    },
    /// Keep what was said.
    StoreTurn(Turn),
    /// Count something.
    Metric(Metric),
    /// Tell those who watch, and the caller's page, of something that keeps them from talking.
    Trouble(Trouble),
    /// The call is over. Always the last output.
    End(EndReason),
}

/// What one side said, and what was done for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Order of beginning, from 1. Numbers may be left out.
    pub position: u32,
    /// Who spoke.
    pub role: Role,
    /// What was said; of the assistant, what was heard.
    pub text: String,
    /// The provider's items that it is made of; of what the dedicated voice said, none.
    pub items: Vec<ItemId>,
    /// When it began.
    pub started: Moment,
    /// Whether the caller cut it short.
    pub interrupted: bool,
    /// From the caller's first voiced sound over it to its silence; of what they cut short.
    pub silenced_after: Option<Duration>,
    /// The tools that were called for it.
    pub tools: Vec<ToolRecord>,
    /// How long it took; of answers only.
    pub latency: Option<Latency>,
}

/// A tool call that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRecord {
    /// The call.
    pub call: ToolCallId,
    /// The tool.
    pub name: String,
    /// How it ended.
    pub status: ToolStatus,
    /// From call to result.
    pub took: Duration,
    /// The documents that it rests on.
    pub sources: Vec<Source>,
}

/// A caller's matter that somebody of the company is to take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// Why.
    pub reason: String,
    /// What whoever takes over should know.
    pub summary: String,
}

/// How long the parts of an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// From the caller's last voiced sound to the decision that the turn is over.
    pub end_of_turn: Duration,
    /// From that decision to the first thing that the model gave: a word, a sound or a tool call.
    pub first_token: Duration,
    /// From that decision to the first sound of the model.
    pub first_audio: Duration,
    /// From the caller's last voiced sound to the first sound played.
    pub voice_to_voice: Duration,
}

/// Something worth counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The caller cut the assistant short.
    Interruption,
    /// A sound of the caller paused the assistant, which went on.
    FalseInterruption,
    /// The provider made no answer.
    ResponseFailed,
    /// A response came that nobody waited for.
    LateResponse,
}

/// Something that keeps the caller from talking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Their microphone was never there.
    NoMicrophone,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The caller.
    User,
    /// The assistant.
    Assistant,
}

/// What the assistant is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentState {
    /// Joining.
    Initializing,
    /// Nobody to talk to.
    Idle,
    /// Waiting for the caller to speak, or hearing them.
    Listening,
    /// Making an answer.
    Thinking,
    /// Its voice is played.
    Speaking,
}

/// Why a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The caller hung up.
    UserHangup,
    /// The assistant ended it, after the caller said goodbye.
    AgentHangup,
    /// The caller's page or program asked for it.
    UserRequest,
    /// An operator asked for it.
    Operator,
    /// The caller never came, or did not come back.
    ParticipantLost,
    /// Nobody spoke for too long.
    Silence,
    /// The caller's microphone was never there.
    MicrophoneMissing,
    /// The longest a call may last was reached.
    TimeLimit,
    /// The assistant used as many tools as it may in one call.
    ToolLimit,
    /// The speech provider could not be reached.
    ProviderError,
    /// The room's connection was lost for good.
    MediaError,
    /// The instance shut down, or died.
    Shutdown,
}
