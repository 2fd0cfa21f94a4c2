//! One process of a part, from its start to its end.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, kill_process};
use tokio::process::Command;
use tokio::sync::watch;

use crate::logs;
use crate::parts::{Process, Signal};

/// What a part gets of the supervisor's own environment.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// A part that runs.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub pid: u32,
    /// Holds how it ended, once it has.
    pub ended: watch::Receiver<Option<String>>,
}

/// Starts a process whose output goes to `log`; the log of the run before is kept beside it.
///
/// Must be called on the supervisor's main thread: the kernel ends the process with the *thread* that
/// started it.
pub(super) fn spawn(name: &str, process: &Process, log: &Path) -> anyhow::Result<Running> {
    let out = logs::begin(log)?;
    let mut child = command(process)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()
        .with_context(|| format!("{} cannot be started", process.program.display()))?;
    let pid = child.id().context("the process ended at once")?;
    eprintln!("{name} started as {pid}");
    let name = name.to_owned();
    let (end, ended) = watch::channel(None);
    tokio::task::spawn_local(async move {
        let how = describe(child.wait().await);
        eprintln!("{name} ended: {how}");
        end.send_replace(Some(how));
    });
    Ok(Running { pid, ended })
}

impl Running {
    pub fn is_running(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Asks the process to end and kills it when it has not after `limit`. Comes back when it is gone.
    pub async fn stop(mut self, signal: Signal, limit: Duration) {
        self.signal(signal);
        if tokio::time::timeout(limit, self.end()).await.is_err() {
            self.signal(Signal::Kill);
            self.end().await;
        }
    }

    fn signal(&self, signal: Signal) {
        // The id is ours as long as the end has not been seen, since only the waiting task reaps.
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_running()) {
            // It may end at this very moment, and then there is nothing left to do.
            let _ = kill_process(pid, signal.into());
        }
    }

    async fn end(&mut self) {
        // An error means that the sender is gone, and so the process.
        let _ = self.ended.wait_for(Option::is_some).await;
    }
}

fn describe(end: std::io::Result<ExitStatus>) -> String {
    end.map_or_else(|error| error.to_string(), |status| status.to_string())
}

/// Goes on only as the child of the given process: one that died before the kernel was asked to end us
/// with it would leave us behind.
const GO_ON_AS_CHILD: &str = r#"test "$PPID" = "$0" && exec "$@""#;

/// `setpriv` binds the process's life to ours, after it has changed the user (which would undo it).
fn command(process: &Process) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", process.orphaned.name()]);
    if let Some(user) = process.user {
        command.args([format!("--reuid={user}"), format!("--regid={user}")]);
        command.args(["--clear-groups", "--no-new-privs"]);
    }
    command
        .args(["--", "sh", "-c", GO_ON_AS_CHILD])
        .arg(std::process::id().to_string())
        .arg(&process.program)
        .args(&process.args)
        .current_dir(&process.dir)
        .env_clear()
        .envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .envs(&process.env);
    command
}
