//! One part of the running system as data: how it is started, what shows that it is ready, how it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A part of the running system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    /// Where others reach it, as shown to people.
    pub address: String,
    /// Parts that have to be ready before this one is started.
    pub needs: Vec<String>,
    pub ready: Probe,
    /// Absent when the part is not ours: the environment names another in its place.
    pub process: Option<Process>,
}

/// How a part of ours runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// On top of what every part gets.
    pub env: BTreeMap<String, String>,
    pub dir: PathBuf,
    /// The user and group to run as, when another than ours.
    pub user: Option<u32>,
    /// What asks it to end.
    pub stop: Signal,
    /// What it gets when the supervisor is gone.
    pub orphaned: Signal,
    /// Others stand on it, so it is stopped after them.
    pub stops_last: bool,
}

impl Process {
    /// A program without arguments that ends politely, and at once when nobody owns it any more.
    pub fn new(program: PathBuf, dir: &Path) -> Self {
        Self {
            program,
            args: vec![],
            env: BTreeMap::new(),
            dir: dir.to_owned(),
            user: None,
            stop: Signal::Terminate,
            orphaned: Signal::Kill,
            stops_last: false,
        }
    }
}

/// What shows that a part can be used. Each is a single try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// It is not ours to ask.
    Assumed,
    /// Something accepts connections at this `host:port`.
    Tcp(String),
    /// A GET answers with success.
    Http(String),
    /// A program exits with 0.
    Command(PathBuf, Vec<String>),
    /// A GET answers with success and the part's log holds the text.
    HttpAndLog {
        url: String,
        log: PathBuf,
        text: String,
    },
}

/// The signals that parts are ended with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Signal {
    Interrupt,
    Quit,
    Terminate,
    Kill,
}

impl Signal {
    /// The name without `SIG`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Terminate => "TERM",
            Self::Kill => "KILL",
        }
    }
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::INT,
            Signal::Quit => Self::QUIT,
            Signal::Terminate => Self::TERM,
            Signal::Kill => Self::KILL,
        }
    }
}

const PROBE_LIMIT: Duration = Duration::from_secs(2);

impl Probe {
    /// Tries once, for two seconds at most.
    pub async fn passes(&self) -> bool {
        tokio::time::timeout(PROBE_LIMIT, self.try_once())
            .await
            .unwrap_or(false)
    }

    async fn try_once(&self) -> bool {
        match self {
            Self::Assumed => true,
            Self::Tcp(address) => tokio::net::TcpStream::connect(address).await.is_ok(),
            Self::Http(url) => answers(url).await,
            Self::Command(program, args) => succeeds(program, args).await,
            Self::HttpAndLog { url, log, text } => {
                answers(url).await
                    && tokio::fs::read(log)
                        .await
                        .is_ok_and(|log| String::from_utf8_lossy(&log).contains(text))
            }
        }
    }
}

async fn answers(url: &str) -> bool {
    // Never through a proxy: what is probed is on this machine, or is probed by TCP.
    let client = reqwest::Client::builder().no_proxy().build();
    match client {
        Ok(client) => client
            .get(url)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success()),
        Err(_) => false,
    }
}

async fn succeeds(program: &PathBuf, args: &[String]) -> bool {
    let null = std::process::Stdio::null;
    tokio::process::Command::new(program)
        .args(args)
        .stdin(null())
        .stdout(null())
        .stderr(null())
        .kill_on_drop(true)
        .status()
        .await
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_passes_and_a_closed_port_does_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = Probe::Tcp(listener.local_addr().unwrap().to_string());
        assert!(open.passes().await);
        // Nothing has used this port for decades; a port just closed could be another test's by now.
        assert!(!Probe::Tcp("127.0.0.1:1".into()).passes().await);
    }

    #[tokio::test]
    async fn a_command_passes_by_its_exit_status() {
        let probe = |script: &str| Probe::Command("sh".into(), vec!["-c".into(), script.into()]);
        assert!(probe("exit 0").passes().await);
        assert!(!probe("exit 1").passes().await);
    }
}
