//! The project's commands, `cargo xtask <command>`: bringing outside pieces in, starting and stopping
//! everything on one machine, checks and tests. Nothing here runs in production.

pub mod call;
pub mod cli;
pub mod demo;
pub mod endpoints;
mod logs;
pub mod parts;
pub mod ports;
mod private_file;
pub mod process;
pub mod project;
pub mod quality;
pub mod run;
pub mod secrets;
pub mod settings;
pub mod setup;
pub mod state;
pub mod supervisor;
#[cfg(test)]
mod testing;
pub mod web_server;
