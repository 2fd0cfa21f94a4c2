//! The parts of the running system: which there are, and how each is configured.

mod env;
pub mod firebase;
#[cfg(test)]
pub(crate) mod fixture;
pub mod livekit;
mod part;
mod plan;
pub mod postgres;

pub use env::database_url;
pub use part::{Part, Probe, Process, Signal};
pub use plan::{Context, plan, web_config_path};
