//! Whatever is lost and when: every turn of the caller is heard once, whole and in order.

use std::time::Duration;

use openai_realtime::{ErrorDetail, code};
use proptest::prelude::*;
use realtime_script::{Door, Loss};

use super::stage::{Stage, line, server};

/// More than a conversation here has turns.
const LINES: usize = 24;

#[derive(Debug, Clone)]
enum Step {
    /// The caller speaks for so many pieces of 20 ms; the session may be lost after some of them.
    Turn {
        pieces: u64,
        lost_after: Option<u64>,
    },
    Lose(Loss),
    /// The provider is away for so long.
    Away(u64),
    /// The session says that it is too old.
    Expire,
    VoiceSaid,
    Wait(u64),
}

fn loss() -> impl Strategy<Value = Loss> {
    let close = Loss::Close {
        code: 1011,
        reason: String::new(),
    };
    prop_oneof![Just(Loss::Cut), Just(Loss::Freeze), Just(close)]
}

fn step() -> impl Strategy<Value = Step> {
    let turn = (5..80_u64, prop::option::of(0..80_u64))
        .prop_map(|(pieces, lost_after)| Step::Turn { pieces, lost_after });
    prop_oneof![
        4 => turn,
        1 => loss().prop_map(Step::Lose),
        1 => (0..8_000_u64).prop_map(Step::Away),
        1 => Just(Step::Expire),
        1 => Just(Step::VoiceSaid),
        3 => (0..4_000_u64).prop_map(Step::Wait),
    ]
}

/// Plays the steps. Gives how long each turn was.
async fn play(stage: &mut Stage, steps: Vec<Step>) -> Vec<u64> {
    let mut turns = Vec::new();
    for step in steps {
        match step {
            Step::Turn { pieces, lost_after } => {
                let first = lost_after.map_or(pieces, |after| after.min(pieces));
                stage.speak(first * 20).await;
                if lost_after.is_some() {
                    stage.server.lose(Loss::Cut);
                }
                stage.turn((pieces - first) * 20).await;
                turns.push(pieces * 20);
            }
            Step::Lose(loss) => stage.server.lose(loss),
            Step::Away(millis) => {
                stage.server.door(Door::Down);
                stage.server.lose(Loss::Cut);
                stage.run(millis).await;
                stage.server.door(Door::Open);
            }
            Step::Expire => {
                let error = ErrorDetail::invalid(code::SESSION_EXPIRED, "too old");
                stage.server.report(error);
            }
            Step::VoiceSaid => stage.voice_said("Still here."),
            Step::Wait(millis) => stage.run(millis).await,
        }
    }
    // A half-open connection is found, the next made, and the last words are heard.
    stage.run(30_000).await;
    turns
}

/// The turns of the caller that a session was told, or heard: a sound must be as long as it was.
fn turns_of(told: &str, lengths: &[u64]) -> Result<usize, TestCaseError> {
    let mut turns = 0;
    for line in told.lines() {
        if let Some(words) = line.strip_prefix("User: ") {
            prop_assert_eq!(words, format!("Question {}", turns + 1));
            turns += 1;
        } else if let Some(length) = line.strip_prefix("turn of ") {
            let expected = lengths.get(turns).copied().unwrap_or_default();
            prop_assert_eq!(length, format!("{expected} ms"));
            turns += 1;
        }
    }
    Ok(turns)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_turn_is_heard_once_whole_and_in_order(steps in prop::collection::vec(step(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let question = |number| line(&format!("Question {number}"), "Answered.");
            let server = server((1..=LINES).map(question).collect());
            // However often it is lost, it is not given up.
            let mut stage = Stage::open_with(server, Duration::from_secs(600));
            stage.run(100).await;
            let lengths = play(&mut stage, steps).await;
            let written = stage.written();
            prop_assert!(!written.contains("Failed"), "{written}");
            let heard: Vec<&str> = written
                .lines()
                .filter_map(|line| line.split_once("caller said ").map(|(_, text)| text))
                .collect();
            let expected = (1..=lengths.len()).map(|number| format!("\"Question {number}\""));
            prop_assert_eq!(heard, expected.collect::<Vec<_>>(), "{}", written);
            let sessions = stage.server.seen().iter().map(|seen| seen.session).max();
            let last = stage.told(sessions.unwrap_or_default());
            prop_assert_eq!(turns_of(&last, &lengths)?, lengths.len(), "{}", last);
            Ok(())
        })?;
    }
}
