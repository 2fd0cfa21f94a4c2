//! `remember` and `recall`: bounded, and a call's own.

use insta::assert_snapshot;
use serde_json::json;

use super::services::nobody;
use super::told;

#[tokio::test]
async fn what_is_noted_is_read_back_in_this_call_and_in_no_other() {
    let (context, other) = (nobody(), nobody());
    for (key, value) in [
        ("Error Code", "E 42"),
        ("order", "A-1027"),
        ("error code", "E\u{202E} 43\u{0}\n\"quoted\""),
    ] {
        let output = told(&context, 1, "remember", json!({"key": key, "value": value})).await;
        assert_eq!(output, r#"{"ok":true}"#);
    }
    assert_snapshot!(told(&context, 7, "recall", json!({})).await, @r#"{"notes":[{"key":"error code","value":"E 43 \"quoted\""},{"key":"order","value":"A-1027"}]}"#);
    assert_snapshot!(told(&context, 7, "recall", json!({"key": "ORDER"})).await, @r#"{"notes":[{"key":"order","value":"A-1027"}]}"#);
    assert_snapshot!(told(&context, 7, "recall", json!({"key": "invoice"})).await, @r#"{"note":"nothing was noted","notes":[]}"#);
    assert_snapshot!(told(&other, 7, "recall", json!({})).await, @r#"{"note":"nothing was noted","notes":[]}"#);
}

#[tokio::test]
async fn there_is_room_for_twenty_notes_and_a_known_key_needs_none() {
    let context = nobody();
    let remember = async |key: String| {
        let arguments = json!({"key": key, "value": "x".repeat(300)});
        told(&context, 1, "remember", arguments).await
    };
    for number in 0..20 {
        assert_eq!(remember(format!("note {number}")).await, r#"{"ok":true}"#);
    }
    assert_snapshot!(remember("one more".into()).await, @r#"{"error":{"code":"refused","message":"there is no room for another note; use the key of one not needed"}}"#);
    assert_eq!(remember("note 3".into()).await, r#"{"ok":true}"#);
    let all = told(&context, 1, "recall", json!({})).await;
    assert!(all.len() < super::super::MAX_OUTPUT, "{}", all.len());
    let long = json!({"key": "k", "value": "x".repeat(301)});
    let refused = told(&context, 1, "remember", long).await;
    assert!(refused.contains("invalid_arguments"), "{refused}");
}
