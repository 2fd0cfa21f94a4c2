//! A local-ai of its own, on a free port, that ends with the scripts.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::logs;
use crate::project::Project;

/// Loading the models takes three seconds on two idle cores.
const START_LIMIT: Duration = Duration::from_secs(90);
/// The server gives what is going on ten seconds to end.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// The running server. It is killed when this is dropped.
pub(super) struct LocalAi {
    child: Child,
    address: String,
    /// Gives the address, and is closed when the server has ended.
    told: Receiver<String>,
}

impl LocalAi {
    /// Starts the built program and waits until it says where it listens. It goes when we go.
    pub(super) fn start(project: &Project, models: &Path) -> anyhow::Result<Self> {
        let path = project.log("conformance");
        let log = logs::begin(&path)?;
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(project.programs_dir().join("local-ai"))
            .args(["--listen", "127.0.0.1:0", "--models-dir"])
            .arg(models)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("local-ai cannot be started")?;
        let stderr = child.stderr.take().expect("it is piped");
        let mut server = Self {
            child,
            address: String::new(),
            told: follow(stderr, log),
        };
        server.address = match server.told.recv_timeout(START_LIMIT) {
            Ok(address) => address,
            Err(RecvTimeoutError::Timeout) => bail!("local-ai has not said where it listens"),
            Err(RecvTimeoutError::Disconnected) => {
                let status = server.child.wait()?;
                bail!(
                    "local-ai ended with {status}:\n{}",
                    fs::read_to_string(&path)?
                )
            }
        };
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
        let ended = self.told.recv_timeout(STOP_LIMIT);
        ensure!(
            ended == Err(RecvTimeoutError::Disconnected),
            "local-ai has not ended {} s after it was asked to",
            STOP_LIMIT.as_secs()
        );
        let status = self.child.wait()?;
        ensure!(status.success(), "local-ai ended with {status}");
        Ok(())
    }
}

impl Drop for LocalAi {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies what the server says to the log, and passes the address on.
fn follow(
    from: impl Read + Send + 'static,
    mut log: impl Write + Send + 'static,
) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // Neither a full disk nor a caller that has gone may block the server.
            let _ = writeln!(log, "{line}");
            if let Some(address) = address(&line) {
                let _ = tell.send(address.to_owned());
            }
        }
    });
    told
}

/// The address in the line that tells what is served.
fn address(line: &str) -> Option<&str> {
    let (_, served) = line.split_once("Serving ")?;
    let (_, address) = served.split_once("http://")?;
    Some(address.split_once("/v1")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_passed_on_and_the_end_is_told() {
        let said = "INFO Loaded models\nINFO Serving ws://127.0.0.1:4711/v1/realtime and http://127.0.0.1:4711/v1\n";
        let told = follow(said.as_bytes(), std::io::sink());
        assert_eq!(told.recv().as_deref(), Ok("127.0.0.1:4711"));
        assert!(told.recv().is_err());
    }
}
