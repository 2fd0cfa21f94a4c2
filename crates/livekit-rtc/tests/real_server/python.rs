//! LiveKit's own Python client at the other end.
//!
//! The variable `LIVEKIT_PYTHON` names a Python in whose environment `livekit` is installed;
//! `cargo xtask setup` makes one and `cargo xtask test` sets the variable.

use std::process::Stdio;

use anyhow::Context;
use livekit_rtc::{Attributes, DisconnectReason, Event, TextCollector, TextOptions};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use test_kit::LivekitServer;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::room::{LIMIT, join, options, shard};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/peer.py");

/// The other end; killed when dropped.
pub struct Peer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub fn start(server: &LivekitServer, identity: &str) -> anyhow::Result<Self> {
        let python = std::env::var_os("LIVEKIT_PYTHON").context(
            "LIVEKIT_PYTHON does not name a Python that has livekit; `cargo xtask setup` makes one",
        )?;
        let token = server.token("r", identity);
        let mut child = Command::new(&python)
            .args([SCRIPT, &server.url(), token.expose_secret()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", python.display()))?;
        let stdout = child.stdout.take().context("its output is piped")?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout).lines(),
        })
    }

    /// Waits until it tells of something that has all of these.
    pub async fn tells(&mut self, expected: &Value) -> anyhow::Result<Value> {
        let mut told = Vec::new();
        let search = async {
            while let Some(line) = self.lines.next_line().await? {
                let value: Value = serde_json::from_str(&line)?;
                let mut wanted = expected.as_object().into_iter().flatten();
                if wanted.all(|(key, wanted)| &value[key] == wanted) {
                    return Ok(value);
                }
                told.push(line);
            }
            anyhow::bail!("it ended without telling {expected}")
        };
        let outcome = tokio::time::timeout(LIMIT, search).await;
        outcome.with_context(|| format!("it did not tell {expected} but {told:?}"))?
    }
}

#[tokio::test]
async fn livekits_own_client_and_ours_understand_each_other() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let shard = shard();
    let mut agent = join(
        &shard,
        options(&server, server.agent_token("r", "agent")),
        440.0,
    )
    .await?;
    let mut peer = Peer::start(&server, "python")?;
    peer.tells(&json!({"joined": "python"})).await?;

    agent.ear.hears("python", 660.0).await;
    peer.tells(&json!({"of": "agent", "heard": 440})).await?;

    // What it says to us, and what we say to it.
    let text = "Grüße – 15 €. ".repeat(3_000);
    agent
        .participant
        .send_text("lk.chat", &*text, TextOptions::default())
        .await?;
    peer.tells(&json!({"of": "agent", "text": text})).await?;
    let mut collector = TextCollector::new(1 << 20);
    let answer = agent
        .wait_for("the answer", |event| collector.take(&event))
        .await;
    assert_eq!(answer.header.sender, "python".into());
    assert!(answer.complete);
    assert_eq!(answer.text, text.chars().rev().collect::<String>());

    // A transcript in its own name, with attributes at the end.
    let transcript = TextOptions {
        attributes: pair("lk.transcription_final", "false"),
        sender: Some("python".into()),
        ..TextOptions::default()
    };
    let mut writer = agent
        .participant
        .open_text_stream("lk.transcription", transcript)
        .await?;
    writer.write("What plan am I on?").await?;
    writer.close(pair("lk.transcription_final", "true")).await?;
    let told = peer
        .tells(&json!({"of": "python", "text": "What plan am I on?"}))
        .await?;
    assert_eq!(told["attributes"]["lk.transcription_final"], "true");

    agent
        .participant
        .set_attributes(pair("lk.agent.state", "speaking"))
        .await?;
    peer.tells(&json!({"of": "agent", "attributes": {"lk.agent.state": "speaking"}}))
        .await?;

    agent.ear.speak(false);
    peer.tells(&json!({"of": "agent", "heard": 0})).await?;
    agent.participant.set_muted(true).await?;
    peer.tells(&json!({"of": "agent", "muted": true})).await?;

    drop(peer.child.stdin.take());
    let reason = agent
        .wait_for("its leaving", |event| match event {
            Event::ParticipantDisconnected { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, DisconnectReason::ClientInitiated);
    Ok(())
}

fn pair(key: &str, value: &str) -> Attributes {
    [(key.to_owned(), value.to_owned())].into()
}
