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

#[tokio::test]
async fn messages_come_from_the_caller_or_an_operator_and_instructions_from_operators() {
    let app = TestApp::start().await;
    let call_id = app.call_of("ada").await.call_id;
    let message = |text: &str| pb::SendMessageRequest {
        call_id: call_id.clone(),
        text: text.into(),
    };
    let instructions = |text: String| pb::UpdateInstructionsRequest {
        call_id: call_id.clone(),
        instructions: text,
    };
    let mut client = app.client();
    let told = [
        client
            .send_message(app.user("eve", message("Hello.")))
            .await
            .map(drop),
        client
            .send_message(app.user("ada", message(" ")))
            .await
            .map(drop),
        client
            .send_message(app.user("ada", message(&"x".repeat(1_001))))
            .await
            .map(drop),
        // Nobody is there to answer yet.
        client
            .send_message(app.user("ada", message("Hello.")))
            .await
            .map(drop),
        client
            .update_instructions(app.user("ada", instructions("Rhyme.".into())))
            .await
            .map(drop),
        client
            .update_instructions(app.operator(instructions("x".repeat(4_001))))
            .await
            .map(drop),
        client
            .update_instructions(app.operator(instructions(String::new())))
            .await
            .map(drop),
    ]
    .map(|outcome| told(&outcome.unwrap_err()));
    insta::assert_snapshot!(told.join("\n"), @r"
    NotFound [CALL_NOT_FOUND] there is no such call
    InvalidArgument [text] text must have 1 to 1000 characters, has 0
    InvalidArgument [text] text must have 1 to 1000 characters, has 1001
    FailedPrecondition [CALL_NOT_ACTIVE] the call is not active
    PermissionDenied [NOT_ALLOWED] this token does not allow this call
    InvalidArgument [instructions] instructions must have 0 to 4000 characters, has 4001
    FailedPrecondition [CALL_NOT_ACTIVE] the call is not active
    ");
}
