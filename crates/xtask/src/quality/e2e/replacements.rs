//! Another LiveKit server, another PostgreSQL and another OpenAI in place of the local parts.

use anyhow::{Context, ensure};
use realtime_script::{Line, Server};
use url::Url;

use super::system::{System, says};
use super::{block_on, shown};
use crate::project::Project;
use crate::run::{self, Options};

const REPLACED: [&str; 3] = ["postgres", "livekit", "local-ai"];
const HEARD: &str = "Which plan is mine?";

pub(super) fn show(system: &System) -> anyhow::Result<()> {
    let second = second_project(system)?;
    let options = Options {
        no_build: true,
        only: vec!["postgres".into(), "livekit".into()],
    };
    let result = run::up(&second, &options)
        .and_then(|others| call_with(system, &others))
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
    let wav = system
        .project
        .root()
        .join("crates/speech/testdata/reset_password.wav");
    let report = system.call([
        "--user".as_ref(),
        user.email.as_ref(),
        "--wav".as_ref(),
        wav.as_os_str(),
    ])?;
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
