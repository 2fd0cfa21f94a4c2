//! What tests share: a real PostgreSQL, tokens for every kind of caller, services in process. A dev-dependency only.

mod identity;
mod postgres;
mod service;

pub use identity::Identity;
pub use postgres::TestDatabase;
pub use service::{TestService, listeners, server_config, told};
