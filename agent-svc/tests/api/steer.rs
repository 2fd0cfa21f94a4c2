//! EndCall and Say.

use proto::insta::agent::v1 as pb;
use test_kit::told;
use tonic::Code;

use crate::app::TestApp;

#[tokio::test]
async fn who_ended_a_call_is_on_record() {
    let app = TestApp::start().await;
    let own = app.call_of("ada").await;
    let call_id = own.call_id.clone();
    app.end(app.user("ada", pb::EndCallRequest { call_id }))
        .await;
    let own = app.ended(&own.call_id).await;
    assert_eq!(own.end_reason(), pb::EndReason::UserRequest);
    assert!(own.end_time.is_some());

    let steered = app.call_of("bob").await;
    let call_id = steered.call_id.clone();
    app.end(app.operator(pb::EndCallRequest {
        call_id: call_id.clone(),
    }))
    .await;
    let steered = app.ended(&call_id).await;
    assert_eq!(steered.end_reason(), pb::EndReason::Operator);

    // Ending it again changes nothing.
    app.end(app.user(
        "bob",
        pb::EndCallRequest {
            call_id: call_id.clone(),
        },
    ))
    .await;
    assert_eq!(
        app.get(&call_id).await.end_reason(),
        pb::EndReason::Operator
    );
}

#[tokio::test]
async fn a_stranger_ends_nothing() {
    let app = TestApp::start().await;
    let call_id = app.call_of("ada").await.call_id;
    let request = app.user(
        "eve",
        pb::EndCallRequest {
            call_id: call_id.clone(),
        },
    );
    let error = app.client().end_call(request).await.unwrap_err();
    assert_eq!(
        told(&error),
        "NotFound [CALL_NOT_FOUND] there is no such call"
    );
    assert_eq!(app.get(&call_id).await.state(), pb::CallState::Connecting);
}

#[tokio::test]
async fn only_operators_speak_and_only_in_active_calls() {
    let app = TestApp::start().await;
    let call_id = app.call_of("ada").await.call_id;
    let say = |text: &str| pb::SayRequest {
        call_id: call_id.clone(),
        text: text.into(),
    };
    let error = app
        .client()
        .say(app.user("ada", say("Hello.")))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::PermissionDenied);
    let error = app.client().say(app.operator(say(" "))).await.unwrap_err();
    assert!(
        told(&error).starts_with("InvalidArgument [text]"),
        "{error}"
    );
    // Nobody is there to hear it yet.
    let error = app
        .client()
        .say(app.operator(say("Hello.")))
        .await
        .unwrap_err();
    assert_eq!(
        told(&error),
        "FailedPrecondition [CALL_NOT_ACTIVE] the call is not active"
    );
}
