use prost_types::FieldMask;
use proto::insta::profile::v1::{self as pb, SubscriptionTier};
use service_kit::{CallId, Scope};
use test_kit::{Identity, told};

use crate::app::TestApp;

fn change(profile: pb::Profile, paths: &[&str]) -> pb::UpdateProfileRequest {
    let paths = paths.iter().map(ToString::to_string).collect();
    pb::UpdateProfileRequest {
        profile: Some(profile),
        update_mask: Some(FieldMask { paths }),
    }
}

fn named(name: &str) -> pb::Profile {
    pb::Profile {
        name: name.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn people_rename_themselves() {
    let app = TestApp::start().await;
    let before = app.sign_in("ada").await;
    let request = app.user("ada", change(named("  Ada Lovelace "), &["name"]));
    let after = app
        .client()
        .update_profile(request)
        .await
        .unwrap()
        .into_inner()
        .profile
        .unwrap();
    assert_eq!(after.name, "Ada Lovelace");
    assert_ne!(after.etag, before.etag);
    assert_eq!(app.profile("ada").await, after);
}

#[tokio::test]
async fn people_change_neither_their_tier_nor_others() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    app.sign_in("eve").await;
    let tier = pb::Profile {
        subscription_tier: SubscriptionTier::Enterprise.into(),
        ..Default::default()
    };
    let request = app.user("eve", change(tier, &["name", "subscription_tier"]));
    let error = app.client().update_profile(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"PermissionDenied [FIELD_NOT_WRITABLE] subscription_tier cannot be changed with this token");

    let other = pb::Profile {
        user_id: "ada".into(),
        ..named("Eve")
    };
    let request = app.user("eve", change(other, &["name"]));
    let error = app.client().update_profile(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error), @"NotFound [PROFILE_NOT_FOUND] there is no such profile");
    assert_eq!(app.profile("ada").await.name, "ADA");
}

#[tokio::test]
async fn an_agent_renames_the_one_user_of_its_call_and_changes_nothing_else() {
    let app = TestApp::start().await;
    let before = app.sign_in("ada").await;
    app.sign_in("eve").await;
    let agent = Identity::delegate("ada", CallId::generate());
    let ask = async |profile, paths: &[&str]| {
        let request = app.from(&agent, change(profile, paths));
        let answer = app.client().update_profile(request).await;
        answer.map(|answer| answer.into_inner().profile.unwrap())
    };
    let after = ask(named("Ada Lovelace"), &["name"]).await.unwrap();
    assert_eq!(
        (after.name.as_str(), &after.email),
        ("Ada Lovelace", &before.email)
    );

    let other = pb::Profile {
        user_id: "eve".into(),
        ..named("Ada")
    };
    let stranger = told(&ask(other, &["name"]).await.unwrap_err());
    let tier = told(&ask(named("Ada"), &["subscription_tier"]).await.unwrap_err());
    let email = told(&ask(named("Ada"), &["name", "email"]).await.unwrap_err());
    insta::assert_snapshot!([stranger, tier, email].join("\n"), @r"
    NotFound [PROFILE_NOT_FOUND] there is no such profile
    PermissionDenied [FIELD_NOT_WRITABLE] subscription_tier cannot be changed with this token
    PermissionDenied [FIELD_NOT_WRITABLE] email cannot be changed with this token
    ");
    assert_eq!(app.profile("eve").await.name, "EVE");
    assert_eq!(app.profile("ada").await, after);
}

#[tokio::test]
async fn a_system_sets_the_tier_and_nothing_else_changes() {
    let app = TestApp::start().await;
    let before = app.sign_in("ada").await;
    let profile = pb::Profile {
        user_id: "ada".into(),
        subscription_tier: SubscriptionTier::Pro.into(),
        ..named("not in the mask")
    };
    let request = app.service(
        &[Scope::ProfileWrite],
        change(profile, &["subscription_tier"]),
    );
    let after = app
        .client()
        .update_profile(request)
        .await
        .unwrap()
        .into_inner()
        .profile
        .unwrap();
    assert_eq!(after.subscription_tier(), SubscriptionTier::Pro);
    assert_eq!(after.name, before.name);
}

#[tokio::test]
async fn the_second_of_two_writers_with_one_etag_loses() {
    let app = TestApp::start().await;
    let etag = app.sign_in("ada").await.etag;
    let rename = |name: &str| {
        let profile = pb::Profile {
            etag: etag.clone(),
            ..named(name)
        };
        let request = app.user("ada", change(profile, &["name"]));
        let mut client = app.client();
        async move { client.update_profile(request).await }
    };
    let (one, other) = tokio::join!(rename("One"), rename("Other"));
    let mut results = [one, other];
    results.sort_by_key(Result::is_err);
    let [won, lost] = results;
    let won = won.unwrap().into_inner().profile.unwrap();
    assert_eq!(app.profile("ada").await, won);
    insta::assert_snapshot!(told(&lost.unwrap_err()), @"Aborted [ETAG_MISMATCH] the profile has changed since it was read; read it again");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let profile = pb::Profile {
        name: "x".repeat(81),
        email: "nowhere".into(),
        etag: "yesterday".into(),
        user_id: "ada".into(),
        ..Default::default()
    };
    let request = change(profile, &["name", "email", "subscription_tier", "etag"]);
    let request = app.service(&[Scope::ProfileWrite], request);
    let error = app.client().update_profile(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error));

    let request = app.user("ada", pb::UpdateProfileRequest::default());
    let error = app.client().update_profile(request).await.unwrap_err();
    insta::assert_snapshot!(told(&error));
}
