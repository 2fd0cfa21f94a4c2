//! The error object of the protocol, and the codes that clients branch on.

use serde::{Deserialize, Serialize};

/// What an `error` event, a failed response or a failed transcription carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// One of [`kind`], or another class that a server knows.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// One of [`code`], or another; absent for some errors.
    #[serde(default)]
    pub code: Option<String>,
    /// For people. It may quote what the client sent: do not log it.
    #[serde(default)]
    pub message: String,
    /// The field that was wrong, as a path.
    #[serde(default)]
    pub param: Option<String>,
    /// The `event_id` of the client event that caused it.
    #[serde(default)]
    pub event_id: Option<String>,
}

impl ErrorDetail {
    /// An `invalid_request_error` with a code.
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind::INVALID_REQUEST.to_owned(),
            code: Some(code.to_owned()),
            message: message.into(),
            ..Self::default()
        }
    }

    /// A `server_error` with a code.
    pub fn server(code: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind::SERVER.to_owned(),
            code: Some(code.to_owned()),
            message: message.into(),
            ..Self::default()
        }
    }

    /// Names the field that was wrong.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Whether connecting again with the same key and settings is pointless.
    pub fn is_fatal(&self) -> bool {
        self.fatal_code().is_some()
    }

    /// Which of [`code::FATAL`] it is. Some servers put it where the class belongs.
    pub fn fatal_code(&self) -> Option<&'static str> {
        let known = |name: &str| code::FATAL.into_iter().find(|fatal| *fatal == name);
        self.code
            .as_deref()
            .and_then(known)
            .or_else(|| known(&self.kind))
    }

    /// Whether too much was asked for in too short a time: a little later it may be granted.
    pub fn is_rate_limit(&self) -> bool {
        let limit = |name: &str| matches!(name, code::RATE_LIMIT | kind::RATE_LIMIT);
        !self.is_fatal() && (self.code.as_deref().is_some_and(limit) || limit(&self.kind))
    }
}

/// Classes of error (`error.type`).
pub mod kind {
    /// The client sent something wrong.
    pub const INVALID_REQUEST: &str = "invalid_request_error";
    /// The server failed.
    pub const SERVER: &str = "server_error";
    /// Too much in too short a time.
    pub const RATE_LIMIT: &str = "rate_limit_error";
}

/// Error codes (`error.code`).
pub mod code {
    /// `response.cancel` while nothing is active.
    pub const RESPONSE_CANCEL_NOT_ACTIVE: &str = "response_cancel_not_active";
    /// `response.create` while a default-conversation response is active.
    pub const ALREADY_HAS_ACTIVE_RESPONSE: &str = "conversation_already_has_active_response";
    /// `input_audio_buffer.commit` with less than 100 ms of audio.
    pub const COMMIT_EMPTY: &str = "input_audio_buffer_commit_empty";
    /// `conversation.item.create` with an id that exists.
    pub const DUPLICATE_ITEM_ID: &str = "item_create_duplicate_item_id";
    /// `conversation.item.create` after an item that does not exist.
    pub const CREATE_INVALID_PREVIOUS_ITEM: &str = "item_create_invalid_previous_item_id";
    /// `conversation.item.retrieve` of an item that does not exist.
    pub const RETRIEVE_INVALID_ITEM_ID: &str = "item_retrieve_invalid_item_id";
    /// `conversation.item.delete` of an item that does not exist.
    pub const DELETE_INVALID_ITEM_ID: &str = "item_delete_invalid_item_id";
    /// `conversation.item.truncate` of an item that does not exist.
    pub const TRUNCATE_INVALID_ITEM_ID: &str = "item_truncate_invalid_item_id";
    /// `conversation.item.truncate` of something other than assistant audio.
    pub const UNSUPPORTED_CONTENT_TYPE: &str = "unsupported_content_type";
    /// `response.create` with settings that cannot be used.
    pub const BAD_RESPONSE_CREATE: &str = "bad_response_create";
    /// The beta header or beta payloads were sent.
    pub const BETA_API_SHAPE_DISABLED: &str = "beta_api_shape_disabled";
    /// A field has a value that is not allowed.
    pub const INVALID_VALUE: &str = "invalid_value";
    /// A field that must be there is not.
    pub const MISSING_PARAMETER: &str = "missing_required_parameter";
    /// The frame is no JSON object.
    pub const INVALID_JSON: &str = "invalid_json";
    /// An unknown `type` of event.
    pub const UNKNOWN_EVENT: &str = "unknown_event_type";
    /// A session field that cannot change any more.
    pub const CANNOT_UPDATE: &str = "cannot_update_session_field";
    /// The session reached its longest duration.
    pub const SESSION_EXPIRED: &str = "session_expired";
    /// Too many requests or tokens in too short a time.
    pub const RATE_LIMIT: &str = "rate_limit_exceeded";
    /// The account has no quota left.
    pub const INSUFFICIENT_QUOTA: &str = "insufficient_quota";
    /// The key is unknown.
    pub const INVALID_API_KEY: &str = "invalid_api_key";
    /// The account was closed.
    pub const ACCOUNT_DEACTIVATED: &str = "account_deactivated";
    /// The account's spending limit is reached.
    pub const BILLING_HARD_LIMIT: &str = "billing_hard_limit_reached";
    /// Prepaid credit is used up.
    pub const CREDIT_EXHAUSTED: &str = "credit_balance_exhausted";

    /// Codes after which connecting again is pointless.
    pub const FATAL: [&str; 6] = [
        INSUFFICIENT_QUOTA,
        INVALID_API_KEY,
        ACCOUNT_DEACTIVATED,
        BILLING_HARD_LIMIT,
        CREDIT_EXHAUSTED,
        BETA_API_SHAPE_DISABLED,
    ];
}
