//! Why a connection was not made, or ended.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::error::ErrorDetail;

/// Why connecting failed. No variant holds the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be used.
    #[error("invalid Realtime address: {0}")]
    Address(String),
    /// The key cannot be a header.
    #[error("the API key holds characters that a header cannot carry")]
    Key,
    /// It took too long.
    #[error("no Realtime connection within {0:?}")]
    Timeout(Duration),
    /// The server answered the upgrade with an HTTP error.
    #[error("the Realtime server refused the connection with HTTP {status}: {}", error.message)]
    Refused {
        /// HTTP status.
        status: u16,
        /// The error of the body, as far as there was one.
        error: Box<ErrorDetail>,
    },
    /// DNS, TCP, TLS or the upgrade failed.
    #[error("cannot reach the Realtime server: {0}")]
    Transport(String),
}

impl ConnectError {
    /// Whether the same attempt may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Address(_) | Self::Key => false,
            Self::Timeout(_) | Self::Transport(_) => true,
            Self::Refused { status, error } => {
                !error.is_fatal() && matches!(status, 408 | 409 | 425 | 429 | 500..=599)
            }
        }
    }
}

impl From<SocketError> for ConnectError {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::Http(answer) => Self::Refused {
                status: answer.status().as_u16(),
                error: Box::new(refusal(answer.body().as_deref().unwrap_or_default())),
            },
            SocketError::Url(error) => Self::Address(error.to_string()),
            other => Self::Transport(other.to_string()),
        }
    }
}

/// The error object of an HTTP answer in OpenAI's shape; other bodies are ignored.
fn refusal(body: &[u8]) -> ErrorDetail {
    #[derive(serde::Deserialize)]
    struct Body {
        error: ErrorDetail,
    }
    serde_json::from_slice::<Body>(body).map_or_else(
        |_| ErrorDetail {
            message: "no reason given".to_owned(),
            ..ErrorDetail::default()
        },
        |body| body.error,
    )
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// We closed it.
    #[error("the Realtime connection was closed by us")]
    Local,
    /// The server closed it with a code.
    #[error("the Realtime server closed the connection with code {code}: {reason}")]
    Remote {
        /// WebSocket close code; 1005 when there was none.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// No frame came for too long, not even a pong.
    #[error("the Realtime server was silent for {0:?}")]
    Silent(Duration),
    /// The socket failed or ended without a close frame.
    #[error("the Realtime connection was lost: {0}")]
    Lost(String),
    /// The server broke the WebSocket protocol, or an event of ours cannot be written.
    #[error("the Realtime server broke the WebSocket protocol: {0}")]
    Protocol(String),
}

impl Closed {
    /// Whether connecting again may help. Fatal `error` events are told by
    /// [`ErrorDetail::is_fatal`].
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Local => false,
            // A proxy that breaks a frame breaks it for this connection only.
            Self::Silent(_) | Self::Lost(_) | Self::Protocol(_) => true,
            Self::Remote { code, .. } => {
                matches!(code, 1000 | 1001 | 1005 | 1006 | 1011..=1015)
            }
        }
    }

    /// Whether the server ended the session because it reached its longest duration.
    pub fn is_session_limit(&self) -> bool {
        matches!(self, Self::Remote { code: 1001, reason } if reason.contains("maximum duration"))
    }
}

impl From<SocketError> for Closed {
    fn from(error: SocketError) -> Self {
        match error {
            // A server that dies breaks nothing but the connection.
            SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Lost(error.to_string())
            }
            SocketError::Protocol(_)
            | SocketError::Capacity(_)
            | SocketError::Utf8(_)
            | SocketError::AttackAttempt => Self::Protocol(error.to_string()),
            other => Self::Lost(other.to_string()),
        }
    }
}

/// Why an event was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection has ended; `recv` says how.
    #[error("the Realtime connection has ended")]
    Closed,
    /// The outgoing queue stayed full.
    #[error("the Realtime server did not take what was sent in time")]
    Stalled,
}
