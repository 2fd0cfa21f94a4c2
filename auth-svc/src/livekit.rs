//! LiveKit: tokens signed with its secret, and the one question that is asked of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use livekit_api::{
    access_token::{AccessToken, AccessTokenError, Claims, VideoGrants},
    services::{ServerError, ServerErrorCode, ServiceError, room::RoomClient},
};
use livekit_protocol::{
    RoomAgentDispatch, RoomConfiguration,
    participant_info::{Kind, State},
};
use secrecy::{ExposeSecret, SecretString};
use service_kit::UserId;

use crate::{
    config::LivekitConfig,
    domain::livekit_grant::{LivekitGrant, RoomName},
};

/// It bounds joining, not staying: the server renews the tokens of those who are connected.
const TOKEN_LIFETIME: Duration = Duration::from_secs(10 * 60);
const TIMEOUT: Duration = Duration::from_secs(3);

/// The LiveKit server and its secret.
pub(crate) struct Livekit {
    rooms: RoomClient,
    api_key: String,
    api_secret: SecretString,
}

/// Why LiveKit did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LivekitError {
    /// The server is away.
    #[error("LiveKit cannot be reached at the moment")]
    Unavailable,
    /// It refuses us, most likely over the API key.
    #[error("LiveKit refused a request")]
    Fault(#[source] ServiceError),
}

impl Livekit {
    /// The server of these settings, asked when it is first needed.
    pub(crate) fn new(config: &LivekitConfig) -> Self {
        let (key, secret) = (&config.livekit_api_key, &config.livekit_api_secret);
        let url = config.livekit_url.to_string();
        let rooms =
            RoomClient::with_api_key(url.trim_end_matches('/'), key, secret.expose_secret());
        Self {
            rooms: rooms.with_request_timeout(TIMEOUT),
            api_key: key.clone(),
            api_secret: secret.clone(),
        }
    }

    /// A token for `grant`, and when it ends. The library dates it by the machine's clock.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn sign(
        &self,
        grant: &LivekitGrant,
    ) -> Result<(String, DateTime<Utc>), AccessTokenError> {
        let token = AccessToken::with_api_key(&self.api_key, self.api_secret.expose_secret())
            .with_ttl(TOKEN_LIFETIME);
        let token = describe(token, grant).to_jwt()?;
        let end = i64::try_from(Claims::from_unverified(&token)?.exp).ok();
        let end = end.and_then(|end| DateTime::from_timestamp(end, 0));
        Ok((token, end.unwrap_or_default()))
    }

    /// Whether `identity` is an ordinary person who is in `room` now: no agent, recorder or phone line.
    ///
    /// # Errors
    /// See [`LivekitError`].
    pub(crate) async fn has_person(
        &self,
        room: &RoomName,
        identity: &UserId,
    ) -> Result<bool, LivekitError> {
        let participant = self.rooms.get_participant(room.as_str(), identity.as_str());
        match participant.await {
            Ok(participant) => Ok(participant.kind() == Kind::Standard
                && participant.state() != State::Disconnected
                && participant.identity == identity.as_str()),
            Err(ServiceError::Twirp(ServerError::Twirp(error)))
                if error.code == ServerErrorCode::NOT_FOUND =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: ServiceError) -> LivekitError {
    let away = match &error {
        ServiceError::Twirp(ServerError::Request(_)) => true,
        ServiceError::Twirp(ServerError::Twirp(error)) => matches!(
            error.code.as_str(),
            ServerErrorCode::UNAVAILABLE
                | ServerErrorCode::DEADLINE_EXCEEDED
                | ServerErrorCode::RESOURCE_EXHAUSTED
        ),
        _ => false,
    };
    if away {
        tracing::warn!(%error, "LiveKit could not be asked");
        return LivekitError::Unavailable;
    }
    LivekitError::Fault(error)
}

/// Writes `grant` into `token`. What is left unsaid LiveKit takes as granted, so everything is said.
fn describe(token: AccessToken, grant: &LivekitGrant) -> AccessToken {
    match grant {
        LivekitGrant::Participant {
            room,
            identity,
            name,
            dispatch,
        } => {
            let token = token
                .with_identity(identity.as_str())
                .with_name(name)
                .with_grants(VideoGrants {
                    can_publish_sources: vec!["microphone".into()],
                    can_update_own_metadata: Some(false),
                    ..joining(room)
                });
            match dispatch {
                None => token,
                Some(dispatch) => token.with_room_config(RoomConfiguration {
                    agents: vec![RoomAgentDispatch {
                        agent_name: dispatch.agent_name.clone(),
                        metadata: dispatch.metadata.clone(),
                        ..Default::default()
                    }],
                    ..Default::default()
                }),
            }
        }
        LivekitGrant::Agent {
            room,
            identity,
            name,
        } => token
            .with_kind("agent")
            .with_identity(identity)
            .with_name(name)
            .with_grants(VideoGrants {
                agent: true,
                can_update_own_metadata: Some(true),
                ..joining(room)
            }),
        LivekitGrant::Worker => token.with_grants(VideoGrants {
            agent: true,
            ..VideoGrants::default()
        }),
        LivekitGrant::RoomAdmin { room } => token.with_grants(VideoGrants {
            room_admin: true,
            room: room.as_str().into(),
            // LiveKit asks for this to delete a room, and knows no such right for one room alone.
            room_create: true,
            ..VideoGrants::default()
        }),
    }
}

fn joining(room: &RoomName) -> VideoGrants {
    VideoGrants {
        room_join: true,
        room: room.as_str().into(),
        can_publish: Some(true),
        can_subscribe: Some(true),
        can_publish_data: Some(true),
        ..VideoGrants::default()
    }
}
