//! What the model is told of the tools, and what wrong calls give.

mod hand_over;
mod injection;
mod notes;
mod renaming;
mod services;

use insta::assert_json_snapshot;

use super::*;
use services::nobody;

/// What a tool gives in a turn, as the model is told it.
async fn told(context: &Context, turn: u32, name: &str, arguments: Value) -> String {
    let context = Context {
        turn,
        ..context.clone()
    };
    let request = ToolRequest {
        call: "call_1".into(),
        name: name.into(),
        arguments: arguments.to_string(),
    };
    run(context, request).await.output
}

async fn outcome(name: &str, arguments: &str) -> (ToolStatus, String) {
    let request = ToolRequest {
        call: "call_1".into(),
        name: name.into(),
        arguments: arguments.into(),
    };
    let result = run(nobody(), request).await;
    let output: Value = serde_json::from_str(&result.output).expect("results are JSON");
    (
        result.status,
        output["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[test]
fn the_tools_as_the_model_is_told_of_them() {
    assert_json_snapshot!(definitions());
}

#[tokio::test]
async fn what_the_model_must_not_choose_is_refused() {
    for (name, arguments, code) in [
        (
            "get_account",
            r#"{"user_id":"somebody-else"}"#,
            "invalid_arguments",
        ),
        (
            "search_knowledge",
            r#"{"query":"x","user_id":"y"}"#,
            "invalid_arguments",
        ),
        ("search_knowledge", r#"{"query":""}"#, "invalid_arguments"),
        ("search_knowledge", "{}", "invalid_arguments"),
        ("search_knowledge", "not json", "invalid_arguments"),
        ("end_call", "[1]", "invalid_arguments"),
        ("remember", r#"{"key":"","value":"x"}"#, "invalid_arguments"),
        (
            "recall",
            r#"{"key":"x","call_id":"y"}"#,
            "invalid_arguments",
        ),
        (
            "update_my_name",
            r#"{"name":"Eve","user_id":"somebody-else"}"#,
            "invalid_arguments",
        ),
        ("update_my_name", r#"{"name":"42"}"#, "invalid_arguments"),
        (
            "hand_over_to_human",
            r#"{"reason":"x","summary":" "}"#,
            "invalid_arguments",
        ),
        ("drop_tables", "{}", "unknown_tool"),
    ] {
        let expected = (ToolStatus::Failed, code.to_owned());
        assert_eq!(
            outcome(name, arguments).await,
            expected,
            "{name} {arguments}"
        );
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_said_plainly() {
    let expected = (ToolStatus::Failed, "unavailable".to_owned());
    assert_eq!(outcome("get_account", "").await, expected);
}

#[tokio::test]
async fn end_call_ends_the_call() {
    let request = ToolRequest {
        call: "call_1".into(),
        name: "end_call".into(),
        arguments: String::new(),
    };
    let result = run(nobody(), request).await;
    assert_eq!(result.effect, Some(ToolEffect::EndCall));
}
