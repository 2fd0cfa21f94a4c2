//! Whether answers end and memory stays flat while people talk, interrupt and hang up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use futures::future::try_join_all;
use openai_realtime::{
    ClientEvent, ConversationItemCreate, FunctionCall, Item, ItemId, ResponseCancel,
    ResponseCreate, Role, ServerEvent,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tokio::time::{Instant, interval, timeout_at};

use super::caller::{Caller, Heard};
use super::clip::Clip;
use super::costs;
use super::ledger::{Counts, Ledger};
use super::line::Line;
use super::questions::{QUESTIONS, settings};
use super::server::Server;
use super::table;

/// Memory may grow by this much a minute once the server is warm; the models keep the memory that
/// their longest clause took, so single steps are no leak.
const GROWTH_BOUND_MB: f64 = 1.0;
/// Growth is judged only over so long at least.
const JUDGED: Duration = Duration::from_mins(3);
/// Faults shown.
const SHOWN: usize = 20;

#[derive(Debug, Args)]
pub struct Options {
    /// How long.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Sessions that talk at once.
    #[arg(long, default_value_t = 4)]
    sessions: u64,
    /// Decides what the callers do and when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A few seconds, to see that it works; memory is not judged.
    #[arg(long)]
    sample: bool,
}

pub async fn run(server: &Server, options: &Options) -> anyhow::Result<()> {
    let (time, sampling) = if options.sample {
        (Duration::from_secs(8), Duration::from_secs(2))
    } else {
        let time = Duration::try_from_secs_f64(options.minutes * 60.0);
        (
            time.context("--minutes is no time")?,
            Duration::from_secs(10),
        )
    };
    let mut clips = Vec::new();
    for text in QUESTIONS.iter().map(|question| question.text).chain([
        "Hello.",
        "Stop, please. That is not what I wanted to know.",
        "And how much would that be for the whole company over three years, if we were to pay \
         all of it in advance?",
    ]) {
        clips.push(Clip::of(server, text).await?);
    }
    let (begun, total) = (Instant::now(), Mutex::new(Total::default()));
    let callers = (0..options.sessions).map(|number| {
        let rng = StdRng::seed_from_u64(options.seed.wrapping_mul(1_000).wrapping_add(number));
        talk(server, &clips, rng, begun + time, &total)
    });
    println!(
        "soak: {} sessions, {:.1} minutes, seed {}",
        options.sessions,
        time.as_secs_f64() / 60.0,
        options.seed
    );
    let mut memory = Vec::new();
    let watching = watch(server.pid, begun, sampling, &total, &mut memory);
    tokio::select! {
        ended = try_join_all(callers) => drop(ended?),
        failed = watching => failed?,
    }
    report(&total, &memory, time)
}

#[derive(Debug, Default)]
struct Total {
    calls: usize,
    turns: usize,
    cuts: usize,
    counts: Counts,
    faults: Vec<String>,
}

impl Total {
    fn add(&mut self, ledger: &mut Ledger) {
        let counts = std::mem::take(&mut ledger.counts);
        self.counts.created += counts.created;
        self.counts.done += counts.done;
        self.counts.utterances += counts.utterances;
        self.counts.calls += counts.calls;
        self.counts.cut += counts.cut;
        self.faults.append(&mut ledger.faults);
    }
}

/// Notes the memory in use again and again, and shows it once a minute.
async fn watch(
    pid: u32,
    begun: Instant,
    sampling: Duration,
    total: &Mutex<Total>,
    memory: &mut Vec<(Duration, f64)>,
) -> anyhow::Result<()> {
    let mut samples = interval(sampling);
    println!("  minute  memory, MB  turns  responses  faults");
    loop {
        samples.tick().await;
        let at = begun.elapsed();
        memory.push((at, costs::memory(pid)?));
        let each = (60 / sampling.as_secs().max(1)) as usize;
        if memory.len() % each == 1 {
            let (total, now) = (lock(total), memory[memory.len() - 1].1);
            println!(
                "  {:<6.1}  {now:<10.0}  {:<5}  {:<9}  {}",
                at.as_secs_f64() / 60.0,
                total.turns,
                total.counts.done,
                total.faults.len()
            );
        }
    }
}

fn lock(total: &Mutex<Total>) -> std::sync::MutexGuard<'_, Total> {
    total.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report(total: &Mutex<Total>, memory: &[(Duration, f64)], time: Duration) -> anyhow::Result<()> {
    let total = lock(total);
    let counts = total.counts;
    let count = |name: &str, number: usize| vec![name.to_owned(), number.to_string()];
    table::print(
        &["what", "how many"],
        &[
            count("calls", total.calls),
            count("of these cut off", total.cuts),
            count("turns", total.turns),
            count("utterances", counts.utterances),
            count("tool calls", counts.calls),
            count("responses created", counts.created),
            count("responses done", counts.done),
            count("responses lost with a line that was cut", counts.cut),
        ],
    );
    // The first third warms up.
    let warm: Vec<(f64, f64)> = memory
        .iter()
        .filter(|(at, _)| *at >= time / 3)
        .map(|(at, megabytes)| (at.as_secs_f64() / 60.0, *megabytes))
        .collect();
    let slope = slope(&warm);
    println!("memory after the first third: {slope:+.2} MB a minute (bound {GROWTH_BOUND_MB})");
    for fault in total.faults.iter().take(SHOWN) {
        println!("fault: {fault}");
    }
    ensure!(total.faults.is_empty(), "{} faults", total.faults.len());
    ensure!(total.turns > 0, "nobody said anything");
    ensure!(
        counts.created == counts.done + counts.cut,
        "responses were lost"
    );
    if time * 2 / 3 >= JUDGED {
        ensure!(slope <= GROWTH_BOUND_MB, "memory grows");
    } else {
        println!("too short to judge memory");
    }
    Ok(())
}

/// Of the line that fits the points best.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(px, _)| (px - x).powi(2)).sum();
    let shared: f64 = points.iter().map(|(px, py)| (px - x) * (py - y)).sum();
    if spread > 0.0 { shared / spread } else { 0.0 }
}

/// One caller after the other on one line, until `end`.
async fn talk(
    server: &Server,
    clips: &[Arc<Clip>],
    mut rng: StdRng,
    end: Instant,
    total: &Mutex<Total>,
) -> anyhow::Result<()> {
    while Instant::now() < end {
        let mut line = Line::to(&server.address).await?;
        let caller = Caller::open(&line.address, &settings(400)).await?;
        let mut person = Person {
            caller,
            clips,
            rng: StdRng::seed_from_u64(rng.random()),
            ledger: Ledger::default(),
            calls: Vec::new(),
        };
        lock(total).calls += 1;
        for _ in 0..rng.random_range(2..8) {
            if Instant::now() >= end {
                break;
            }
            let is_cut = person.turn().await?;
            lock(total).turns += 1;
            if is_cut {
                line.cut().await;
                person.ledger.cut();
                lock(total).cuts += 1;
            }
            lock(total).add(&mut person.ledger);
            if is_cut {
                break;
            }
        }
    }
    Ok(())
}

/// Who calls.
struct Person<'a> {
    caller: Caller,
    clips: &'a [Arc<Clip>],
    rng: StdRng,
    ledger: Ledger,
    /// Calls of the response that goes on.
    calls: Vec<FunctionCall>,
}

/// What a person may do in the middle of a turn.
#[derive(Debug, Clone, Copy)]
enum Whim {
    Listen,
    Interrupt,
    Cancel,
    Delete,
    Type,
    Aside,
    Cut,
}

const WHIMS: [Whim; 12] = [
    Whim::Listen,
    Whim::Listen,
    Whim::Listen,
    Whim::Interrupt,
    Whim::Interrupt,
    Whim::Interrupt,
    Whim::Interrupt,
    Whim::Cancel,
    Whim::Delete,
    Whim::Type,
    Whim::Aside,
    Whim::Cut,
];

impl Person<'_> {
    /// Says something, does something in between, and waits until nothing is owed. Gives whether
    /// the line is to be cut.
    async fn turn(&mut self) -> anyhow::Result<bool> {
        let whim = WHIMS[self.rng.random_range(0..WHIMS.len())];
        let mut whim_at =
            Some(Instant::now() + Duration::from_millis(self.rng.random_range(0..6_000)));
        self.say();
        let mut quiet_since = Instant::now();
        // Long enough for an utterance to be noticed.
        let pause = Duration::from_millis(self.rng.random_range(400..1_500));
        loop {
            let now = Instant::now();
            self.ledger.check(now);
            if whim_at.is_some_and(|at| now >= at) {
                whim_at = None;
                quiet_since = now;
                if matches!(whim, Whim::Cut) {
                    return Ok(true);
                }
                self.act(whim).await?;
            }
            let is_quiet = self.ledger.is_settled() && !self.caller.is_saying();
            if !is_quiet {
                quiet_since = now;
            } else if now >= quiet_since + pause && whim_at.is_none() {
                return Ok(false);
            }
            match timeout_at(now + Duration::from_millis(50), self.caller.next()).await {
                Ok(Ok(Heard::Event(event))) => self.heard(event).await?,
                Ok(Ok(Heard::SaidIt(_))) | Err(_) => {}
                Ok(Err(error)) => bail!("the server hung up: {error:#}"),
            }
        }
    }

    fn say(&mut self) {
        let clip = &self.clips[self.rng.random_range(0..self.clips.len())];
        self.caller.say(clip);
    }

    async fn act(&mut self, whim: Whim) -> anyhow::Result<()> {
        match whim {
            Whim::Listen | Whim::Cut => {}
            Whim::Interrupt => self.say(),
            Whim::Cancel => {
                let cancel = ResponseCancel { response_id: None };
                self.caller
                    .send(ClientEvent::ResponseCancel(cancel))
                    .await?;
            }
            Whim::Delete => {
                // What is being answered stays, or its transcript would be missed.
                let count = self.ledger.items.len();
                if self.ledger.is_settled() && count > 0 {
                    let item_id = self.ledger.items[self.rng.random_range(0..count)].clone();
                    self.ledger.deletes(&item_id);
                    let delete = ClientEvent::ConversationItemDelete(ItemId { item_id });
                    self.caller.send(delete).await?;
                }
            }
            Whim::Type => {
                let item = Item::text(Role::User, "What is my name?");
                self.create(item).await?;
                self.respond(json!({})).await?;
            }
            Whim::Aside => {
                let aside = json!({"conversation": "none", "output_modalities": ["text"],
                    "instructions": "Summarise the call in two sentences."});
                self.respond(aside).await?;
            }
        }
        Ok(())
    }

    async fn heard(&mut self, event: ServerEvent) -> anyhow::Result<()> {
        self.ledger.take(&event);
        match event {
            ServerEvent::OutputItemDone(done) => {
                if let Item::FunctionCall(call) = done.item {
                    self.calls.push(call);
                }
            }
            ServerEvent::ResponseDone(_) if !self.calls.is_empty() => {
                for call in std::mem::take(&mut self.calls) {
                    self.answer(call).await?;
                }
                // Now and then a client has nothing more to ask for.
                if !self.ledger.is_responding() && self.rng.random_bool(0.9) {
                    self.respond(json!({})).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn answer(&mut self, call: FunctionCall) -> anyhow::Result<()> {
        let which = self.rng.random_range(0..QUESTIONS.len());
        let answer = (QUESTIONS[which].answer)(self.rng.random());
        let call_id = call.call_id.context("the call has no id")?;
        let output = answer.output(&call.name);
        self.create(Item::function_call_output(call_id, output))
            .await
    }

    async fn create(&self, item: Item) -> anyhow::Result<()> {
        let create = ConversationItemCreate {
            previous_item_id: None,
            item,
        };
        let create = ClientEvent::ConversationItemCreate(create);
        self.caller.send(create).await
    }

    async fn respond(&self, response: serde_json::Value) -> anyhow::Result<()> {
        let response = Some(serde_json::from_value(response)?);
        let create = ClientEvent::ResponseCreate(ResponseCreate { response });
        self.caller.send(create).await
    }
}
