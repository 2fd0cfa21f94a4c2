//! One process owns all parts of a clone. It starts and ends them on request and remembers how they fared;
//! it does not decide what runs, never starts a part again by itself, and takes all parts with it when it
//! dies, however it dies.

mod child;
mod client;
mod protocol;
mod server;

pub use client::{Supervisor, start, this_program};
pub use protocol::{PartStatus, Status};
pub use server::run;

use std::path::PathBuf;

use crate::project::Project;

/// Locked by the supervisor for as long as it lives; holds its process id.
fn lock_path(project: &Project) -> PathBuf {
    project.dev_dir().join("supervisor.lock")
}

const SOCKET: &str = "supervisor.sock";
