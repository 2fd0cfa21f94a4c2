//! What can go wrong, and what the client is told of it.

use std::time::Duration;

use service_kit::{field::FieldErrors, status};
use tonic::{Code, Status};

use crate::peers::PeerError;
use crate::realtime::Unavailable;
use crate::store::StoreError;

const DOMAIN: &str = "agent.insta";
/// When a place may be free again.
const RETRY: Duration = Duration::from_secs(10);

/// What can go wrong in agent-svc.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such call")]
    NotFound,
    #[error("the call is not active")]
    NotActive,
    #[error("too many texts wait to be spoken; try again when some have been")]
    SpeechQueueFull,
    #[error("too much is asked of the call at once; try again in a moment")]
    CallBusy,
    #[error("every place for a call is taken; try again in a moment")]
    NoCapacity,
    #[error("this instance is stopping; try again")]
    ShuttingDown,
    #[error("the assistant cannot talk at the moment")]
    Provider(#[from] Unavailable),
    #[error("the session token is not accepted; sign in again")]
    SessionRefused,
    #[error("auth-svc cannot be reached at the moment")]
    AuthUnavailable(#[source] PeerError),
    #[error("the reader is too slow for this call; watch it again")]
    ReaderTooSlow,
    #[error("the call is held by another instance; try again")]
    HeldElsewhere,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<db::PoolError> for AgentError {
    fn from(error: db::PoolError) -> Self {
        Self::Store(error.into())
    }
}

impl From<PeerError> for AgentError {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused {
                code: Code::Unauthenticated,
                ref reason,
            } if reason == "SESSION_INVALID" => Self::SessionRefused,
            other => Self::AuthUnavailable(other),
        }
    }
}

impl From<AgentError> for Status {
    fn from(error: AgentError) -> Self {
        let told = |code, reason| status::with_reason(code, DOMAIN, reason, error.to_string());
        match &error {
            AgentError::Invalid(fields) => fields.clone().into(),
            AgentError::NotFound => told(Code::NotFound, "CALL_NOT_FOUND"),
            AgentError::NotActive => told(Code::FailedPrecondition, "CALL_NOT_ACTIVE"),
            AgentError::SpeechQueueFull => told(Code::ResourceExhausted, "SPEECH_QUEUE_FULL"),
            AgentError::CallBusy => told(Code::ResourceExhausted, "CALL_BUSY"),
            AgentError::NoCapacity => {
                let (code, reason) = (Code::ResourceExhausted, "NO_CAPACITY");
                status::retry_after(code, DOMAIN, reason, error.to_string(), RETRY)
            }
            AgentError::ShuttingDown => told(Code::Unavailable, "SHUTTING_DOWN"),
            AgentError::Provider(reason) if reason.failure.needs_operator() => {
                told(Code::Unavailable, "PROVIDER_REFUSES")
            }
            AgentError::Provider(Unavailable { retry_after, .. }) => {
                let (code, reason) = (Code::Unavailable, "PROVIDER_UNAVAILABLE");
                status::retry_after(code, DOMAIN, reason, error.to_string(), *retry_after)
            }
            AgentError::SessionRefused => told(Code::Unauthenticated, "SESSION_INVALID"),
            AgentError::AuthUnavailable(source) => {
                tracing::warn!(error = %source, "A call cannot be started");
                told(Code::Unavailable, "AUTH_UNAVAILABLE")
            }
            AgentError::ReaderTooSlow => told(Code::ResourceExhausted, "READER_TOO_SLOW"),
            AgentError::HeldElsewhere => told(Code::Unavailable, "CALL_ELSEWHERE"),
            AgentError::Store(source) if source.is_unavailable() => {
                told(Code::Unavailable, "DATABASE_UNAVAILABLE")
            }
            AgentError::Store(_) => status::internal(&error),
        }
    }
}
