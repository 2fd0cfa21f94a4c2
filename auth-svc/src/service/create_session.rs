//! From a Firebase ID token to a session token.

use proto::insta::{auth::v1 as pb, profile::v1::EnsureProfileRequest};
use service_kit::{Caller, field};
use tonic::Request;

use super::time_left;
use crate::{app::App, domain::id_token::FirebaseUser, error::AuthError, store::operators};

impl App {
    pub(super) async fn create_session(
        &self,
        request: Request<pb::CreateSessionRequest>,
    ) -> Result<pb::CreateSessionResponse, AuthError> {
        let time = time_left(&request);
        let user = self.firebase.verify(&request.get_ref().id_token).await?;
        let is_operator = async {
            let mut connection = self.db.get().await?;
            Ok(operators::contains(&mut connection, &user.user_id).await?)
        };
        let profile = self.ensure_profile(profile(&user), time);
        let (tier, operator) = tokio::try_join!(profile, is_operator)?;

        let caller = Caller::User {
            user_id: user.user_id.clone(),
            tier,
            operator,
        };
        let (session_token, end) = self.keys.ring().await?.sign(&caller, self.clock.now())?;
        Ok(pb::CreateSessionResponse {
            session_token,
            expire_time: Some(field::timestamp(end)),
            user_id: user.user_id.into(),
        })
    }
}

/// What the identity provider knows of a person. An address that profile-svc would refuse is left out: a sign-in
/// must not fail over it.
fn profile(user: &FirebaseUser) -> EnsureProfileRequest {
    let email = user.email.trim();
    let has_form = email.contains('@') && !email.starts_with('@') && !email.ends_with('@');
    let is_plain = email.chars().count() <= 254 && !email.chars().any(char::is_whitespace);
    let email = if has_form && is_plain { email } else { "" };
    EnsureProfileRequest {
        user_id: user.user_id.as_str().into(),
        name: user.name.replace(char::is_control, " "),
        email: email.into(),
    }
}
