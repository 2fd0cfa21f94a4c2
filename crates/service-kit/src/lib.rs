//! What every service shares, and nothing of any one of them.
//!
//! A service is built from top to bottom as its `lib.rs` reads: [`config`] says how it is set up,
//! [`run`] starts the process, [`Server`] serves its RPCs with [`identity`] in front of them, handlers take a
//! typed [`Caller`], and [`status`] turns their errors into gRPC statuses.

pub mod access;
pub mod caller;
pub mod client;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod field;
pub mod identity;
pub mod keys;
pub mod page;
mod request_id;
mod run;
mod server;
pub mod shutdown;
pub mod status;
pub mod telemetry;
pub mod token;

pub use caller::{CallId, Caller, ClientId, Scope, Tier, UserId};
pub use run::{install_crypto, run, run_with, with_serve};
pub use server::{Listeners, Server};
pub use shutdown::Shutdown;
