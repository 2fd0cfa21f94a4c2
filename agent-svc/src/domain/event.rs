//! What goes into the conversation and what comes out of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Heard, Line, Moment, Samples};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it travels.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The provider's id of an item.
    ItemId
}
text_id! {
    /// The provider's id of a response.
    ResponseId
}
text_id! {
    /// The model's id of a tool call.
    ToolCallId
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
    };
}

number_id! {
    /// Our own number of a response, known before the provider gives its id.
    Ticket
}
number_id! {
    /// Something the assistant says, from its first word to its last.
    SpeechId
}
number_id! {
    /// An utterance in the transcript.
    SegmentId
}
number_id! {
    /// A pause in a turn of the caller.
    PauseId
}
number_id! {
    /// A question for the words of a sound of the caller.
    SoundId
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The agent is in the room and its sound can flow.
    Joined,
    /// The caller is there and listens.
    CallerJoined,
    /// The caller is gone.
    CallerLeft {
        /// Whether they meant to.
        hung_up: bool,
    },
    /// The caller's microphone can be heard.
    MicrophoneOpened,
    /// How long sound takes from here to the caller's ear: network and jitter buffer.
    PlayoutDelay(Duration),
    /// What to say first.
    Greeting(String),
    /// The caller began to speak.
    SpeechStarted {
        /// First voiced sound, a little before now.
        voiced_from: Moment,
    },
    /// The caller is silent.
    SpeechEnded {
        /// Last voiced sound, a little before now.
        voiced_until: Moment,
    },
    /// What [`Output::JudgeTurn`] asked for.
    TurnJudged {
        /// Which pause.
        pause: PauseId,
        /// The probability, 0 to 1, that the caller has finished; `None` when it cannot be told.
        complete: Option<f32>,
    },
    /// What [`Output::RecogniseSound`] asked for.
    SoundRecognised {
        /// Which question.
        sound: SoundId,
        /// The words; `None` when they cannot be told.
        heard: Option<Heard>,
    },
    /// The caller wrote something, or somebody did for them.
    Message(String),
    /// Something about the provider's session.
    Realtime(Realtime),
    /// Sound of a text that was given to the dedicated voice.
    SpokenAudio {
        /// Which text.
        speech: SpeechId,
        /// Its next samples.
        audio: Vec<i16>,
    },
    /// The dedicated voice is done with a text.
    SpokenEnd {
        /// Which text.
        speech: SpeechId,
        /// Whether all of it was made.
        complete: bool,
    },
    /// Something about playing.
    Playout(Playout),
    /// A tool is done.
    ToolFinished {
        /// Which call.
        call: ToolCallId,
        /// What it gave.
        result: ToolResult,
    },
    /// Somebody wants the call to end.
    End(EndReason),
    /// A deadline has come.
    Tick,
}

/// Something about the provider's session.
#[derive(Debug, Clone, PartialEq)]
pub enum Realtime {
    /// The session is set up and knows the conversation so far.
    Connected,
    /// The session is lost and being made again; its responses are gone.
    Disconnected,
    /// Another provider holds the conversation from now on; the session's responses are gone. It ends
    /// no turns by itself.
    Replaced,
    /// The session cannot be had.
    Failed,
    /// Sound of the caller was lost before it was in a session.
    InputLost,
    /// The provider hears the caller begin to speak. Only where it decides about turns.
    SpeechStarted {
        /// What their turn will be.
        item: ItemId,
        /// How long ago.
        ago: Duration,
    },
    /// The provider hears that the caller is silent. Only where it decides about turns.
    SpeechStopped {
        /// What their turn will be.
        item: ItemId,
        /// How long ago.
        ago: Duration,
    },
    /// The caller's turn is an item now. Comes once for each commit, in order, and once more for each
    /// whose text had not come when the session was lost. Where the provider decides about turns it
    /// also comes by itself.
    Committed(ItemId),
    /// The caller's turn was empty. Comes in place of `Committed`.
    CommitRejected,
    /// More of what the caller said.
    CallerTextDelta {
        /// Their turn.
        item: ItemId,
        /// The text to append.
        delta: String,
    },
    /// All of what the caller said; `None` when it cannot be told.
    CallerText {
        /// Their turn.
        item: ItemId,
        /// The text.
        text: Option<String>,
    },
    /// A response began.
    ResponseCreated {
        /// Its id.
        response: ResponseId,
        /// Our number, if we asked for it.
        ticket: Option<Ticket>,
    },
    /// The provider refused to make a response.
    ResponseRejected(Ticket),
    /// Sound of an item of a response.
    Audio {
        /// The response.
        response: ResponseId,
        /// The item.
        item: ItemId,
        /// Its next samples.
        audio: Vec<i16>,
    },
    /// Words of that sound.
    Text {
        /// The response.
        response: ResponseId,
        /// The item.
        item: ItemId,
        /// The text to append.
        delta: String,
    },
    /// The model calls a tool.
    ToolCall {
        /// The response.
        response: ResponseId,
        /// The call.
        request: ToolRequest,
    },
    /// A response ended, however it ended.
    ResponseDone {
        /// Its id.
        response: ResponseId,
        /// Our number, if we asked for it.
        ticket: Option<Ticket>,
        /// How.
        outcome: Outcome,
    },
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is there, or as much as its limits allow.
    Completed,
    /// It was stopped.
    Cancelled,
    /// It could not be made.
    Failed,
}

/// Something about playing. `played` counts from the beginning of the speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playout {
    /// This much has been played.
    Progress {
        /// Of this speech.
        speech: SpeechId,
        /// How much.
        played: Samples,
    },
    /// Playing has paused.
    Paused {
        /// In this speech.
        speech: SpeechId,
        /// Where.
        played: Samples,
    },
    /// All of it has been played.
    Finished {
        /// This speech.
        speech: SpeechId,
        /// Its whole length.
        played: Samples,
    },
}

/// A tool call as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRequest {
    /// Connects it with its answer.
    pub call: ToolCallId,
    /// The tool.
    pub name: String,
    /// JSON, whatever the model made of it.
    pub arguments: String,
}

/// What a tool gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// How it ended.
    pub status: ToolStatus,
    /// What the model is told: JSON.
    pub output: String,
    /// The documents that it rests on.
    pub sources: Vec<Source>,
    /// What it does to the call.
    pub effect: Option<ToolEffect>,
}

/// A document that an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub document: String,
    /// What it is called.
    pub title: String,
}

/// What a tool does to the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolEffect {
    /// The call ends when the next answer has been heard.
    EndCall,
    /// Somebody of the company is to go on with the caller. The call goes on.
    HandOver(HandOver),
}

/// A caller's matter that somebody of the company is to take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// Why.
    pub reason: String,
    /// What whoever takes over should know.
    pub summary: String,
}

/// How a tool call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolStatus {
    /// It gave a result.
    Ok,
    /// It failed, or its arguments were wrong.
    Failed,
    /// It took too long.
    TimedOut,
    /// It was called off.
    Cancelled,
}

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
