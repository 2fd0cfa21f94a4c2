use proto::insta::profile::v1 as pb;
use service_kit::CallId;
use test_kit::{Identity, told};

use crate::app::TestApp;

fn interaction(call_id: CallId, summary: &str, end: i64) -> pb::RecordInteractionRequest {
    pb::RecordInteractionRequest {
        call_id: call_id.to_string(),
        summary: summary.into(),
        end_time: Some(prost_types::Timestamp {
            seconds: end,
            nanos: 0,
        }),
    }
}

async fn record(app: &TestApp, call: CallId, summary: &str, end: i64) -> bool {
    let caller = Identity::delegate("ada", call);
    let request = app.from(&caller, interaction(call, summary, end));
    app.client()
        .record_interaction(request)
        .await
        .unwrap()
        .into_inner()
        .latest
}

#[tokio::test]
async fn the_call_that_ended_last_wins() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let (old, new) = (CallId::generate(), CallId::generate());
    assert!(record(&app, new, "asked about invoices", 2_000).await);
    assert!(!record(&app, old, "asked about seats", 1_000).await);
    assert_eq!(
        app.profile("ada").await.last_interaction_summary,
        "asked about invoices"
    );
    assert!(
        record(&app, new, "asked about two invoices", 2_000).await,
        "the same call again"
    );
    let profile = app.profile("ada").await;
    assert_eq!(profile.last_interaction_summary, "asked about two invoices");
    assert_eq!(profile.last_interaction_time.unwrap().seconds, 2_000);
}

#[tokio::test]
async fn an_agent_records_its_own_call_only() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let caller = Identity::delegate("ada", CallId::generate());
    let request = app.from(&caller, interaction(CallId::generate(), "another call", 1));
    let error = app.client().record_interaction(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"InvalidArgument [call_id] call_id must be the call of the token");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    let caller = Identity::delegate("ada", CallId::generate());
    let request = pb::RecordInteractionRequest {
        call_id: "x".into(),
        ..Default::default()
    };
    let error = app
        .client()
        .record_interaction(app.from(&caller, request))
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error));

    let call = CallId::generate();
    let caller = Identity::delegate("nobody", call);
    let request = app.from(&caller, interaction(call, "hello", 1));
    let error = app.client().record_interaction(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"NotFound [PROFILE_NOT_FOUND] there is no such profile");
}
