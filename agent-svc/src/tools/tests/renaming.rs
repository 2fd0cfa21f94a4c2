//! `update_my_name`: nothing is changed before the caller has been asked, and only their own name is.

use insta::assert_snapshot;
use serde_json::json;

use super::services::Profiles;
use super::{Context, Value, told};

/// Plays calls of the tool, each with its turn; gives what the model is told of each and the name after it.
async fn played(calls: &[(u32, &str, bool)]) -> String {
    let profiles = Profiles::default();
    let context = profiles.context_of("adas").await;
    profiles.context_of("eves").await;
    let mut written = String::new();
    for (turn, name, confirmed) in calls {
        let arguments = json!({"name": name, "confirmed": confirmed});
        let output = told(&context, *turn, "update_my_name", arguments).await;
        let output: Value = serde_json::from_str(&output).unwrap();
        let said = output["question"]
            .as_str()
            .or(output["error"]["code"].as_str())
            .unwrap_or("done");
        let now = profiles.name_of("adas");
        written += &format!("turn {turn}, {name}, {confirmed}: {said} [{now}]\n");
    }
    assert_eq!(profiles.name_of("eves"), "", "nobody else is renamed");
    written
}

#[tokio::test]
async fn a_name_is_asked_about_and_changed_in_a_later_turn() {
    assert_snapshot!(played(&[(1, " Grace  Hopper ", false), (2, "Grace Hopper", true)]).await, @r#"
    turn 1,  Grace  Hopper , false: Shall I change your name to Grace Hopper? []
    turn 2, Grace Hopper, true: done [Grace Hopper]
    "#);
}

#[tokio::test]
async fn the_question_cannot_be_skipped() {
    assert_snapshot!(played(&[
        // Never asked; asked, and confirmed before the caller could say anything.
        (1, "Grace", true),
        (1, "Grace", false),
        (1, "Grace", true),
        // The caller said yes to another name.
        (2, "Eve", true),
        (2, "Eve", true),
        (3, "Grace", true),
        // A yes long after the question belongs to something else.
        (9, "Grace", true),
        (10, "Grace", true),
        // What was confirmed once is not confirmed for ever.
        (11, "Grace", true),
    ]).await, @r#"
    turn 1, Grace, true: refused []
    turn 1, Grace, false: Shall I change your name to Grace? []
    turn 1, Grace, true: refused []
    turn 2, Eve, true: refused []
    turn 2, Eve, true: refused []
    turn 3, Grace, true: refused []
    turn 9, Grace, true: refused []
    turn 10, Grace, true: done [Grace]
    turn 11, Grace, true: refused [Grace]
    "#);
}

#[tokio::test]
async fn without_a_word_about_it_nothing_is_confirmed() {
    let profiles = Profiles::default();
    let context: Context = profiles.context_of("adas").await;
    for turn in 1..4 {
        told(&context, turn, "update_my_name", json!({"name": "Grace"})).await;
    }
    assert_eq!(profiles.name_of("adas"), "");
}

#[tokio::test]
async fn a_user_who_is_not_there_is_said_plainly() {
    let context = super::nobody();
    let ask = async |turn| {
        let arguments = json!({"name": "Grace", "confirmed": true});
        told(&context, turn, "update_my_name", arguments).await
    };
    ask(1).await;
    let output = ask(2).await;
    assert!(output.contains("unavailable"), "{output}");
    // The caller need not be asked once more for that.
    assert!(ask(2).await.contains("unavailable"));
}
