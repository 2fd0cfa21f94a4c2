//! Responses, their parameters, and usage.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ErrorDetail;
use crate::item::Item;
use crate::session::{AudioFormat, MaxTokens, Modality, Tool, ToolChoice, Voice};

/// What the client attaches to a response; echoed verbatim. At most 16 pairs.
pub type Metadata = Map<String, Value>;

/// Parameters of `response.create`; each overrides the session for this response only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseParams {
    /// Whether the response belongs to the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationMode>,
    /// The context to answer from. An empty list is an empty context; absent means the
    /// conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Vec<Item>>,
    /// Replaces the session's instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Echoed in the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Audio or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_modalities: Option<Vec<Modality>>,
    /// The most tokens it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<MaxTokens>,
    /// Voice and format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<ResponseAudio>,
    /// The tools that may be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// Whether and which tool must be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Reasoning effort, passed through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Value>,
    /// A stored prompt, passed through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Value>,
}

/// Whether a response belongs to the conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationMode {
    /// It does; its items are added.
    #[default]
    Auto,
    /// Out-of-band: nothing is added, and it may run beside another response.
    None,
}

/// Audio settings of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseAudio {
    /// From the server to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ResponseAudioOutput>,
}

/// Settings of the audio that a response speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseAudioOutput {
    /// The format of audio deltas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<AudioFormat>,
    /// The voice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
}

/// A response, as `response.created` and `response.done` carry it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// `resp_…`.
    pub id: String,
    /// `realtime.response`.
    #[serde(default)]
    pub object: String,
    /// How far it is or how it ended.
    #[serde(default)]
    pub status: ResponseStatus,
    /// Why it ended that way; `null` while it runs and after success.
    #[serde(default)]
    pub status_details: Option<StatusDetails>,
    /// Its items, without audio.
    #[serde(default)]
    pub output: Vec<Item>,
    /// `null` when out-of-band.
    #[serde(default)]
    pub conversation_id: Option<String>,
    /// Audio or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_modalities: Option<Vec<Modality>>,
    /// The most tokens it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<MaxTokens>,
    /// Voice and format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<ResponseAudio>,
    /// What the client attached.
    #[serde(default)]
    pub metadata: Option<Metadata>,
    /// `null` until it is done.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// How far a response is or how it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    /// More will come.
    #[default]
    InProgress,
    /// All of it is there.
    Completed,
    /// Stopped by the client or by speech.
    Cancelled,
    /// The server could not make it.
    Failed,
    /// Stopped by a limit or a filter.
    Incomplete,
    /// A status that we do not know.
    #[serde(other)]
    Unknown,
}

/// Why a response ended as it did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDetails {
    /// The response's status once more.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ResponseStatus>,
    /// One of [`reason`], or another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

/// Reasons in [`StatusDetails::reason`].
pub mod reason {
    /// The person began to speak.
    pub const TURN_DETECTED: &str = "turn_detected";
    /// The client asked.
    pub const CLIENT_CANCELLED: &str = "client_cancelled";
    /// The limit of output tokens.
    pub const MAX_OUTPUT_TOKENS: &str = "max_output_tokens";
    /// The filter.
    pub const CONTENT_FILTER: &str = "content_filter";
}

/// A part in `response.content_part.*`, whose type is `audio` or `text` (not `output_…`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Audio.
    Audio {
        /// What it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transcript: Option<String>,
    },
    /// Text.
    Text {
        /// The text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// A kind that we do not know.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// Tokens of a response. Cached tokens are a subset of the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input and output together.
    pub total_tokens: u64,
    /// Input, cached included.
    pub input_tokens: u64,
    /// Output.
    pub output_tokens: u64,
    /// Input by modality.
    pub input_token_details: InputTokenDetails,
    /// Output by modality.
    pub output_token_details: OutputTokenDetails,
}

/// Input tokens by modality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputTokenDetails {
    /// Text, cached included.
    pub text_tokens: u64,
    /// Audio, cached included.
    pub audio_tokens: u64,
    /// Images, cached included.
    pub image_tokens: u64,
    /// All cached tokens.
    pub cached_tokens: u64,
    /// Cached tokens by modality.
    pub cached_tokens_details: CachedTokensDetails,
}

/// Cached input tokens by modality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CachedTokensDetails {
    /// Text.
    pub text_tokens: u64,
    /// Audio.
    pub audio_tokens: u64,
    /// Images.
    pub image_tokens: u64,
}

/// Output tokens by modality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputTokenDetails {
    /// Text.
    pub text_tokens: u64,
    /// Audio.
    pub audio_tokens: u64,
}

/// What transcribing the person's audio cost; billed apart from responses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TranscriptionUsage {
    /// Billed by tokens.
    Tokens {
        /// Input.
        #[serde(default)]
        input_tokens: u64,
        /// Output.
        #[serde(default)]
        output_tokens: u64,
        /// Both.
        #[serde(default)]
        total_tokens: u64,
    },
    /// Billed by duration.
    Duration {
        /// Seconds of audio.
        seconds: f64,
    },
    /// Billed in a way that we do not know.
    #[serde(other, skip_serializing)]
    Unknown,
}
