//! Items: the entries of a conversation.

use serde::{Deserialize, Serialize};

use crate::nullable::Nullable;

/// `object` of every item.
const OBJECT: &str = "realtime.item";

/// An entry of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// What a person, the assistant or the system said.
    Message(Message),
    /// A call that the model makes.
    FunctionCall(FunctionCall),
    /// What the call gave.
    FunctionCallOutput(FunctionCallOutput),
    /// Only in `response.create` input: an item of the conversation, by id.
    ItemReference(ItemReference),
    /// A kind that we do not know, such as MCP's.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// What a person, the assistant or the system said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Chosen by the client or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `realtime.item`; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// How far it is; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// Who said it.
    pub role: Role,
    /// Its parts.
    #[serde(default)]
    pub content: Vec<ContentPart>,
}

/// A call that the model makes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The item's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `realtime.item`; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// The tool's name.
    pub name: String,
    /// Connects the call with its output; at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Arguments as JSON text; empty until they are complete.
    #[serde(default)]
    pub arguments: String,
}

/// What a call gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCallOutput {
    /// The item's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `realtime.item`; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ItemStatus>,
    /// The call that it answers.
    pub call_id: String,
    /// The result as free text, usually JSON.
    pub output: String,
}

/// An item of the conversation, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemReference {
    /// The item's id.
    pub id: String,
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// All of it is there.
    Completed,
    /// It ended early.
    Incomplete,
    /// More will come.
    InProgress,
    /// A status that we do not know.
    #[serde(other)]
    Unknown,
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions within the conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// Text from the person or the system.
    InputText {
        /// The text.
        text: String,
    },
    /// Audio from the person.
    InputAudio {
        /// Base64 PCM; only when the client creates it or retrieves it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audio: Option<String>,
        /// `null` until it has been transcribed.
        #[serde(default, skip_serializing_if = "Nullable::is_absent")]
        transcript: Nullable<String>,
    },
    /// An image from the person.
    InputImage {
        /// A data URL.
        image_url: String,
        /// `auto`, `low` or `high`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// Text from the model.
    OutputText {
        /// The text.
        text: String,
    },
    /// Audio from the model.
    OutputAudio {
        /// Base64 PCM; only when it is retrieved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audio: Option<String>,
        /// What the audio says; gone after a truncation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        transcript: Option<String>,
    },
    /// A kind that we do not know.
    #[serde(other, skip_serializing)]
    Unknown,
}

impl ContentPart {
    /// The words of the part, whichever field they are in.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::InputText { text } | Self::OutputText { text } => Some(text),
            Self::InputAudio { transcript, .. } => transcript.value().map(String::as_str),
            Self::OutputAudio { transcript, .. } => transcript.as_deref(),
            Self::InputImage { .. } | Self::Unknown => None,
        }
    }
}

impl Item {
    /// A message of one text part, of the kind that belongs to its role.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Message(Message::new(
            role,
            vec![match role {
                Role::Assistant => ContentPart::OutputText { text },
                Role::User | Role::System => ContentPart::InputText { text },
            }],
        ))
    }

    /// The output of a function call.
    pub fn function_call_output(call_id: impl Into<String>, output: impl Into<String>) -> Self {
        Self::FunctionCallOutput(FunctionCallOutput {
            call_id: call_id.into(),
            output: output.into(),
            ..FunctionCallOutput::default()
        })
    }

    /// The item's id, if it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Message(item) => item.id.as_deref(),
            Self::FunctionCall(item) => item.id.as_deref(),
            Self::FunctionCallOutput(item) => item.id.as_deref(),
            Self::ItemReference(item) => Some(&item.id),
            Self::Unknown => None,
        }
    }

    /// The same item with this id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        match &mut self {
            Self::Message(item) => item.id = Some(id),
            Self::FunctionCall(item) => item.id = Some(id),
            Self::FunctionCallOutput(item) => item.id = Some(id),
            Self::ItemReference(item) => item.id = id,
            Self::Unknown => {}
        }
        self
    }

    /// The item's status, if it has one.
    pub fn status(&self) -> Option<ItemStatus> {
        match self {
            Self::Message(item) => item.status,
            Self::FunctionCall(item) => item.status,
            Self::FunctionCallOutput(item) => item.status,
            Self::ItemReference(_) | Self::Unknown => None,
        }
    }

    /// The same item as a server sends it: with its `object` and this status.
    #[must_use]
    pub fn with_status(mut self, status: ItemStatus) -> Self {
        let (object, current) = match &mut self {
            Self::Message(item) => (&mut item.object, &mut item.status),
            Self::FunctionCall(item) => (&mut item.object, &mut item.status),
            Self::FunctionCallOutput(item) => (&mut item.object, &mut item.status),
            Self::ItemReference(_) | Self::Unknown => return self,
        };
        *object = Some(OBJECT.to_owned());
        *current = Some(status);
        self
    }
}

impl Message {
    /// A message without id or status.
    pub fn new(role: Role, content: Vec<ContentPart>) -> Self {
        Self {
            id: None,
            object: None,
            status: None,
            role,
            content,
        }
    }

    /// The words of all parts, joined by spaces.
    pub fn words(&self) -> String {
        let words: Vec<&str> = self.content.iter().filter_map(ContentPart::words).collect();
        words.join(" ")
    }
}
