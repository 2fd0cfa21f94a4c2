//! Who is let in, seen from outside.

use chrono::TimeDelta;
use proto::insta::profile::v1 as pb;
use service_kit::{CallId, Caller, Scope};
use test_kit::{Identity, told};
use tonic::{Request, Status};

use crate::app::TestApp;

async fn get(app: &TestApp, caller: &Caller, user_id: &str) -> Result<pb::Profile, Status> {
    let request = app.from(
        caller,
        pb::GetProfileRequest {
            user_id: user_id.into(),
        },
    );
    Ok(app
        .client()
        .get_profile(request)
        .await?
        .into_inner()
        .profile
        .unwrap())
}

#[tokio::test]
async fn anothers_profile_is_not_found_and_never_forbidden() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let call = CallId::generate();
    for stranger in [Identity::user("eve"), Identity::delegate("eve", call)] {
        for name in ["ada", "nobody"] {
            let error = get(&app, &stranger, name).await.unwrap_err();
            assert_eq!(
                told(&error),
                "NotFound [PROFILE_NOT_FOUND] there is no such profile"
            );
        }
    }
    assert!(
        get(&app, &Identity::delegate("ada", call), "")
            .await
            .is_ok()
    );
    assert!(
        get(&app, &Identity::service(&[Scope::ProfileRead]), "ada")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn tokens_that_are_absent_wrong_expired_foreign_or_too_weak() {
    let app = TestApp::start().await;
    app.sign_in("ada").await;
    let get = async |request: Request<pb::GetProfileRequest>| {
        told(&app.client().get_profile(request).await.unwrap_err())
    };
    let with = |value: String| {
        let mut request = Request::new(pb::GetProfileRequest::default());
        request
            .metadata_mut()
            .insert("authorization", value.parse().unwrap());
        request
    };
    let ada = Identity::user("ada");
    let absent = get(Request::new(pb::GetProfileRequest::default())).await;
    let scheme = get(with("Basic YWRhOmFkYQ==".into())).await;
    let nonsense = get(with("Bearer nonsense".into())).await;
    let foreign = get(with(format!("Bearer {}", Identity::default().token(&ada)))).await;
    let expired = app.identity.request(&ada, pb::GetProfileRequest::default());
    app.clock.advance(TimeDelta::minutes(16));
    let expired = get(expired).await;
    let weak = Identity::service(&[Scope::KnowledgeRead]);
    let weak = get(app.from(
        &weak,
        pb::GetProfileRequest {
            user_id: "ada".into(),
        },
    ))
    .await;
    insta::assert_snapshot!([absent, scheme, nonsense, foreign, expired, weak].join("\n"));
}
