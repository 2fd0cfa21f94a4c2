//! What a server sends.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{ItemId, NoFields};
use super::events;
use crate::decode::{DecodeError, Head};
use crate::error::ErrorDetail;
use crate::item::Item;
use crate::response::{Part, Response, TranscriptionUsage};
use crate::session::Session;

/// A server event and its id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServerMessage {
    /// Unique within the session; empty if the server sent none.
    pub event_id: String,
    /// The event.
    #[serde(flatten)]
    pub event: ServerEvent,
}

impl ServerMessage {
    /// Reads a text frame. An unknown type is [`ServerEvent::Unknown`], not an error.
    ///
    /// # Errors
    /// The frame is no JSON object with a type, or a field of a known event is wrong.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        let head = Head::parse(text)?;
        let event_type = head.event_type?;
        let event = match ServerEvent::decode(&event_type, text) {
            Some(event) => event?,
            None => ServerEvent::Unknown(event_type),
        };
        Ok(Self {
            event_id: head.event_id.unwrap_or_default(),
            event,
        })
    }
}

events! {
    /// What a server reports. Events of MCP and of the beta protocol are [`ServerEvent::Unknown`].
    ServerEvent {
        /// Something went wrong; the session goes on.
        "error" => Error(ErrorEvent),
        /// The first event.
        "session.created" => SessionCreated(SessionEvent),
        /// The session after a change, whole.
        "session.updated" => SessionUpdated(SessionEvent),
        /// An item entered the conversation.
        "conversation.item.added" => ConversationItemAdded(ItemEvent),
        /// An item is complete.
        "conversation.item.done" => ConversationItemDone(ItemEvent),
        /// The answer to a retrieve.
        "conversation.item.retrieved" => ConversationItemRetrieved(ItemRetrieved),
        /// The answer to a truncate.
        "conversation.item.truncated" => ConversationItemTruncated(ItemTruncated),
        /// The answer to a delete.
        "conversation.item.deleted" => ConversationItemDeleted(ItemId),
        /// More of what the person said.
        "conversation.item.input_audio_transcription.delta" => TranscriptionDelta(TranscriptionDelta),
        /// All of what the person said.
        "conversation.item.input_audio_transcription.completed" => TranscriptionCompleted(TranscriptionCompleted),
        /// What the person said could not be transcribed.
        "conversation.item.input_audio_transcription.failed" => TranscriptionFailed(TranscriptionFailed),
        /// A stretch of one speaker.
        "conversation.item.input_audio_transcription.segment" => TranscriptionSegment(TranscriptionSegment),
        /// The input buffer became an item.
        "input_audio_buffer.committed" => InputAudioBufferCommitted(BufferCommitted),
        /// The input buffer was dropped.
        "input_audio_buffer.cleared" => InputAudioBufferCleared(NoFields),
        /// The person began to speak.
        "input_audio_buffer.speech_started" => SpeechStarted(SpeechStarted),
        /// The person stopped speaking.
        "input_audio_buffer.speech_stopped" => SpeechStopped(SpeechStopped),
        /// The person said nothing for too long.
        "input_audio_buffer.timeout_triggered" => TimeoutTriggered(TimeoutTriggered),
        /// A telephone key (SIP only).
        "input_audio_buffer.dtmf_event_received" => DtmfReceived(DtmfReceived),
        /// Playing began (WebRTC and SIP only).
        "output_audio_buffer.started" => OutputAudioBufferStarted(ResponseId),
        /// Playing ended (WebRTC and SIP only).
        "output_audio_buffer.stopped" => OutputAudioBufferStopped(ResponseId),
        /// Audio not yet played was dropped (WebRTC and SIP only).
        "output_audio_buffer.cleared" => OutputAudioBufferCleared(ResponseId),
        /// A response began.
        "response.created" => ResponseCreated(ResponseEvent),
        /// A response ended, however it ended.
        "response.done" => ResponseDone(ResponseEvent),
        /// A response has a new item.
        "response.output_item.added" => OutputItemAdded(OutputItem),
        /// An item of a response is complete.
        "response.output_item.done" => OutputItemDone(OutputItem),
        /// An item has a new part.
        "response.content_part.added" => ContentPartAdded(ContentPartEvent),
        /// A part is complete.
        "response.content_part.done" => ContentPartDone(ContentPartEvent),
        /// More text.
        "response.output_text.delta" => OutputTextDelta(Delta),
        /// All of the text.
        "response.output_text.done" => OutputTextDone(OutputTextDone),
        /// More audio, as base64.
        "response.output_audio.delta" => OutputAudioDelta(Delta),
        /// No more audio.
        "response.output_audio.done" => OutputAudioDone(PartPosition),
        /// More of what the audio says.
        "response.output_audio_transcript.delta" => OutputAudioTranscriptDelta(Delta),
        /// All of what the audio says.
        "response.output_audio_transcript.done" => OutputAudioTranscriptDone(OutputAudioTranscriptDone),
        /// More of a call's arguments.
        "response.function_call_arguments.delta" => FunctionCallArgumentsDelta(FunctionCallArgumentsDelta),
        /// All of a call's arguments.
        "response.function_call_arguments.done" => FunctionCallArgumentsDone(FunctionCallArgumentsDone),
        /// What the limits leave.
        "rate_limits.updated" => RateLimitsUpdated(RateLimitsUpdated),
    }
    fallback
    /// An event of a type that we do not know, or that cannot be read; a client's connection gives
    /// one without a type for a frame that is no event at all.
    Unknown
}

/// Payload of `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// Payload of `session.created` and `session.updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionEvent {
    /// The session, whole.
    pub session: Box<Session>,
}

/// Payload of `conversation.item.added` and `.done`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemEvent {
    /// The item before it; `null` at the front.
    #[serde(default)]
    pub previous_item_id: Option<String>,
    /// The item.
    pub item: Item,
}

/// Payload of `conversation.item.retrieved`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRetrieved {
    /// The item with its audio.
    pub item: Item,
}

/// Payload of `conversation.item.truncated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemTruncated {
    /// The item.
    pub item_id: String,
    /// Its part.
    #[serde(default)]
    pub content_index: u32,
    /// What is left, in milliseconds.
    #[serde(default)]
    pub audio_end_ms: u64,
}

/// Payload of `….input_audio_transcription.delta`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscriptionDelta {
    /// The user's item.
    pub item_id: String,
    /// Its part.
    #[serde(default)]
    pub content_index: u32,
    /// The text to append.
    #[serde(default)]
    pub delta: String,
    /// Log probabilities, when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
}

/// Payload of `….input_audio_transcription.completed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscriptionCompleted {
    /// The user's item.
    pub item_id: String,
    /// Its part.
    #[serde(default)]
    pub content_index: u32,
    /// What the person said.
    pub transcript: String,
    /// What it cost; GA servers always say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TranscriptionUsage>,
    /// Log probabilities, when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
}

/// Payload of `….input_audio_transcription.failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptionFailed {
    /// The user's item.
    pub item_id: String,
    /// Its part.
    #[serde(default)]
    pub content_index: u32,
    /// Why.
    #[serde(default)]
    pub error: ErrorDetail,
}

/// Payload of `….input_audio_transcription.segment`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscriptionSegment {
    /// The segment's id.
    #[serde(default)]
    pub id: String,
    /// The user's item.
    pub item_id: String,
    /// Its part.
    #[serde(default)]
    pub content_index: u32,
    /// Where it begins, in seconds.
    #[serde(default)]
    pub start: f64,
    /// Where it ends, in seconds.
    #[serde(default)]
    pub end: f64,
    /// Who speaks.
    #[serde(default)]
    pub speaker: String,
    /// What was said.
    #[serde(default)]
    pub text: String,
}

/// Payload of `input_audio_buffer.committed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufferCommitted {
    /// The item that it will be.
    pub item_id: String,
    /// The item before it; `null` at the front.
    #[serde(default)]
    pub previous_item_id: Option<String>,
}

/// Payload of `input_audio_buffer.speech_started`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechStarted {
    /// The item that it will be.
    pub item_id: String,
    /// Where, in milliseconds of all audio appended in the session.
    #[serde(default)]
    pub audio_start_ms: u64,
}

/// Payload of `input_audio_buffer.speech_stopped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechStopped {
    /// The item that it will be.
    pub item_id: String,
    /// Where, in milliseconds of all audio appended in the session.
    #[serde(default)]
    pub audio_end_ms: u64,
}

/// Payload of `input_audio_buffer.timeout_triggered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeoutTriggered {
    /// The empty item.
    pub item_id: String,
    /// Where the silence begins, in milliseconds.
    #[serde(default)]
    pub audio_start_ms: u64,
    /// Where it ends, in milliseconds.
    #[serde(default)]
    pub audio_end_ms: u64,
}

/// Payload of `input_audio_buffer.dtmf_event_received`, the one event without an id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DtmfReceived {
    /// The key.
    pub event: String,
    /// Unix seconds.
    #[serde(default)]
    pub received_at: f64,
}

/// Payload of events that name a response and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseId {
    /// The response.
    pub response_id: String,
}

/// Payload of `response.created` and `response.done`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseEvent {
    /// The response.
    pub response: Box<Response>,
}

/// Payload of `response.output_item.added` and `.done`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputItem {
    /// The response.
    pub response_id: String,
    /// Which of its items.
    #[serde(default)]
    pub output_index: u32,
    /// The item.
    pub item: Item,
}

/// Where in a response something belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartPosition {
    /// The response.
    pub response_id: String,
    /// The item.
    pub item_id: String,
    /// Which of the response's items.
    #[serde(default)]
    pub output_index: u32,
    /// Which of the item's parts.
    #[serde(default)]
    pub content_index: u32,
}

/// Payload of `response.content_part.added` and `.done`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentPartEvent {
    /// Where.
    #[serde(flatten)]
    pub position: PartPosition,
    /// The part.
    pub part: Part,
}

/// Payload of text, transcript and audio deltas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Where.
    #[serde(flatten)]
    pub position: PartPosition,
    /// What to append; base64 for audio (see [`crate::audio`]).
    pub delta: String,
}

/// Payload of `response.output_text.done`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputTextDone {
    /// Where.
    #[serde(flatten)]
    pub position: PartPosition,
    /// All of the text.
    pub text: String,
}

/// Payload of `response.output_audio_transcript.done`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputAudioTranscriptDone {
    /// Where.
    #[serde(flatten)]
    pub position: PartPosition,
    /// All of what the audio says.
    pub transcript: String,
}

/// Payload of `response.function_call_arguments.delta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCallArgumentsDelta {
    /// The response.
    pub response_id: String,
    /// The item.
    pub item_id: String,
    /// Which of the response's items.
    #[serde(default)]
    pub output_index: u32,
    /// The call.
    pub call_id: String,
    /// JSON text to append.
    pub delta: String,
}

/// Payload of `response.function_call_arguments.done`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCallArgumentsDone {
    /// The response.
    pub response_id: String,
    /// The item.
    pub item_id: String,
    /// Which of the response's items.
    #[serde(default)]
    pub output_index: u32,
    /// The call.
    pub call_id: String,
    /// The tool's name; some servers leave it out.
    #[serde(default)]
    pub name: String,
    /// The arguments as JSON text.
    pub arguments: String,
}

/// Payload of `rate_limits.updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateLimitsUpdated {
    /// One entry a limit.
    #[serde(default)]
    pub rate_limits: Vec<RateLimit>,
}

/// What one limit leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateLimit {
    /// `requests` or `tokens`.
    #[serde(default)]
    pub name: String,
    /// The limit.
    #[serde(default)]
    pub limit: u64,
    /// What is left.
    #[serde(default)]
    pub remaining: u64,
    /// Seconds until it is whole again.
    #[serde(default)]
    pub reset_seconds: f64,
}
