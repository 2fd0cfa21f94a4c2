//! Conversations of people who talk, interrupt, cough and wait, while the provider, the voice and the
//! tools fail, all at random: whatever happens, the rules of a call hold.
//!
//! `CONVERSATIONS=5000` plays more of them than usual, `CONVERSATION=77` only the one with this seed,
//! and shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use openai_realtime::{ErrorDetail, code, kind};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use realtime_script::{Door, Fault, Line, Loss, Script, Server};
use service_kit::{CallId, UserId};
use test_kit::TestDatabase;

use super::stage::{CHARACTER, Came, Fate, Stage, VoiceIs};
use crate::domain::{EndReason, Input, Role, Settings};
use crate::record;
use crate::store::{calls, turns};

/// How many are played unless more are asked for.
const CONVERSATIONS: u64 = 100;
/// More than a conversation has turns.
const LINES: usize = 60;
const WORDS: [&str; 8] = [
    "your", "plan", "has", "three", "seats", "and", "much", "storage",
];
/// Words that were heard may be so far from what was played: a word, and what one report tells.
const SLACK: Duration = Duration::from_millis(1_000);

fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("CONVERSATION") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CONVERSATIONS").unwrap_or(CONVERSATIONS),
    }
}

fn between(rng: &mut StdRng, from: u64, to: u64) -> u64 {
    rng.random_range(from..to)
}

fn millis(rng: &mut StdRng, from: u64, to: u64) -> Duration {
    Duration::from_millis(between(rng, from, to))
}

fn loss(rng: &mut StdRng) -> Loss {
    let (code, reason) = (1_011, String::new());
    match rng.random_range(0..3) {
        0 => Loss::Cut,
        1 => Loss::Freeze,
        _ => Loss::Close { code, reason },
    }
}

fn fault(rng: &mut StdRng) -> Fault {
    let rate_limit = ErrorDetail {
        kind: kind::RATE_LIMIT.into(),
        code: Some(code::RATE_LIMIT.into()),
        ..ErrorDetail::default()
    };
    match rng.random_range(0..6) {
        0 | 1 => Fault::Lose(loss(rng)),
        2 => Fault::Refuse(rate_limit),
        3 => Fault::Fail(rate_limit),
        4 => Fault::Fail(ErrorDetail::server("server_error", "no")),
        _ => Fault::Nonsense,
    }
}

fn script(rng: &mut StdRng) -> Script {
    let lines = (1..=LINES).map(|number| {
        let words = rng.random_range(1..25);
        let words: Vec<&str> = (0..words)
            .filter_map(|_| WORDS.choose(rng).copied())
            .collect();
        Line {
            heard: format!("Question {number}"),
            tool: rng.random_bool(0.35).then(|| "get_account".into()),
            answer: words.join(" ") + ".",
            faults: match rng.random_range(0..10) {
                0 => vec![fault(rng), fault(rng)],
                1 | 2 => vec![fault(rng)],
                _ => Vec::new(),
            },
            usage: None,
        }
    });
    Script {
        lines: lines.collect(),
        first_audio: Duration::from_millis(300),
        pace: Duration::from_millis(40),
    }
}

fn fate(rng: &mut StdRng) -> Fate {
    match rng.random_range(0..20) {
        0 | 1 => Fate::Fails(millis(rng, 10, 3_000)),
        2 | 3 => Fate::Hangs,
        4 => Fate::EndsCall(millis(rng, 10, 500)),
        _ => Fate::Gives(millis(rng, 10, 4_000)),
    }
}

/// One thing that happens.
async fn step(stage: &mut Stage, rng: &mut StdRng) {
    let talks = !stage.is_caller_speaking();
    match rng.random_range(0..100) {
        // They wait for the answer, most of the time, and then ask on.
        0..40 if talks => {
            stage.run_until_calm(between(rng, 1_000, 15_000)).await;
            stage.run(between(rng, 50, 3_000)).await;
            stage.say(between(rng, 400, 4_000), "tell me");
        }
        // They do not wait.
        40..52 if talks => stage.say(between(rng, 300, 3_000), "stop, tell me"),
        52..57 if talks => stage.say(between(rng, 300, 1_000), "so what I want is this, and"),
        57..62 if talks => stage.say(between(rng, 40, 240), ""),
        62..67 if talks => stage.say(between(rng, 250, 600), "mhm"),
        67..70 => stage.input(Input::Message("In writing.".into())),
        70..72 => stage.ask_to_say("The company says hello."),
        72..80 => {
            let loss = loss(rng);
            stage.write(&format!("session lost: {loss:?}"));
            stage.server.lose(loss);
        }
        80..85 => {
            let error = ErrorDetail::server("server_overloaded", "full");
            stage.server.door(match rng.random_range(0..3) {
                0 => Door::Down,
                1 => Door::Silent,
                _ => Door::Refusing { status: 503, error },
            });
            stage.write("provider away");
            stage.server.lose(Loss::Cut);
            stage.run(between(rng, 100, 12_000)).await;
            stage.write("provider back");
            stage.server.door(Door::Open);
        }
        85..89 => {
            let all = [
                VoiceIs::Well,
                VoiceIs::Refused,
                VoiceIs::Breaking,
                VoiceIs::Silent,
            ];
            stage.voice(all.choose(rng).copied().unwrap_or_default());
        }
        89..91 => {
            stage.input(Input::CallerLeft { hung_up: false });
            stage.run(between(rng, 100, 10_000)).await;
            stage.input(Input::CallerJoined);
        }
        91..93 => stage.run(between(rng, 5_000, 40_000)).await,
        _ => {}
    }
    stage.run(between(rng, 10, 3_000)).await;
}

/// Plays the conversation with this seed.
async fn play(seed: u64) -> Stage {
    let mut rng = StdRng::seed_from_u64(seed);
    let server = Server::in_memory(script(&mut rng));
    let settings = Settings {
        max_call: Duration::from_secs(600),
        ..Settings::default()
    };
    let mut stage = Stage::begin(server, settings);
    let mut fates = StdRng::seed_from_u64(seed + 1_000_000);
    stage.fates(move || fate(&mut fates));
    stage.input(Input::Greeting("Hello, this is Iris.".into()));
    for _ in 0..rng.random_range(5..30) {
        step(&mut stage, &mut rng).await;
    }
    match rng.random_range(0..3) {
        0 => stage.input(Input::CallerLeft { hung_up: true }),
        1 => stage.input(Input::End(EndReason::Operator)),
        // Nobody says anything any more.
        _ => stage.run(300_000).await,
    }
    stage
}

/// What must be true of every conversation.
fn judge(stage: &Stage) {
    let Came {
        ended,
        shown,
        stored,
        called,
        answered,
    } = &stage.came;
    assert_eq!(ended.len(), 1, "it ends once, with a reason");

    let counts = |calls: &[crate::domain::ToolCallId]| {
        let mut counts = BTreeMap::new();
        for call in calls {
            *counts.entry(call.clone()).or_insert(0) += 1;
        }
        counts
    };
    let once = called.iter().map(|call| (call.clone(), 1)).collect();
    assert_eq!(counts(answered), once, "each tool call is answered once");

    let mut kept: Vec<(Role, &str)> = Vec::new();
    let mut places: Vec<u32> = Vec::new();
    for turn in stored {
        kept.push((turn.role, &turn.text));
        places.push(turn.position);
    }
    let seen: Vec<(Role, &str)> = shown
        .iter()
        .map(|(role, text)| (*role, text.as_str()))
        .collect();
    assert_eq!(kept, seen, "what is stored is what was shown");
    places.sort_unstable();
    places.dedup();
    assert_eq!(
        places.len(),
        stored.len(),
        "each turn has a place of its own"
    );

    judge_callers_turns(stage);
    judge_assistants_turns(stage);
}

/// The caller's turns come to the provider once each and in order, which the script counts.
fn judge_callers_turns(stage: &Stage) {
    let mut turns: Vec<_> = stage
        .came
        .stored
        .iter()
        .filter(|turn| turn.role == Role::User)
        .collect();
    turns.sort_by_key(|turn| turn.position);
    for (index, turn) in turns.iter().enumerate() {
        let is_known = turn.text.is_empty() || turn.text == "In writing.";
        let expected = format!("Question {}", index + 1);
        assert!(
            is_known || turn.text == expected,
            "{} is {expected}",
            turn.text
        );
    }
}

/// Of each speech that was heard there is a turn, with the words that were heard.
fn judge_assistants_turns(stage: &Stage) {
    let mut turns: Vec<_> = stage
        .came
        .stored
        .iter()
        .filter(|turn| turn.role == Role::Assistant)
        .collect();
    turns.sort_by_key(|turn| turn.position);
    let heard = &stage.loudspeaker.heard;
    assert_eq!(turns.len(), heard.len(), "each speech is a turn");
    for (turn, (speech, _, samples)) in turns.iter().zip(heard) {
        let played = Duration::from_millis(samples / 24);
        let words = CHARACTER * turn.text.chars().count() as u32;
        assert!(
            words <= played + SLACK,
            "{speech:?}: {:?} in {played:?}",
            turn.text
        );
    }
}

/// Keeps the conversations as a call does, and reads them again.
async fn judge_store(database: &TestDatabase, all: &[(u64, Came)]) {
    let pool = database.pool("insta_agent");
    let mut connection = pool.get().await.expect("a connection");
    let began = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    for (seed, came) in all {
        let call = calls::NewCall {
            id: CallId::generate(),
            user: format!("user-{seed}").parse::<UserId>().expect("an id"),
            room: format!("room-{seed}"),
            instance: "127.0.0.1:1".into(),
            lease_time: began,
            create_time: began,
            prompt_version: "built-in".into(),
        };
        calls::begin(&mut connection, &call).await.expect("a row");
        let mut said = Vec::new();
        for turn in &came.stored {
            let turn = record::Turn::new(turn.clone(), began, None);
            turns::insert(&mut connection, call.id, &turn)
                .await
                .expect("a row");
            said.push(turn);
        }
        let ended = calls::end(&mut connection, call.id, came.ended[0], began).await;
        assert!(ended.expect("a row"));
        said.sort_by_key(|turn| turn.position);
        let kept = turns::of_call(&mut connection, call.id)
            .await
            .expect("rows");
        assert_eq!(kept, said, "the conversation with seed {seed}");
    }
}

fn runtime(paused: bool) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build()
        .expect("a runtime")
}

#[test]
fn whatever_happens_a_conversation_ends_with_a_reason_and_is_kept_as_it_was_heard() {
    let (mut all, mut broken) = (Vec::new(), Vec::new());
    for seed in seeds() {
        let played = runtime(true).block_on(play(seed));
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| judge(&played)));
        if judged.is_err() {
            broken.push(seed);
        }
        if broken == [seed] || seeds().count() == 1 {
            println!("CONVERSATION={seed}\n{}", played.written());
        }
        all.push((seed, played.came));
    }
    assert!(
        broken.is_empty(),
        "the conversations with these seeds: {broken:?}"
    );
    runtime(false).block_on(async {
        let database = TestDatabase::new().await;
        judge_store(&database, &all).await;
    });
}
