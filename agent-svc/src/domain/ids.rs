//! Names of what the conversation deals with.

use std::fmt;
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it travels.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The provider's id of an item.
    ItemId
}
text_id! {
    /// The provider's id of a response.
    ResponseId
}
text_id! {
    /// The model's id of a tool call.
    ToolCallId
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
    };
}

number_id! {
    /// Our own number of a response, known before the provider gives its id.
    Ticket
}
number_id! {
    /// Something the assistant says, from its first word to its last.
    SpeechId
}
number_id! {
    /// An utterance in the transcript.
    SegmentId
}
number_id! {
    /// A pause in a turn of the caller.
    PauseId
}
number_id! {
    /// A question for the words of a sound of the caller.
    SoundId
}
