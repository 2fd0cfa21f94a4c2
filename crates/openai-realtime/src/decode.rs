//! From a text frame to a typed event, with errors that name the field.

use serde::Deserialize;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::item::{FunctionCall, FunctionCallOutput, ItemReference, Message};
use crate::session::{SemanticVad, ServerVad, ToolFunction};

/// Why a frame is no event.
///
/// The text of [`DecodeError::Payload`] may quote the frame: send it back, do not log it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a JSON object.
    #[error("the frame is not a JSON object: {0}")]
    Json(String),
    /// `type` is missing or no string.
    #[error("the event has no string field `type`")]
    NoType,
    /// A `type` that the protocol does not have.
    #[error("unknown event type `{0}`")]
    UnknownType(String),
    /// A field that must be there is not.
    #[error("missing required parameter: `{param}`")]
    Missing {
        /// The `type` of the event.
        event_type: String,
        /// Where the field belongs.
        param: String,
    },
    /// A field is wrong.
    #[error("{message}")]
    Payload {
        /// The `type` of the event.
        event_type: String,
        /// Where the field is; empty for the event as a whole.
        param: String,
        /// What was wrong.
        message: String,
    },
}

/// A client's frame that is no event, with the id that the answer must echo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ClientDecodeError {
    /// `event_id` of the frame, when it had one.
    pub event_id: Option<String>,
    /// What was wrong.
    pub error: DecodeError,
}

/// What every event has.
pub(crate) struct Head {
    pub(crate) event_type: Result<String, DecodeError>,
    pub(crate) event_id: Option<String>,
}

impl Head {
    pub(crate) fn parse(text: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(rename = "type", default)]
            event_type: Option<Value>,
            #[serde(default)]
            event_id: Option<Value>,
        }
        // serde would take an array for the fields in order.
        if !text.trim_start().starts_with('{') {
            return Err(DecodeError::Json("it does not begin with `{`".to_owned()));
        }
        let wire: Wire =
            serde_json::from_str(text).map_err(|error| DecodeError::Json(error.to_string()))?;
        Ok(Self {
            event_type: match wire.event_type {
                Some(Value::String(event_type)) => Ok(event_type),
                _ => Err(DecodeError::NoType),
            },
            event_id: match wire.event_id {
                Some(Value::String(event_id)) => Some(event_id),
                _ => None,
            },
        })
    }
}

/// Reads the payload of an event whose type is known.
pub(crate) fn payload<'de, T: Deserialize<'de>>(
    event_type: &str,
    text: &'de str,
) -> Result<T, DecodeError> {
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // A frame too deep for a value is only told as far as it was read.
        let frame = serde_json::from_str(text).unwrap_or_default();
        let Fault { param, reason } = Fault::at(&error, &frame);
        let event_type = event_type.to_owned();
        match missing(&reason) {
            Some(_) => DecodeError::Missing { event_type, param },
            None => DecodeError::Payload {
                message: match param.as_str() {
                    "" => format!("invalid `{event_type}`: {reason}"),
                    param => format!("invalid `{param}` in `{event_type}`: {reason}"),
                },
                event_type,
                param,
            },
        }
    })
}

/// Where in an event something is wrong, and what.
struct Fault {
    param: String,
    reason: String,
}

impl Fault {
    fn at(error: &serde_path_to_error::Error<serde_json::Error>, whole: &Value) -> Self {
        let mut param = String::new();
        let mut value = Some(whole);
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => {
                    param.push_str(&format!("[{index}]"));
                    value = value.and_then(|value| value.get(index));
                }
                Segment::Map { key } => {
                    param = join(param, key);
                    value = value.and_then(|value| value.get(key));
                }
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        // Each step inward is a step down, so this comes to an end.
        let inner = value.filter(|_| !param.is_empty());
        if let Some(deeper) = inner.and_then(Self::inside) {
            return Self {
                param: join(param, &deeper.param),
                reason: deeper.reason,
            };
        }
        let text = error.inner().to_string();
        // The position in the frame means nothing to whoever made it with a library.
        let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
        if let Some(field) = missing(&reason) {
            param = join(param, field);
        }
        Self { param, reason }
    }

    /// Objects told apart by their `type` are read in two steps, between which serde forgets
    /// where it is; so what is wrong in one is found by reading it again as what it says it is.
    fn inside(value: &Value) -> Option<Self> {
        #[derive(Deserialize)]
        struct Text {
            #[serde(rename = "text")]
            _text: String,
        }
        #[derive(Deserialize)]
        struct Audio {
            #[serde(rename = "audio")]
            _audio: Option<String>,
            #[serde(rename = "transcript")]
            _transcript: Option<String>,
        }
        #[derive(Deserialize)]
        struct Pcm {
            #[serde(rename = "rate")]
            _rate: Option<u32>,
        }
        match value.get("type")?.as_str()? {
            "message" => Self::reading::<Message>(value),
            "function_call" => Self::reading::<FunctionCall>(value),
            "function_call_output" => Self::reading::<FunctionCallOutput>(value),
            "item_reference" => Self::reading::<ItemReference>(value),
            "input_text" | "output_text" => Self::reading::<Text>(value),
            "input_audio" | "output_audio" => Self::reading::<Audio>(value),
            "function" => Self::reading::<ToolFunction>(value),
            "server_vad" => Self::reading::<ServerVad>(value),
            "semantic_vad" => Self::reading::<SemanticVad>(value),
            "audio/pcm" => Self::reading::<Pcm>(value),
            _ => None,
        }
    }

    fn reading<'a, T: Deserialize<'a>>(value: &'a Value) -> Option<Self> {
        let error = serde_path_to_error::deserialize::<_, T>(value).err()?;
        Some(Self::at(&error, value))
    }
}

/// The field that serde says is missing.
fn missing(reason: &str) -> Option<&str> {
    reason.strip_prefix("missing field `")?.strip_suffix('`')
}

fn join(mut path: String, below: &str) -> String {
    if !path.is_empty() && !below.is_empty() && !below.starts_with('[') {
        path.push('.');
    }
    path.push_str(below);
    path
}
