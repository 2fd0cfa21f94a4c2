//! PostgreSQL for the services: how to connect, migrate and set up roles, and the vector type.
//!
//! Tables and queries are the services' own; nothing here knows any of them.

mod connect;
mod error;
pub mod migrations;
mod pool;
pub mod roles;
mod vector;

pub use connect::{DatabaseUrl, DatabaseUrlError};
pub use error::{constraint, is_unavailable};
pub use pool::{DatabaseConfig, Pool, PoolError, PooledConnection};
pub use vector::{Embedding, Vector};
