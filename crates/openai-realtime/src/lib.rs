//! The OpenAI Realtime protocol (GA): wire types for both ends, and a client connection.
//!
//! The types are shared by the client (a voice agent) and by a server that speaks the same
//! protocol, so that both agree by construction. They are tolerant where a newer server may
//! know more than we do: unknown events, extra fields and missing optional fields are accepted.
//! There is no conversation logic here; [`client`] moves events and says how a connection ended.

pub mod audio;
pub mod client;
mod decode;
mod error;
mod event;
mod item;
mod nullable;
mod response;
mod session;

pub use decode::{ClientDecodeError, DecodeError};
pub use error::{ErrorDetail, code, kind};
pub use event::client::*;
pub use event::server::*;
pub use item::{
    ContentPart, FunctionCall, FunctionCallOutput, Item, ItemReference, ItemStatus, Message, Role,
};
pub use nullable::Nullable;
pub use response::{
    CachedTokensDetails, ConversationMode, InputTokenDetails, Metadata, OutputTokenDetails, Part,
    Response, ResponseAudio, ResponseAudioOutput, ResponseParams, ResponseStatus, StatusDetails,
    TranscriptionUsage, Usage, reason,
};
pub use session::{
    AudioFormat, AudioInput, AudioOutput, Eagerness, InputTranscription, MaxTokens, Modality,
    NoiseReduction, SemanticVad, ServerVad, Session, SessionAudio, SessionType, Tool, ToolChoice,
    ToolChoiceMode, ToolFunction, TurnDetection, Voice,
};
