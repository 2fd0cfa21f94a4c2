//! What the model is told of the tools, and what wrong calls give.

use insta::assert_json_snapshot;
use service_kit::client::{ServiceTokens, channel};
use service_kit::clock::Clock;
use service_kit::config::ClientConfig;

use super::*;
use crate::peers::Auth;

/// Services that are not there.
fn nobody() -> Context {
    service_kit::install_crypto();
    let nowhere = channel(&"http://127.0.0.1:1".parse().unwrap()).unwrap();
    let config = ClientConfig {
        client_id: "agent-svc".parse().unwrap(),
        client_secret: "secret".to_owned().into(),
    };
    let tokens = ServiceTokens::new(nowhere.clone(), config, Clock::system());
    let auth = Auth::new(nowhere.clone(), tokens);
    let call = service_kit::CallId::generate();
    Context {
        peers: Peers::new(nowhere.clone(), nowhere),
        caller: Delegation::renewable(auth, Clock::system(), call),
    }
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

#[test]
fn long_texts_are_cut_at_a_word() {
    assert_eq!(shortened("one two three", 9), "one two…");
    assert_eq!(shortened("one two", 9), "one two");
    assert_eq!(shortened("überlangeswort", 4), "über…");
}
