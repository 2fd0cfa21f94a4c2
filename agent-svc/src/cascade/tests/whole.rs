//! Whole calls in which Realtime dies and the cascade goes on, as the caller hears them.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use realtime_script::{Door, Fault, Line, Loss};

use super::call::Call;
use super::server::{Answers, Hears, Rest};
use crate::domain::{EndReason, Input, Role};
use crate::provider::Provider;
use crate::realtime::tests::stage::{Stage, line, server};

fn providers(script: &realtime_script::Server, rest: Option<&Rest>) -> Vec<Arc<dyn Provider>> {
    let mut api = Stage::api(script);
    if rest.is_some() {
        api.has_fallback = true;
        api.reconnect_timeout = Duration::from_secs(5);
    }
    let first: Arc<dyn Provider> = Arc::new(api);
    let second = rest.map(|rest| Arc::new(rest.cascade()) as Arc<dyn Provider>);
    [first].into_iter().chain(second).collect()
}

fn lines() -> Vec<Line> {
    let mut dying = line(
        "What does it cost?",
        "It costs forty dollars a month, and a year is cheaper.",
    );
    dying.faults = vec![Fault::Lose(Loss::Cut)];
    vec![
        line("What plan am I on?", "You are on the Pro plan."),
        dying,
    ]
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_when_realtime_dies_in_the_middle_of_an_answer() {
    let hears = vec![
        Hears::Words("What did I ask first?"),
        Hears::Words("No, that is not what I mean."),
    ];
    let answers = vec![
        Answers::Says("Forty dollars a month, and a year is cheaper."),
        Answers::Calls("Let me see.", "get_account"),
        Answers::Says(
            "You asked what plan you are on, and that is the Pro plan, with three seats.",
        ),
        Answers::Says("I see. What do you mean?"),
    ];
    let rest = Rest::new(hears, answers);
    let script = server(lines());
    let mut call = Call::begin(providers(&script, Some(&rest))).await;
    call.run(2_000).await;
    call.say(1_000).await;
    call.run(3_500).await;
    call.say(1_000).await;
    call.run(1_100).await;
    script.door(Door::Silent);
    call.run(13_000).await;
    call.say(1_000).await;
    call.run(4_000).await;
    call.say(1_200).await;
    call.run(5_000).await;
    call.input(Input::CallerLeft { hung_up: true });
    assert_snapshot!(call.heard(), @r"
     1340  Assistant: Hello, this is Iris.
     3440  Caller: What plan am I on?
     5220  Assistant: You are on the Pro plan.
     7940  Caller: What does it cost?
     8690  (REALTIME_RECONNECTING)
     9880  Assistant: It costs forty dollars a
    12520  Assistant: Sorry, I was cut off. Let me say that again.
    13690  (REALTIME_UNREACHABLE)
    13690  (FALLBACK_IN_USE)
    17390  Assistant: Forty dollars a month, and a year is cheaper.
    23240  Caller: What did I ask first?
    23940  (get_account is called)
    24740  Assistant: Let me see.
    27210  Assistant: You asked what plan
    28440  Caller: No, that is not what I mean.
    30720  Assistant: I see. What do you mean?
    32800  (the end: UserHangup)
    ");
    let log = rest.log();
    let asked = log.lines().rev().find(|line| line.contains("asked"));
    assert_snapshot!(asked.unwrap_or_default().replace(" | ", "\n"), @r#"
       28430  asked with 7 tools, auto: system: Be kind.
    assistant: Hello, this is Iris.
    user: What plan am I on?
    assistant: You are on the Pro plan.
    user: What does it cost?
    assistant: It costs forty dollars a
    assistant: Sorry, I was cut off. Let me say that again.
    assistant: Forty dollars a month, and a year is cheaper.
    user: What did I ask first?
    assistant: Let me see.
    assistant calls get_account
    tool: {"plan":"Pro"}
    assistant: You asked what plan
    user: No, that is not what I mean.
    "#);
    assert_eq!(call.ended, Some(EndReason::UserHangup));
    // Whatever fails, the caller hears something within three seconds.
    assert!(call.longest_silence <= 3_000, "{}", call.longest_silence);
    let answered = call.turns.iter().filter(|turn| turn.role == Role::User);
    assert_eq!(answered.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_provider_is_down_from_the_start_is_held_by_the_cascade() {
    let rest = Rest::new(
        vec![Hears::Words("What plan am I on?")],
        vec![Answers::Says("You are on the Pro plan.")],
    );
    let script = server(Vec::new());
    script.door(Door::Silent);
    let mut call = Call::begin(providers(&script, Some(&rest))).await;
    call.run(1_700).await;
    call.say(1_000).await;
    call.run(8_000).await;
    call.input(Input::CallerLeft { hung_up: true });
    assert_snapshot!(call.heard(), @r"
     1340  Assistant: Hello, this is Iris.
     5010  (REALTIME_UNREACHABLE)
     5010  (FALLBACK_IN_USE)
     5210  Caller: What plan am I on?
     7210  Assistant: One moment, please.
     8650  Assistant: You are on the Pro plan.
    10700  (the end: UserHangup)
    ");
}

#[tokio::test(start_paused = true)]
async fn when_the_fallback_is_down_as_well_the_caller_is_told_and_the_call_ends() {
    let script = server(lines());
    let rest = Rest::new(vec![Hears::Fails(502); 9], Vec::new());
    let mut call = Call::begin(providers(&script, Some(&rest))).await;
    call.run(2_000).await;
    script.door(Door::Silent);
    script.lose(Loss::Cut);
    for _ in 0..2 {
        call.say(1_000).await;
        call.run(9_000).await;
    }
    call.run(8_000).await;
    assert_snapshot!(call.heard(), @r"
     1340  Assistant: Hello, this is Iris.
     2010  (REALTIME_RECONNECTING)
     5860  Assistant: Please hold on, I am reconnecting.
     7010  (REALTIME_UNREACHABLE)
     7010  (FALLBACK_IN_USE)
     7420  Caller: 
    10680  Assistant: Sorry, I could not answer that. Please ask me again.
    13640  (FALLBACK_FAILED)
    19300  Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    19300  Caller: 
    19300  (the end: ProviderError)
    ");
    assert_eq!(call.ended, Some(EndReason::ProviderError));
}

#[tokio::test(start_paused = true)]
async fn without_a_fallback_the_call_ends_with_an_apology_as_before() {
    let script = server(lines());
    let mut call = Call::begin(providers(&script, None)).await;
    call.run(2_000).await;
    script.door(Door::Silent);
    script.lose(Loss::Cut);
    call.say(1_000).await;
    call.run(30_000).await;
    assert_snapshot!(call.heard(), @r"
     1340  Assistant: Hello, this is Iris.
     2010  (REALTIME_RECONNECTING)
     5860  Assistant: Please hold on, I am reconnecting.
    12960  Assistant: One moment, please.
    20960  Assistant: One moment, please.
    27670  Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    27670  Caller: 
    27670  (the end: ProviderError)
    32010  (REALTIME_UNREACHABLE)
    ");
    assert_eq!(call.ended, Some(EndReason::ProviderError));
}
