//! The messages of the worker protocol, made and read.

use livekit_protocol as lk;
use livekit_protocol::server_message::Message as Down;
use livekit_protocol::worker_message::Message as Up;
use prost::Message as _;

/// The load at which LiveKit's server stops asking a fleet is 0.7: a busy instance that still has a
/// place must stay below it.
const FULL_LOAD: f32 = 0.69;

/// A message to the server, as bytes.
pub(super) fn encode(message: Up) -> Vec<u8> {
    let message = lk::WorkerMessage {
        message: Some(message),
    };
    message.encode_to_vec()
}

/// A message of the server; `None` for one that is not known.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Down>, prost::DecodeError> {
    Ok(lk::ServerMessage::decode(bytes)?.message)
}

pub(super) fn register(agent_name: &str) -> Up {
    Up::Register(lk::RegisterWorkerRequest {
        r#type: lk::JobType::JtRoom.into(),
        agent_name: agent_name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        allowed_permissions: Some(lk::ParticipantPermission {
            can_subscribe: true,
            can_publish: true,
            can_publish_data: true,
            can_update_metadata: true,
            ..lk::ParticipantPermission::default()
        }),
        ..lk::RegisterWorkerRequest::default()
    })
}

/// How busy the instance is, with `taken` of `limit` places.
pub(super) fn status(taken: u32, limit: u32, draining: bool) -> Up {
    let full = draining || taken >= limit;
    let status = if full {
        lk::WorkerStatus::WsFull
    } else {
        lk::WorkerStatus::WsAvailable
    };
    Up::UpdateWorker(lk::UpdateWorkerStatus {
        status: Some(status.into()),
        load: FULL_LOAD * taken as f32 / limit.max(1) as f32,
        job_count: taken,
        ..lk::UpdateWorkerStatus::default()
    })
}

/// Takes a job with this identity and name, or leaves it to another worker.
pub(super) fn availability(job: &str, participant: Option<(String, String)>) -> Up {
    let available = participant.is_some();
    let (participant_identity, participant_name) = participant.unwrap_or_default();
    Up::Availability(lk::AvailabilityResponse {
        job_id: job.to_owned(),
        available,
        participant_identity,
        participant_name,
        ..lk::AvailabilityResponse::default()
    })
}

pub(super) fn job_status(job: &str, status: lk::JobStatus, error: &str) -> Up {
    Up::UpdateJob(lk::UpdateJobStatus {
        job_id: job.to_owned(),
        status: status.into(),
        error: error.to_owned(),
    })
}
