//! Asks the assistant by text. Each line of stdin is a conversation,
//! `{"session_token": …, "say": ["one question", "the next"]}`; each line of stdout what came of its
//! last question, with the tools that were called. `cargo xtask eval dialogue` uses it.

use agent_svc::by_text::{Assistant, Places, Reply};
use anyhow::Context as _;
use clap::Parser;
use serde::Deserialize;

#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    places: Places,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    session_token: String,
    say: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let assistant = Assistant::new(Options::parse().places)?;
    for line in std::io::stdin().lines() {
        let line: Line = serde_json::from_str(&line?).context("a line is no conversation")?;
        let mut conversation = assistant.begin(line.session_token.into()).await?;
        let mut reply = Reply::default();
        for text in &line.say {
            reply = conversation.say(text).await?;
        }
        println!("{}", serde_json::to_string(&reply)?);
    }
    Ok(())
}
