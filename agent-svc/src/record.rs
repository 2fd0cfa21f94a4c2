//! Calls as they are kept: what the database holds and the contract shows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service_kit::{CallId, UserId};

use crate::domain::{self, EndReason, Role, ToolStatus};
use crate::provider::Bill;

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Whose it is.
    pub user: UserId,
    /// Where it stands.
    pub state: State,
    /// The LiveKit room.
    pub room: String,
    /// When it was started.
    pub create_time: DateTime<Utc>,
    /// What it was about; empty until that is known.
    pub summary: String,
    /// Set when somebody is to take over.
    pub hand_over: Option<HandOver>,
    /// What the Realtime model did for it, once it has done anything.
    pub bill: Option<Bill>,
    /// The version of the prompt that it began with.
    pub prompt_version: String,
}

/// A caller's matter that somebody of the company is to take over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// Why.
    pub reason: String,
    /// What whoever takes over should know.
    pub summary: String,
    /// When the assistant asked for it.
    pub time: DateTime<Utc>,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The agent is joining, or waits for the caller.
    Connecting,
    /// Both are there.
    Active,
    /// It is over.
    Ended {
        /// Why.
        reason: EndReason,
        /// When.
        time: DateTime<Utc>,
    },
}

/// What one side said.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Order of beginning; numbers may be missing.
    pub position: i32,
    /// Who.
    pub role: Role,
    /// What; of the assistant, what was heard.
    pub text: String,
    /// When it began.
    pub start_time: DateTime<Utc>,
    /// Whether it was cut short.
    pub interrupted: bool,
    /// From the caller's first voiced sound over it to its silence, in milliseconds.
    pub silenced_after_ms: Option<u64>,
    /// The tools that were called for it.
    pub tools: Vec<ToolCall>,
    /// How long it took; of answers only.
    pub latency: Option<Latency>,
    /// What the Realtime model did since the assistant's turn before; of the assistant only.
    pub bill: Option<Bill>,
}

/// A tool call that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// How it ended.
    pub status: StoredStatus,
    /// From call to result.
    pub took_ms: u64,
    /// Ids of the documents that the result rests on.
    pub sources: Vec<String>,
}

/// How a tool call ended, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredStatus {
    /// It gave a result.
    Ok,
    /// It failed.
    Failed,
    /// It took too long.
    TimedOut,
    /// It was called off.
    Cancelled,
}

/// How long the parts of an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// From the last voiced sound to the decision that the turn is over.
    pub end_of_turn_ms: u64,
    /// From that decision to the first thing of the model; unknown of older turns.
    #[serde(default)]
    pub first_token_ms: Option<u64>,
    /// From that decision to the first sound of the model.
    pub first_audio_ms: u64,
    /// From the last voiced sound to the first sound played.
    pub voice_to_voice_ms: u64,
}

impl Turn {
    /// A turn of a call whose time began at `began`, with what was done for it.
    pub fn new(turn: domain::Turn, began: DateTime<Utc>, bill: Option<Bill>) -> Self {
        Self {
            position: i32::try_from(turn.position).unwrap_or(i32::MAX),
            role: turn.role,
            text: turn.text,
            start_time: began + turn.started.since_start(),
            interrupted: turn.interrupted,
            silenced_after_ms: turn.silenced_after.map(millis),
            tools: turn.tools.into_iter().map(ToolCall::from).collect(),
            latency: turn.latency.map(Latency::from),
            bill,
        }
    }
}

impl From<domain::ToolRecord> for ToolCall {
    fn from(record: domain::ToolRecord) -> Self {
        Self {
            id: record.call.to_string(),
            name: record.name,
            status: match record.status {
                ToolStatus::Ok => StoredStatus::Ok,
                ToolStatus::Failed => StoredStatus::Failed,
                ToolStatus::TimedOut => StoredStatus::TimedOut,
                ToolStatus::Cancelled => StoredStatus::Cancelled,
            },
            took_ms: millis(record.took),
            sources: record
                .sources
                .into_iter()
                .map(|source| source.document)
                .collect(),
        }
    }
}

impl From<domain::Latency> for Latency {
    fn from(latency: domain::Latency) -> Self {
        Self {
            end_of_turn_ms: millis(latency.end_of_turn),
            first_token_ms: Some(millis(latency.first_token)),
            first_audio_ms: millis(latency.first_audio),
            voice_to_voice_ms: millis(latency.voice_to_voice),
        }
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
