//! Errors of the REST endpoints, in OpenAI's shape.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::engine::EngineError;

/// An error as an OpenAI client expects it.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<String>,
    message: String,
}

impl ApiError {
    /// A field is missing or wrong.
    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            code: Some("invalid_value"),
            param: (!param.is_empty()).then(|| param.to_owned()),
            message: message.into(),
        }
    }

    /// The thing asked for does not exist.
    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            kind: "invalid_request_error",
            code: Some(code),
            param: None,
            message: message.into(),
        }
    }

    /// The server is busy; trying again later may help.
    pub(crate) fn overloaded(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            kind: "server_error",
            code: Some("server_overloaded"),
            param: None,
            message: message.into(),
        }
    }

    /// Something else failed.
    pub(crate) fn failed(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: "server_error",
            code: None,
            param: None,
            message: message.into(),
        }
    }

    /// The error object alone, for streams that have begun.
    pub(crate) fn body(&self) -> serde_json::Value {
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
        (self.status, Json(self.body())).into_response()
    }
}
