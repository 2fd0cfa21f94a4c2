//! StartCall.

use std::time::Duration;

use openai_realtime::{ErrorDetail, code};
use proto::insta::agent::v1 as pb;
use realtime_script::{Door, Server};
use service_kit::{CallId, Scope};
use test_kit::{Identity, told};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::app::TestApp;

#[tokio::test]
async fn a_user_gets_a_room_and_a_token_for_it() {
    let app = TestApp::start().await;
    let started = app.start_call("ada").await;
    let call = started.call.unwrap();
    assert_eq!(call.user_id, "ada");
    assert_eq!(call.state(), pb::CallState::Connecting);
    assert_eq!(
        started.participant_token,
        format!("caller ada {}", call.room)
    );
    assert!(started.livekit_url.starts_with("ws://127.0.0.1:"));
    let stored = app.get(&call.call_id).await;
    assert_eq!((stored.room, stored.state), (call.room, call.state));
}

#[tokio::test]
async fn a_second_call_of_a_user_ends_the_first() {
    let app = TestApp::start().await;
    let first = app.call_of("ada").await;
    let second = app.call_of("ada").await;
    let first = app.ended(&first.call_id).await;
    assert_eq!(first.end_reason(), pb::EndReason::UserRequest);
    let second = app.get(&second.call_id).await;
    assert_eq!(second.state(), pb::CallState::Connecting);
}

#[tokio::test]
async fn when_every_place_is_taken_the_caller_is_told_when_to_try_again() {
    let app = TestApp::with_places(1).await;
    let first = app.call_of("ada").await;
    let request = app.user("bob", pb::StartCallRequest {});
    let error = app.client().start_call(request).await.unwrap_err();
    assert_eq!(
        told(&error),
        "ResourceExhausted [NO_CAPACITY] every place for a call is taken; try again in a moment"
    );
    assert!(error.get_details_retry_info().is_some());

    let call_id = first.call_id.clone();
    app.end(app.user("ada", pb::EndCallRequest { call_id }))
        .await;
    // The place is free when the call's task is over, a moment after its end is written down.
    loop {
        let request = app.user("bob", pb::StartCallRequest {});
        match app.client().start_call(request).await {
            Ok(_) => break,
            Err(error) => assert_eq!(error.code(), Code::ResourceExhausted),
        }
    }
}

#[tokio::test]
async fn while_the_speech_provider_fails_no_call_begins() {
    let refuses = "Unavailable [PROVIDER_REFUSES] the assistant cannot talk at the moment";
    let away = "Unavailable [PROVIDER_UNAVAILABLE] the assistant cannot talk at the moment";
    for (status, code, expected, note) in [
        (
            401,
            code::INVALID_API_KEY,
            refuses,
            "REALTIME_INVALID_API_KEY",
        ),
        (
            429,
            code::INSUFFICIENT_QUOTA,
            refuses,
            "REALTIME_INSUFFICIENT_QUOTA",
        ),
        (503, "server_overloaded", away, "REALTIME_UNREACHABLE"),
    ] {
        let provider = Server::start(Vec::new()).await.unwrap();
        let error = ErrorDetail::invalid(code, "no");
        provider.door(Door::Refusing { status, error });
        let app = TestApp::with_provider(&provider.base_url()).await;
        // The first call finds out.
        app.call_of("ada").await;
        let error = loop {
            let request = app.user("bob", pb::StartCallRequest {});
            if let Err(error) = app.client().start_call(request).await {
                break error;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(told(&error), expected);
        // It helps to know when only where nobody has to do anything.
        let retry = error
            .get_details_retry_info()
            .and_then(|info| info.retry_delay);
        assert_eq!(retry.is_some(), expected == away, "{retry:?}");
        // The operator sees why, and that the instance goes on with the calls it has.
        let ready = reqwest::get(format!("{}readyz", app.service.admin_url))
            .await
            .unwrap();
        assert_eq!(ready.status(), 200);
        let ready = ready.text().await.unwrap();
        assert!(ready.contains(note), "{ready}");
    }
}

#[tokio::test]
async fn only_signed_in_people_start_calls() {
    let app = TestApp::start().await;
    let callers = [
        Identity::service(&[Scope::Operator]),
        Identity::service(&[Scope::CallsServe]),
        Identity::delegate("ada", CallId::generate()),
    ];
    for caller in callers {
        let request = app.identity.request(&caller, pb::StartCallRequest {});
        let error = app.client().start_call(request).await.unwrap_err();
        assert_eq!(error.code(), Code::PermissionDenied);
    }
    let error = app
        .client()
        .start_call(pb::StartCallRequest {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
}
