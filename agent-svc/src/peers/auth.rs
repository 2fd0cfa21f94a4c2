//! auth-svc: every token that a call needs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proto::insta::auth::v1::auth_service_client::AuthServiceClient;
use proto::insta::auth::v1::issue_delegated_token_request as delegated;
use proto::insta::auth::v1::issue_livekit_token_request as livekit;
use proto::insta::auth::v1::{IssueDelegatedTokenRequest, IssueLivekitTokenRequest};
use secrecy::{ExposeSecret, SecretString};
use service_kit::client::{BearerToken, ServiceTokens, request};
use service_kit::{CallId, UserId, field};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::PeerError;

const TIMEOUT: Duration = Duration::from_secs(3);

/// auth-svc, asked in this service's own name. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    client: AuthServiceClient<Channel>,
    tokens: ServiceTokens,
}

/// What proves that a user takes part in a call.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The user's session token.
    Session(SecretString),
    /// A token for the call was issued before.
    Renewal,
    /// LiveKit sees this participant in the room.
    Participant {
        /// The room.
        room: String,
        /// The participant, whose identity is the user id.
        identity: String,
    },
}

/// What a LiveKit token is for.
#[derive(Debug, Clone)]
pub enum LivekitGrant {
    /// A caller joins a room.
    Caller {
        /// The room.
        room: String,
        /// The caller.
        user: UserId,
    },
    /// The assistant joins a room.
    Agent {
        /// The room.
        room: String,
        /// Its identity there.
        identity: String,
        /// Its name there.
        name: String,
    },
    /// A worker registers.
    Worker,
    /// Somebody is to be removed from a room.
    RoomAdmin {
        /// The room.
        room: String,
    },
}

/// A delegated token as it was issued.
pub(super) struct Issued {
    pub(super) token: BearerToken,
    pub(super) expires: DateTime<Utc>,
    pub(super) user: UserId,
}

impl Auth {
    /// auth-svc at the other end of `channel`.
    pub fn new(channel: Channel, tokens: ServiceTokens) -> Self {
        Self {
            client: AuthServiceClient::new(channel),
            tokens,
        }
    }

    /// A LiveKit token.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn livekit_token(&self, grant: LivekitGrant) -> Result<SecretString, PeerError> {
        let grant = match grant {
            LivekitGrant::Caller { room, user } => {
                livekit::Grant::Participant(livekit::ParticipantGrant {
                    room,
                    identity: user.into(),
                    ..livekit::ParticipantGrant::default()
                })
            }
            LivekitGrant::Agent {
                room,
                identity,
                name,
            } => livekit::Grant::Agent(livekit::AgentGrant {
                room,
                identity,
                name,
            }),
            LivekitGrant::Worker => livekit::Grant::Worker(livekit::WorkerGrant {}),
            LivekitGrant::RoomAdmin { room } => {
                livekit::Grant::RoomAdmin(livekit::RoomAdminGrant { room })
            }
        };
        let message = IssueLivekitTokenRequest { grant: Some(grant) };
        let request = request(message, &self.tokens.get().await?, TIMEOUT);
        let answer = self.client.clone().issue_livekit_token(request).await?;
        Ok(answer.into_inner().livekit_token.into())
    }

    pub(super) async fn delegate(&self, call: CallId, proof: &Proof) -> Result<Issued, PeerError> {
        let proof = match proof {
            Proof::Session(token) => {
                delegated::Proof::SessionToken(token.expose_secret().to_owned())
            }
            Proof::Renewal => delegated::Proof::Renewal(delegated::Renewal {}),
            Proof::Participant { room, identity } => {
                delegated::Proof::LivekitParticipant(delegated::LivekitParticipant {
                    room: room.clone(),
                    identity: identity.clone(),
                })
            }
        };
        let message = IssueDelegatedTokenRequest {
            call_id: call.to_string(),
            proof: Some(proof),
        };
        let request = request(message, &self.tokens.get().await?, TIMEOUT);
        let answer = self
            .client
            .clone()
            .issue_delegated_token(request)
            .await?
            .into_inner();
        let broken = || PeerError::from(Status::new(Code::Internal, "auth-svc broke its contract"));
        Ok(Issued {
            token: BearerToken::new(&answer.delegated_token)?,
            expires: answer
                .expire_time
                .and_then(|time| field::time(time).ok())
                .ok_or_else(broken)?,
            user: answer.user_id.parse().map_err(|_| broken())?,
        })
    }
}
