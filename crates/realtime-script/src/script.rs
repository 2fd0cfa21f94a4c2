//! What the server says and how it misbehaves.

use std::time::Duration;

use openai_realtime::{ErrorDetail, Usage};

/// What every session follows.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The turns; a session that goes on after the last begins anew.
    pub lines: Vec<Line>,
    /// From the request for an answer to its first sound.
    pub first_audio: Duration,
    /// Between one piece of sound and the next. A piece is a fifth of a second long, so sound comes
    /// faster than it is played while this is shorter.
    pub pace: Duration,
}

impl From<Vec<Line>> for Script {
    fn from(lines: Vec<Line>) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }
}

/// One turn: what is heard and what is answered, whatever was said.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// The transcript of what the caller said.
    pub heard: String,
    /// The tool that is called first, without arguments.
    pub tool: Option<String>,
    /// What is answered; `{field}` stands for a field of the tool's result.
    pub answer: String,
    /// What goes wrong: one for each request for an answer, which is then answered well.
    pub faults: Vec<Fault>,
    /// What each response to it is said to have cost.
    pub usage: Option<Usage>,
}

/// Something that goes wrong with an answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// In the middle of its sound the connection is lost.
    Lose(Loss),
    /// It is refused before it begins.
    Refuse(ErrorDetail),
    /// It begins and fails.
    Fail(ErrorDetail),
    /// Before its sound come events that nobody knows, events with wrong fields and frames that are
    /// no events.
    Nonsense,
}

/// How a connection is lost.
#[derive(Debug, Clone)]
pub enum Loss {
    /// It ends without a word.
    Cut,
    /// It is closed.
    Close {
        /// The WebSocket close code.
        code: u16,
        /// The words with it.
        reason: String,
    },
    /// Nothing comes any more and nothing is read, but it does not end: it is half open.
    Freeze,
}

/// What a new connection meets.
#[derive(Debug, Clone, Default)]
pub enum Door {
    /// A session.
    #[default]
    Open,
    /// An answer of HTTP with this error.
    Refusing {
        /// The status of HTTP.
        status: u16,
        /// The error in the body.
        error: ErrorDetail,
    },
    /// No answer.
    Silent,
    /// Nobody.
    Down,
}
