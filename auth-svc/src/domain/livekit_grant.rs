//! What a LiveKit token may be for.

use std::str::FromStr;

use proto::insta::auth::v1 as pb;
use service_kit::{UserId, field::FieldErrors};

const MAX_ROOM: usize = 128;
const MAX_IDENTITY: usize = 128;
const MAX_NAME: usize = 128;
const MAX_AGENT_NAME: usize = 64;
const MAX_METADATA: usize = 4096;

/// The name of a room: 1 to 128 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoomName(String);

impl RoomName {
    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if !(1..=MAX_ROOM).contains(&length) || text.chars().any(char::is_control) {
            return Err("must have 1 to 128 characters, none of them a control character");
        }
        Ok(Self(text.to_owned()))
    }
}

/// One narrow purpose.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LivekitGrant {
    /// A person who joins a room.
    Participant {
        room: RoomName,
        identity: UserId,
        name: String,
        dispatch: Option<Dispatch>,
    },
    /// An agent that joins a room.
    Agent {
        room: RoomName,
        identity: String,
        name: String,
    },
    /// A worker that registers for jobs.
    Worker,
    /// Administration of a room.
    RoomAdmin { room: RoomName },
}

/// An agent that LiveKit calls into the room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dispatch {
    pub(crate) agent_name: String,
    pub(crate) metadata: String,
}

impl TryFrom<pb::IssueLivekitTokenRequest> for LivekitGrant {
    type Error = FieldErrors;

    fn try_from(request: pb::IssueLivekitTokenRequest) -> Result<Self, FieldErrors> {
        use pb::issue_livekit_token_request::Grant;
        match request.grant {
            Some(Grant::Participant(grant)) => participant(grant),
            Some(Grant::Agent(grant)) => agent(grant),
            Some(Grant::Worker(_)) => Ok(Self::Worker),
            Some(Grant::RoomAdmin(grant)) => {
                let mut errors = FieldErrors::new();
                let room = errors.check("room_admin.room", grant.room.parse());
                errors.finish(room.map(|room| Self::RoomAdmin { room }))
            }
            None => Err(FieldErrors::one(
                "grant",
                "must be one of participant, agent, worker and room_admin",
            )),
        }
    }
}

fn participant(
    grant: pb::issue_livekit_token_request::ParticipantGrant,
) -> Result<LivekitGrant, FieldErrors> {
    let mut errors = FieldErrors::new();
    let room = errors.check("participant.room", grant.room.parse());
    let identity = errors.check("participant.identity", grant.identity.parse());
    errors.length("participant.name", &grant.name, 0, MAX_NAME);
    let dispatch = grant.dispatch.map(|dispatch| {
        let (name, metadata) = (&dispatch.agent_name, &dispatch.metadata);
        errors.length("participant.dispatch.agent_name", name, 1, MAX_AGENT_NAME);
        errors.length("participant.dispatch.metadata", metadata, 0, MAX_METADATA);
        Dispatch {
            agent_name: dispatch.agent_name,
            metadata: dispatch.metadata,
        }
    });
    let read = room.zip(identity);
    errors.finish(read.map(|(room, identity)| LivekitGrant::Participant {
        room,
        identity,
        name: grant.name,
        dispatch,
    }))
}

fn agent(grant: pb::issue_livekit_token_request::AgentGrant) -> Result<LivekitGrant, FieldErrors> {
    let mut errors = FieldErrors::new();
    let room = errors.check("agent.room", grant.room.parse());
    errors.length("agent.identity", &grant.identity, 1, MAX_IDENTITY);
    errors.length("agent.name", &grant.name, 0, MAX_NAME);
    errors.finish(room.map(|room| LivekitGrant::Agent {
        room,
        identity: grant.identity,
        name: grant.name,
    }))
}
