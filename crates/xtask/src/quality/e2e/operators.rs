//! An operator follows a live call, speaks into it and ends it; a stranger cannot see it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;

use super::shown;
use super::system::{Running, System, says, until};

const WATCH_CALL: &str = "insta.agent.v1.AgentService/WatchCall";
const NOTICE: &str = "This is a notice from support. Your invitation was sent again.";
const WRITTEN: &str = "Which plan do I have, please?";
const WAIT: Duration = Duration::from_secs(40);

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let [caller, stranger] = &system.state.users[..2] else {
        anyhow::bail!("there are no two demo users");
    };
    let operator = system.operator_token()?;
    let call = system.begin_call([
        "--user",
        &caller.email,
        "--say",
        "What plan am I on?",
        "--say",
        "How do I reset my password?",
    ])?;
    let call_id = system.live_call(&operator, &caller.user_id)?;
    let this_call = json!({"call_id": call_id});
    let watch = Running::start(&mut system.grpcurl(&operator, WATCH_CALL, &this_call))?;

    let stranger = system.user_token(&stranger.email)?;
    for method in ["GetCall", "EndCall", "WatchCall"] {
        let method = format!("insta.agent.v1.AgentService/{method}");
        system.refused(&stranger, &method, &this_call, "NotFound")?;
    }
    shown("a stranger does not find the call");

    let seen = |what: &'static str| {
        until(what, WAIT, || {
            Ok(watch.printed().contains(what).then_some(()))
        })
    };
    seen("get_account")?;
    system.must(
        &operator,
        "insta.agent.v1.AgentService/Say",
        &json!({"call_id": call_id, "text": NOTICE}),
    )?;
    seen("invitation was sent again")?;
    shown("WatchCall follows the call, and Say is spoken in it");

    // It is on record once it has been heard.
    until("the notice on record", WAIT, || {
        let call = system.record(&operator, &call_id)?;
        let turns = call["turns"].as_array().cloned().unwrap_or_default();
        let is_notice = |turn: &serde_json::Value| says(&turn["text"], "sent again");
        Ok(turns.iter().any(is_notice).then_some(()))
    })?;
    system.must(
        &operator,
        "insta.agent.v1.AgentService/UpdateInstructions",
        &json!({"call_id": call_id, "instructions": "Be brief."}),
    )?;
    system.must(
        &operator,
        "insta.agent.v1.AgentService/SendMessage",
        &json!({"call_id": call_id, "text": WRITTEN}),
    )?;
    seen(WRITTEN)?;
    shown("SendMessage is taken for the caller's");
    system.must(&operator, "insta.agent.v1.AgentService/EndCall", &this_call)?;
    seen("END_REASON_OPERATOR")?;
    let record = system.ended(&operator, &call_id)?;
    ensure!(record["endReason"] == "END_REASON_OPERATOR", "{record}");
    shown("EndCall ends it, and the reason is on record");

    let report = call.report()?;
    ensure!(report["end_reason"] == "OPERATOR", "{report}");
    let wav = report["heard_wav"].as_str().context("nothing was heard")?;
    let heard = system.transcribed(Path::new(wav))?;
    ensure!(
        heard.to_lowercase().contains("invitation"),
        "the caller should have heard the notice, not: {heard}"
    );
    shown("the caller has heard what was said");
    Ok(())
}
