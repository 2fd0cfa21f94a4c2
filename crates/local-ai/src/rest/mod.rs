//! The REST endpoints. Each speaks OpenAI's protocol as far as the models here can.

pub(crate) mod chat;
pub(crate) mod embeddings;
pub(crate) mod models;
pub(crate) mod speech;
pub(crate) mod transcriptions;

use axum::body::Bytes;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Reads a JSON body, whatever its content type says.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid("", format!("Invalid request body: {error}.")))
}

/// Seconds since 1970.
fn unix_now() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() as u32)
}
