//! From a text frame to a typed event, with errors that name the field.

use serde::Deserialize;
use serde_json::Value;

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
    /// A field is missing or wrong.
    #[error("{message}")]
    Payload {
        /// The `type` of the event.
        event_type: String,
        /// Where the field is; as deep as could be told.
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
        let inner = error.inner().to_string();
        // The position in the frame means nothing to whoever made it with a library.
        let reason = inner.split(" at line ").next().unwrap_or(&inner);
        let param = error.path().to_string();
        DecodeError::Payload {
            event_type: event_type.to_owned(),
            message: if param == "." {
                format!("invalid `{event_type}`: {reason}")
            } else {
                format!("invalid `{param}` in `{event_type}`: {reason}")
            },
            param,
        }
    })
}
