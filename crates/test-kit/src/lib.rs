//! What tests share: a real PostgreSQL, a real LiveKit server, tokens for every kind of caller, services in process.
//! A dev-dependency only.

mod identity;
mod livekit;
mod postgres;
mod service;

pub use identity::Identity;
pub use livekit::{LivekitKeys, LivekitServer, livekit_grants};
pub use postgres::TestDatabase;
pub use service::{TestService, listeners, server_config, told};
