//! A part is killed during a call: the others stay, nothing hangs, and `up` brings everything back.

use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::shown;
use super::system::{System, says, until};

const PARTS: [&str; 7] = [
    "agent-svc",
    "local-ai",
    "auth-svc",
    "profile-svc",
    "knowledge-svc",
    "postgres",
    "livekit",
];
/// Enough of them that the call still goes on when the part dies.
const QUESTIONS: [&str; 4] = [
    "What plan am I on?",
    "How do I reset my password?",
    "How many seats am I using?",
    "Can I get a refund?",
];

/// The part whose death costs most.
pub(super) fn sample(system: &System) -> anyhow::Result<()> {
    kill_during_a_call(system, "agent-svc")
}

/// Every part that a call needs.
pub(super) fn every(system: &System) -> anyhow::Result<()> {
    PARTS
        .iter()
        .try_for_each(|part| kill_during_a_call(system, part))
}

fn kill_during_a_call(system: &System, part: &str) -> anyhow::Result<()> {
    lives_through(system, part).with_context(|| format!("{part} was killed"))?;
    shown(&format!("{part} may be killed during a call"));
    Ok(())
}

fn lives_through(system: &System, part: &str) -> anyhow::Result<()> {
    let user = &system.state.users[0];
    let operator = system.operator_token()?;
    let questions = QUESTIONS.iter().flat_map(|question| ["--say", question]);
    let call = system.begin_call(["--user", &user.email].into_iter().chain(questions))?;
    let call_id = system.live_call(&operator, &user.user_id)?;
    let before = until("an answered question", Duration::from_secs(40), || {
        let turns = texts(&system.record(&operator, &call_id)?);
        // The greeting, a question, its answer.
        Ok((turns.len() >= 3).then_some(turns))
    })?;

    let pids = running(system)?;
    kill(system, part)?;
    call.report()?;
    for other in &pids {
        let stays = other.0 == part || running(system)?.contains(other);
        ensure!(stays, "{} has died too", other.0);
    }

    system.up(&[])?;
    let record = system.ended(&operator, &call_id)?;
    let after = texts(&record);
    ensure!(
        after.starts_with(&before),
        "what was said is lost: {before:?} became {after:?}"
    );
    let report = system.call(["--user", &user.email, "--say", QUESTIONS[0]])?;
    ensure!(
        says(&report["turns"][0]["answer"], &user.subscription_tier),
        "the next call: {report}"
    );
    Ok(())
}

/// Kills a part and waits until that has been noticed.
pub(super) fn kill(system: &System, part: &str) -> anyhow::Result<()> {
    let pids = running(system)?;
    let (_, pid) = pids
        .iter()
        .find(|(name, _)| name == part)
        .with_context(|| format!("{part} does not run here"))?;
    let pid = Pid::from_raw(i32::try_from(*pid)?).context("a process id")?;
    kill_process(pid, Signal::KILL)?;
    until(
        "the death of the part in `status`",
        Duration::from_secs(10),
        || Ok((!running(system)?.iter().any(|(name, _)| name == part)).then_some(())),
    )
}

/// The parts that run, with their processes.
fn running(system: &System) -> anyhow::Result<Vec<(String, u32)>> {
    let parts = system.status()?.parts;
    Ok(parts
        .into_iter()
        .filter_map(|part| Some((part.name, part.pid?)))
        .collect())
}

fn texts(call: &Value) -> Vec<String> {
    let turns = call["turns"].as_array().cloned().unwrap_or_default();
    turns
        .iter()
        .filter_map(|turn| turn["text"].as_str().map(str::to_owned))
        .collect()
}
