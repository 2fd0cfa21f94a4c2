//! The conversation as a state machine: no I/O, no clock, no tasks.
//!
//! [`Conversation::handle`] takes what happened and when; [`Conversation::poll`] gives what is to
//! be done, until `None`; [`Conversation::next_deadline`] says when to come back with
//! [`Input::Tick`] at the latest. One task per call drives it. Everything about who speaks when,
//! what is cut, asked, answered and recorded is decided here and only here.

mod conversation;
mod endpointing;
mod hold;
mod ids;
mod input;
mod limits;
mod line;
mod output;
mod responses;
mod settings;
mod speech;
mod time;
mod tools;
mod transcript;
mod turns;
mod words;

#[cfg(test)]
mod tests;

pub use conversation::{Conversation, QueueFull, TurnRefused};
pub use ids::{ItemId, PauseId, ResponseId, SegmentId, SoundId, SpeechId, Ticket, ToolCallId};
pub use input::{
    Input, Outcome, Playout, Realtime, Source, ToolEffect, ToolRequest, ToolResult, ToolStatus,
};
pub use line::Line;
pub use output::{
    AgentState, EndReason, HandOver, Latency, Metric, Output, Role, ToolRecord, Trouble, Turn,
};
pub use settings::{Settings, TurnDetection};
pub use time::{Moment, Samples};
pub use words::Heard;
pub(crate) use words::words;
