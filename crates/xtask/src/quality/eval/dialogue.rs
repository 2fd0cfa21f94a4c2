//! `eval dialogue`: the assistant is asked by text, with the real services, tools and models.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::json;

use super::judge::{Reply, Verdict};
use super::questions::{self, Kind, Question};
use crate::process::{cargo, run_visibly};
use crate::project::Project;
use crate::run::{self, Options as UpOptions};
use crate::state::State;
use crate::supervisor::Supervisor;

/// The committed sets of questions.
const COMMITTED: &str = "crates/xtask/demo/dialogue";
/// What has to be reached with each set, in percent.
const TOOLS: usize = 95;
const ANSWERS: usize = 90;
const OFF_TOPIC: usize = 95;
const NEAR_TOPIC: usize = 60;
/// Questions of each kind in a sample, and what has to be right of it, in percent.
const SAMPLED: usize = 2;
const SAMPLE: usize = 75;
/// The service whose tools are used.
const CLIENT: &str = "agent-svc";

/// Which questions are asked.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// One set of questions instead of the committed ones, in the format that demo/README.md
    /// describes.
    #[arg(long, value_name = "FILE")]
    pub questions: Option<PathBuf>,

    /// Only a few questions of each kind.
    #[arg(long)]
    pub sample: bool,
}

/// Brings the system up, asks, and stops what was not running before.
pub fn eval(project: &Project, options: &Options) -> anyhow::Result<()> {
    let ran_before = Supervisor::find(project).is_some();
    let result = run::up(project, &UpOptions::default()).and_then(|_| ask_all(project, options));
    if !ran_before {
        block_on(run::down(project))?;
    }
    result
}

/// A few questions to the system, which is up.
pub fn sample(project: &Project) -> anyhow::Result<()> {
    let options = Options {
        sample: true,
        ..Options::default()
    };
    ask_all(project, &options)
}

fn ask_all(project: &Project, options: &Options) -> anyhow::Result<()> {
    let files = match &options.questions {
        Some(file) => vec![file.clone()],
        None => questions::sets(&project.root().join(COMMITTED))?,
    };
    let mut low = Vec::new();
    for file in files {
        println!("\n{}", file.display());
        // Every set is asked, so that one look shows all that is low.
        if let Err(error) = ask_set(project, &file, options.sample) {
            low.push(format!("{}: {error:#}", file.display()));
        }
    }
    ensure!(low.is_empty(), "{}", low.join("\n"));
    Ok(())
}

fn ask_set(project: &Project, file: &Path, sample: bool) -> anyhow::Result<()> {
    let mut asked = questions::read(file)?;
    if sample {
        asked = sampled(asked);
    }
    let replies = ask(project, &asked)?;
    let judged: Vec<_> = asked
        .iter()
        .zip(&replies)
        .map(|(question, reply)| (question, reply, Verdict::of(question, reply)))
        .collect();
    for (question, reply, verdict) in judged.iter().filter(|(.., verdict)| !verdict.is_right()) {
        print_wrong(question, reply, *verdict);
    }
    let figures = Figures::of(
        judged
            .iter()
            .map(|(question, _, verdict)| (*question, *verdict)),
    );
    figures.print();
    if sample {
        let right = judged.iter().filter(|(.., verdict)| verdict.is_right());
        let share = Share {
            right: right.count(),
            all: judged.len(),
        };
        // So few questions cannot show a percentage; they show that everything is in place.
        ensure!(
            share.reaches(SAMPLE),
            "right: {}, less than {SAMPLE} %",
            share.shown()
        );
        return Ok(());
    }
    figures.check()
}

/// The first of each kind.
fn sampled(asked: Vec<Question>) -> Vec<Question> {
    let mut taken: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut is_sampled = |question: &Question| {
        let taken = taken.entry(question.kind).or_default();
        *taken += 1;
        *taken <= SAMPLED
    };
    asked
        .into_iter()
        .filter(|question| is_sampled(question))
        .collect()
}

/// Asks each question in a conversation of its own.
fn ask(project: &Project, asked: &[Question]) -> anyhow::Result<Vec<Reply>> {
    let state = State::read(project)?;
    run_visibly(cargo(project.root()).args([
        "build",
        "--workspace",
        "--bins",
        "--example",
        "ask_assistant",
        "--quiet",
    ]))?;
    block_on(run::articles_embedded(project, &state))?;
    let mut tokens: HashMap<&str, String> = HashMap::new();
    for question in asked {
        if !tokens.contains_key(question.user.as_str()) {
            let token = block_on(run::session_token(&state, &question.user))?;
            tokens.insert(&question.user, token);
        }
    }
    let mut lines = String::new();
    for question in asked {
        let say: Vec<&String> = question.before.iter().chain([&question.question]).collect();
        let line = json!({"session_token": tokens[question.user.as_str()], "say": say});
        lines += &format!("{line}\n");
    }
    let mut child = assistant(project, &state)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("ask_assistant cannot be started")?;
    let mut stdin = child.stdin.take().context("stdin is a pipe")?;
    // Written beside, because answers come while questions are still being put.
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output()?;
    let written = writer.join();
    ensure!(output.status.success(), "the assistant gave up");
    if !matches!(written, Ok(Ok(()))) {
        bail!("the assistant did not take all questions");
    }
    let replies = String::from_utf8(output.stdout)?;
    let replies: Vec<Reply> = replies
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    ensure!(
        replies.len() == asked.len(),
        "{} questions have {} answers",
        asked.len(),
        replies.len()
    );
    Ok(replies)
}

fn assistant(project: &Project, state: &State) -> anyhow::Result<Command> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| project.root().join("target"));
    let mut command = Command::new(target.join("debug/examples/ask_assistant"));
    command
        .env("AUTH_URL", &state.services["auth"].grpc)
        .env("PROFILE_URL", &state.services["profile"].grpc)
        .env("KNOWLEDGE_URL", &state.services["knowledge"].grpc)
        .env("CLIENT_ID", CLIENT)
        .env("CLIENT_SECRET", run::client_secret(project, CLIENT)?)
        .env("COMPANY_NAME", "Paper Lantern")
        .env("OPENAI_BASE_URL", &state.local_ai.base_url);
    if std::env::var_os("OPENAI_API_KEY").is_none() {
        command.env("OPENAI_API_KEY", "none");
    }
    Ok(command)
}

fn print_wrong(question: &Question, reply: &Reply, verdict: Verdict) {
    let kind = question.kind.name();
    let detail = if question.detail { ", detail" } else { "" };
    let before: String = question
        .before
        .iter()
        .map(|text| format!("{text} / "))
        .collect();
    println!("{kind}{detail}: {before}{}", question.question);
    let called: Vec<&str> = reply.calls.iter().map(|call| call.name.as_str()).collect();
    if verdict.tool == Some(false) {
        println!(
            "  tool wanted: {}; called: {called:?}",
            question.tool.name()
        );
    }
    if verdict.answer == Some(false) {
        let articles: Vec<&String> = question
            .document_id
            .iter()
            .chain(&question.documents)
            .collect();
        println!("  wanted: {:?} of {articles:?}", question.must_say);
    }
    if verdict.declined == Some(false) {
        println!("  wanted: that it is not known");
    }
    println!("  got: {}", reply.answer);
}

/// How many of how many.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    right: usize,
    all: usize,
}

#[derive(Debug, Default)]
struct Row {
    asked: usize,
    tool: Share,
    answer: Share,
    declined: Share,
}

#[derive(Debug, Default)]
struct Figures(BTreeMap<Kind, Row>);

impl Share {
    fn count(&mut self, is_right: Option<bool>) {
        if let Some(is_right) = is_right {
            self.right += usize::from(is_right);
            self.all += 1;
        }
    }

    fn add(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            all: self.all + other.all,
        }
    }

    fn reaches(self, percent: usize) -> bool {
        self.right * 100 >= percent * self.all
    }

    fn shown(self) -> String {
        match self.all {
            0 => "-".into(),
            all => format!("{} of {all}", self.right),
        }
    }
}

impl Figures {
    fn of<'a>(judged: impl Iterator<Item = (&'a Question, Verdict)>) -> Self {
        let mut figures = Self::default();
        for (question, verdict) in judged {
            let row = figures.0.entry(question.kind).or_default();
            row.asked += 1;
            row.tool.count(verdict.tool);
            row.answer.count(verdict.answer);
            row.declined.count(verdict.declined);
        }
        figures
    }

    fn print(&self) {
        println!(
            "{:<12} {:>6} {:>12} {:>14} {:>12}",
            "", "asked", "tool right", "answer right", "declined"
        );
        for (kind, row) in &self.0 {
            println!(
                "{:<12} {:>6} {:>12} {:>14} {:>12}",
                kind.name(),
                row.asked,
                row.tool.shown(),
                row.answer.shown(),
                row.declined.shown()
            );
        }
        let total = |of: fn(&Row) -> Share| self.total(of).shown();
        println!(
            "{:<12} {:>6} {:>12} {:>14} {:>12}",
            "all",
            self.0.values().map(|row| row.asked).sum::<usize>(),
            total(|row| row.tool),
            total(|row| row.answer),
            total(|row| row.declined)
        );
    }

    fn total(&self, of: fn(&Row) -> Share) -> Share {
        self.0.values().map(of).fold(Share::default(), Share::add)
    }

    /// Fails below the floors.
    fn check(&self) -> anyhow::Result<()> {
        let declined = |kind| {
            self.0
                .get(&kind)
                .map_or(Share::default(), |row| row.declined)
        };
        let mut low = Vec::new();
        for (what, share, floor) in [
            ("tool choice", self.total(|row| row.tool), TOOLS),
            ("right answers", self.total(|row| row.answer), ANSWERS),
            ("off-topic declined", declined(Kind::OffTopic), OFF_TOPIC),
            ("near-topic declined", declined(Kind::NearTopic), NEAR_TOPIC),
        ] {
            if !share.reaches(floor) {
                low.push(format!("{what}: {}, less than {floor} %", share.shown()));
            }
        }
        ensure!(low.is_empty(), "{}", low.join("; "));
        Ok(())
    }
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
