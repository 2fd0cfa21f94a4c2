//! The parts of the running system: which there are, and how each is configured.

mod part;

pub use part::{Part, Probe, Process, Signal};
