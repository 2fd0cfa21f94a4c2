//! A local-ai of its own, on a free port, that ends with the scripts.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::logs;
use crate::project::Project;

/// Loading the models takes two seconds on two idle cores.
const START_LIMIT: Duration = Duration::from_secs(90);
/// The server gives its sessions ten seconds to end.
const STOP_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// The running server. It is killed when this is dropped.
pub(super) struct LocalAi {
    child: Child,
    address: String,
}

impl LocalAi {
    /// Starts the built program and waits until it says where it listens. It goes when we go.
    pub(super) fn start(project: &Project, models: &Path) -> anyhow::Result<Self> {
        let log = project.log("conformance");
        let out = logs::begin(&log)?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(project.programs_dir().join("local-ai"))
            .args(["--listen", "127.0.0.1:0", "--models-dir"])
            .arg(models)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out)
            .spawn()
            .context("local-ai cannot be started")?;
        let mut server = Self {
            child,
            address: String::new(),
        };
        server.address = server.wait_for_address(&log)?;
        Ok(server)
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Ends the server as its operator would.
    ///
    /// # Errors
    ///
    /// It had ended before, does not end in time, or says that it failed.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        ensure!(
            self.child.try_wait()?.is_none(),
            "local-ai has ended while it was used"
        );
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process has an id")?, Signal::TERM)?;
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "local-ai ended with {status}");
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        bail!(
            "local-ai has not ended {} s after it was asked to",
            STOP_LIMIT.as_secs()
        )
    }

    fn wait_for_address(&mut self, log: &Path) -> anyhow::Result<String> {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            let text = read(log)?;
            if let Some(address) = address(&text) {
                return Ok(address.to_owned());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("local-ai ended with {status}:\n{}", read(log)?);
            }
            std::thread::sleep(POLL);
        }
        bail!("local-ai has not said where it listens: {}", read(log)?)
    }
}

impl Drop for LocalAi {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(log: &Path) -> anyhow::Result<String> {
    fs::read_to_string(log).with_context(|| log.display().to_string())
}

/// The address in the line that tells what is served.
fn address(log: &str) -> Option<&str> {
    log.split_once("Serving http://")?
        .1
        .split_once("/v1")
        .map(|(address, _)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_once_its_line_is_whole() {
        let line =
            "INFO local_ai: Serving http://127.0.0.1:4711/v1 and ws://127.0.0.1:4711/v1/realtime\n";
        assert_eq!(address(line), Some("127.0.0.1:4711"));
        assert_eq!(address("INFO local_ai: Serving http://127.0.0"), None);
    }
}
