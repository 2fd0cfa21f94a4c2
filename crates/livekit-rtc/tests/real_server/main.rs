//! This crate against a real LiveKit server.
//!
//! The server is the binary that the variable `LIVEKIT_SERVER` names; `cargo xtask setup` gets
//! it and `cargo xtask test` sets the variable.

mod audio;
mod data;
mod joining;
mod python;
mod reconnect;
mod resume;
mod room;
mod rpc;
mod sound;
