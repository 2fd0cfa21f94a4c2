//! What is said over the supervisor's socket: one JSON line each way a connection.

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::parts::Part;

/// More than any plan takes.
const LINE_LIMIT: u64 = 4 << 20;

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Says which parts there are to be. One that runs differently or is not among them is stopped.
    Plan(Vec<Part>),
    /// Starts a part of the plan unless it runs.
    Start(String),
    Status,
    /// Stops everything and ends the supervisor.
    Shutdown,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Response {
    Done,
    /// Whether the part has been started just now.
    Started(bool),
    Status(Status),
    Failed(String),
}

/// Everything the supervisor knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The first port of this clone's block.
    pub base_port: u16,
    pub parts: Vec<PartStatus>,
}

/// How a part fares.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PartStatus {
    pub part: Part,
    /// Absent when it does not run, or is not ours.
    pub pid: Option<u32>,
    /// How the last run ended, when none is going on.
    pub ended: Option<String>,
}

pub(super) async fn send(stream: &mut UnixStream, message: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream
        .write_all(&line)
        .await
        .context("the connection broke")
}

pub(super) async fn receive<T: DeserializeOwned>(stream: &mut UnixStream) -> anyhow::Result<T> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LINE_LIMIT))
        .read_until(b'\n', &mut line)
        .await
        .context("the connection broke")?;
    serde_json::from_slice(&line).context("the other side spoke another protocol")
}
