//! What a client sends.

use serde::{Deserialize, Serialize};

use super::events;
use crate::decode::{ClientDecodeError, DecodeError, Head};
use crate::item::Item;
use crate::response::ResponseParams;
use crate::session::Session;

/// A client event and the id that errors about it echo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClientMessage {
    /// Chosen by the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event.
    #[serde(flatten)]
    pub event: ClientEvent,
}

impl ClientMessage {
    /// Reads a text frame.
    ///
    /// # Errors
    /// The frame is no JSON, has an unknown type, or a field is missing or wrong.
    pub fn parse(text: &str) -> Result<Self, ClientDecodeError> {
        let head = Head::parse(text).map_err(|error| ClientDecodeError {
            event_id: None,
            error,
        })?;
        let event = head.event_type.and_then(|event_type| {
            ClientEvent::decode(&event_type, text)
                .unwrap_or(Err(DecodeError::UnknownType(event_type)))
        });
        match event {
            Ok(event) => Ok(Self {
                event_id: head.event_id,
                event,
            }),
            Err(error) => Err(ClientDecodeError {
                event_id: head.event_id,
                error,
            }),
        }
    }
}

impl From<ClientEvent> for ClientMessage {
    fn from(event: ClientEvent) -> Self {
        Self {
            event_id: None,
            event,
        }
    }
}

events! {
    /// What a client asks for.
    ClientEvent {
        /// Changes the session.
        "session.update" => SessionUpdate(SessionUpdate),
        /// Adds audio to the input buffer.
        "input_audio_buffer.append" => InputAudioBufferAppend(InputAudioBufferAppend),
        /// Makes a user item of the input buffer.
        "input_audio_buffer.commit" => InputAudioBufferCommit(NoFields),
        /// Drops the input buffer.
        "input_audio_buffer.clear" => InputAudioBufferClear(NoFields),
        /// Adds an item to the conversation.
        "conversation.item.create" => ConversationItemCreate(ConversationItemCreate),
        /// Asks for an item with its audio.
        "conversation.item.retrieve" => ConversationItemRetrieve(ItemId),
        /// Cuts assistant audio to what was heard.
        "conversation.item.truncate" => ConversationItemTruncate(ConversationItemTruncate),
        /// Removes an item.
        "conversation.item.delete" => ConversationItemDelete(ItemId),
        /// Asks for a response.
        "response.create" => ResponseCreate(ResponseCreate),
        /// Stops a response.
        "response.cancel" => ResponseCancel(ResponseCancel),
        /// Drops audio not yet played (WebRTC and SIP only).
        "output_audio_buffer.clear" => OutputAudioBufferClear(NoFields),
    }
}

/// The payload of events that have none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoFields {}

/// Payload of `session.update`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionUpdate {
    /// The fields to change.
    pub session: Box<Session>,
}

/// Payload of `input_audio_buffer.append`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputAudioBufferAppend {
    /// Base64 of the session's input format; see [`crate::audio`].
    pub audio: String,
}

/// Payload of `conversation.item.create`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationItemCreate {
    /// Absent: at the end; `root`: at the front; else after that item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_item_id: Option<String>,
    /// The item.
    pub item: Item,
}

/// Payload of events that name an item and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemId {
    /// The item.
    pub item_id: String,
}

/// Payload of `conversation.item.truncate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationItemTruncate {
    /// The assistant's message.
    pub item_id: String,
    /// Its part; 0.
    #[serde(default)]
    pub content_index: u32,
    /// What was heard, in milliseconds.
    pub audio_end_ms: u64,
}

/// Payload of `response.create`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseCreate {
    /// What differs from the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Box<ResponseParams>>,
}

/// Payload of `response.cancel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseCancel {
    /// Absent: the active response of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
}
