//! A scripted auth-svc: it believes session tokens of the test's identity and issues what it is
//! asked for.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use proto::insta::auth::v1 as pb;
use proto::insta::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use proto::insta::auth::v1::issue_delegated_token_request::Proof;
use proto::insta::auth::v1::issue_livekit_token_request::Grant;
use service_kit::{Caller, Scope, field::timestamp};
use test_kit::Identity;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

struct Scripted(Arc<Identity>);

/// Starts it; gives its address.
pub async fn start(identity: Arc<Identity>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder()
        .add_service(AuthServiceServer::new(Scripted(identity)))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    address
}

type Answer<T> = Result<Response<T>, Status>;

fn later() -> Option<prost_types::Timestamp> {
    Some(timestamp(Utc::now() + TimeDelta::minutes(5)))
}

#[tonic::async_trait]
impl AuthService for Scripted {
    async fn issue_service_token(
        &self,
        _: Request<pb::IssueServiceTokenRequest>,
    ) -> Answer<pb::IssueServiceTokenResponse> {
        Ok(Response::new(pb::IssueServiceTokenResponse {
            service_token: self.0.token(&Identity::service(&[Scope::CallsServe])),
            expire_time: later(),
        }))
    }

    async fn issue_delegated_token(
        &self,
        request: Request<pb::IssueDelegatedTokenRequest>,
    ) -> Answer<pb::IssueDelegatedTokenResponse> {
        let request = request.into_inner();
        let Some(Proof::SessionToken(session)) = request.proof else {
            return Err(Status::not_found("only sessions are scripted"));
        };
        let caller = self.0.verifier().verify(&session).await;
        let Ok(Caller::User { user_id, .. }) = caller else {
            return Err(Status::unauthenticated("no session"));
        };
        let call = request.call_id.parse().expect("agent-svc names a call");
        Ok(Response::new(pb::IssueDelegatedTokenResponse {
            delegated_token: self.0.token(&Identity::delegate(user_id.as_str(), call)),
            expire_time: later(),
            user_id: user_id.to_string(),
        }))
    }

    async fn issue_livekit_token(
        &self,
        request: Request<pb::IssueLivekitTokenRequest>,
    ) -> Answer<pb::IssueLivekitTokenResponse> {
        let what = match request.into_inner().grant {
            Some(Grant::Participant(grant)) => format!("caller {} {}", grant.identity, grant.room),
            Some(Grant::Agent(grant)) => format!("agent {}", grant.room),
            Some(Grant::Worker(_)) => "worker".to_owned(),
            Some(Grant::RoomAdmin(grant)) => format!("admin {}", grant.room),
            None => return Err(Status::invalid_argument("a grant is missing")),
        };
        Ok(Response::new(pb::IssueLivekitTokenResponse {
            livekit_token: what,
            expire_time: later(),
        }))
    }

    async fn create_session(
        &self,
        _: Request<pb::CreateSessionRequest>,
    ) -> Answer<pb::CreateSessionResponse> {
        Err(Status::unimplemented("agent-svc makes no sessions"))
    }

    async fn create_service_client(
        &self,
        _: Request<pb::CreateServiceClientRequest>,
    ) -> Answer<pb::CreateServiceClientResponse> {
        Err(Status::unimplemented("agent-svc makes no clients"))
    }

    async fn get_key_set(&self, _: Request<pb::GetKeySetRequest>) -> Answer<pb::GetKeySetResponse> {
        Err(Status::unimplemented("the test verifies tokens itself"))
    }
}
