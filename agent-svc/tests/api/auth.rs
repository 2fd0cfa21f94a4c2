//! A scripted auth-svc: it believes session tokens of the test's identity and issues what it is
//! asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, Utc};
use livekit_api::access_token::VideoGrants;
use proto::insta::auth::v1 as pb;
use proto::insta::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use proto::insta::auth::v1::issue_delegated_token_request::Proof;
use proto::insta::auth::v1::issue_livekit_token_request::Grant;
use secrecy::{ExposeSecret as _, SecretString};
use service_kit::{Caller, Scope, field::timestamp};
use test_kit::{Identity, LivekitKeys, livekit_grants};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

struct Scripted {
    identity: Arc<Identity>,
    /// What LiveKit's tokens are signed with; without it they only say what they are for.
    livekit: Option<LivekitKeys>,
    confirming: watch::Receiver<Confirming>,
    /// The users of the calls that a token was issued for.
    calls: Mutex<HashMap<String, String>>,
}

/// What becomes of the question whether somebody is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirming {
    AtOnce,
    /// Not yet.
    Held,
    /// They are not.
    Refused,
}

/// Says how it behaves.
pub struct Control(watch::Sender<Confirming>);

impl Control {
    pub fn confirm(&self, confirming: Confirming) {
        self.0.send_replace(confirming);
    }
}

/// Starts it; gives its address.
pub async fn start(identity: Arc<Identity>, livekit: Option<LivekitKeys>) -> (String, Control) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let control = watch::Sender::new(Confirming::AtOnce);
    let scripted = Scripted {
        identity,
        livekit,
        confirming: control.subscribe(),
        calls: Mutex::default(),
    };
    let server = tonic::transport::Server::builder()
        .add_service(AuthServiceServer::new(scripted))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    (address, Control(control))
}

impl Scripted {
    /// Whose call it is by this proof.
    async fn user(&self, call: &str, proof: Option<Proof>) -> Result<String, Status> {
        match proof {
            Some(Proof::SessionToken(session)) => {
                match self.identity.verifier().verify(&session).await {
                    Ok(Caller::User { user_id, .. }) => Ok(user_id.to_string()),
                    _ => Err(Status::unauthenticated("no session")),
                }
            }
            Some(Proof::LivekitParticipant(participant)) => {
                let mut confirming = self.confirming.clone();
                let is_decided = |confirming: &Confirming| *confirming != Confirming::Held;
                match confirming.wait_for(is_decided).await.as_deref() {
                    Ok(Confirming::AtOnce) => Ok(participant.identity),
                    _ => Err(Status::permission_denied("nobody of that name is there")),
                }
            }
            Some(Proof::Renewal(_)) => {
                let known = self.calls.lock().unwrap().get(call).cloned();
                known.ok_or_else(|| Status::not_found("no token was issued before"))
            }
            None => Err(Status::invalid_argument("a proof is missing")),
        }
    }
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
            service_token: self
                .identity
                .token(&Identity::service(&[Scope::CallsServe])),
            expire_time: later(),
        }))
    }

    async fn issue_delegated_token(
        &self,
        request: Request<pb::IssueDelegatedTokenRequest>,
    ) -> Answer<pb::IssueDelegatedTokenResponse> {
        let request = request.into_inner();
        let user = self.user(&request.call_id, request.proof).await?;
        let call = request.call_id.parse().expect("agent-svc names a call");
        let delegate = Identity::delegate(&user, call);
        let mut calls = self.calls.lock().unwrap();
        calls.insert(request.call_id, user.clone());
        Ok(Response::new(pb::IssueDelegatedTokenResponse {
            delegated_token: self.identity.token(&delegate),
            expire_time: later(),
            user_id: user,
        }))
    }

    async fn issue_livekit_token(
        &self,
        request: Request<pb::IssueLivekitTokenRequest>,
    ) -> Answer<pb::IssueLivekitTokenResponse> {
        let grant = request.into_inner().grant;
        let grant = grant.ok_or_else(|| Status::invalid_argument("a grant is missing"))?;
        let what = match &self.livekit {
            Some(keys) => signed(keys, grant).expose_secret().to_owned(),
            None => in_words(grant),
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

/// A token that says what it is for.
fn in_words(grant: Grant) -> String {
    match grant {
        Grant::Participant(grant) => format!("caller {} {}", grant.identity, grant.room),
        Grant::Agent(grant) => format!("agent {}", grant.room),
        Grant::Worker(_) => "worker".to_owned(),
        Grant::RoomAdmin(grant) => format!("admin {}", grant.room),
    }
}

/// A token that LiveKit believes.
fn signed(keys: &LivekitKeys, grant: Grant) -> SecretString {
    match grant {
        Grant::Participant(grant) => {
            keys.mint(&grant.identity, "standard", livekit_grants(&grant.room))
        }
        Grant::Agent(grant) => keys.agent_token(&grant.room, &grant.identity),
        Grant::Worker(_) => keys.sign(|token| {
            token.with_grants(VideoGrants {
                agent: true,
                ..VideoGrants::default()
            })
        }),
        Grant::RoomAdmin(grant) => keys.sign(|token| {
            token.with_grants(VideoGrants {
                room_admin: true,
                room: grant.room,
                ..VideoGrants::default()
            })
        }),
    }
}
