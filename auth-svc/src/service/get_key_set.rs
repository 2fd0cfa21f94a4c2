//! The public keys of our tokens.

use proto::insta::auth::v1 as pb;

use crate::{app::App, error::AuthError};

impl App {
    pub(super) async fn get_key_set(&self) -> Result<pb::GetKeySetResponse, AuthError> {
        let keys = self.keys.ring().await?.published().to_vec();
        Ok(pb::GetKeySetResponse { keys })
    }
}
