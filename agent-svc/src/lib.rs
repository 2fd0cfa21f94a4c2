//! The voice agent: joins calls, listens, answers, and keeps what was said.

pub mod domain;
pub mod media;
pub mod peers;
pub mod prompt;
pub mod realtime;
pub mod record;
pub mod store;
pub mod tools;
pub mod tts;
