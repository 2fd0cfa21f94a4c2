use proto::insta::profile::v1::{self as pb, SubscriptionTier};
use service_kit::Scope;
use test_kit::told;

use crate::app::TestApp;

#[tokio::test]
async fn a_first_sign_in_makes_a_free_profile() {
    let app = TestApp::start().await;
    let profile = app.sign_in("ada").await;
    assert_eq!(profile.subscription_tier(), SubscriptionTier::Free);
    assert_eq!(
        (profile.name.as_str(), profile.email.as_str()),
        ("ADA", "ada@example.com")
    );
    assert_eq!(app.profile("ada").await, profile);
}

#[tokio::test]
async fn signing_in_again_only_fills_what_is_empty() {
    let app = TestApp::start().await;
    let ensure = |name: &str, email: &str| {
        let request = pb::EnsureProfileRequest {
            user_id: "ada".into(),
            name: name.into(),
            email: email.into(),
        };
        app.service(&[Scope::ProfileEnsure], request)
    };
    app.client()
        .ensure_profile(ensure("", "ada@example.com"))
        .await
        .unwrap();
    app.client()
        .ensure_profile(ensure("Ada", "other@example.com"))
        .await
        .unwrap();
    let profile = app.profile("ada").await;
    assert_eq!(
        (profile.name.as_str(), profile.email.as_str()),
        ("Ada", "ada@example.com")
    );
}

#[tokio::test]
async fn ten_sign_ins_at_once_make_one_profile() {
    let app = TestApp::start().await;
    futures::future::join_all((0..10).map(|_| app.sign_in("ada"))).await;
    let request = app.service(&[Scope::ProfileRead], pb::ListProfilesRequest::default());
    let listed = app
        .client()
        .list_profiles(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.profiles.len(), 1);
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    let request = pb::EnsureProfileRequest {
        user_id: "a b".into(),
        name: "x".repeat(500),
        email: "not an address".into(),
    };
    let error = app
        .client()
        .ensure_profile(app.service(&[Scope::ProfileEnsure], request))
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error));
}
