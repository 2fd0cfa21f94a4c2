//! How soon answers begin, and what sessions cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clap::Args;
use futures::future::try_join_all;
use tokio::time::Instant;

use super::caller::Caller;
use super::clip::Clip;
use super::costs;
use super::questions::{QUESTIONS, settings};
use super::server::Server;
use super::table::{self, middle_and_most};
use super::turn::Turn;

/// A caller hangs up after so many turns and another one calls.
const TURNS_A_CALL: usize = 10;
/// A clause up to this long is short.
const SHORT: Duration = Duration::from_secs(1);
/// What is asked for at one session, beyond the configured silence, for short and long clauses.
const GOALS_MS: [u32; 2] = [300, 450];
/// The memory that an idle session may take.
const MEMORY_GOAL_MB: f64 = 2.0;

#[derive(Debug, Args)]
pub struct Options {
    /// Turns for each number of sessions.
    #[arg(long, default_value_t = 100)]
    turns: usize,
    /// Numbers of sessions that talk at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4])]
    sessions: Vec<usize>,
    /// Silence after which a turn ends.
    #[arg(long, default_value_t = 500)]
    silence_ms: u32,
    /// Sessions opened to see what an idle one costs.
    #[arg(long, default_value_t = 50)]
    idle: usize,
    /// A few seconds of everything, to see that it works; its figures say little.
    #[arg(long)]
    sample: bool,
}

pub async fn run(server: &Server, options: &Options) -> anyhow::Result<()> {
    let bench = Bench {
        server,
        silence_ms: options.silence_ms,
        fresh: AtomicU32::new(0),
    };
    let (turns, idle, watch, first) = if options.sample {
        (2, 5, Duration::from_secs(1), 1)
    } else {
        (
            options.turns,
            options.idle,
            Duration::from_secs(10),
            QUESTIONS.len(),
        )
    };
    let sessions = if options.sample {
        &options.sessions[..1]
    } else {
        &options.sessions
    };
    bench.memory(idle).await?;
    let mut costs = bench.waiting(idle, watch).await?;
    let mut clips = Vec::new();
    for question in &QUESTIONS {
        clips.push(Clip::of(server, question.text).await?);
    }
    // The first turn of a process meets cold caches.
    bench.call(&clips, 0..first).await?;
    let mut rows = Vec::new();
    for &sessions in sessions {
        eprintln!("{turns} turns in {sessions} sessions");
        let (begun, used) = (Instant::now(), costs::processor_time(server.pid)?);
        let turns = bench.talk(&clips, sessions, turns).await?;
        let used = costs::processor_time(server.pid)? - used;
        costs.push(cost("talking", sessions, used, begun.elapsed()));
        rows.extend(latencies(sessions, &turns, options.silence_ms));
    }
    let known = bench.known(&clips, turns.min(20)).await?;
    rows.extend(row("1, said before", &known, options.silence_ms, None));
    println!(
        "\nfrom the end of the voice to the first sound of the answer, after a configured silence \
         of {} ms; p50/p95 in ms",
        options.silence_ms
    );
    table::print(&LATENCY_HEADS, &rows);
    println!("\nprocessor time of the server by what its sessions do");
    table::print(&["sessions", "doing", "a session, % of a core"], &costs);
    Ok(())
}

const LATENCY_HEADS: [&str; 9] = [
    "sessions",
    "first clause",
    "turns",
    "end-pointing",
    "recognition",
    "dialogue",
    "synthesis",
    "beyond the silence",
    "goal (p50)",
];

struct Bench<'a> {
    server: &'a Server,
    silence_ms: u32,
    /// Counts turns, so that each gets an answer of its own.
    fresh: AtomicU32,
}

impl Bench<'_> {
    async fn open(&self) -> anyhow::Result<Caller> {
        Caller::open(&self.server.address, &settings(self.silence_ms)).await
    }

    /// Opens sessions that do nothing and tells what memory each takes.
    async fn memory(&self, sessions: usize) -> anyhow::Result<()> {
        // What the first sessions bring in stays.
        drop(self.open_many(sessions).await?);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = costs::memory(self.server.pid)?;
        let open = self.open_many(sessions).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let after = costs::memory(self.server.pid)?;
        println!(
            "memory: {before:.0} MB with all models, {:.2} MB more for each idle session \
             ({sessions} opened; goal: at most {MEMORY_GOAL_MB} MB)",
            (after - before) / open.len() as f64,
        );
        Ok(())
    }

    async fn open_many(&self, sessions: usize) -> anyhow::Result<Vec<Caller>> {
        try_join_all((0..sessions).map(|_| self.open())).await
    }

    /// What sessions cost that nobody talks in: without any sound, and with silence coming in.
    async fn waiting(&self, sessions: usize, time: Duration) -> anyhow::Result<Vec<Vec<String>>> {
        let mut open = self.open_many(sessions).await?;
        let used = costs::processor_time(self.server.pid)?;
        tokio::time::sleep(time).await;
        let idle = costs::processor_time(self.server.pid)? - used;
        let used = costs::processor_time(self.server.pid)?;
        let listen = |caller| async move { Caller::listen(caller, time, drop).await };
        try_join_all(open.iter_mut().map(listen)).await?;
        let listening = costs::processor_time(self.server.pid)? - used;
        Ok(vec![
            cost("idle", sessions, idle, time),
            cost("listening", sessions, listening, time),
        ])
    }

    /// Asks questions in several sessions at once.
    async fn talk(
        &self,
        clips: &[Arc<Clip>],
        sessions: usize,
        turns: usize,
    ) -> anyhow::Result<Vec<Turn>> {
        let session = |number: usize| async move {
            let own = turns / sessions + usize::from(number < turns % sessions);
            let mut done = Vec::new();
            while done.len() < own {
                let from = number + done.len();
                let until = from + TURNS_A_CALL.min(own - done.len());
                done.extend(self.call(clips, from..until).await?);
            }
            anyhow::Ok(done)
        };
        let turns = try_join_all((0..sessions).map(session)).await?;
        Ok(turns.concat())
    }

    /// One call that asks questions by turns. Turns whose answer is not what the tools gave are
    /// told and left out.
    async fn call(
        &self,
        clips: &[Arc<Clip>],
        numbers: std::ops::Range<usize>,
    ) -> anyhow::Result<Vec<Turn>> {
        let mut caller = self.open().await?;
        let mut turns = Vec::new();
        for number in numbers {
            let which = number % QUESTIONS.len();
            let fresh = self.fresh.fetch_add(1, Ordering::Relaxed);
            let answer = (QUESTIONS[which].answer)(fresh);
            let turn = caller.ask(self.server, &clips[which], &answer).await?;
            if turn.said.contains(&answer.holds) {
                turns.push(turn);
            } else {
                let question = QUESTIONS[which].text;
                println!("not counted: {question:?} was answered {:?}", turn.said);
            }
        }
        Ok(turns)
    }

    /// The same question with the same answer again and again.
    async fn known(&self, clips: &[Arc<Clip>], turns: usize) -> anyhow::Result<Vec<Turn>> {
        let answer = (QUESTIONS[1].answer)(0);
        let mut again = Vec::new();
        let mut caller = self.open().await?;
        caller.ask(self.server, &clips[1], &answer).await?;
        for _ in 0..turns {
            again.push(caller.ask(self.server, &clips[1], &answer).await?);
        }
        Ok(again)
    }
}

/// For short and for long first clauses: all turns, and those whose clause was made for the turn.
fn latencies(sessions: usize, turns: &[Turn], silence_ms: u32) -> Vec<Vec<String>> {
    let (short, long): (Vec<Turn>, Vec<Turn>) = turns
        .iter()
        .cloned()
        .partition(|turn| turn.first_clause <= SHORT);
    let mut rows = Vec::new();
    for (turns, goal_ms) in [short, long].into_iter().zip(GOALS_MS) {
        let goal = (sessions == 1).then_some(goal_ms);
        rows.extend(row(&sessions.to_string(), &turns, silence_ms, goal));
        let (made, known): (Vec<Turn>, Vec<Turn>) =
            turns.into_iter().partition(|turn| turn.is_made);
        if !known.is_empty() {
            let name = format!("{sessions}, made anew");
            rows.extend(row(&name, &made, silence_ms, None));
        }
    }
    rows
}

/// A row of the table of latencies, if there are turns.
fn row(
    sessions: &str,
    turns: &[Turn],
    silence_ms: u32,
    goal_ms: Option<u32>,
) -> Option<Vec<String>> {
    let silence = Duration::from_millis(silence_ms.into());
    let step = |step: fn(&Turn) -> Duration| -> Option<String> {
        let values: Vec<Duration> = turns.iter().map(step).collect();
        Some(shown(middle_and_most(&values)?))
    };
    let (middle, most) = middle_and_most(&turns.iter().map(|turn| turn.total).collect::<Vec<_>>())?;
    let beyond = (middle.saturating_sub(silence), most.saturating_sub(silence));
    let lengths: Vec<Duration> = turns.iter().map(|turn| turn.first_clause).collect();
    let (length, longest) = middle_and_most(&lengths)?;
    let made = turns.iter().filter(|turn| turn.is_made).count();
    Some(vec![
        sessions.to_owned(),
        format!("{:.2}/{:.2} s", length.as_secs_f64(), longest.as_secs_f64()),
        match turns.len() - made {
            0 => made.to_string(),
            known => format!("{} ({known} from memory)", turns.len()),
        },
        step(|turn| turn.endpointing)?,
        step(|turn| turn.recognition)?,
        step(|turn| turn.dialogue)?,
        step(|turn| turn.synthesis)?,
        shown(beyond),
        goal_ms.map_or_else(String::new, |goal| goal.to_string()),
    ])
}

fn shown((middle, most): (Duration, Duration)) -> String {
    format!("{}/{}", middle.as_millis(), most.as_millis())
}

fn cost(doing: &str, sessions: usize, used: Duration, time: Duration) -> Vec<String> {
    let share = used.as_secs_f64() / time.as_secs_f64() / sessions as f64;
    vec![
        sessions.to_string(),
        doing.to_owned(),
        format!("{:.2}", share * 100.0),
    ]
}
