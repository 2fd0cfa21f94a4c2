//! Words of the `livekit` crate in ours.

use livekit::participant::ParticipantKind as Kind;
use livekit::prelude::*;

use crate::{
    CommandError, DisconnectReason as Reason, Identity, JoinError, ParticipantKind,
    RemoteParticipant as Remote, RemoteTrack as Track, TrackSid as Sid, TrackSource as Source,
};

pub(super) fn identity(identity: &ParticipantIdentity) -> Identity {
    identity.as_str().into()
}

pub(super) fn track_sid(sid: &TrackSid) -> Sid {
    sid.as_str().into()
}

pub(super) fn participant(participant: &RemoteParticipant) -> Remote {
    Remote {
        identity: identity(&participant.identity()),
        sid: participant.sid().to_string(),
        name: participant.name(),
        kind: match participant.kind() {
            Kind::Standard => ParticipantKind::Standard,
            Kind::Ingress => ParticipantKind::Ingress,
            Kind::Egress => ParticipantKind::Egress,
            Kind::Sip => ParticipantKind::Sip,
            Kind::Agent => ParticipantKind::Agent,
            Kind::Connector => ParticipantKind::Connector,
            Kind::Bridge => ParticipantKind::Other,
        },
        metadata: participant.metadata(),
        attributes: participant.attributes(),
    }
}

pub(super) fn track(publication: &RemoteTrackPublication, owner: &RemoteParticipant) -> Track {
    Track {
        participant: identity(&owner.identity()),
        sid: track_sid(&publication.sid()),
        name: publication.name(),
        source: match publication.source() {
            TrackSource::Microphone => Source::Microphone,
            TrackSource::ScreenshareAudio => Source::ScreenShareAudio,
            _ => Source::Other,
        },
        muted: publication.is_muted(),
        has_preconnect_buffer: publication
            .audio_features()
            .contains(&AudioTrackFeature::TfPreconnectBuffer),
    }
}

/// Why somebody else left; the crate's reasons are in the order of the protocol's.
pub(super) fn reason(reason: DisconnectReason) -> Reason {
    Reason::from_wire(reason as i32)
}

/// The crate keeps the status of a refusal in its text only.
pub(super) fn join_error(error: &RoomError) -> JoinError {
    let text = error.to_string();
    if text.contains("client error: 401") {
        JoinError::Unauthorized(text)
    } else if text.contains("client error: 403") {
        JoinError::NotAllowed(text)
    } else if text.contains("client error: 404") {
        JoinError::RoomNotFound(text)
    } else {
        JoinError::Unreachable(text)
    }
}

pub(super) fn command_error(error: &impl ToString) -> CommandError {
    CommandError::Refused(error.to_string())
}
