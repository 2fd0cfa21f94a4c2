//! The conversation as a state machine: no I/O, no clock, no tasks.
//!
//! [`Conversation::handle`] takes what happened and when; [`Conversation::poll`] gives what is to
//! be done, until `None`; [`Conversation::next_deadline`] says when to come back with
//! [`Input::Tick`] at the latest. One task per call drives it. Everything about who speaks when,
//! what is cut, asked, answered and recorded is decided here and only here.

mod conversation;
mod endpointing;
mod event;
mod hold;
mod last_words;
mod limits;
mod line;
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
pub use event::{
    AgentState, EndReason, HandOver, Input, ItemId, Latency, Metric, Outcome, Output, PauseId,
    Playout, Realtime, ResponseId, Role, SegmentId, SoundId, Source, SpeechId, Ticket, ToolCallId,
    ToolEffect, ToolRecord, ToolRequest, ToolResult, ToolStatus, Trouble, Turn,
};
pub(crate) use last_words::leave_open;
pub use line::Line;
pub use settings::{Settings, TurnDetection};
pub use time::{Moment, Samples};
pub use words::Heard;
