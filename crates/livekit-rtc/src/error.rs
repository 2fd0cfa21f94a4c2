//! Everything that can go wrong, in words a caller can act on.

use std::fmt;
use std::time::Duration;

use livekit_protocol as proto;

/// Why joining a room failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The URL cannot be used.
    #[error("the server url is not usable: {0}")]
    InvalidUrl(String),
    /// The token is missing, malformed, expired, or signed with another key.
    #[error("the server refused the token: {0}")]
    Unauthorized(String),
    /// The token is fine but does not grant this.
    #[error("the token does not grant this: {0}")]
    NotAllowed(String),
    /// The room does not exist, and may not be made by joining.
    #[error("the room does not exist: {0}")]
    RoomNotFound(String),
    /// The server answered, but with another refusal.
    #[error("the server refused to let us in with status {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// No connection to the server could be made.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The server was reached, but joining was not complete in time.
    #[error("joining was not complete within {} ms; it waited for {stage}", limit.as_millis())]
    Timeout {
        /// The limit that passed.
        limit: Duration,
        /// What was being waited for.
        stage: JoinStage,
    },
    /// The server let us in and then sent us away.
    #[error("the server ended the session while joining: {0}")]
    Disconnected(DisconnectReason),
    /// The server said something that makes no sense here.
    #[error("the server broke the protocol: {0}")]
    Protocol(String),
    /// The machine could not give what is needed (a socket, a codec).
    #[error("a local resource is missing: {0}")]
    Local(String),
    /// The shard has as many participants as it may have.
    #[error("the shard is full: it has {0} participants")]
    ShardFull(usize),
    /// The shard has stopped.
    #[error("the shard has stopped")]
    ShardStopped,
}

/// A step of joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinStage {
    /// The connection to the signalling server.
    Signalling,
    /// The server's word that we are in the room.
    Admission,
    /// The server's word that the track is published.
    Publication,
    /// Media connectivity (ICE and DTLS over UDP).
    Media,
}

impl fmt::Display for JoinStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signalling => "the signalling connection",
            Self::Admission => "the server to let us in",
            Self::Publication => "the track to be published",
            Self::Media => "media to connect over UDP",
        })
    }
}

/// Why a command on a participant failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The participant has left the room, or was made to.
    #[error("the participant is no longer in the room")]
    Disconnected,
    /// It was not done in time, for instance because the connection is being made again.
    #[error("not done within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The token does not grant this.
    #[error("the token does not grant this: {0}")]
    NotAllowed(String),
    /// The server refused.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The message is larger than can be sent.
    #[error("{size} bytes are too many, the limit is {limit}")]
    TooLarge {
        /// What was to be sent.
        size: usize,
        /// What can be sent.
        limit: usize,
    },
    /// So much is waiting to be sent that no more is taken.
    #[error("too much is waiting to be sent")]
    Backlogged,
    /// The connection was replaced since the text stream was opened; open another.
    #[error("the text stream ended when the connection was lost")]
    StreamLost,
    /// There is no published track.
    #[error("no track is published")]
    NoTrack,
    /// The call of a method was answered before, or its time is over, or its caller has left.
    #[error("nobody waits for the answer to this call")]
    RpcEnded,
}

macro_rules! disconnect_reasons {
    ($($name:ident $text:literal),* $(,)?) => {
        /// Why a participant left, or was made to leave, a room.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DisconnectReason {
            $(#[doc = concat!("LiveKit's reason: ", $text, ".")] $name,)*
            /// The connection was lost and could not be made again in time.
            ConnectionLost,
        }

        impl DisconnectReason {
            pub(crate) fn from_wire(reason: i32) -> Self {
                match proto::DisconnectReason::try_from(reason) {
                    $(Ok(proto::DisconnectReason::$name) => Self::$name,)*
                    Err(_) => Self::UnknownReason,
                }
            }

            pub(crate) fn to_wire(self) -> i32 {
                let reason = match self {
                    $(Self::$name => proto::DisconnectReason::$name,)*
                    Self::ConnectionLost => proto::DisconnectReason::SignalClose,
                };
                reason.into()
            }
        }

        impl fmt::Display for DisconnectReason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$name => $text,)*
                    Self::ConnectionLost => "the connection was lost",
                })
            }
        }
    };
}

disconnect_reasons! {
    UnknownReason "no reason given",
    ClientInitiated "the participant left",
    DuplicateIdentity "another participant joined with the same identity",
    ServerShutdown "the server is shutting down",
    ParticipantRemoved "the participant was removed",
    RoomDeleted "the room was deleted",
    StateMismatch "the server does not know the session",
    JoinFailure "the participant could not connect fully",
    Migration "the session moves to another server",
    SignalClose "the signalling connection was closed",
    RoomClosed "everybody else has left and the room was closed",
    UserUnavailable "the callee did not respond in time",
    UserRejected "the callee rejected the call",
    SipTrunkFailure "the telephone trunk failed",
    ConnectionTimeout "the server timed the session out",
    MediaFailure "media failed",
    AgentError "the agent failed",
}
