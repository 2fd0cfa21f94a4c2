//! Registering a service client.

use proto::insta::auth::v1 as pb;
use secrecy::ExposeSecret;

use crate::{
    app::App,
    domain::credentials::Registration,
    error::AuthError,
    secrets::Secrets,
    store::service_clients::{self, NewClient},
};

impl App {
    pub(super) async fn create_service_client(
        &self,
        request: pb::CreateServiceClientRequest,
    ) -> Result<pb::CreateServiceClientResponse, AuthError> {
        let registration = Registration::try_from(request)?;
        let secret = Secrets::generate()?;
        let hash = self.secrets.hash(&secret).await?;
        let client = NewClient {
            client_id: &registration.client_id,
            secret_hash: &hash,
            scopes: &registration.scopes,
            create_time: self.clock.now(),
        };
        let mut connection = self.db.get().await?;
        if !service_clients::insert(&mut connection, &client).await? {
            return Err(AuthError::ClientExists);
        }
        let scopes = registration.scopes.iter().map(ToString::to_string);
        Ok(pb::CreateServiceClientResponse {
            client_id: registration.client_id.into(),
            client_secret: secret.expose_secret().to_owned(),
            scopes: scopes.collect(),
        })
    }
}
