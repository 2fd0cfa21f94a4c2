//! Faults of the provider, numbered as they are known, and what the conversation is told of them.

use insta::assert_snapshot;
use openai_realtime::{ErrorDetail, InputTokenDetails, OutputTokenDetails, code, kind};
use realtime_script::{Door, Fault, Line, Loss};

use super::stage::{Stage, line, server};
use crate::domain::ToolCallId;
use crate::provider::{Bill, Command, Tokens};

const QUESTION: &str = "What plan am I on?";
const ANSWER: &str = "You are on the Pro plan, which has three seats.";

fn asking() -> Line {
    line(QUESTION, ANSWER)
}

fn going_wrong(fault: Fault) -> Line {
    Line {
        faults: vec![fault],
        ..asking()
    }
}

fn rate_limit() -> ErrorDetail {
    ErrorDetail {
        kind: kind::RATE_LIMIT.into(),
        code: Some(code::RATE_LIMIT.into()),
        ..ErrorDetail::default()
    }
}

fn error(code: &str) -> ErrorDetail {
    ErrorDetail::invalid(code, "no")
}

#[tokio::test(start_paused = true)]
async fn row_0_nothing_goes_wrong() {
    let mut stage = Stage::start(vec![asking()]).await;
    stage.voice_said("Hello, this is Iris.");
    stage.turn(600).await;
    stage.run(5_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  caller said "What plan am I on?"
     700  response 1 begins
    1050  sound begins
    1750  response 1 Completed, 2820 ms of sound
    3870  heard "You are on the Pro plan, which has three seats."
    "#);
    assert_snapshot!(stage.told(1), @r#"
    setup "Be kind.", 7 tools
    Assistant: Hello, this is Iris.
    turn of 600 ms
    asked
    "#);
}

#[tokio::test(start_paused = true)]
async fn row_1_a_connection_that_ends_in_an_answer_is_made_again_at_once() {
    let mut stage = Stage::start(vec![going_wrong(Fault::Lose(Loss::Cut))]).await;
    stage.voice_said("Hello, this is Iris.");
    stage.turn(600).await;
    stage.run(900).await;
    // The item that was heard in part is gone; its words are told instead.
    stage.cut_short("You are on the Pro", 500);
    stage.ask();
    stage.run(5_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  caller said "What plan am I on?"
     700  response 1 begins
    1050  sound begins
    1400  trouble REALTIME_RECONNECTING
    1400  Disconnected
    1400  Connected
    1600  cut short after "You are on the Pro"
    1600  response 2 begins
    1950  sound begins
    2650  response 2 Completed, 2820 ms of sound
    4770  heard "You are on the Pro plan, which has three seats."
    "#);
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    Assistant: Hello, this is Iris.
    User: What plan am I on?
    Assistant: You are on the Pro
    asked
    "#);
}

#[tokio::test(start_paused = true)]
async fn row_1_a_turn_that_is_lost_with_its_connection_is_told_again_as_sound() {
    let mut stage = Stage::start(vec![asking()]).await;
    stage.speak(600).await;
    stage.server.lose(Loss::Cut);
    stage.send(Command::Commit);
    stage.run(100).await;
    // What the caller goes on to say belongs to the next turn.
    stage.speak(400).await;
    stage.ask();
    stage.run(3_000).await;
    stage.send(Command::Commit);
    stage.run(1_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  trouble REALTIME_RECONNECTING
     700  Disconnected
     700  Connected
     700  committed
     700  caller said "What plan am I on?"
    1200  response 1 begins
    1550  sound begins
    2250  response 1 Completed, 2820 ms of sound
    4200  committed
    4200  caller said "What plan am I on?"
    4370  heard "You are on the Pro plan, which has three seats."
    "#);
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    turn of 600 ms
    asked
    turn of 400 ms
    "#);
}

#[tokio::test(start_paused = true)]
async fn row_1_what_is_played_on_while_the_session_is_made_again_is_told_when_it_was_heard() {
    let mut stage = Stage::start(vec![going_wrong(Fault::Lose(Loss::Cut)), asking()]).await;
    stage.turn(600).await;
    stage.run(1_000).await;
    stage.cut_short("You are on the Pro", 900);
    stage.voice_said("Where were we?");
    stage.turn(600).await;
    stage.run(1_000).await;
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    User: What plan am I on?
    Assistant: You are on the Pro
    Assistant: Where were we?
    turn of 600 ms
    asked
    "#);
}

#[tokio::test(start_paused = true)]
async fn row_2_a_provider_that_stays_away_is_given_up_after_half_a_minute() {
    let mut stage = Stage::start(vec![asking()]).await;
    stage.server.door(Door::Down);
    stage.server.lose(Loss::Cut);
    stage.run(40_000).await;
    let lost = stage.time_of("Disconnected").unwrap();
    let failed = stage.time_of("Failed").unwrap();
    assert!((28_000..=30_000).contains(&(failed - lost)), "{failed}");
    assert!(stage.time_of("trouble REALTIME_UNREACHABLE").is_some());
    // It was not hammered at.
    let knocks = stage.server.knocks();
    assert!((10..=35).contains(&knocks), "{knocks}");
}

#[tokio::test(start_paused = true)]
async fn row_2_a_provider_that_comes_back_is_told_all_that_happened_meanwhile() {
    let mut stage = Stage::start(vec![asking(), asking()]).await;
    stage.turn(600).await;
    stage.run(4_000).await;
    stage.server.door(Door::Down);
    stage.server.lose(Loss::Cut);
    stage.run(1_000).await;
    stage.voice_said("One moment, please.");
    stage.speak(800).await;
    stage.send(Command::Commit);
    stage.run(8_000).await;
    stage.written();
    stage.server.door(Door::Open);
    let back = stage.now();
    stage.run(2_000).await;
    assert!(stage.time_of("Connected").unwrap() - back <= 2_000);
    stage.ask();
    stage.run(1_000).await;
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    User: What plan am I on?
    Assistant: You are on the Pro plan, which has three seats.
    Assistant: One moment, please.
    turn of 800 ms
    asked
    "#);
}

#[tokio::test(start_paused = true)]
async fn row_2_a_provider_that_ends_every_session_at_once_is_not_dialled_without_a_pause() {
    let mut stage = Stage::open(server(vec![asking()]));
    for _ in 0..400 {
        stage.run(100).await;
        stage.server.lose(Loss::Cut);
    }
    assert!(stage.time_of("Failed").is_some());
    let knocks = stage.server.knocks();
    assert!((10..=40).contains(&knocks), "{knocks}");
}

#[tokio::test(start_paused = true)]
async fn row_3_a_call_whose_provider_refuses_knows_it_in_ten_seconds() {
    let unreachable = "trouble REALTIME_UNREACHABLE";
    for (door, trouble, limit) in [
        (refusing(503, "server_overloaded"), unreachable, 6_000),
        (Door::Silent, unreachable, 6_000),
        (Door::Down, unreachable, 6_000),
        (
            refusing(401, code::INVALID_API_KEY),
            "trouble REALTIME_INVALID_API_KEY",
            0,
        ),
        (refusing(403, "not_here"), "trouble REALTIME_REFUSED", 0),
    ] {
        let server = server(vec![asking()]);
        server.door(door);
        let mut stage = Stage::open(server);
        stage.run(10_000).await;
        let failed = stage.time_of("Failed").unwrap();
        assert!(failed <= limit, "{trouble} after {failed} ms");
        assert!(stage.time_of(trouble).is_some(), "{}", stage.written());
        // What cannot get better is not tried again.
        assert!(limit > 0 || stage.server.knocks() == 1, "{trouble}");
    }
}

pub(super) fn refusing(status: u16, code: &str) -> Door {
    let error = error(code);
    Door::Refusing { status, error }
}

#[tokio::test(start_paused = true)]
async fn row_4_an_account_that_cannot_be_used_ends_it_without_another_attempt() {
    // In the middle of a call, as an answer that fails, and instead of a new session.
    let mut stage = Stage::start(vec![asking()]).await;
    stage.server.report(error(code::BILLING_HARD_LIMIT));
    stage.run(60_000).await;
    assert_snapshot!(stage.written(), @r"
      0  Connected
    100  trouble REALTIME_BILLING_HARD_LIMIT_REACHED
    100  Failed
    ");
    assert_eq!(stage.server.knocks(), 1);

    let fault = Fault::Fail(error(code::INSUFFICIENT_QUOTA));
    let mut stage = Stage::start(vec![going_wrong(fault)]).await;
    stage.turn(600).await;
    stage.run(60_000).await;
    assert_snapshot!(stage.written(), @r#"
      0  Connected
    700  committed
    700  caller said "What plan am I on?"
    700  response 1 begins
    700  trouble REALTIME_INSUFFICIENT_QUOTA
    700  Failed
    "#);
    assert_eq!(stage.server.knocks(), 1);

    let mut stage = Stage::start(vec![asking()]).await;
    stage.server.door(refusing(429, code::INSUFFICIENT_QUOTA));
    stage.server.lose(Loss::Cut);
    stage.run(60_000).await;
    assert_snapshot!(stage.written(), @r"
      0  Connected
    100  trouble REALTIME_RECONNECTING
    100  Disconnected
    100  trouble REALTIME_INSUFFICIENT_QUOTA
    100  Failed
    ");
    assert_eq!(stage.server.knocks(), 2);
}

#[tokio::test(start_paused = true)]
async fn row_5_a_rate_limit_is_waited_for_once_in_a_turn() {
    let faults = vec![Fault::Refuse(rate_limit()), Fault::Refuse(rate_limit())];
    let mut stage = Stage::start(vec![Line { faults, ..asking() }]).await;
    stage.turn(600).await;
    stage.run(2_000).await;
    // The conversation asks again when it is told, and once more.
    stage.ask();
    stage.run(100).await;
    stage.ask();
    stage.run(5_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  caller said "What plan am I on?"
     700  trouble REALTIME_RATE_LIMITED
    2200  response 1 rejected
    2700  trouble REALTIME_RATE_LIMITED
    2700  response 2 rejected
    2800  response 3 begins
    3150  sound begins
    3850  response 3 Completed, 2820 ms of sound
    5970  heard "You are on the Pro plan, which has three seats."
    "#);
    assert_eq!(stage.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn row_5_a_response_that_fails_for_a_rate_limit_is_put_off_as_well() {
    let mut stage = Stage::start(vec![going_wrong(Fault::Fail(rate_limit())), asking()]).await;
    stage.turn(600).await;
    stage.run(1_000).await;
    // The caller does not wait: the old answer is out of the way before the new turn.
    stage.turn(400).await;
    stage.run(5_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  caller said "What plan am I on?"
     700  response 1 begins
     700  trouble REALTIME_RATE_LIMITED
    2100  response 1 Failed, 0 ms of sound
    2100  committed
    2100  caller said "What plan am I on?"
    2100  response 2 begins
    2450  sound begins
    3150  response 2 Completed, 2820 ms of sound
    5270  heard "You are on the Pro plan, which has three seats."
    "#);
}

#[tokio::test(start_paused = true)]
async fn row_6_a_session_is_exchanged_between_turns_and_nobody_notices() {
    let lines = vec![
        Line {
            tool: Some("get_account".into()),
            ..asking()
        },
        line("How many seats?", "Three."),
    ];
    let mut stage = Stage::start(lines).await;
    stage.voice_said("Hello, this is Iris.");
    stage.turn(600).await;
    stage.run(1_000).await;
    let call = ToolCallId::from("call_1_3");
    let output = r#"{"plan":"pro"}"#.to_owned();
    stage.send(Command::AnswerTool { call, output });
    stage.ask();
    stage.run_to(1_195_000).await;
    stage.written();
    stage.run_to(1_205_000).await;
    stage.turn(600).await;
    stage.run(5_000).await;
    assert_snapshot!(stage.written(), @r#"
    1205600  committed
    1205600  caller said "How many seats?"
    1205600  response 3 begins
    1205950  sound begins
    1206000  response 3 Completed, 360 ms of sound
    1206310  heard "Three."
    "#);
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    Assistant: Hello, this is Iris.
    User: What plan am I on?
    call of get_account
    result {"plan":"pro"}
    Assistant: You are on the Pro plan, which has three seats.
    turn of 600 ms
    asked
    "#);
    assert!(stage.told(1).ends_with("gone\n"));
}

#[tokio::test(start_paused = true)]
async fn row_6_no_sound_is_lost_or_doubled_when_a_session_is_exchanged() {
    // The session is as old as it may be at 1,200,000 ms; the caller speaks at each of these.
    for begins in [
        1_198_900, 1_199_400, 1_199_900, 1_200_000, 1_200_300, 1_200_480, 1_200_520,
    ] {
        let mut stage = Stage::start(vec![asking(), line("And now?", "Now too.")]).await;
        stage.run_to(begins).await;
        stage.turn(1_000).await;
        // The second turn begins while the answer to the first is still being heard.
        stage.run(2_000).await;
        stage.cut_short("You are on", 900);
        stage.turn(600).await;
        stage.run(10_000).await;
        let written = stage.written();
        assert!(
            !written.contains("Disconnected") && !written.contains("trouble"),
            "{written}"
        );
        let both = stage.told(1) + &stage.told(2);
        let turns: Vec<&str> = both
            .lines()
            .filter(|line| line.starts_with("turn"))
            .collect();
        assert_eq!(turns, ["turn of 1000 ms", "turn of 600 ms"], "at {begins}");
        assert_eq!(written.matches("Completed").count(), 2, "{written}");
        assert_eq!(stage.server.knocks(), 2);
        // Nothing of the first session is asked of the second.
        let cut = stage.told(2).contains("truncate");
        assert!(
            !cut || !stage.told(1).contains("asked"),
            "{}",
            stage.told(2)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn row_6_the_old_session_goes_on_when_the_new_one_cannot_be_had() {
    let mut stage = Stage::start(vec![asking(), asking()]).await;
    stage.server.door(refusing(503, "server_overloaded"));
    stage.run_to(1_230_000).await;
    stage.turn(600).await;
    stage.run(10_000).await;
    stage.server.door(Door::Open);
    stage.run(20_000).await;
    stage.turn(600).await;
    stage.run(10_000).await;
    let written = stage.written();
    assert!(!written.contains("Disconnected"), "{written}");
    assert_eq!(written.matches("Completed").count(), 2, "{written}");
    assert_snapshot!(stage.told(1), @r#"
    setup "Be kind.", 7 tools
    turn of 600 ms
    asked
    gone
    "#);
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    User: What plan am I on?
    Assistant: You are on the Pro plan, which has three seats.
    turn of 600 ms
    asked
    "#);
}

#[tokio::test(start_paused = true)]
async fn row_6_a_session_that_says_it_expires_is_exchanged_before_it_is_closed() {
    let mut stage = Stage::start(vec![asking()]).await;
    stage.turn(600).await;
    stage.run(5_000).await;
    stage.written();
    stage.server.report(error(code::SESSION_EXPIRED));
    stage.run(1_000).await;
    stage.turn(600).await;
    stage.run(5_000).await;
    assert_snapshot!(stage.written(), @r#"
     7300  committed
     7300  caller said "What plan am I on?"
     7300  response 2 begins
     7650  sound begins
     8350  response 2 Completed, 2820 ms of sound
    10470  heard "You are on the Pro plan, which has three seats."
    "#);
    assert!(stage.told(1).ends_with("gone\n"));
}

#[tokio::test(start_paused = true)]
async fn row_6_a_session_that_expires_in_an_answer_is_made_again_without_an_alarm() {
    let reason = "Your session hit the maximum duration of 60 minutes.".to_owned();
    let expired = Loss::Close { code: 1001, reason };
    let mut stage = Stage::start(vec![going_wrong(Fault::Lose(expired))]).await;
    stage.turn(600).await;
    stage.run(1_000).await;
    let written = stage.written();
    assert!(
        written.contains("Disconnected") && !written.contains("trouble"),
        "{written}"
    );
    assert!(stage.told(2).contains(QUESTION));
}

#[tokio::test(start_paused = true)]
async fn row_7_what_cannot_be_understood_changes_nothing() {
    let mut stage = Stage::start(vec![asking()]).await;
    stage.turn(600).await;
    stage.run(5_000).await;
    let expected = stage.written();
    let mut stage = Stage::start(vec![going_wrong(Fault::Nonsense)]).await;
    stage.turn(600).await;
    stage.run(5_000).await;
    assert_eq!(stage.written(), expected);
}

#[tokio::test(start_paused = true)]
async fn row_8_a_half_open_connection_is_found_in_ten_seconds_and_made_again() {
    let mut stage = Stage::start(vec![going_wrong(Fault::Lose(Loss::Freeze))]).await;
    stage.turn(600).await;
    stage.run(700).await;
    let frozen = stage.now();
    stage.run(15_000).await;
    let found = stage.time_of("Disconnected").unwrap();
    assert!(found - frozen <= 10_000, "{found}");
    let back = stage.time_of("Connected").map(|_| stage.written());
    assert_snapshot!(back.unwrap(), @r#"
       0  Connected
     700  committed
     700  caller said "What plan am I on?"
     700  response 1 begins
    1050  sound begins
    2450  heard "You are on the Pro plan, which has three seats."
    9350  trouble REALTIME_RECONNECTING
    9350  Disconnected
    9350  Connected
    "#);
    assert!(stage.told(2).contains(QUESTION));
}

#[tokio::test(start_paused = true)]
async fn row_8_a_half_open_connection_is_found_in_ten_seconds_while_the_caller_speaks() {
    let mut stage = Stage::start(vec![asking()]).await;
    stage.server.lose(Loss::Freeze);
    let frozen = stage.now();
    // More than the socket takes that nobody reads.
    stage.turn(20_000).await;
    stage.run(2_000).await;
    let found = stage.time_of("Disconnected").unwrap();
    assert!(found - frozen <= 10_000, "{found}");
    assert!(stage.told(2).contains("turn of 20000 ms"));
}

#[tokio::test(start_paused = true)]
async fn row_8_a_connection_on_which_nobody_speaks_is_left_alone() {
    let mut stage = Stage::start(vec![asking()]).await;
    stage.run(1_100_000).await;
    assert_snapshot!(stage.written(), @"       0  Connected");
    assert_eq!(stage.server.knocks(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_responses_cost_adds_up_even_of_those_that_were_cancelled() {
    let usage = openai_realtime::Usage {
        input_token_details: InputTokenDetails {
            text_tokens: 1_000,
            audio_tokens: 300,
            cached_tokens: 900,
            ..InputTokenDetails::default()
        },
        output_token_details: OutputTokenDetails {
            text_tokens: 20,
            audio_tokens: 60,
        },
        ..openai_realtime::Usage::default()
    };
    let usage = Some(usage);
    let mut stage = Stage::start(vec![Line { usage, ..asking() }]).await;
    stage.turn(600).await;
    stage.run(5_000).await;
    stage.turn(600).await;
    stage.run(500).await;
    stage.cancel();
    stage.run(1_000).await;
    assert!(stage.written().contains("response 2 Cancelled"));
    let Bill { usage, cost } = stage.bill;
    let counts = |kind: Tokens| (kind.input, kind.cached, kind.output);
    assert_eq!(counts(usage.text), (200, 1_800, 40));
    assert_eq!(counts(usage.audio), (600, 0, 120));
    let expected = 200.0 + 180.0 + 80.0 + 6_000.0 + 2_400.0;
    assert!((cost.unwrap() * 1e6 - expected).abs() < 1e-6, "{cost:?}");
}
