//! Who ends a caller's turns is a setting: with each, what is said is answered.

use anyhow::{Context, ensure};

use super::system::{System, says};
use super::{browser, shown};

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let result = with_each(system);
    let back = system.up(&[]);
    result.and(back)
}

fn with_each(system: &System) -> anyhow::Result<()> {
    for detection in ["server_vad", "semantic_vad"] {
        system.up(&[("TURN_DETECTION", detection)])?;
        question_is_answered(system).context(detection)?;
        shown(&format!("with {detection} a spoken question is answered"));
    }
    system.up(&[("TURN_DETECTION", "manual")])?;
    browser::drive(system, &["push-to-talk"])
}

fn question_is_answered(system: &System) -> anyhow::Result<()> {
    let user = &system.state.users[0];
    let question = "What plan am I on?";
    let report = system.call(["--user", &user.email, "--say", question])?;
    let turns = report["turns"].as_array().map(Vec::as_slice);
    let Some([turn]) = turns else {
        anyhow::bail!("there should be one turn: {report}");
    };
    ensure!(
        says(&turn["recognised"], "what plan am i on")
            && says(&turn["answer"], &user.subscription_tier),
        "the question should be understood and answered: {report}"
    );
    let operator = system.operator_token()?;
    let call = report["call_id"].as_str().context("no call was made")?;
    let record = system.ended(&operator, call)?;
    // The greeting, the question, the answer: nothing was made of silence, and nothing was said twice.
    ensure!(
        record["turns"].as_array().map(Vec::len) == Some(3),
        "{record}"
    );
    Ok(())
}
