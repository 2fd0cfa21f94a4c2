//! The events of both directions. Each is an enum over payload structs, tagged by `type`.

pub mod client;
pub mod server;

/// Declares an enum of events from the wire name, the variant and the payload of each.
macro_rules! events {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$doc:meta])* $wire:literal => $variant:ident($payload:ty),)+ }
        $(fallback $(#[$fallback_doc:meta])* $fallback:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[serde(tag = "type")]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $wire)] $variant($payload),)+
            $($(#[$fallback_doc])* #[serde(skip)] $fallback(String),)?
        }

        impl $name {
            /// The `type` of the event on the wire.
            pub fn event_type(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $wire,)+
                    $(Self::$fallback(event_type) => event_type,)?
                }
            }

            /// Reads the payload that belongs to `event_type`; `None` for a type not listed.
            fn decode(event_type: &str, text: &str) -> Option<Result<Self, crate::DecodeError>> {
                Some(match event_type {
                    $($wire => crate::decode::payload(event_type, text).map(Self::$variant),)+
                    _ => return None,
                })
            }
        }
    };
}
pub(crate) use events;
