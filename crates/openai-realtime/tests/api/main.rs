//! The crate's contract: what crosses the wire, and how a connection behaves.

mod connection;
mod tolerance;
mod wire;
