//! Requests that fail, hang or break off, and what the conversation is told of them.

use insta::assert_snapshot;

use super::server::{Answers, Hears, Rest};
use super::{ANSWER, QUESTION, begin};

/// A question that is asked as a conversation does: again after a failure, once.
async fn asked_twice(hears: Vec<Hears>, answers: Vec<Answers>) -> String {
    let rest = Rest::new(hears, answers);
    let mut stage = begin(&rest).await;
    stage.turn(600).await;
    stage.run(10_000).await;
    stage.ask();
    stage.run(10_000).await;
    stage.written()
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_cannot_be_written_down_is_tried_again_with_its_answer() {
    let hears = vec![Hears::Fails(503), QUESTION];
    assert_snapshot!(asked_twice(hears, vec![Answers::Says("The Pro plan.")]).await, @r#"
        0  Connected
      700  committed
      700  response 1 begins
      900  response 1 Failed, 0 ms of sound
    10700  response 2 begins
    10900  caller said "What plan am I on?"
    11600  sound begins
    11775  response 2 Completed, 780 ms of sound
    12380  heard "The Pro plan."
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_cannot_be_written_down_twice_is_given_up() {
    let hears = vec![Hears::Hangs, Hears::Fails(500)];
    assert_snapshot!(asked_twice(hears, vec![]).await, @r#"
        0  Connected
      700  committed
      700  response 1 begins
     8700  response 1 Failed, 0 ms of sound
    10700  response 2 begins
    10900  caller said ""
    10900  response 2 Failed, 0 ms of sound
    "#);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_refused_or_never_comes_is_tried_again() {
    for (first, when) in [
        (Answers::Fails(500, "server_error"), 1_000),
        (Answers::Fails(429, "rate_limit_exceeded"), 1_000),
        (Answers::Stalls(""), 9_300),
    ] {
        let written = asked_twice(vec![QUESTION], vec![first, Answers::Says("Pro.")]).await;
        let failed = written.lines().find(|line| line.contains("Failed"));
        let (time, _) = failed.unwrap().trim().split_once(' ').unwrap();
        assert!(time.parse::<u64>().unwrap() <= when, "{written}");
        assert!(written.contains(r#"heard "Pro.""#), "{written}");
    }
}

#[tokio::test(start_paused = true)]
async fn whole_clauses_of_an_answer_that_breaks_off_are_spoken() {
    let half = "You are on the Pro plan. It has three seats, and";
    for breaks in [Answers::Breaks(half), Answers::Stalls(half)] {
        let rest = Rest::new(vec![QUESTION], vec![breaks]);
        let mut stage = begin(&rest).await;
        stage.turn(600).await;
        stage.run(12_000).await;
        let written = stage.written();
        for expected in ["response 1 Failed", r#"heard "You are on the Pro plan. ""#] {
            assert!(written.contains(expected), "{written}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_voice_fails_and_its_words_are_forgotten() {
    let answers = vec![Answers::Calls(ANSWER, "get_account"), Answers::Says("Pro.")];
    let rest = Rest::new(vec![QUESTION], answers);
    let mut stage = begin(&rest).await;
    rest.voice_fails(true);
    stage.turn(600).await;
    stage.run(2_000).await;
    rest.voice_fails(false);
    stage.drop_answer();
    stage.ask();
    stage.run(2_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  response 1 begins
     900  caller said "What plan am I on?"
    1450  response 1 Failed, 0 ms of sound
    2700  answer dropped
    2700  response 2 begins
    3300  sound begins
    3350  response 2 Completed, 240 ms of sound
    3540  heard "Pro."
    "#);
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
     900  asked with 7 tools, auto: system: Be kind. | user: What plan am I on?
    1450  speak "You are on the Pro plan."
    1450  answer given up
    2700  asked with 7 tools, auto: system: Be kind. | user: What plan am I on?
    3150  speak "Pro."
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_for_good_or_three_times_in_a_row_is_given_up() {
    let quota = vec![Answers::Fails(429, "insufficient_quota")];
    assert_snapshot!(asked_twice(vec![QUESTION], quota).await, @r#"
      0  Connected
    700  committed
    700  response 1 begins
    900  caller said "What plan am I on?"
    900  trouble REALTIME_INSUFFICIENT_QUOTA
    900  Failed
    "#);
    let down = vec![Hears::Fails(502); 3];
    let rest = Rest::new(down, Vec::new());
    let mut stage = begin(&rest).await;
    for _ in 0..3 {
        stage.turn(600).await;
        stage.run(1_000).await;
    }
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  response 1 begins
     900  response 1 Failed, 0 ms of sound
    2300  committed
    2300  response 2 begins
    2500  caller said ""
    2500  response 2 Failed, 0 ms of sound
    3900  committed
    3900  response 3 begins
    4100  trouble REALTIME_UNREACHABLE
    4100  Failed
    "#);
}
