//! The cascade in the place of a Realtime session that cannot be had.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use openai_realtime::{ErrorDetail, code};
use realtime_script::{Door, Loss};

use super::server::{Answers, Hears, Rest};
use crate::domain::ToolCallId;
use crate::provider::{Command, Failure, Provider};
use crate::realtime::RealtimeApi;
use crate::realtime::tests::stage::{Stage, line, server};

/// A call that the cascade takes over when there has been no session for five seconds.
fn open(script: realtime_script::Server, rest: &Rest) -> Stage {
    let api = api(&script);
    open_by(script, &api, rest)
}

fn api(script: &realtime_script::Server) -> RealtimeApi {
    RealtimeApi {
        reconnect_timeout: Duration::from_secs(5),
        has_fallback: true,
        ..Stage::api(script)
    }
}

fn open_by(script: realtime_script::Server, api: &RealtimeApi, rest: &Rest) -> Stage {
    let providers: Vec<Arc<dyn Provider>> = vec![Arc::new(api.clone()), Arc::new(rest.cascade())];
    Stage::open_by(script, providers)
}

#[tokio::test(start_paused = true)]
async fn once_it_is_known_that_realtime_fails_calls_begin_with_the_cascade_until_it_works() {
    let script = server(Vec::new());
    let api = api(&script);
    let rest = Rest::new(Vec::new(), Vec::new());
    for _ in 0..5 {
        api.breaker.not_connected(Failure::Unreachable);
    }
    let mut held_by = Vec::new();
    for door in [Door::Silent, Door::Open, Door::Open] {
        let script = server(Vec::new());
        script.door(door);
        let api = RealtimeApi {
            breaker: api.breaker.clone(),
            ..self::api(&script)
        };
        let mut next = open_by(script, &api, &rest);
        next.run(100).await;
        held_by.push(next.written().contains("FALLBACK_IN_USE"));
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    // The second is the one that tries.
    assert_eq!(held_by, [true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_and_the_turn_that_was_lost_are_known_to_the_cascade() {
    let mut asking = line("What plan am I on?", "You are on {plan}.");
    asking.tool = Some("get_account".into());
    let rest = Rest::new(
        vec![Hears::Words("Until when?")],
        vec![Answers::Says("Until May.")],
    );
    let mut stage = open(server(vec![asking]), &rest);
    stage.run(100).await;
    stage.voice_said("Hello, this is Iris.");
    stage.turn(600).await;
    stage.run(500).await;
    let call: ToolCallId = stage.last_call.take().expect("it has called a tool");
    let output = r#"{"plan":"Pro"}"#.to_owned();
    stage.send(Command::AnswerTool { call, output });
    stage.ask();
    stage.run(3_000).await;
    stage.server.door(Door::Silent);
    stage.server.lose(Loss::Cut);
    stage.turn(800).await;
    stage.run(5_000).await;
    // As a conversation does when somebody is there again.
    stage.ask();
    stage.run(4_000).await;
    assert_snapshot!(stage.written(), @r#"
        0  Connected
      700  committed
      700  caller said "What plan am I on?"
      700  response 1 begins
      700  calls get_account
      700  response 1 Completed, 0 ms of sound
     1200  response 2 begins
     1550  sound begins
     1750  response 2 Completed, 900 ms of sound
     2450  heard "You are on Pro."
     4200  trouble REALTIME_RECONNECTING
     4200  Disconnected
     9200  trouble REALTIME_UNREACHABLE
     9200  trouble FALLBACK_IN_USE
     9200  Replaced
     9200  Connected
     9200  committed
     9400  caller said "Until when?"
    10000  response 4 begins
    10650  sound begins
    10775  response 4 Completed, 600 ms of sound
    11250  heard "Until May."
    "#);
    assert_snapshot!(rest.log(), @r#"
     9200  transcribe 0.8 s
    10000  asked with 7 tools, auto: system: Be kind. | assistant: Hello, this is Iris. | user: What plan am I on? | assistant calls get_account | tool: {"plan":"Pro"} | assistant: You are on Pro. | user: Until when?
    10500  speak "Until May."
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_key_or_an_account_that_is_refused_at_the_start_costs_no_time() {
    for code in [code::INVALID_API_KEY, code::INSUFFICIENT_QUOTA] {
        let script = server(Vec::new());
        let (status, error) = (401, ErrorDetail::invalid(code, "no"));
        script.door(Door::Refusing { status, error });
        let hears = vec![Hears::Words("What plan am I on?")];
        let rest = Rest::new(hears, vec![Answers::Says("The Pro plan.")]);
        let mut stage = open(script, &rest);
        stage.run(100).await;
        stage.turn(600).await;
        stage.run(3_000).await;
        let written = stage.written();
        assert_eq!(stage.server.knocks(), 1);
        let heard = written.lines().last().unwrap_or_default();
        assert!(heard.ends_with(r#"heard "The Pro plan.""#), "{written}");
        let first: Vec<&str> = written.lines().take(4).map(str::trim).collect();
        let refused = format!("0  trouble REALTIME_{}", code.to_uppercase());
        let expected = [
            &refused,
            "0  trouble FALLBACK_IN_USE",
            "0  Replaced",
            "0  Connected",
        ];
        assert_eq!(first, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_working_fallback_it_is_over() {
    let script = server(Vec::new());
    script.door(Door::Silent);
    let refused = Answers::Fails(401, "invalid_api_key");
    let rest = Rest::new(vec![Hears::Words("Hello?")], vec![refused]);
    let mut stage = open(script, &rest);
    stage.turn(600).await;
    stage.run(6_000).await;
    stage.ask();
    stage.run(4_000).await;
    assert_snapshot!(stage.written(), @r#"
    5000  trouble REALTIME_UNREACHABLE
    5000  trouble FALLBACK_IN_USE
    5000  Replaced
    5000  Connected
    5000  committed
    5200  caller said "Hello?"
    6600  response 2 begins
    6600  trouble FALLBACK_FAILED
    6600  Failed
    "#);
}

#[tokio::test(start_paused = true)]
async fn new_instructions_and_a_tool_that_still_runs_come_along() {
    let mut asking = line("What plan am I on?", "You are on {plan}.");
    asking.tool = Some("get_account".into());
    let rest = Rest::new(Vec::new(), vec![Answers::Says("The Pro plan.")]);
    let mut stage = open(server(vec![asking]), &rest);
    stage.run(100).await;
    stage.turn(600).await;
    stage.run(500).await;
    stage
        .server
        .report(ErrorDetail::invalid(code::BILLING_HARD_LIMIT, "no"));
    stage.send(Command::Instruct("Be brief.".into()));
    stage.run(100).await;
    let call: ToolCallId = stage.last_call.take().expect("it has called a tool");
    let output = r#"{"plan":"Pro"}"#.to_owned();
    stage.send(Command::AnswerTool { call, output });
    stage.ask();
    stage.run(3_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
     700  committed
     700  caller said "What plan am I on?"
     700  response 1 begins
     700  calls get_account
     700  response 1 Completed, 0 ms of sound
    1200  trouble REALTIME_BILLING_HARD_LIMIT_REACHED
    1200  trouble FALLBACK_IN_USE
    1200  Replaced
    1200  Connected
    1300  response 2 begins
    2000  sound begins
    2175  response 2 Completed, 780 ms of sound
    2780  heard "The Pro plan."
    "#);
    assert_snapshot!(rest.log(), @r#"
    1300  asked with 7 tools, auto: system: Be brief. | user: What plan am I on? | assistant calls get_account | tool: {"plan":"Pro"}
    1850  speak "The Pro plan."
    "#);
}
