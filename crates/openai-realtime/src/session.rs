//! The session object: what a client sets and what the server echoes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nullable::Nullable;

/// A session, whole (from the server) or in part (in `session.update`).
///
/// Only fields that are present count; [`Session::merge`] applies an update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Which kind of session; required on the wire.
    #[serde(rename = "type", default = "SessionType::absent")]
    pub kind: SessionType,
    /// `sess_…`; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `realtime.session`; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// When the server will end the session, in Unix seconds; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The model; fixed once the session exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The system prompt; an empty one clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Exactly one of audio (which always has a transcript) and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_modalities: Option<Vec<Modality>>,
    /// The most tokens a response may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<MaxTokens>,
    /// Audio settings of both directions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<SessionAudio>,
    /// The tools that the model may call; an empty list clears them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// Whether and which tool must be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called in one response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Reasoning effort of models that reason; others refuse the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Value>,
    /// Tracing settings, passed through.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub tracing: Nullable<Value>,
    /// Truncation of the history, passed through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation: Option<Value>,
    /// A stored prompt, passed through.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub prompt: Nullable<Value>,
    /// Extra output fields, passed through.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub include: Nullable<Vec<String>>,
}

/// The kind of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionType {
    /// A conversation.
    #[default]
    Realtime,
    /// Transcription only.
    Transcription,
    /// It was left out, which a server may do and a client may not.
    #[serde(rename(serialize = "realtime"), skip_deserializing)]
    Absent,
}

impl SessionType {
    fn absent() -> Self {
        Self::Absent
    }
}

/// What a response consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    /// Text without audio.
    Text,
    /// Audio with its transcript.
    Audio,
    /// A modality that a newer server knows.
    #[serde(other)]
    Unknown,
}

/// A limit of output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxTokens {
    /// At most so many.
    Count(u32),
    /// `"inf"`: as many as the model allows.
    Unlimited,
}

impl Serialize for MaxTokens {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Unlimited => serializer.serialize_str("inf"),
        }
    }
}

impl<'de> Deserialize<'de> for MaxTokens {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Count(u32),
            Text(String),
        }
        match Wire::deserialize(deserializer) {
            Ok(Wire::Count(count)) => Ok(Self::Count(count)),
            Ok(Wire::Text(text)) if text == "inf" => Ok(Self::Unlimited),
            _ => Err(serde::de::Error::custom(
                "expected a whole number of tokens or \"inf\"",
            )),
        }
    }
}

/// Audio settings of both directions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionAudio {
    /// From the person to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<AudioInput>,
    /// From the server to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<AudioOutput>,
}

/// Settings of the audio that the person speaks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AudioInput {
    /// The format of appended audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<AudioFormat>,
    /// Transcription of what the person says; `null` turns it off.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub transcription: Nullable<InputTranscription>,
    /// Noise reduction; `null` turns it off.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub noise_reduction: Nullable<NoiseReduction>,
    /// Who decides that a turn has ended; `null` means the client commits by hand.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub turn_detection: Nullable<TurnDetection>,
}

/// Settings of the audio that the server speaks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AudioOutput {
    /// The format of audio deltas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<AudioFormat>,
    /// The voice; fixed after the first audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
    /// Speaking rate, 0.25 to 1.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f32>,
}

/// An audio encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum AudioFormat {
    /// 16-bit little-endian mono; the rate is 24,000 Hz.
    #[serde(rename = "audio/pcm")]
    Pcm {
        /// Samples per second.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<u32>,
    },
    /// G.711 mu-law at 8 kHz.
    #[serde(rename = "audio/pcmu")]
    Pcmu,
    /// G.711 A-law at 8 kHz.
    #[serde(rename = "audio/pcma")]
    Pcma,
}

impl AudioFormat {
    /// 24 kHz PCM, the format that needs no conversion.
    pub const PCM_24K: Self = Self::Pcm { rate: Some(24_000) };
}

/// A voice by name, or a custom one by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected the name of a voice or {\"id\": \"...\"}"
)]
pub enum Voice {
    /// One of the server's own voices.
    Name(String),
    /// A voice made by the account's owner.
    Custom {
        /// The id of the custom voice.
        id: String,
    },
}

impl Voice {
    /// What it is called, by name or by id.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Custom { id } => id,
        }
    }
}

impl From<&str> for Voice {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// How what the person says is transcribed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputTranscription {
    /// The transcription model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The expected language (ISO-639-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The languages to expect, when there may be several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<Vec<String>>,
    /// Words or context that help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Words to listen for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<String>>,
    /// How long to wait for a surer text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<String>,
}

/// Noise reduction before detection and recognition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseReduction {
    /// `near_field` or `far_field`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How much, passed through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<Value>,
}

/// How the end of the person's turn is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TurnDetection {
    /// After so much silence.
    ServerVad(ServerVad),
    /// By what was said.
    SemanticVad(SemanticVad),
}

impl TurnDetection {
    /// Whether the end of a turn starts a response; on unless said otherwise.
    pub fn creates_response(&self) -> bool {
        match self {
            Self::ServerVad(vad) => vad.create_response,
            Self::SemanticVad(vad) => vad.create_response,
        }
        .unwrap_or(true)
    }

    /// Whether speech cancels the active response; on unless said otherwise.
    pub fn interrupts_response(&self) -> bool {
        match self {
            Self::ServerVad(vad) => vad.interrupt_response,
            Self::SemanticVad(vad) => vad.interrupt_response,
        }
        .unwrap_or(true)
    }
}

/// Turn detection by silence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerVad {
    /// Speech probability that counts as speech, 0 to 1; 0.5 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Audio kept from before speech was noticed, in milliseconds; 300 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_padding_ms: Option<u32>,
    /// Silence that ends a turn, in milliseconds; 500 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_duration_ms: Option<u32>,
    /// Silence after which the server speaks first, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u32>,
    /// Whether the end of a turn starts a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_response: Option<bool>,
    /// Whether speech cancels the active response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupt_response: Option<bool>,
}

/// Turn detection by what was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SemanticVad {
    /// How soon to take the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eagerness: Option<Eagerness>,
    /// Whether the end of a turn starts a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_response: Option<bool>,
    /// Whether speech cancels the active response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupt_response: Option<bool>,
}

/// How soon [`SemanticVad`] takes the turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eagerness {
    /// Lets the person take their time.
    Low,
    /// The same as auto.
    Medium,
    /// Answers as soon as possible.
    High,
    /// The server's choice.
    #[default]
    Auto,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool {
    /// A function that the client runs.
    Function(ToolFunction),
    /// A kind that we do not know, such as an MCP server.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// A function that the client runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolFunction {
    /// Its name, which a function call repeats.
    pub name: String,
    /// When to call it and what it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

/// Whether and which tool must be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"auto\", \"none\", \"required\" or {\"type\": \"function\", \"name\": \"...\"}"
)]
pub enum ToolChoice {
    /// `auto`, `none` or `required`.
    Mode(ToolChoiceMode),
    /// One certain tool.
    Named {
        /// `function` (or `mcp`).
        #[serde(rename = "type")]
        kind: String,
        /// Its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

/// A [`ToolChoice`] without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoiceMode {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one tool.
    Required,
}

impl Session {
    /// Applies `update`: present fields replace, `null` clears, audio settings merge one by one.
    ///
    /// `turn_detection` is replaced as a whole. Rules such as "the model is fixed" are the
    /// server's to check before.
    pub fn merge(&mut self, update: Session) {
        replace(&mut self.id, update.id);
        replace(&mut self.object, update.object);
        replace(&mut self.expires_at, update.expires_at);
        replace(&mut self.model, update.model);
        replace(&mut self.instructions, update.instructions);
        replace(&mut self.output_modalities, update.output_modalities);
        replace(&mut self.max_output_tokens, update.max_output_tokens);
        replace(&mut self.tools, update.tools);
        replace(&mut self.tool_choice, update.tool_choice);
        replace(&mut self.parallel_tool_calls, update.parallel_tool_calls);
        replace(&mut self.reasoning, update.reasoning);
        replace(&mut self.truncation, update.truncation);
        self.tracing.update(update.tracing);
        self.prompt.update(update.prompt);
        self.include.update(update.include);
        if let Some(audio) = update.audio {
            let current = self.audio.get_or_insert_default();
            if let Some(input) = audio.input {
                current.input.get_or_insert_default().merge(input);
            }
            if let Some(output) = audio.output {
                current.output.get_or_insert_default().merge(output);
            }
        }
    }

    /// Input audio settings, if any are present.
    pub fn audio_input(&self) -> Option<&AudioInput> {
        self.audio.as_ref()?.input.as_ref()
    }

    /// Output audio settings, if any are present.
    pub fn audio_output(&self) -> Option<&AudioOutput> {
        self.audio.as_ref()?.output.as_ref()
    }

    /// The turn detection in force; `None` when the client commits by hand.
    pub fn turn_detection(&self) -> Option<&TurnDetection> {
        self.audio_input()?.turn_detection.value()
    }
}

impl AudioInput {
    fn merge(&mut self, update: AudioInput) {
        replace(&mut self.format, update.format);
        self.noise_reduction.update(update.noise_reduction);
        self.turn_detection.update(update.turn_detection);
        match (self.transcription.value_mut(), update.transcription) {
            (Some(current), Nullable::Value(update)) => {
                replace(&mut current.model, update.model);
                replace(&mut current.language, update.language);
                replace(&mut current.languages, update.languages);
                replace(&mut current.prompt, update.prompt);
                replace(&mut current.keywords, update.keywords);
                replace(&mut current.delay, update.delay);
            }
            (_, update) => self.transcription.update(update),
        }
    }
}

impl AudioOutput {
    fn merge(&mut self, update: AudioOutput) {
        replace(&mut self.format, update.format);
        replace(&mut self.voice, update.voice);
        replace(&mut self.speed, update.speed);
    }
}

fn replace<T>(current: &mut Option<T>, update: Option<T>) {
    if update.is_some() {
        *current = update;
    }
}
