//! A token with which a service acts for one user in one call.

use std::time::Duration;

use proto::insta::{auth::v1 as pb, profile::v1::EnsureProfileRequest};
use service_kit::{CallId, Caller, ClientId, Tier, UserId, field};
use tonic::Request;

use super::{service_client, time_left};
use crate::{
    app::App,
    domain::{
        delegation::{DelegationRequest, Proof},
        livekit_grant::RoomName,
    },
    error::AuthError,
    store::delegations::{self, Delegation},
};

impl App {
    pub(super) async fn issue_delegated_token(
        &self,
        request: Request<pb::IssueDelegatedTokenRequest>,
    ) -> Result<pb::IssueDelegatedTokenResponse, AuthError> {
        let client_id = service_client(&request)?;
        let time = time_left(&request);
        let DelegationRequest { call_id, proof } = request.into_inner().try_into()?;
        let delegation = match proof {
            Proof::Session(token) => {
                let (user_id, tier) = self.session(&token).await?;
                self.delegate(call_id, client_id, user_id, tier).await?
            }
            Proof::Participant { room, identity } => {
                let tier = self.participant(&room, &identity, time).await?;
                self.delegate(call_id, client_id, identity, tier).await?
            }
            Proof::Renewal => self.renew(call_id, &client_id).await?,
        };
        self.delegated_token(delegation).await
    }

    /// Whose live session `token` is.
    async fn session(&self, token: &str) -> Result<(UserId, Tier), AuthError> {
        // Without keys nothing is known of the token, and that is not the client's fault.
        self.keys.ring().await?;
        match self.verifier.verify(token).await {
            Ok(Caller::User { user_id, tier, .. }) => Ok((user_id, tier)),
            Ok(_) | Err(_) => Err(AuthError::SessionInvalid),
        }
    }

    /// The tier of a person who is in a room of LiveKit.
    async fn participant(
        &self,
        room: &RoomName,
        identity: &UserId,
        time: Duration,
    ) -> Result<Tier, AuthError> {
        if !self.livekit.has_person(room, identity).await? {
            return Err(AuthError::ParticipantNotFound);
        }
        let profile = EnsureProfileRequest {
            user_id: identity.as_str().into(),
            ..EnsureProfileRequest::default()
        };
        self.ensure_profile(profile, time).await
    }

    /// Records whom a call acts for, or finds that it was recorded so before.
    async fn delegate(
        &self,
        call_id: CallId,
        client_id: ClientId,
        user_id: UserId,
        tier: Tier,
    ) -> Result<Delegation, AuthError> {
        let new = Delegation {
            call_id,
            user_id,
            tier,
            client_id,
        };
        let mut connection = self.db.get().await?;
        let kept = delegations::find_or_insert(&mut connection, &new, self.clock.now()).await?;
        if kept.user_id != new.user_id {
            return Err(AuthError::CallOfAnotherUser);
        }
        if kept.client_id != new.client_id {
            return Err(AuthError::CallNotFound);
        }
        Ok(kept)
    }

    async fn renew(&self, call_id: CallId, client_id: &ClientId) -> Result<Delegation, AuthError> {
        let mut connection = self.db.get().await?;
        delegations::find(&mut connection, call_id)
            .await?
            .filter(|delegation| delegation.client_id == *client_id)
            .ok_or(AuthError::CallNotFound)
    }

    async fn delegated_token(
        &self,
        delegation: Delegation,
    ) -> Result<pb::IssueDelegatedTokenResponse, AuthError> {
        let caller = Caller::Delegate {
            user_id: delegation.user_id.clone(),
            tier: delegation.tier,
            call_id: delegation.call_id,
            client_id: delegation.client_id,
        };
        let (delegated_token, end) = self.keys.ring().await?.sign(&caller, self.clock.now())?;
        Ok(pb::IssueDelegatedTokenResponse {
            delegated_token,
            expire_time: Some(field::timestamp(end)),
            user_id: delegation.user_id.into(),
        })
    }
}
