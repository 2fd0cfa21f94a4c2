//! What is asked for when a service wants to act for a user in a call.

use proto::insta::auth::v1 as pb;
use service_kit::{CallId, UserId, field::FieldErrors};

use super::livekit_grant::RoomName;

/// A call, and what proves that its user takes part in it.
pub(crate) struct DelegationRequest {
    pub(crate) call_id: CallId,
    pub(crate) proof: Proof,
}

/// What proves that a user takes part in a call.
pub(crate) enum Proof {
    /// The user's live session token.
    Session(String),
    /// A token was issued for the call before.
    Renewal,
    /// A person who is in a room of LiveKit.
    Participant { room: RoomName, identity: UserId },
}

impl TryFrom<pb::IssueDelegatedTokenRequest> for DelegationRequest {
    type Error = FieldErrors;

    fn try_from(request: pb::IssueDelegatedTokenRequest) -> Result<Self, FieldErrors> {
        use pb::issue_delegated_token_request::Proof as Sent;
        let mut errors = FieldErrors::new();
        let call_id = errors.check("call_id", request.call_id.parse());
        let proof = match request.proof {
            Some(Sent::SessionToken(token)) => Some(Proof::Session(token)),
            Some(Sent::Renewal(_)) => Some(Proof::Renewal),
            Some(Sent::LivekitParticipant(participant)) => {
                let room = errors.check("livekit_participant.room", participant.room.parse());
                let identity =
                    errors.check("livekit_participant.identity", participant.identity.parse());
                room.zip(identity)
                    .map(|(room, identity)| Proof::Participant { room, identity })
            }
            None => {
                let choice = "must be one of session_token, renewal and livekit_participant";
                errors.add("proof", choice);
                None
            }
        };
        errors.finish(
            call_id
                .zip(proof)
                .map(|(call_id, proof)| Self { call_id, proof }),
        )
    }
}
