//! Faults, numbered as they are known, and what the caller hears of them.

use std::time::Duration;

use insta::assert_snapshot;
use openai_realtime::{ErrorDetail, code};
use realtime_script::{Door, Fault, Line, Loss, Script, Server};

use super::stage::{Stage, VoiceIs};
use crate::domain::{EndReason, Input, Settings};

const QUESTION: &str = "What plan am I on?";

fn begin(lines: Vec<Line>) -> Stage {
    let script = Script {
        lines,
        first_audio: Duration::from_millis(300),
        pace: Duration::from_millis(50),
    };
    Stage::begin(Server::in_memory(script), settings())
}

fn settings() -> Settings {
    Settings {
        echo_warm_up: Duration::ZERO,
        ..Settings::default()
    }
}

fn asking() -> Line {
    Line {
        heard: QUESTION.into(),
        answer: "You are on the Pro plan, which has three seats.".into(),
        ..Line::default()
    }
}

fn refusing(status: u16, code: &str) -> Door {
    let error = ErrorDetail::invalid(code, "no");
    Door::Refusing { status, error }
}

/// Loses the session for so long.
async fn away(stage: &mut Stage, millis: u64) {
    stage.server.door(Door::Down);
    stage.server.lose(Loss::Cut);
    stage.run(millis).await;
    stage.server.door(Door::Open);
}

#[tokio::test(start_paused = true)]
async fn row_1_while_the_session_is_made_again_the_caller_hears_so_at_once() {
    let mut stage = begin(vec![asking()]);
    stage.run(500).await;
    stage.say(1_000, QUESTION);
    // The turn is taken; the answer would be heard in a moment.
    stage.run(1_500).await;
    away(&mut stage, 1_500).await;
    stage.run(8_000).await;
    let cue = stage.heard_after(2_000).unwrap();
    assert!(cue - 2_000 <= 300, "{cue}");
    let said: Vec<&str> = stage
        .came
        .stored
        .iter()
        .map(|turn| turn.text.as_str())
        .collect();
    let cue = "Please hold on, I am reconnecting.";
    assert_eq!(said, [QUESTION, cue, &asking().answer]);
}

#[tokio::test(start_paused = true)]
async fn row_1_an_answer_that_breaks_off_is_followed_by_a_word_within_300_ms_of_silence() {
    for voice in [VoiceIs::Well, VoiceIs::Refused, VoiceIs::Silent] {
        let faults = vec![Fault::Lose(Loss::Cut)];
        let mut stage = begin(vec![Line { faults, ..asking() }]);
        stage.voice(voice);
        stage.run(500).await;
        stage.say(1_000, QUESTION);
        stage.run(15_000).await;
        let heard = stage.loudspeaker.heard.clone();
        let [answer, cue, again] = heard.as_slice() else {
            panic!("{}", stage.written());
        };
        let over = answer.1 + Duration::from_millis(answer.2 / 24);
        assert!(cue.1 - over <= Duration::from_millis(300), "{voice:?}");
        // Nothing of the caller's sound was lost, so nobody asks them to say it again.
        let said: Vec<&str> = stage
            .came
            .stored
            .iter()
            .map(|turn| turn.text.as_str())
            .collect();
        assert_eq!(said.len(), 4, "{}", stage.written());
        // Its words came before its sound; those that were not heard are not kept.
        assert_eq!(said[1], "You are on the Pro");
        assert_eq!(said[2], "Sorry, I was cut off. Let me say that again.");
        assert_eq!(said[3], asking().answer);
        assert!(again.1 > cue.1);
    }
}

#[tokio::test(start_paused = true)]
async fn row_1_a_caller_who_waits_for_nothing_hears_nothing_of_it() {
    let mut stage = begin(vec![asking()]);
    stage.run(2_000).await;
    away(&mut stage, 1_500).await;
    // A session that has lasted for ten seconds is made again without the pauses of the loss before, the
    // last of which may have been a few seconds long.
    stage.run(15_000).await;
    assert_eq!(stage.heard_after(0), None);
    // What they say while it is away is answered all the same.
    stage.server.door(Door::Down);
    stage.server.lose(Loss::Cut);
    stage.say(1_000, QUESTION);
    stage.run(200).await;
    stage.server.door(Door::Open);
    stage.run(10_000).await;
    let said: Vec<&str> = stage
        .came
        .stored
        .iter()
        .map(|turn| turn.text.as_str())
        .collect();
    assert_eq!(said, [QUESTION, &asking().answer]);
}

#[tokio::test(start_paused = true)]
async fn row_1_the_caller_is_asked_once_to_repeat_what_was_lost() {
    let mut stage = begin(vec![asking()]);
    stage.run(500).await;
    stage.say(1_000, QUESTION);
    stage.run(500).await;
    for _ in 0..3 {
        stage.input(Input::Realtime(crate::domain::Realtime::InputLost));
    }
    stage.run(8_000).await;
    let said: Vec<&str> = stage
        .came
        .stored
        .iter()
        .map(|turn| turn.text.as_str())
        .collect();
    assert_eq!(
        said,
        ["Sorry, I lost what you said. Could you say it again?"]
    );
}

#[tokio::test(start_paused = true)]
async fn row_2_a_caller_whose_provider_stays_away_is_told_and_let_go_after_20_s() {
    for voice in [VoiceIs::Well, VoiceIs::Refused, VoiceIs::Silent] {
        let mut stage = begin(vec![asking()]);
        stage.voice(voice);
        stage.run(500).await;
        stage.say(1_000, QUESTION);
        stage.run(1_450).await;
        away(&mut stage, 30_000).await;
        if voice == VoiceIs::Silent {
            assert_snapshot!(stage.written(), @r#"
                0  Connected
              500  caller says "What plan am I on?" for 1000 ms
             1930  turn taken
             1930  User: What plan am I on?
             1950  REALTIME_RECONNECTING
             1950  Disconnected
             2220  speech 3 is heard
             4360  Assistant: Please hold on, I am reconnecting.
            11200  speech 4 is heard
            12320  Assistant: One moment, please.
            19200  speech 5 is heard
            20320  Assistant: One moment, please.
            22950  speech 6 is heard
            28310  Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
            28310  ends: ProviderError
            "#);
        }
        assert_eq!(stage.came.ended, [EndReason::ProviderError]);
        let cue = stage.heard_after(1_950).unwrap();
        assert!(cue <= 1_950 + 2_000, "{cue}");
        let apology = stage.heard_after(1_950 + 19_000).unwrap();
        assert!(apology <= 1_950 + 21_000, "{apology}");
    }
}

#[tokio::test(start_paused = true)]
async fn row_3_a_call_that_cannot_be_held_says_so_and_ends_in_ten_seconds() {
    for door in [
        refusing(401, code::INVALID_API_KEY),
        refusing(503, "server_overloaded"),
        Door::Down,
        Door::Silent,
    ] {
        let server = Server::in_memory(vec![asking()]);
        server.door(door);
        let mut stage = Stage::begin(server, settings());
        // Whatever keeps the provider away keeps its voice away as well.
        stage.voice(VoiceIs::Refused);
        stage.input(Input::Greeting("Hello, this is Iris.".into()));
        stage.run(15_000).await;
        assert_eq!(stage.came.ended, [EndReason::ProviderError]);
        let apology = stage.heard_after(0).unwrap();
        assert!(apology <= 6_500, "{apology}");
        let [turn] = stage.came.stored.as_slice() else {
            panic!("{}", stage.written());
        };
        assert_eq!(
            turn.text,
            "I am sorry, I have a technical problem and must end this call. Please try again in a moment."
        );
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_voice_breaks_off_in_a_sentence_its_recording_is_heard_whole() {
    let mut stage = begin(vec![asking()]);
    stage.voice(VoiceIs::Breaking);
    stage.run(60_000).await;
    let heard = &stage.loudspeaker.heard;
    let recorded = crate::recordings::sound(crate::domain::Line::AreYouThere).unwrap();
    assert_eq!(heard[0].2, 4_800 + recorded.len() as u64);
    assert_eq!(stage.came.stored[0].text, "Are you still there?");
}
