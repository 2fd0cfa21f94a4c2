//! The server that is measured: this program once more, with the real models, telling on stdout
//! what cannot be seen from outside.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use local_ai::brain::Brain;
use local_ai::engine::{Detector, Embed, Embedding, Engine, Models, SpeechModels};
use local_ai::server::{self, App};
use serde::{Deserialize, Serialize};
use speech::Cancel;
use speech::recognition::Transcript;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// More sessions than any part of the measurement opens.
const MAX_SESSIONS: usize = 256;
/// Loading takes a second; a machine that is busy is given more.
const START: Duration = Duration::from_mins(2);
/// Clauses remembered; older ones belong to turns that are over.
const REMEMBERED: usize = 256;

/// What the server tells, one line each.
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    Listening { address: String },
    Spoke(Synthesis),
}

/// A clause that the synthesiser has made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Synthesis {
    pub clause: String,
    /// When it began and ended, by the clock of the machine.
    pub from: Duration,
    pub until: Duration,
}

/// The time of day, which two processes of a machine share.
pub fn clock() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Serves until stdin ends, which it does when the process that started this one is gone.
pub async fn serve(models_dir: &Path, threads: usize) -> anyhow::Result<()> {
    let dir = models_dir.to_owned();
    let models = tokio::task::spawn_blocking(move || SpeechModels::load(&dir, threads)).await??;
    let engine = Engine::new(Arc::new(Observed(models)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell(&Line::Listening {
        address: listener.local_addr()?.to_string(),
    });
    let app = App::new(engine.clone(), Brain::new(engine, None), MAX_SESSIONS);
    server::serve(listener, app, async {
        // Nothing is ever written there.
        let _ = tokio::io::stdin().read(&mut [0]).await;
    })
    .await
}

fn tell(line: &Line) {
    println!("{}", serde_json::json!(line));
}

/// The models, telling when they spoke.
struct Observed(SpeechModels);

impl Embed for Observed {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, speech::Error> {
        self.0.embed(texts)
    }
}

impl Models for Observed {
    fn detector(&self) -> Box<dyn Detector> {
        self.0.detector()
    }

    fn transcribe(
        &self,
        pcm: &[f32],
        before: &Transcript,
        cancel: &Cancel,
    ) -> Result<Transcript, speech::Error> {
        self.0.transcribe(pcm, before, cancel)
    }

    fn end_of_turn(&self, pcm: &[f32]) -> Result<f32, speech::Error> {
        self.0.end_of_turn(pcm)
    }

    fn synthesize(
        &self,
        clause: &str,
        voice: &str,
        speed: f32,
        cancel: &Cancel,
    ) -> Result<Vec<i16>, speech::Error> {
        let from = clock();
        let wave = self.0.synthesize(clause, voice, speed, cancel);
        tell(&Line::Spoke(Synthesis {
            clause: clause.to_owned(),
            from,
            until: clock(),
        }));
        wave
    }

    fn voices(&self) -> Vec<String> {
        self.0.voices()
    }
}

/// The server as a process, which ends when this is dropped.
pub struct Server {
    pub address: String,
    pub pid: u32,
    spoke: Arc<Mutex<Vec<Synthesis>>>,
    _child: Child,
    _stdin: ChildStdin,
}

impl Server {
    pub async fn start(models_dir: &Path, threads: usize) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg("--models-dir")
            .arg(models_dir)
            .args(["--threads", &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the server cannot be started")?;
        let pid = child.id().context("the server ended at once")?;
        let stdin = child.stdin.take().context("it is piped")?;
        let stdout = child.stdout.take().context("it is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(START, next(&mut lines))
            .await
            .with_context(|| format!("the server did not start within {START:?}"))??;
        let Line::Listening { address } = first else {
            bail!("the server did not say where it listens");
        };
        let spoke = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(listen(lines, spoke.clone()));
        Ok(Self {
            address,
            pid,
            spoke,
            _child: child,
            _stdin: stdin,
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The making of `clause`, if it was made after `since`.
    pub fn synthesis(&self, clause: &str, since: Duration) -> Option<Synthesis> {
        let spoke = self.spoke.lock().unwrap_or_else(PoisonError::into_inner);
        spoke
            .iter()
            .rev()
            .find(|spoke| spoke.from >= since && spoke.clause.trim() == clause.trim())
            .cloned()
    }
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<Line> {
    let line = lines.next_line().await?.context("the server ended")?;
    Ok(serde_json::from_str(&line)?)
}

async fn listen(mut lines: Lines<BufReader<ChildStdout>>, spoke: Arc<Mutex<Vec<Synthesis>>>) {
    while let Ok(line) = next(&mut lines).await {
        if let Line::Spoke(synthesis) = line {
            let mut spoke = spoke.lock().unwrap_or_else(PoisonError::into_inner);
            if spoke.len() >= REMEMBERED {
                spoke.drain(..REMEMBERED / 2);
            }
            spoke.push(synthesis);
        }
    }
}
