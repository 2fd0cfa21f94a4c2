//! Calls between participants, LiveKit's RPC: what is asked, what is answered, what goes wrong.

use std::time::Duration;

use crate::Identity;
use crate::ids::RpcId;

/// Bytes of a request or of an answer at most: 15 KiB.
pub const MAX_RPC_PAYLOAD: usize = 15 * 1024;
/// Bytes of an error's message at most; what is longer is cut.
pub(crate) const MAX_ERROR_MESSAGE: usize = 256;

/// A method of somebody else's that is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcRequest {
    /// Whose method.
    pub destination: Identity,
    /// Its name.
    pub method: String,
    /// What it is given, at most [`MAX_RPC_PAYLOAD`] bytes.
    pub payload: String,
    /// How long the answer may take in all. The other side is told 7 s less, the time that both
    /// ways may take, but no less than 1 s.
    pub response_timeout: Duration,
}

/// Somebody calls a method of ours. To be answered with [`crate::Participant::respond_rpc`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcInvocation {
    /// Names the call.
    pub id: RpcId,
    /// Who calls.
    pub caller: Identity,
    /// Which method, one of [`crate::JoinOptions::rpc_methods`].
    pub method: String,
    /// What it is given, at most [`MAX_RPC_PAYLOAD`] bytes.
    pub payload: String,
    /// How long the answer may take; after that the caller is told that there is none.
    pub response_timeout: Duration,
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// One of [`RpcFailure`], or a code of the application's own.
    pub code: u32,
    /// In words, at most 256 bytes.
    pub message: String,
    /// More, at most [`MAX_RPC_PAYLOAD`] bytes; may be empty.
    pub data: String,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: String::new(),
        }
    }

    /// Whether it is this one of the protocol's own.
    pub fn is(&self, failure: RpcFailure) -> bool {
        self.code == failure.code()
    }
}

macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident $code:literal $text:literal),* $(,)?) => {
        /// What goes wrong with a call by itself, with LiveKit's codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum RpcFailure {
            $($(#[$doc])* $name,)*
        }

        impl RpcFailure {
            /// The code as it travels.
            pub fn code(self) -> u32 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

failures! {
    /// The other side has no such method.
    UnsupportedMethod 1400 "Method not supported at destination",
    /// Nobody of this identity is in the room.
    RecipientNotFound 1401 "Recipient not found",
    /// The request has more than [`MAX_RPC_PAYLOAD`] bytes.
    RequestPayloadTooLarge 1402 "Request payload too large",
    /// The server knows no RPC.
    UnsupportedServer 1403 "RPC not supported by server",
    /// The request is of another version of the protocol.
    UnsupportedVersion 1404 "Unsupported RPC version",
    /// The method failed.
    ApplicationError 1500 "Application error in method handler",
    /// The other side did not confirm that it got the request.
    ConnectionTimeout 1501 "Connection timeout",
    /// The answer took too long.
    ResponseTimeout 1502 "Response timeout",
    /// The other side left before it answered.
    RecipientDisconnected 1503 "Recipient disconnected",
    /// The answer has more than [`MAX_RPC_PAYLOAD`] bytes.
    ResponsePayloadTooLarge 1504 "Response payload too large",
    /// The request could not be sent.
    SendFailed 1505 "Failed to send",
}

impl From<RpcFailure> for RpcError {
    fn from(failure: RpcFailure) -> Self {
        Self::new(failure.code(), failure.message())
    }
}
