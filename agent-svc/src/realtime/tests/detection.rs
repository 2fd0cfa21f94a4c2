//! Turns that the provider begins and ends: it is sent all sound and asked for nothing else.

use std::time::Duration;

use insta::assert_snapshot;
use openai_realtime::{ServerVad, TurnDetection};
use realtime_script::{Line, Loss};

use super::super::*;
use super::stage::{Stage, line, server};
use crate::provider::Command;

const QUESTION: &str = "What plan am I on?";
const ANSWER: &str = "You are on the Pro plan, which has three seats.";

/// A call that began a tenth of a second ago.
async fn begin(lines: Vec<Line>, max_session_duration: Duration) -> Stage {
    let never = Some(false);
    let turn_detection = Some(TurnDetection::ServerVad(ServerVad {
        create_response: never,
        interrupt_response: never,
        ..ServerVad::default()
    }));
    let mut stage = Stage::open_as(server(lines), |api| RealtimeApi {
        turn_detection,
        max_session_duration,
        ..api
    });
    stage.be_silent(100).await;
    stage
}

async fn start() -> Stage {
    begin(vec![line(QUESTION, ANSWER)], Duration::from_secs(1_200)).await
}

#[tokio::test(start_paused = true)]
async fn the_provider_tells_of_turns_and_answers_only_when_it_is_asked() {
    let mut stage = start().await;
    stage.be_silent(2_000).await;
    stage.speak(600).await;
    stage.be_silent(1_000).await;
    assert_eq!(stage.asked(), 0);
    stage.ask();
    stage.be_silent(5_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
    2100  item_heard_1_1 begins, 20 ms ago
    3180  item_heard_1_1 is over, 1 ms ago
    3180  committed
    3180  caller said "What plan am I on?"
    3700  response 1 begins
    4050  sound begins
    4750  response 1 Completed, 2820 ms of sound
    6870  heard "You are on the Pro plan, which has three seats."
    "#);
    assert_snapshot!(stage.told(1), @r#"
    setup "Be kind.", 7 tools
    turn detection {"type":"server_vad","create_response":false,"interrupt_response":false}
    turn of 3200 ms
    asked
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_lost_with_its_session_is_ended_once_by_the_next() {
    let mut stage = start().await;
    stage.be_silent(5_000).await;
    stage.speak(600).await;
    stage.server.lose(Loss::Cut);
    stage.speak(600).await;
    stage.be_silent(1_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
    5100  item_heard_1_1 begins, 20 ms ago
    5700  trouble REALTIME_RECONNECTING
    5700  Disconnected
    5700  Connected
    5700  item_heard_2_1 begins, 620 ms ago
    6780  item_heard_2_1 is over, 1 ms ago
    6780  committed
    6780  caller said "What plan am I on?"
    "#);
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    turn detection {"type":"server_vad","create_response":false,"interrupt_response":false}
    turn of 2720 ms
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_the_conversation_ends_while_the_provider_is_away_is_told_as_a_turn() {
    let mut stage = start().await;
    stage.server.door(realtime_script::Door::Down);
    stage.server.lose(Loss::Cut);
    stage.be_silent(500).await;
    stage.speak(600).await;
    stage.be_silent(400).await;
    stage.send(Command::Commit);
    stage.be_silent(1_000).await;
    stage.server.door(realtime_script::Door::Open);
    stage.be_silent(4_000).await;
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    turn of 1600 ms
    turn detection {"type":"server_vad","create_response":false,"interrupt_response":false}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_none_is_removed_and_not_told_again() {
    let mut stage = start().await;
    stage.dismisses = true;
    stage.speak(600).await;
    stage.be_silent(1_000).await;
    stage.server.lose(Loss::Cut);
    stage.be_silent(1_000).await;
    assert_snapshot!(stage.told(1), @r#"
    setup "Be kind.", 7 tools
    turn detection {"type":"server_vad","create_response":false,"interrupt_response":false}
    turn of 1200 ms
    conversation.item.delete
    gone
    "#);
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    turn detection {"type":"server_vad","create_response":false,"interrupt_response":false}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_exchanged_in_silence_although_sound_never_ends() {
    let mut stage = begin(vec![line(QUESTION, ANSWER)], Duration::from_secs(3)).await;
    stage.be_silent(2_500).await;
    // Its time is over while the caller speaks, whom the old one hears to the end.
    stage.speak(2_000).await;
    stage.be_silent(2_500).await;
    stage.speak(600).await;
    stage.be_silent(1_000).await;
    assert_snapshot!(stage.written(), @r#"
       0  Connected
    2600  item_heard_1_1 begins, 20 ms ago
    5080  item_heard_1_1 is over, 1 ms ago
    5080  committed
    5080  caller said "What plan am I on?"
    7100  item_heard_2_1 begins, 20 ms ago
    8180  item_heard_2_1 is over, 1 ms ago
    8180  committed
    8180  caller said "What plan am I on?"
    "#);
    assert_snapshot!(stage.told(2), @r#"
    setup "Be kind.", 7 tools
    User: What plan am I on?
    turn detection {"type":"server_vad","create_response":false,"interrupt_response":false}
    turn of 3100 ms
    gone
    "#);
}
