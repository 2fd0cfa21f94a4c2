//! A LiveKit token for one narrow purpose.

use proto::insta::auth::v1 as pb;
use service_kit::field;

use crate::{app::App, domain::livekit_grant::LivekitGrant, error::AuthError};

impl App {
    pub(super) fn issue_livekit_token(
        &self,
        request: pb::IssueLivekitTokenRequest,
    ) -> Result<pb::IssueLivekitTokenResponse, AuthError> {
        let grant = LivekitGrant::try_from(request)?;
        let (livekit_token, end) = self.livekit.sign(&grant)?;
        Ok(pb::IssueLivekitTokenResponse {
            livekit_token,
            expire_time: Some(field::timestamp(end)),
        })
    }
}
