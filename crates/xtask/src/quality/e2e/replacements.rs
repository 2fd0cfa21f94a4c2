//! Another LiveKit server, another PostgreSQL and another OpenAI in place of the local parts, and what calls
//! go on with when OpenAI is gone.

use anyhow::{Context, ensure};
use realtime_script::{Line, Server};
use serde_json::Value;
use url::Url;

use super::system::{System, says};
use super::{block_on, shown};
use crate::project::Project;
use crate::run::{self, Options};

const REPLACED: [&str; 3] = ["postgres", "livekit", "local-ai"];
const HEARD: &str = "Which plan is mine?";
/// Says "How do I reset my password?".
const QUESTION: &str = "crates/speech/testdata/reset_password.wav";
/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9/v1";

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let second = second_project(system)?;
    let options = Options {
        no_build: true,
        only: REPLACED.map(str::to_owned).to_vec(),
    };
    let result = run::up(&second, &options)
        .and_then(|others| {
            call_with(system, &others)?;
            call_with_the_fallback(system, &others)
        })
        .and_then(|()| call_with_the_other_voice(system));
    let back = system.up(&[]);
    block_on(run::down(&second))?;
    result.and(back)
}

/// A project whose only parts are the other servers, with the programs and the demo users of this one.
fn second_project(system: &System) -> anyhow::Result<Project> {
    let root = system.project.dev_dir().join("second");
    std::fs::create_dir_all(&root)?;
    for folder in ["crates", "target"] {
        let link = root.join(folder);
        if !link.exists() {
            std::os::unix::fs::symlink(system.project.root().join(folder), &link)
                .with_context(|| link.display().to_string())?;
        }
    }
    Ok(Project::at(root))
}

fn call_with(system: &System, others: &crate::state::State) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let line = Line {
        heard: HEARD.into(),
        tool: Some("get_account".into()),
        answer: "The script says that {name} is on the {subscription_tier} plan.".into(),
        ..Line::default()
    };
    let openai = runtime.block_on(Server::start(vec![line]))?;
    let mut database = Url::parse(&others.database.url).context("the second database")?;
    database.set_path("/postgres");
    system.up(&[
        ("DATABASE_URL", database.as_str()),
        ("LIVEKIT_URL", &others.livekit.url),
        ("LIVEKIT_API_KEY", &others.livekit.api_key),
        ("LIVEKIT_API_SECRET", &others.livekit.api_secret),
        ("OPENAI_BASE_URL", &openai.base_url()),
        ("OPENAI_API_KEY", "any"),
    ])?;
    for part in system.status()?.parts {
        let is_replaced = REPLACED.contains(&part.name.as_str());
        ensure!(
            part.ready && part.pid.is_none() == is_replaced,
            "{part:?} should be ready and {} ours",
            if is_replaced { "not" } else { "be" }
        );
    }
    let user = &system.state.users[0];
    let report = ask_by_recording(system, &user.email)?;
    let turn = &report["turns"][0];
    ensure!(
        says(&turn["recognised"], HEARD)
            && says(
                &turn["answer"],
                &format!("the {} plan", user.subscription_tier)
            ),
        "the script was not followed: {report}"
    );
    shown(
        "a second LiveKit server, a second PostgreSQL and another OpenAI take the local parts' places",
    );
    Ok(())
}

/// A call with a recorded voice: who speaks texts for callers is OpenAI.
fn ask_by_recording(system: &System, email: &str) -> anyhow::Result<Value> {
    let wav = system.project.root().join(QUESTION);
    system.call([
        "--user".as_ref(),
        email.as_ref(),
        "--wav".as_ref(),
        wav.as_os_str(),
    ])
}

/// OpenAI is gone, and with it the dedicated voice; the fallback is a local-ai.
fn call_with_the_fallback(system: &System, others: &crate::state::State) -> anyhow::Result<()> {
    system.up(&[
        ("OPENAI_BASE_URL", NOBODY),
        ("OPENAI_API_KEY", "any"),
        ("FALLBACK_BASE_URL", &others.local_ai.base_url),
        ("FALLBACK_API_KEY", "any"),
    ])?;
    let user = &system.state.users[0];
    let report = ask_by_recording(system, &user.email)?;
    ensure!(
        says(&report["greeting"], &user.name)
            && says(&report["turns"][0]["answer"], "forgot password"),
        "the fallback should greet and answer: {report}"
    );
    shown("without OpenAI a call is held by transcription, chat and speech");
    Ok(())
}

/// The dedicated voice as a Realtime session that reads aloud, at local-ai.
fn call_with_the_other_voice(system: &System) -> anyhow::Result<()> {
    system.up(&[("TTS_MODEL", "gpt-realtime-2.1-mini")])?;
    let user = &system.state.users[1];
    let report = system.call(["--user", &user.email, "--say", "What plan am I on?"])?;
    ensure!(
        says(&report["greeting"], &user.name)
            && says(&report["turns"][0]["answer"], &user.subscription_tier),
        "the greeting and the plan should be told: {report}"
    );
    let wav = report["heard_wav"].as_str().context("nothing was heard")?;
    let heard = system.transcribed(wav.as_ref())?.to_lowercase();
    ensure!(
        heard.contains("help you"),
        "the greeting should be heard, not: {heard}"
    );
    shown("the greeting is heard too when a Realtime session reads it aloud");
    Ok(())
}
