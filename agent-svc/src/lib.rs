//! The voice agent: joins calls, listens, answers, and keeps what was said.

pub mod domain;
pub mod media;
pub mod realtime;
