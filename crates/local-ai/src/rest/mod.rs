//! The REST endpoints. Each speaks OpenAI's protocol as far as the models here can.

pub(crate) mod chat;
pub(crate) mod embeddings;
pub(crate) mod models;
mod recording;
mod request;
pub(crate) mod speech;
pub(crate) mod transcriptions;

use std::convert::Infallible;

use axum::response::sse::{Event, Sse};
use futures::{Stream, StreamExt as _};
use serde_json::Value;

use crate::error::ApiError;

/// Tokens in a text, for `usage`: about four letters make one.
fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// Tokens in so many samples, for `usage`, by the rate at which OpenAI counts spoken answers.
fn audio_tokens(samples: usize, rate: u32) -> usize {
    samples.div_ceil(rate as usize / 20)
}

/// Seconds since 1970.
fn unix_now() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() as u32)
}

/// A stream of JSON as server-sent events. What fails is the last event.
fn events(
    pieces: impl Stream<Item = Result<Value, ApiError>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send + 'static> {
    Sse::new(pieces.map(|piece| {
        let data = piece.unwrap_or_else(|error| error.to_json());
        // A string is sent as it is: the protocol ends some streams with a bare word.
        Ok(Event::default().data(match data {
            Value::String(word) => word,
            data => data.to_string(),
        }))
    }))
}
