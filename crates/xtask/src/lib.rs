//! The project's commands, `cargo xtask <command>`: bringing outside pieces in, starting and stopping
//! everything on one machine, checks and tests. Nothing here runs in production.

pub mod cli;
pub mod parts;
pub mod ports;
pub mod process;
pub mod project;
pub mod setup;
pub mod supervisor;
