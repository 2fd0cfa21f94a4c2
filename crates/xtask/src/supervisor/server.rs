//! The supervisor's own process.

use std::cell::RefCell;
use std::fs;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::LocalSet;

use super::child::{self, Running};
use super::protocol::{PartStatus, Request, Response, Status, receive, send};
use super::{SOCKET, lock_path};
use crate::parts::Part;
use crate::ports;
use crate::project::Project;

/// `down` is to be over within 5 s, PostgreSQL included, which is stopped last.
const STOP_LIMIT: Duration = Duration::from_millis(2500);
/// Whoever asks whether a supervisor runs holds its lock for an instant.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// A client that does not finish its line in this time is cut off.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// Owns the parts of a clone until it is told to stop.
///
/// Everything happens on the calling thread, which has to be the main one: parts die with the thread that
/// started them.
///
/// # Errors
///
/// Another supervisor of this clone runs, or no block of ports is free.
pub fn run(project: &Project) -> anyhow::Result<()> {
    // A session of its own: no signal of the terminal reaches it. It fails only for the leader of one.
    let _ = rustix::process::setsid();
    let lock = take_lock(project)?;
    let reservation = ports::reserve(project)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, serve(project, reservation.base()))?;
    drop(lock);
    Ok(())
}

struct Supervisor {
    project: Project,
    base_port: u16,
    parts: RefCell<Vec<Supervised>>,
    shutdown: Notify,
}

struct Supervised {
    part: Part,
    run: Option<Running>,
}

async fn serve(project: &Project, base_port: u16) -> anyhow::Result<()> {
    let supervisor = Rc::new(Supervisor {
        project: project.clone(),
        base_port,
        parts: RefCell::default(),
        shutdown: Notify::new(),
    });
    let listener = listen(project)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.context("the socket broke")?;
                tokio::task::spawn_local(Rc::clone(&supervisor).answer(stream));
            }
            () = supervisor.shutdown.notified() => return Ok(()),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    supervisor.stop_all().await;
    Ok(())
}

impl Supervisor {
    async fn answer(self: Rc<Self>, mut stream: UnixStream) {
        let Ok(Ok(request)) = tokio::time::timeout(REQUEST_LIMIT, receive(&mut stream)).await
        else {
            return;
        };
        let is_shutdown = matches!(request, Request::Shutdown);
        let response = self.carry_out(request).await;
        // Who asked may be gone; what was asked is done all the same.
        let _ = tokio::time::timeout(REQUEST_LIMIT, send(&mut stream, &response)).await;
        if is_shutdown {
            self.shutdown.notify_one();
        }
    }

    async fn carry_out(&self, request: Request) -> Response {
        match request {
            Request::Plan(parts) => {
                self.plan(parts).await;
                Response::Done
            }
            Request::Start(name) => match self.start(&name) {
                Ok(started) => Response::Started(started),
                Err(error) => Response::Failed(format!("{error:#}")),
            },
            Request::Status => Response::Status(self.status()),
            Request::Shutdown => {
                self.stop_all().await;
                Response::Done
            }
        }
    }

    async fn plan(&self, parts: Vec<Part>) {
        let mut before = self.parts.take();
        let mut stopping = Vec::new();
        for part in parts {
            let known = before.iter().position(|old| old.part.name == part.name);
            let mut run = None;
            if let Some(old) = known.map(|index| before.swap_remove(index)) {
                if old.part.process == part.process {
                    run = old.run;
                } else {
                    stopping.push(old);
                }
            }
            self.parts.borrow_mut().push(Supervised { part, run });
        }
        stopping.extend(before);
        stop_together(stopping).await;
    }

    fn start(&self, name: &str) -> anyhow::Result<bool> {
        let mut parts = self.parts.borrow_mut();
        let Some(supervised) = parts.iter_mut().find(|known| known.part.name == name) else {
            bail!("{name} is not in the plan");
        };
        let Some(process) = &supervised.part.process else {
            return Ok(false);
        };
        if supervised.run.as_ref().is_some_and(Running::is_running) {
            return Ok(false);
        }
        let log = self.project.log(name);
        supervised.run = Some(child::spawn(name, process, &log)?);
        Ok(true)
    }

    fn status(&self) -> Status {
        let of = |supervised: &Supervised| {
            let run = supervised.run.as_ref();
            PartStatus {
                part: supervised.part.clone(),
                pid: run.filter(|run| run.is_running()).map(|run| run.pid),
                ended: run.and_then(|run| run.ended.borrow().clone()),
            }
        };
        Status {
            base_port: self.base_port,
            parts: self.parts.borrow().iter().map(of).collect(),
        }
    }

    /// First all that stand on others, at the same time, then what they stand on.
    async fn stop_all(&self) {
        let parts = self.parts.take();
        let stops_last = |known: &Supervised| {
            known
                .part
                .process
                .as_ref()
                .is_some_and(|process| process.stops_last)
        };
        let (foundation, above): (Vec<_>, Vec<_>) = parts.into_iter().partition(stops_last);
        stop_together(above).await;
        stop_together(foundation).await;
    }
}

async fn stop_together(parts: Vec<Supervised>) {
    let stops = parts.into_iter().filter_map(|known| {
        let process = known.part.process?;
        Some(known.run?.stop(process.stop, STOP_LIMIT))
    });
    futures::future::join_all(stops).await;
}

fn take_lock(project: &Project) -> anyhow::Result<fs::File> {
    let path = lock_path(project);
    let lock = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::park_timeout(Duration::from_millis(10));
            }
            Err(fs::TryLockError::WouldBlock) => bail!("another supervisor of this clone runs"),
            Err(fs::TryLockError::Error(error)) => {
                return Err(error).context("the supervisor's lock");
            }
        }
    }
    fs::write(&path, std::process::id().to_string())?;
    Ok(lock)
}

/// The folder is reached by its descriptor, since a socket's path has to be shorter than some clones' are.
fn listen(project: &Project) -> anyhow::Result<UnixListener> {
    let folder = fs::File::open(project.dev_dir())?;
    let path = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
    // We hold the lock, so a socket that lies there is nobody's.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    UnixListener::bind(&path).context("the supervisor's socket")
}
