//! GetCall and ListCalls.

use proto::insta::agent::v1 as pb;
use proto::insta::agent::v1::watch_call_response::Event;
use test_kit::told;
use tonic::Status;

use crate::app::{TestApp, until_end};

async fn get(app: &TestApp, user: &str, call_id: &str) -> Result<pb::Call, Status> {
    let call_id = call_id.to_owned();
    let request = app.user(user, pb::GetCallRequest { call_id });
    Ok(app
        .client()
        .get_call(request)
        .await?
        .into_inner()
        .call
        .unwrap())
}

async fn list(app: &TestApp, user: &str, request: pb::ListCallsRequest) -> pb::ListCallsResponse {
    let request = app.user(user, request);
    app.client().list_calls(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn anothers_call_is_not_found() {
    let app = TestApp::start().await;
    let call = app.call_of("ada").await;
    assert_eq!(
        get(&app, "ada", &call.call_id).await.unwrap().user_id,
        "ada"
    );
    let nobodys = service_kit::CallId::generate().to_string();
    for call_id in [&call.call_id, &nobodys] {
        let error = get(&app, "eve", call_id).await.unwrap_err();
        assert_eq!(
            told(&error),
            "NotFound [CALL_NOT_FOUND] there is no such call"
        );
    }
    let error = get(&app, "ada", "nonsense").await.unwrap_err();
    assert!(
        told(&error).starts_with("InvalidArgument [call_id]"),
        "{error}"
    );
}

#[tokio::test]
async fn users_list_their_own_calls_newest_first_a_page_at_a_time() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, app.call_of("ada").await.call_id);
    }
    app.call_of("bob").await;
    let first = list(
        &app,
        "ada",
        pb::ListCallsRequest {
            page_size: 2,
            ..Default::default()
        },
    )
    .await;
    let page_token = first.next_page_token.clone();
    let request = pb::ListCallsRequest {
        page_size: 2,
        page_token,
        ..Default::default()
    };
    let second = list(&app, "ada", request).await;
    let listed: Vec<_> = first
        .calls
        .iter()
        .chain(&second.calls)
        .map(|c| c.call_id.clone())
        .collect();
    assert_eq!(listed, ids);
    assert_eq!(second.next_page_token, "");

    let others = pb::ListCallsRequest {
        user_id: "bob".into(),
        ..Default::default()
    };
    assert_eq!(list(&app, "ada", others.clone()).await.calls, []);
    let all = app
        .client()
        .list_calls(app.operator(others))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all.calls.len(), 1);
}

#[tokio::test]
async fn wrong_fields_of_a_list_are_told_at_once() {
    let app = TestApp::start().await;
    let request = pb::ListCallsRequest {
        page_size: -1,
        page_token: "x".into(),
        user_id: "a b".into(),
        state: 77,
    };
    let error = app
        .client()
        .list_calls(app.user("ada", request))
        .await
        .unwrap_err();
    let told = told(&error);
    for field in ["page_size", "page_token", "user_id", "state"] {
        assert!(told.contains(field), "{field} is missing: {told}");
    }
}

#[tokio::test]
async fn the_prompt_and_a_hand_over_are_on_record_for_all_and_the_cost_for_operators() {
    let app = TestApp::start().await;
    let call_id = app.call_of("ada").await.call_id;
    let none = r#"{"input": 0, "cached": 0, "output": 0}"#;
    app.sql(&format!(
        r#"UPDATE insta_agent.calls SET
          hand_over_reason = 'wants a person', hand_over_summary = 'A refund.', hand_over_time = now(),
          cost_usd_micros = 12345, usage = '{{"text": {{"input": 1, "cached": 2, "output": 3}},
            "audio": {none}, "image": {none}, "transcription_tokens": 4, "transcription_seconds": 1.5}}'
        WHERE call_id = '{call_id}'"#
    ))
    .await;

    let own = get(&app, "ada", &call_id).await.unwrap();
    assert_eq!(own.prompt_version, "built-in-3");
    assert_eq!(own.usage, None);
    let wanted = own.hand_over.unwrap();
    assert_eq!(
        (wanted.reason.as_str(), wanted.summary.as_str()),
        ("wants a person", "A refund.")
    );

    let usage = app.get(&call_id).await.usage.unwrap();
    let text = usage.text.unwrap();
    assert_eq!(
        (
            text.input_tokens,
            text.cached_input_tokens,
            text.output_tokens
        ),
        (1, 2, 3)
    );
    assert_eq!(usage.transcription_tokens, 4);
    assert_eq!(usage.transcription_duration.unwrap().nanos, 500_000_000);
    let cost = usage.cost.unwrap();
    assert_eq!((cost.currency_code.as_str(), cost.micros), ("USD", 12_345));

    // Whoever watches a call that is over is told of it before the end.
    let request = app.user(
        "ada",
        pb::EndCallRequest {
            call_id: call_id.clone(),
        },
    );
    app.end(request).await;
    app.ended(&call_id).await;
    let events = until_end(app.watch("ada", &call_id).await).await;
    let [.., Event::HandOver(told), Event::Ended(_)] = events.as_slice() else {
        panic!("a hand-over comes before the end: {events:?}");
    };
    assert_eq!(*told, wanted);
}
