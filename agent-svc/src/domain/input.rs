//! What goes into the conversation.

use std::time::Duration;

use super::{
    EndReason, HandOver, Heard, ItemId, Moment, PauseId, ResponseId, Samples, SoundId, SpeechId,
    Ticket, ToolCallId,
};

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
    /// The call cannot be held; the caller is told before it ends.
    GiveUp(EndReason),
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
