//! The running system as the journeys reach it.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::block_on;
use crate::project::Project;
use crate::run;
use crate::setup::{self, Installed};
use crate::state::State;
use crate::supervisor::this_program;

const POLL: Duration = Duration::from_millis(100);
/// The longest that a whole call of a few turns may take.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(180);
const RPC_LIMIT: &str = "15";

/// What is up, and how it is reached.
pub(in crate::quality) struct System<'a> {
    pub(in crate::quality) project: &'a Project,
    pub(super) installed: Installed,
    pub(super) state: State,
}

/// Why an RPC failed: the status code's name, such as `NotFound`, and the message.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
}

impl<'a> System<'a> {
    /// The system of this clone, which is up.
    pub(in crate::quality) fn of(project: &'a Project) -> anyhow::Result<Self> {
        Ok(Self {
            project,
            installed: setup::locate()?,
            state: State::read(project)?,
        })
    }

    pub(super) fn user_token(&self, email: &str) -> anyhow::Result<String> {
        self.token(&["--user", email])
    }

    pub(in crate::quality) fn operator_token(&self) -> anyhow::Result<String> {
        self.token(&["--operator"])
    }

    pub(super) fn token(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.xtask("token").args(args).output()?;
        ensure!(
            output.status.success(),
            "token: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Calls an RPC with grpcurl, through reflection; `method` as `insta.agent.v1.AgentService/GetCall`.
    /// An empty token is left out.
    pub(super) fn rpc(
        &self,
        token: &str,
        method: &str,
        request: &Value,
    ) -> anyhow::Result<Result<Value, Refused>> {
        let output = self.grpcurl(token, method, request).output()?;
        if output.status.success() {
            return Ok(Ok(serde_json::from_slice(&output.stdout)
                .with_context(|| format!("{method} answered no JSON"))?));
        }
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let field = |name: &str| {
            told.lines()
                .find_map(|line| line.trim().strip_prefix(name))
                .map(|value| value.trim().to_owned())
        };
        match field("Code:") {
            Some(code) => Ok(Err(Refused {
                code,
                message: field("Message:").unwrap_or_default(),
            })),
            None => bail!("{method}: {told}"),
        }
    }

    /// An RPC that has to succeed.
    pub(super) fn must(&self, token: &str, method: &str, request: &Value) -> anyhow::Result<Value> {
        match self.rpc(token, method, request)? {
            Ok(answer) => Ok(answer),
            Err(refused) => bail!("{method} failed: {} {}", refused.code, refused.message),
        }
    }

    /// An RPC that has to be refused with this code.
    pub(super) fn refused(
        &self,
        token: &str,
        method: &str,
        request: &Value,
        code: &str,
    ) -> anyhow::Result<()> {
        match self.rpc(token, method, request)? {
            Ok(answer) => bail!("{method} should be refused with {code}; it answered {answer}"),
            Err(refused) => {
                ensure!(
                    refused.code == code,
                    "{method} should be refused with {code}, not {refused:?}"
                );
                Ok(())
            }
        }
    }

    pub(super) fn grpcurl(&self, token: &str, method: &str, request: &Value) -> Command {
        let service = method.split('.').nth(1).unwrap_or_default();
        let address = self.state.services[service].grpc.replace("http://", "");
        let mut command = Command::new(&self.installed.grpcurl);
        command.arg("-plaintext");
        if !method.ends_with("/WatchCall") {
            command.args(["-max-time", RPC_LIMIT]);
        }
        if !token.is_empty() {
            command.args(["-H", &format!("authorization: Bearer {token}")]);
        }
        command.args(["-d", &request.to_string(), &address, method]);
        command
    }

    /// Makes a call to its end and gives its report.
    pub(in crate::quality) fn call(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> anyhow::Result<Value> {
        self.begin_call(args)?.report()
    }

    /// Begins a call, which goes on by itself.
    pub(super) fn begin_call(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> anyhow::Result<Running> {
        Running::start(self.xtask("call").arg("--json").args(args))
    }

    /// The call that a user has at this moment, as soon as there is one.
    pub(super) fn live_call(&self, operator: &str, user_id: &str) -> anyhow::Result<String> {
        let request = json!({"user_id": user_id, "state": "CALL_STATE_ACTIVE"});
        until("a live call", Duration::from_secs(20), || {
            let calls = self.must(operator, "insta.agent.v1.AgentService/ListCalls", &request)?;
            Ok(calls["calls"][0]["callId"].as_str().map(str::to_owned))
        })
    }

    /// What is on record of a call.
    pub(super) fn record(&self, operator: &str, call_id: &str) -> anyhow::Result<Value> {
        let answer = self.must(
            operator,
            "insta.agent.v1.AgentService/GetCall",
            &json!({"call_id": call_id}),
        )?;
        Ok(answer["call"].clone())
    }

    /// The record of a call once that has ended.
    pub(in crate::quality) fn ended(&self, operator: &str, call_id: &str) -> anyhow::Result<Value> {
        until(
            "the end of the call on record",
            Duration::from_secs(90),
            || {
                let call = self.record(operator, call_id)?;
                Ok((call["state"] == "CALL_STATE_ENDED").then_some(call))
            },
        )
    }

    /// Brings everything up with these settings; what they change is started again.
    pub(super) fn up(&self, settings: &[(&str, &str)]) -> anyhow::Result<()> {
        let output = self
            .xtask("up")
            .arg("--no-build")
            .envs(settings.iter().copied())
            .output()?;
        ensure!(
            output.status.success(),
            "`up` with {settings:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    pub(super) fn status(&self) -> anyhow::Result<run::Report> {
        block_on(run::status(self.project))
    }

    /// What a recording says, by the system's own recogniser.
    pub(super) fn transcribed(&self, wav: &Path) -> anyhow::Result<String> {
        let sound = std::fs::read(wav).with_context(|| wav.display().to_string())?;
        let boundary = "the-end-of-a-part";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"heard.wav\"\r\n\
             Content-Type: audio/wav\r\n\r\n"
        )
        .into_bytes();
        body.extend(sound);
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        let url = format!("{}/audio/transcriptions", self.state.local_ai.base_url);
        block_on(async {
            let answer = reqwest::Client::new()
                .post(url)
                .header(
                    "content-type",
                    format!("multipart/form-data; boundary={boundary}"),
                )
                .timeout(CALL_LIMIT)
                .body(body)
                .send()
                .await?
                .error_for_status()?;
            let answer: Value = serde_json::from_str(&answer.text().await?)?;
            Ok(answer["text"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// These commands themselves, for what they do for people.
    pub(super) fn xtask(&self, command: &str) -> Command {
        let program = this_program().unwrap_or_else(|_| "xtask".into());
        let mut process = Command::new(program);
        process
            .arg(command)
            .current_dir(self.project.root())
            .stdin(Stdio::null());
        process
    }
}

/// A program that goes on by itself; it is ended with this value.
pub(super) struct Running {
    child: Child,
    printed: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Running {
    /// Starts a program whose stdout is kept.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        let mut stdout = child.stdout.take().context("stdout is a pipe")?;
        let printed = Arc::new(Mutex::new(String::new()));
        let reader = thread::spawn({
            let printed = printed.clone();
            move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                    lock(&printed).push_str(&text);
                }
            }
        });
        Ok(Self {
            child,
            printed,
            reader: Some(reader),
        })
    }

    /// What it has printed so far.
    pub(super) fn printed(&self) -> String {
        lock(&self.printed).clone()
    }

    /// Waits for its end, and gives what it has printed.
    pub(super) fn finish(mut self) -> anyhow::Result<String> {
        until("the end of a program", CALL_LIMIT, || {
            Ok(self.child.try_wait()?.map(drop))
        })?;
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has printed why.
            let _ = reader.join();
        }
        Ok(self.printed())
    }

    /// Waits for the end of a call, and gives its report, be it good or bad.
    pub(super) fn report(self) -> anyhow::Result<Value> {
        let printed = self.finish()?;
        serde_json::from_str(&printed)
            .with_context(|| format!("the call printed no report: {printed}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(text: &Mutex<String>) -> std::sync::MutexGuard<'_, String> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks again and again until there is an answer, `limit` at most.
#[expect(
    clippy::disallowed_methods,
    reason = "what other programs do can only be looked at again"
)]
pub(super) fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        ensure!(
            Instant::now() < deadline,
            "{what} has not come within {limit:?}; see the logs in .dev/logs"
        );
        thread::sleep(POLL);
    }
}

/// Whether a text holds these words, whatever their case.
pub(super) fn says(text: &Value, words: &str) -> bool {
    let text = text.as_str().unwrap_or_default().to_lowercase();
    text.contains(&words.to_lowercase())
}
