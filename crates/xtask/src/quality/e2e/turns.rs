//! Who ends a caller's turns is a setting: with each, the same spoken conversation goes well.

use anyhow::{Context, ensure};
use serde_json::Value;

use super::system::{System, says};
use super::{browser, shown};

/// The conversation. An "Okay." is said over the first answer, and the third turn over the second. The goodbye is one
/// sentence: between two, the voice pauses for as long as a turn's end takes at the least.
const TURNS: [&str; 4] = [
    "How do I reset my password?",
    "How do I invite a teammate?",
    "What plan am I on?",
    "That is all, thank you and goodbye.",
];
const OVER: [&str; 2] = ["--nod=1500@1", "--barge-in=1500@2"];

/// Who ends turns. What is heard, answered, cut short and kept is the same for all of them; when a turn is over
/// is not, and in push to talk an "Okay." without the button is not heard at all.
const MODES: [&str; 4] = ["local", "server_vad", "semantic_vad", "manual"];

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let result = with_each(system);
    let back = system.up(&[]);
    result.and(back)
}

fn with_each(system: &System) -> anyhow::Result<()> {
    for mode in MODES {
        system.up(&[("TURN_DETECTION", mode)])?;
        converses(system).context(mode)?;
        shown(&format!(
            "with turn detection {mode} a whole conversation goes well"
        ));
    }
    // The page's own button.
    browser::drive(system, &["push-to-talk"])
}

fn converses(system: &System) -> anyhow::Result<()> {
    let user = &system.state.users[0];
    let said = TURNS.iter().flat_map(|turn| ["--say", turn]);
    let args = ["--user", &user.email].into_iter().chain(OVER).chain(said);
    let report = system.call(args)?;
    let operator = system.operator_token()?;
    let call = report["call_id"].as_str().context("no call was made")?;
    let record = system.ended(&operator, call)?;
    goes_well(&user.name, &user.subscription_tier, &report)
        .and_then(|()| kept(&record))
        .with_context(|| format!("{report}\n{record}"))
}

fn goes_well(name: &str, tier: &str, report: &Value) -> anyhow::Result<()> {
    ensure!(says(&report["greeting"], name), "the greeting");
    nodded_at(&report["turns"][0])?;
    cut_off(&report["turns"][1])?;
    let plan = &report["turns"][2];
    ensure!(uses(plan, "get_account"), "the account is looked up");
    ensure!(
        says(&plan["recognised"], "plan") && says(&plan["answer"], tier),
        "the question over the answer is answered"
    );
    ensure!(report["end_reason"] == "AGENT_HANGUP", "the goodbye");
    Ok(())
}

/// The answer comes from an article, and goes on after the nod.
fn nodded_at(turn: &Value) -> anyhow::Result<()> {
    ensure!(uses(turn, "search_knowledge"), "the articles are searched");
    ensure!(
        says(&turn["recognised"], "password") && says(&turn["answer"], "forgot password"),
        "the question about the password is answered"
    );
    ensure!(
        turn["resumed_ms"].is_u64(),
        "the answer goes on after the nod"
    );
    Ok(())
}

/// The answer was begun and cut short.
fn cut_off(turn: &Value) -> anyhow::Result<()> {
    ensure!(
        turn["first_audio_ms"].is_u64(),
        "the second question is answered"
    );
    ensure!(
        turn["cut_ms"].is_u64(),
        "what is said over the answer cuts it short"
    );
    Ok(())
}

/// The record has what was said and no more: nothing was made of silence or of the nod.
fn kept(record: &Value) -> anyhow::Result<()> {
    let turns = record["turns"].as_array().context("there are turns")?;
    let of = |role: &'static str| turns.iter().filter(move |turn| turn["role"] == role);
    ensure!(
        of("ROLE_USER").count() == TURNS.len(),
        "each turn of the caller is kept once"
    );
    let cut_short = of("ROLE_ASSISTANT").filter(|turn| turn["interrupted"] == true);
    ensure!(
        cut_short.count() == 1,
        "one answer is kept as cut short, the one that was"
    );
    Ok(())
}

fn uses(turn: &Value, tool: &str) -> bool {
    let tools = turn["tools"].as_array();
    tools.is_some_and(|tools| {
        tools
            .iter()
            .any(|used| used["name"] == tool && used["status"] == "OK")
    })
}
