//! The cascade in virtual time against a server that does what each test says.

mod call;
mod fallback;
mod faults;
mod server;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;

use crate::domain::ToolCallId;
use crate::provider::{Command, Provider, Tokens};
use crate::realtime::tests::stage::{self, Stage};
use server::{Answers, Hears, Rest};

const QUESTION: Hears = Hears::Words(" What plan am I on? ");
const ANSWER: &str = "You are on the Pro plan. It has three seats, and one of them is free.";

/// A call that is held by the cascade from its beginning.
async fn begin(rest: &Rest) -> Stage {
    let unused = stage::server(Vec::new());
    let cascade: Arc<dyn Provider> = Arc::new(rest.cascade());
    let mut stage = Stage::open_by(unused, vec![cascade]);
    stage.run(100).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_written_down_answered_and_spoken_clause_by_clause() {
    let rest = Rest::new(vec![QUESTION], vec![Answers::Says(ANSWER)]);
    let mut stage = begin(&rest).await;
    stage.voice_said("Hello, this is Iris.");
    stage.turn(600).await;
    stage.run(6_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  response 1 begins
     900  caller said "What plan am I on?"
    1600  sound begins
    2900  response 1 Completed, 4080 ms of sound
    5680  heard "You are on the Pro plan. It has three seats, and one of them is free."
    "#);
    // The first clause is spoken while the second is being written.
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
     900  asked with 7 tools, auto: system: Be kind. | assistant: Hello, this is Iris. | user: What plan am I on?
    1450  speak "You are on the Pro plan."
    2100  speak "It has three seats, and one of them is free."
    "#);
    let usage = stage.bill.usage;
    let expected = Tokens {
        input: 40,
        cached: 60,
        output: 10,
    };
    assert_eq!(usage.text, expected);
    assert!((usage.transcription_seconds - 1.0).abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_called_by_an_id_of_ours_and_its_result_is_told_once() {
    let answers = vec![
        Answers::Calls("Let me look that up.", "get_account"),
        Answers::Calls("", "get_account"),
        Answers::Says("You are on the Pro plan."),
    ];
    let rest = Rest::new(vec![QUESTION], answers);
    let mut stage = begin(&rest).await;
    stage.turn(600).await;
    stage.run(1_500).await;
    for number in 2..=3 {
        let call = ToolCallId::from(format!("cascade_{number}_0"));
        stage.send(Command::AnswerTool {
            call,
            output: format!(r#"{{"plan":{number}}}"#),
        });
        stage.ask();
        stage.run(1_500).await;
    }
    stage.run(4_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  response 1 begins
     900  caller said "What plan am I on?"
    1700  calls get_account
    1850  sound begins
    2125  response 1 Completed, 1200 ms of sound
    2200  response 2 begins
    2750  calls get_account
    2750  response 2 Completed, 1200 ms of sound
    3050  heard "Let me look that up."
    3700  response 3 begins
    4550  sound begins
    4900  response 3 Completed, 1440 ms of sound
    5990  heard "You are on the Pro plan."
    "#);
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
     900  asked with 7 tools, auto: system: Be kind. | user: What plan am I on?
    1700  speak "Let me look that up."
    2200  asked with 7 tools, auto: system: Be kind. | user: What plan am I on? | assistant: Let me look that up.
    3700  asked with 7 tools, auto: system: Be kind. | user: What plan am I on? | assistant: Let me look that up. | assistant calls get_account | tool: {"plan":3}
    4400  speak "You are on the Pro plan."
    "#);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_stops_the_answer_and_the_voice_at_once_and_history_has_what_was_heard() {
    let long = "You are on the Pro plan, which has three seats. The next invoice is due in May. \
                Shall I tell you more about the seats that you have?";
    let answers = vec![Answers::Says(long), Answers::Says("In May.")];
    let hears = vec![QUESTION, Hears::Words("When is it due?")];
    let rest = Rest::new(hears, answers);
    let mut stage = begin(&rest).await;
    stage.turn(600).await;
    stage.run(1_250).await;
    stage.cancel();
    stage.cut_short("You are on the", 400);
    stage.run(10).await;
    stage.turn(600).await;
    stage.run(3_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  response 1 begins
     900  caller said "What plan am I on?"
    1800  sound begins
    1950  cut short after "You are on the"
    1950  response 1 Cancelled, 0 ms of sound
    2560  committed
    2560  response 2 begins
    2760  caller said "When is it due?"
    3410  sound begins
    3510  response 2 Completed, 420 ms of sound
    3830  heard "In May."
    "#);
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
     900  asked with 7 tools, auto: system: Be kind. | user: What plan am I on?
    1650  speak "You are on the Pro plan, which has three seats."
    1950  voice given up
    1950  answer given up
    2560  transcribe 0.6 s
    2760  asked with 7 tools, auto: system: Be kind. | user: What plan am I on? | assistant: You are on the | user: When is it due?
    3260  speak "In May."
    "#);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_nothing_was_heard_is_forgotten() {
    let hears = vec![QUESTION, Hears::Words("And until when?")];
    let answers = vec![Answers::Says("Pro."), Answers::Says("Until May.")];
    let rest = Rest::new(hears, answers);
    let mut stage = begin(&rest).await;
    stage.turn(600).await;
    stage.run(1_000).await;
    stage.drop_answer();
    stage.turn(600).await;
    stage.run(3_000).await;
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
     900  asked with 7 tools, auto: system: Be kind. | user: What plan am I on?
    1350  speak "Pro."
    2300  transcribe 0.6 s
    2500  asked with 7 tools, auto: system: Be kind. | user: What plan am I on? | user: And until when?
    3000  speak "Until May."
    "#);
}

#[tokio::test(start_paused = true)]
async fn the_words_of_a_turn_are_kept_although_its_answer_is_not_wanted_any_more() {
    let hears = vec![Hears::Words("What plan"), Hears::Words("am I on?")];
    let rest = Rest::new(hears, vec![Answers::Says("The Pro plan.")]);
    let mut stage = begin(&rest).await;
    stage.turn(600).await;
    stage.run(100).await;
    stage.cancel();
    stage.turn(600).await;
    stage.run(3_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  response 1 begins
     800  response 1 Cancelled, 0 ms of sound
     900  caller said "What plan"
    1400  committed
    1400  response 2 begins
    1600  caller said "am I on?"
    2300  sound begins
    2475  response 2 Completed, 780 ms of sound
    3080  heard "The Pro plan."
    "#);
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
    1400  transcribe 0.6 s
    1600  asked with 7 tools, auto: system: Be kind. | user: What plan | user: am I on?
    2150  speak "The Pro plan."
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_words_is_not_answered_and_a_short_one_is_none() {
    let rest = Rest::new(vec![Hears::Words(" ")], Vec::new());
    let mut stage = begin(&rest).await;
    stage.turn(600).await;
    stage.run(1_000).await;
    stage.turn(80).await;
    stage.run(1_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  response 1 begins
     900  caller said ""
     900  response 1 Cancelled, 0 ms of sound
    1780  CommitRejected
    1780  response 2 begins
    2430  sound begins
    2555  response 2 Completed, 600 ms of sound
    "#);
    // The second was asked for by hand; a call drops it with the turn.
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
    1780  asked with 7 tools, auto: system: Be kind.
    2280  speak "All right."
    "#);
}

#[tokio::test(start_paused = true)]
async fn new_instructions_hold_from_the_next_answer_on_and_a_written_turn_is_answered() {
    let rest = Rest::new(Vec::new(), Vec::new());
    let mut stage = begin(&rest).await;
    stage.send(Command::Instruct("Be brief.".into()));
    stage.wrote("Hello?");
    stage.send(Command::CreateResponse {
        ticket: crate::domain::Ticket(9),
        tools: false,
    });
    stage.run(1_000).await;
    assert_snapshot!(rest.log(), @r#"
    100  asked with 7 tools, none: system: Be brief. | user: Hello?
    600  speak "All right."
    "#);
}

#[tokio::test(start_paused = true)]
async fn everything_stops_when_the_call_does() {
    let rest = Rest::new(
        vec![QUESTION],
        vec![Answers::Stalls("You are on the Pro plan. It ")],
    );
    let mut stage = begin(&rest).await;
    stage.turn(600).await;
    stage.run(1_000).await;
    drop(stage);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_snapshot!(rest.log(), @r#"
     700  transcribe 0.6 s
     900  asked with 7 tools, auto: system: Be kind. | user: What plan am I on?
    1450  speak "You are on the Pro plan."
    1700  voice given up
    1700  answer given up
    "#);
}
