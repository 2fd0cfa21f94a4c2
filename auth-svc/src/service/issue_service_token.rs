//! From a client's id and secret to a service token.

use proto::insta::auth::v1 as pb;
use service_kit::{Caller, field};

use crate::{app::App, domain::credentials::Credentials, error::AuthError, store::service_clients};

impl App {
    pub(super) async fn issue_service_token(
        &self,
        request: pb::IssueServiceTokenRequest,
    ) -> Result<pb::IssueServiceTokenResponse, AuthError> {
        let credentials = Credentials::try_from(request)?;
        let client = {
            let mut connection = self.db.get().await?;
            service_clients::find(&mut connection, &credentials.client_id).await?
            // The connection goes back here: hashing takes a while.
        };
        let hash = client.as_ref().map(|client| client.secret_hash.as_str());
        let right = self
            .secrets
            .verify(&credentials.client_id, &credentials.secret, hash)
            .await?;
        let client = client
            .filter(|client| right && !client.disabled)
            .ok_or(AuthError::ClientCredentials)?;
        if let Some(scope) = credentials.scopes.difference(&client.scopes).next() {
            return Err(AuthError::ScopeNotGranted(*scope));
        }
        let scopes = if credentials.scopes.is_empty() {
            client.scopes
        } else {
            credentials.scopes
        };
        let caller = Caller::Service {
            client_id: credentials.client_id,
            scopes,
        };
        let (service_token, end) = self.keys.ring().await?.sign(&caller, self.clock.now())?;
        Ok(pb::IssueServiceTokenResponse {
            service_token,
            expire_time: Some(field::timestamp(end)),
        })
    }
}
