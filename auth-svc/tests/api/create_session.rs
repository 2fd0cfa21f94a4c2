//! CreateSession: who signs in, and what happens when something behind it is away.

use auth_svc::Config;
use chrono::TimeDelta;
use futures::future::join_all;
use proto::insta::profile::v1::SubscriptionTier;
use serde_json::json;
use service_kit::{Caller, Scope, Tier, field};
use test_kit::told;
use tonic::Code;

use crate::{app::TestApp, profiles::Answer};

#[tokio::test]
async fn a_signed_in_person_gets_a_session_with_the_tier_of_the_profile() {
    let app = TestApp::start().await;
    for (sent, tier) in [
        (SubscriptionTier::Free, Tier::Free),
        (SubscriptionTier::Pro, Tier::Pro),
        (SubscriptionTier::Enterprise, Tier::Enterprise),
    ] {
        app.profiles.answer_with(Answer::Tier(sent));
        let session = app.create_session(&app.id_token("ada")).await.unwrap();
        let expected = Caller::User {
            user_id: "ada".parse().unwrap(),
            tier,
            operator: false,
        };
        assert_eq!(app.caller(&session.session_token).await, expected);
        assert_eq!(session.user_id, "ada");
        let end = field::time(session.expire_time.unwrap()).unwrap();
        assert_eq!(end - app.now(), TimeDelta::minutes(15));
    }
}

#[tokio::test]
async fn the_profile_is_made_by_auth_svc_itself_with_what_firebase_knows() {
    let app = TestApp::start().await;
    app.create_session(&app.id_token("ada")).await.unwrap();
    let [(request, token)] = app.profiles.seen().try_into().unwrap();
    assert_eq!(
        (
            request.user_id.as_str(),
            request.name.as_str(),
            request.email.as_str()
        ),
        ("ada", "Ada Lovelace", "ada@example.com")
    );
    let expected = Caller::Service {
        client_id: "auth-svc".parse().unwrap(),
        scopes: [Scope::ProfileEnsure].into(),
    };
    assert_eq!(app.caller(&token).await, expected);
}

#[tokio::test]
async fn odd_names_and_addresses_do_not_keep_a_person_out() {
    let app = TestApp::start().await;
    let long = format!("{}@example.com", "a".repeat(300));
    for (name, email, sent_name, sent_email) in [
        (json!("Ada\nL."), json!("no address"), "Ada L.", ""),
        (json!(7), json!(long), "", ""),
        (
            json!(null),
            json!(" ada@example.com "),
            "",
            "ada@example.com",
        ),
    ] {
        let mut claims = app.claims("ada");
        claims["name"] = name;
        claims["email"] = email;
        app.create_session(&app.google.key.token(&claims))
            .await
            .unwrap();
        let (request, _) = app.profiles.seen().pop().unwrap();
        assert_eq!(
            (request.name.as_str(), request.email.as_str()),
            (sent_name, sent_email)
        );
    }
}

#[tokio::test]
async fn signing_in_again_leaves_the_first_session_alone() {
    let app = TestApp::start().await;
    let id_token = app.id_token("ada");
    let first = app.create_session(&id_token).await.unwrap().session_token;
    let second = app.create_session(&id_token).await.unwrap().session_token;
    assert_ne!(first, second);
    assert_eq!(app.caller(&first).await, app.caller(&second).await);
}

#[tokio::test]
async fn many_sign_in_at_once_over_one_fetch_of_the_keys() {
    let app = TestApp::start().await;
    let sessions = (0..30).map(async |n| {
        let user_id = format!("user-{n}");
        let session = app.create_session(&app.id_token(&user_id)).await.unwrap();
        assert_eq!(session.user_id, user_id);
    });
    join_all(sessions).await;
    assert_eq!(app.google.requests(), 1);
}

#[tokio::test]
async fn an_operator_is_one_from_the_next_session_on() {
    let app = TestApp::start().await;
    let before = app.session("ada").await;
    for _ in 0..2 {
        app.make_operator("ada").await;
    }
    let after = app.session("ada").await;
    assert!(!app.caller(&before).await.is_operator());
    assert!(app.caller(&after).await.is_operator());
    assert!(!app.caller(&app.session("eve").await).await.is_operator());
}

#[tokio::test]
async fn a_profile_svc_that_fails_is_told_as_away_or_as_our_fault() {
    let app = TestApp::start().await;
    let mut all = Vec::new();
    for answer in [
        Answer::Fail(Code::Unavailable),
        Answer::Fail(Code::ResourceExhausted),
        Answer::Fail(Code::PermissionDenied),
        Answer::Tier(SubscriptionTier::Unspecified),
        Answer::Never,
    ] {
        app.profiles.answer_with(answer);
        let status = app.create_session(&app.id_token("ada")).await.unwrap_err();
        all.push(told(&status));
    }
    insta::assert_snapshot!(all.join("\n"), @r"
    Unavailable [PROFILE_UNAVAILABLE] profiles cannot be reached at the moment
    Unavailable [PROFILE_UNAVAILABLE] profiles cannot be reached at the moment
    Internal [-] the service failed; report the x-request-id of this answer
    Internal [-] the service failed; report the x-request-id of this answer
    Unavailable [PROFILE_UNAVAILABLE] profiles cannot be reached at the moment
    ");

    app.profiles
        .answer_with(Answer::Tier(SubscriptionTier::Free));
    app.create_session(&app.id_token("ada")).await.unwrap();
}

#[tokio::test]
async fn a_profile_svc_that_is_not_there_is_told_as_away() {
    let nowhere = |config: &mut Config| config.profile_url = "http://127.0.0.1:1".parse().unwrap();
    let app = TestApp::start_with(nowhere).await;
    let status = app.create_session(&app.id_token("ada")).await.unwrap_err();
    insta::assert_snapshot!(told(&status), @"Unavailable [PROFILE_UNAVAILABLE] profiles cannot be reached at the moment");
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_as_away() {
    let mut app = TestApp::start().await;
    app.session("ada").await;
    app.lose_database();
    let status = app.create_session(&app.id_token("ada")).await.unwrap_err();
    insta::assert_snapshot!(told(&status), @"Unavailable [DATABASE_UNAVAILABLE] the database cannot be reached at the moment");
}
