//! Errors of the REST endpoints, in OpenAI's shape.

use axum::Json;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::engine::EngineError;

/// When a client may try again after the server was too busy.
const RETRY_AFTER_SECS: u16 = 1;
/// The longest reason of a framework that is passed on.
const MAX_REASON_BYTES: usize = 4 * 1024;

/// An error as an OpenAI client expects it.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    kind: String,
    code: Option<String>,
    param: Option<String>,
    message: String,
}

impl ApiError {
    /// A field has a value that it cannot have.
    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::of_request("invalid_value", param, message)
    }

    /// A field has a value of another type.
    pub(crate) fn wrong_type(param: &str, message: impl Into<String>) -> Self {
        Self::of_request("invalid_type", param, message)
    }

    /// A field is missing.
    pub(crate) fn missing(param: &str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        Self::of_request("missing_required_parameter", param, message)
    }

    /// The body is not what the endpoint takes.
    pub(crate) fn body(message: impl Into<String>) -> Self {
        Self {
            code: None,
            ..Self::of_request("", "", message)
        }
    }

    fn of_request(code: &str, param: &str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error".to_owned(),
            code: Some(code.to_owned()),
            param: (!param.is_empty()).then(|| param.to_owned()),
            message: message.into(),
        }
    }

    /// The thing asked for does not exist.
    pub(crate) fn not_found(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            ..Self::of_request(code, "", message)
        }
    }

    /// The server is busy; trying again later may help.
    pub(crate) fn overloaded(message: impl Into<String>) -> Self {
        Self {
            code: Some("server_overloaded".to_owned()),
            ..Self::failed(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }

    /// Something else failed.
    pub(crate) fn failed(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: "server_error".to_owned(),
            code: None,
            param: None,
            message: message.into(),
        }
    }

    /// An error that another server gave, in its own words.
    pub(crate) fn passed_on(status: StatusCode, error: async_openai::error::ApiError) -> Self {
        Self {
            status,
            kind: error
                .r#type
                .unwrap_or_else(|| "invalid_request_error".to_owned()),
            code: error.code,
            param: error.param,
            message: error.message,
        }
    }

    /// An error of the HTTP layer below the endpoints.
    fn of_status(status: StatusCode, reason: &str) -> Self {
        let message = match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                "This URL is not served by that method; the Allow header names the right one."
            }
            StatusCode::PAYLOAD_TOO_LARGE => "The request body may hold at most 26 MiB.",
            _ if reason.is_empty() => status.canonical_reason().unwrap_or("The request failed."),
            _ => reason,
        };
        if status.is_server_error() {
            return Self::failed(status, message);
        }
        Self {
            status,
            ..Self::body(message)
        }
    }

    /// The error object alone, for streams that have begun.
    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        }})
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        tracing::warn!(%error, "A model failed");
        match error {
            EngineError::Model(speech::Error::Busy { .. }) => {
                Self::overloaded("The models are busy. Try again in a moment.")
            }
            EngineError::Model(_) | EngineError::Lost => {
                Self::failed(StatusCode::INTERNAL_SERVER_ERROR, "The model failed.")
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = HeaderValue::from(RETRY_AFTER_SECS);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

/// Puts refusals that the framework wrote (a wrong method, a body that is too large, a request that
/// is no upgrade) into the same shape as our own.
pub(crate) async fn in_shape(response: Response) -> Response {
    let status = response.status();
    let json = HeaderValue::from_static("application/json");
    let is_failure = status.is_client_error() || status.is_server_error();
    if !is_failure || response.headers().get(CONTENT_TYPE) == Some(&json) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let reason = axum::body::to_bytes(body, MAX_REASON_BYTES).await;
    let reason = reason.unwrap_or_default();
    let reason = String::from_utf8_lossy(&reason);
    let mut shaped = ApiError::of_status(status, &reason).into_response();
    if let Some(allow) = parts.headers.get(ALLOW) {
        shaped.headers_mut().insert(ALLOW, allow.clone());
    }
    shaped
}
