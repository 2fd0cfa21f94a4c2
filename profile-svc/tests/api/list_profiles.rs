use proto::insta::profile::v1::{self as pb, SubscriptionTier};
use service_kit::Scope;
use test_kit::told;

use crate::app::TestApp;

async fn list(app: &TestApp, request: pb::ListProfilesRequest) -> pb::ListProfilesResponse {
    let request = app.service(&[Scope::ProfileRead], request);
    app.client()
        .list_profiles(request)
        .await
        .unwrap()
        .into_inner()
}

fn ids(response: &pb::ListProfilesResponse) -> Vec<&str> {
    response
        .profiles
        .iter()
        .map(|profile| profile.user_id.as_str())
        .collect()
}

#[tokio::test]
async fn profiles_come_a_page_at_a_time() {
    let app = TestApp::start().await;
    for user in ["c", "a", "b"] {
        app.sign_in(user).await;
    }
    let first = list(
        &app,
        pb::ListProfilesRequest {
            page_size: 2,
            ..Default::default()
        },
    )
    .await;
    assert_eq!(ids(&first), ["a", "b"]);
    let second = pb::ListProfilesRequest {
        page_size: 2,
        page_token: first.next_page_token,
        ..Default::default()
    };
    let second = list(&app, second).await;
    assert_eq!(
        (ids(&second), second.next_page_token.as_str()),
        (vec!["c"], "")
    );
}

#[tokio::test]
async fn profiles_are_found_by_email_and_tier() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    app.sign_in("eve").await;
    let by_email = pb::ListProfilesRequest {
        email: "ADA@example.COM".into(),
        ..Default::default()
    };
    assert_eq!(ids(&list(&app, by_email).await), ["ada"]);
    let by_tier = pb::ListProfilesRequest {
        subscription_tier: SubscriptionTier::Pro.into(),
        ..Default::default()
    };
    assert!(ids(&list(&app, by_tier).await).is_empty());
}

#[tokio::test]
async fn wrong_pages_are_named() {
    let app = TestApp::start().await;
    let request = pb::ListProfilesRequest {
        page_size: 1000,
        page_token: "elsewhere".into(),
        subscription_tier: 77,
        ..Default::default()
    };
    let request = app.service(&[Scope::ProfileRead], request);
    let error = app.client().list_profiles(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error));
}
