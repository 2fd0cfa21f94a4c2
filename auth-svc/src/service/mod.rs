//! The RPCs: who is calling, what is asked, act, answer.

mod create_service_client;
mod create_session;
mod get_key_set;
mod issue_delegated_token;
mod issue_livekit_token;
mod issue_service_token;

use std::{sync::Arc, time::Duration};

use proto::insta::{
    auth::v1::{self as pb, auth_service_server::AuthService},
    profile::v1::EnsureProfileRequest,
};
use service_kit::{Caller, ClientId, Scope, Tier, deadline::Deadline};
use tonic::{Request, Response, Status};

use crate::{app::App, error::AuthError};

/// What auth-svc is called to profile-svc.
const OWN_CLIENT: &str = "auth-svc";

/// The service as tonic serves it.
pub(crate) struct Auth(pub(crate) Arc<App>);

#[tonic::async_trait]
impl AuthService for Auth {
    async fn create_session(
        &self,
        request: Request<pb::CreateSessionRequest>,
    ) -> Result<Response<pb::CreateSessionResponse>, Status> {
        answer(self.0.create_session(request).await)
    }

    async fn create_service_client(
        &self,
        request: Request<pb::CreateServiceClientRequest>,
    ) -> Result<Response<pb::CreateServiceClientResponse>, Status> {
        answer(self.0.create_service_client(request.into_inner()).await)
    }

    async fn issue_service_token(
        &self,
        request: Request<pb::IssueServiceTokenRequest>,
    ) -> Result<Response<pb::IssueServiceTokenResponse>, Status> {
        answer(self.0.issue_service_token(request.into_inner()).await)
    }

    async fn issue_delegated_token(
        &self,
        request: Request<pb::IssueDelegatedTokenRequest>,
    ) -> Result<Response<pb::IssueDelegatedTokenResponse>, Status> {
        answer(self.0.issue_delegated_token(request).await)
    }

    async fn issue_livekit_token(
        &self,
        request: Request<pb::IssueLivekitTokenRequest>,
    ) -> Result<Response<pb::IssueLivekitTokenResponse>, Status> {
        answer(self.0.issue_livekit_token(request.into_inner()))
    }

    async fn get_key_set(
        &self,
        _: Request<pb::GetKeySetRequest>,
    ) -> Result<Response<pb::GetKeySetResponse>, Status> {
        answer(self.0.get_key_set().await)
    }
}

fn answer<T>(result: Result<T, AuthError>) -> Result<Response<T>, Status> {
    Ok(Response::new(result?))
}

/// The service client that is calling; the access table lets nobody else come here.
fn service_client<T>(request: &Request<T>) -> Result<ClientId, AuthError> {
    match request.extensions().get() {
        Some(Caller::Service { client_id, .. }) => Ok(client_id.clone()),
        _ => Err(AuthError::WrongCaller),
    }
}

/// How long a request may still take.
fn time_left<T>(request: &Request<T>) -> Duration {
    let deadline = request.extensions().get::<Deadline>();
    deadline.map_or(Duration::MAX, |deadline| deadline.remaining())
}

impl App {
    /// Makes the profile if there is none, as auth-svc itself, and returns its tier.
    async fn ensure_profile(
        &self,
        request: EnsureProfileRequest,
        time: Duration,
    ) -> Result<Tier, AuthError> {
        let own = Caller::Service {
            client_id: OWN_CLIENT.parse().expect("it is a good id"),
            scopes: [Scope::ProfileEnsure].into(),
        };
        let (token, _) = self.keys.ring().await?.sign(&own, self.clock.now())?;
        Ok(self.profiles.ensure(request, &token, time).await?)
    }
}
