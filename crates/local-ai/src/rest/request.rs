//! Reads JSON bodies, and says of a wrong one which field is wrong and what would be right.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ApiError;

/// A JSON body, whatever its content type says.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let value = serde_json::from_slice(&body).map_err(|error| {
            let message = format!("We could not parse the JSON body of your request: {error}.");
            ApiError::body(message).into_response()
        })?;
        read(value).map(Self).map_err(IntoResponse::into_response)
    }
}

/// Reads a value, and tells what is wrong with it in OpenAI's words.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        wrong(path, &error.inner().to_string())
    })
}

/// From serde's words, which no type of its carries.
fn wrong(path: &str, reason: &str) -> ApiError {
    let subject = if path.is_empty() {
        "request body".to_owned()
    } else {
        format!("'{path}'")
    };
    let missing = reason.strip_prefix("missing field `");
    if let Some((field, _)) = missing.and_then(|rest| rest.split_once('`')) {
        return ApiError::missing(&joined(path, field));
    }
    let of_type = reason.strip_prefix("invalid type: ");
    if let Some((found, expected)) = of_type.and_then(|rest| rest.split_once(", expected ")) {
        let (expected, found) = (named(expected), named(found));
        let message =
            format!("Invalid type for {subject}: expected {expected}, but got {found} instead.");
        return ApiError::wrong_type(path, message);
    }
    let variant = reason.strip_prefix("unknown variant `");
    if let Some((found, expected)) = variant.and_then(|rest| rest.split_once("`, expected ")) {
        let known = expected.trim_start_matches("one of ").replace('`', "'");
        let message = format!("Invalid value: '{found}'. Supported values are: {known}.");
        return ApiError::invalid(path, message);
    }
    ApiError::invalid(path, format!("Invalid {subject}: {reason}."))
}

/// A type as people name it, without the value that serde shows with it.
fn named(kind: &str) -> &str {
    match kind.split([' ', '`']).next().unwrap_or_default() {
        "string" => "a string",
        "integer" | "i64" => "an integer",
        "floating" | "f32" => "a number",
        "boolean" => "a boolean",
        "sequence" => "a list",
        "map" => "an object",
        _ if kind == "a sequence" => "a list",
        _ => kind,
    }
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}
