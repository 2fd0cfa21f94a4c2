//! Talking to a clone's supervisor, and starting it.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, kill_process};
use tokio::net::UnixStream;

use super::protocol::{Request, Response, Status, receive, send};
use super::{SOCKET, lock_path};
use crate::logs;
use crate::parts::Part;
use crate::project::Project;

/// Stopping every part takes a few seconds at worst.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Ports of parts that are just dying are waited for.
const START_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);

/// A clone's supervisor, which runs.
#[derive(Debug, Clone)]
pub struct Supervisor {
    project: Project,
}

impl Supervisor {
    /// The supervisor of a clone, if one runs.
    pub fn find(project: &Project) -> Option<Self> {
        let lock = File::open(lock_path(project)).ok()?;
        // A shared lock is refused exactly while a supervisor holds its exclusive one.
        match lock.try_lock_shared() {
            Err(fs::TryLockError::WouldBlock) => Some(Self {
                project: project.clone(),
            }),
            _ => None,
        }
    }

    /// Says which parts there are to be.
    pub async fn plan(&self, parts: Vec<Part>) -> anyhow::Result<()> {
        match self.ask(&Request::Plan(parts)).await? {
            Response::Done => Ok(()),
            other => unexpected(&other),
        }
    }

    /// Starts a part of the plan, unless it runs. Tells whether it has been started now.
    pub async fn start(&self, name: &str) -> anyhow::Result<bool> {
        match self.ask(&Request::Start(name.to_owned())).await? {
            Response::Started(now) => Ok(now),
            Response::Failed(message) => bail!("{name}: {message}"),
            other => unexpected(&other),
        }
    }

    pub async fn status(&self) -> anyhow::Result<Status> {
        match self.ask(&Request::Status).await? {
            Response::Status(status) => Ok(status),
            other => unexpected(&other),
        }
    }

    /// Stops everything. A supervisor that does not answer is killed, and its parts die with it.
    pub async fn shut_down(self) -> anyhow::Result<()> {
        if let Err(error) = self.ask(&Request::Shutdown).await {
            eprintln!("The supervisor does not answer ({error:#}); it is killed");
            let pid = fs::read_to_string(lock_path(&self.project))?;
            let pid = pid
                .trim()
                .parse()
                .ok()
                .and_then(Pid::from_raw)
                .context("its lock names no process")?;
            kill_process(pid, rustix::process::Signal::KILL)?;
        }
        wait_until(ANSWER_LIMIT, || Self::find(&self.project).is_none())
            .await
            .context("the supervisor does not end")
    }

    async fn ask(&self, request: &Request) -> anyhow::Result<Response> {
        let exchange = async {
            let folder = File::open(self.project.dev_dir())?;
            let path = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
            let mut stream = UnixStream::connect(path).await?;
            send(&mut stream, request).await?;
            receive(&mut stream).await
        };
        tokio::time::timeout(ANSWER_LIMIT, exchange)
            .await
            .context("no answer in time")?
            .context("the supervisor")
    }
}

/// The clone's supervisor, started if none runs. It outlives this process.
///
/// # Errors
///
/// It ends again at once, or is not there in time; the message holds what it printed.
pub async fn start(project: &Project, program: &Path) -> anyhow::Result<Supervisor> {
    if let Some(supervisor) = Supervisor::find(project) {
        return Ok(supervisor);
    }
    fs::create_dir_all(project.logs_dir())?;
    let log = logs::begin(&project.log("supervisor"))?;
    let mut process = Command::new(program)
        .arg("supervise")
        .arg(project.root())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("the supervisor cannot be started")?;
    let supervisor = Supervisor {
        project: project.clone(),
    };
    let deadline = tokio::time::Instant::now() + START_LIMIT;
    loop {
        if supervisor.status().await.is_ok() {
            return Ok(supervisor);
        }
        if process.try_wait()?.is_some() || tokio::time::Instant::now() > deadline {
            let log = fs::read_to_string(project.log("supervisor")).unwrap_or_default();
            bail!("the supervisor does not start: {}", log.trim());
        }
        tokio::time::sleep(POLL).await;
    }
}

/// This program's file. A build may have put a newer one in its place since we were started.
pub fn this_program() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?;
    let text = path.to_string_lossy();
    Ok(text
        .strip_suffix(" (deleted)")
        .map_or_else(|| path.clone(), PathBuf::from))
}

async fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> anyhow::Result<()> {
    let poll = async {
        while !condition() {
            tokio::time::sleep(POLL).await;
        }
    };
    Ok(tokio::time::timeout(limit, poll).await?)
}

fn unexpected<T>(response: &Response) -> anyhow::Result<T> {
    bail!("the supervisor answered {response:?}")
}
