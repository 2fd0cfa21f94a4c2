//! The voice agent: joins calls, listens, answers, and keeps what was said.
//!
//! [`domain`] decides, [`call`] feeds it and carries out what it decides, [`media`], [`provider`]
//! ([`realtime`], [`cascade`]), [`judge`], [`tts`], [`tools`] and [`peers`] are its senses and hands, [`store`] remembers,
//! [`service`] and [`worker`] are the ways in.

mod app;
pub mod by_sound;
pub mod by_text;
mod call;
mod calls;
mod cascade;
mod config;
mod domain;
mod error;
mod judge;
pub mod learned;
mod lifecycle;
mod media;
mod peers;
pub mod phrases;
mod prompt;
mod provider;
mod quoting;
mod realtime;
mod record;
pub mod recordings;
mod rooms;
mod service;
mod store;
mod summary;
mod tools;
mod tts;
mod worker;

pub use config::{CallsConfig, Config, FallbackConfig, LivekitConfig, OpenaiConfig};
pub use lifecycle::{serve, serve_with};
