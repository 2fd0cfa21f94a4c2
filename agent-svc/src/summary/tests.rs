//! Summaries without a database: what is sent and what is made of the answer.

use chrono::DateTime;
use insta::assert_snapshot;

use super::*;

fn turn(position: i32, role: Role, text: &str) -> Turn {
    Turn {
        position,
        role,
        text: text.into(),
        start_time: DateTime::UNIX_EPOCH,
        interrupted: false,
        silenced_after_ms: None,
        tools: Vec::new(),
        latency: None,
        bill: None,
    }
}

#[test]
fn the_model_sees_who_said_what() {
    let turns = [
        turn(1, Role::Assistant, "Hello Ada."),
        turn(2, Role::User, ""),
        turn(3, Role::User, "What plan am I on?"),
    ];
    assert_snapshot!(chat::transcript(&turns), @r"
    Assistant: Hello Ada.
    Caller: What plan am I on?
    ");
    assert_snapshot!(without_model(&turns), @"The caller asked: What plan am I on?");
}

#[test]
fn a_long_call_is_cut_at_its_beginning_between_characters() {
    let turns: Vec<_> = (1..2_000)
        .map(|n| turn(n, Role::User, "ü ü ü ü ü ü ü ü ü"))
        .collect();
    let text = chat::transcript(&turns);
    assert!(text.len() <= 24 * 1024);
    assert!(text.ends_with("ü\n"));
}

#[test]
fn a_summary_fits_the_contract() {
    assert_eq!(shortened(" one\n two "), "one two");
    let long = shortened(&"word ".repeat(200));
    assert!(long.chars().count() <= 500);
    assert!(long.ends_with("word…"));
}
