//! Requests that the configured chat endpoint answers.
//!
//! Dropping what [`pass_on`] gives, as a client does that goes away, ends the request there too.

use std::time::Duration;

use async_openai::error::{ApiErrorResponse, OpenAIError};
use async_openai::types::chat::CreateChatCompletionRequest;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::chat::Chat;
use crate::error::ApiError;
use crate::rest::events;

/// The longest wait for an answer, or for the beginning of a streamed one.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// The longest wait for the next piece of a streamed one.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends the request to the endpoint and its answer back.
pub(super) async fn pass_on(
    chat: &Chat,
    mut request: CreateChatCompletionRequest,
) -> Result<Response, ApiError> {
    request.model = chat.model().to_owned();
    let endpoint = chat.client().chat();
    if request.stream != Some(true) {
        let answer = timeout(ANSWER_TIMEOUT, endpoint.create(request)).await;
        return Ok(Json(answer.map_err(|_| late())?.map_err(failed)?).into_response());
    }
    let opening = timeout(ANSWER_TIMEOUT, endpoint.create_stream(request)).await;
    let chunks = opening.map_err(|_| late())?.map_err(failed)?;
    let pieces = stream::try_unfold(Some(chunks), async |chunks| {
        let Some(mut chunks) = chunks else {
            return Ok(None);
        };
        let next = timeout(PIECE_TIMEOUT, chunks.next()).await;
        Ok(Some(match next.map_err(|_| late())? {
            Some(chunk) => (written(&chunk.map_err(failed)?)?, Some(chunks)),
            None => (json!("[DONE]"), None),
        }))
    });
    Ok(events(pieces).into_response())
}

fn written(chunk: &impl serde::Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(chunk).map_err(|_| bad("The chat endpoint sent what cannot be passed on."))
}

fn late() -> ApiError {
    ApiError::failed(
        StatusCode::GATEWAY_TIMEOUT,
        "The chat endpoint did not answer.",
    )
}

fn bad(message: &str) -> ApiError {
    ApiError::failed(StatusCode::BAD_GATEWAY, message)
}

/// What the client can mend is told in the endpoint's words; the rest is between it and this
/// server.
fn failed(error: OpenAIError) -> ApiError {
    tracing::warn!("The chat endpoint failed");
    tracing::debug!(%error, "Chat endpoint error");
    let OpenAIError::ApiError(ApiErrorResponse {
        status_code,
        api_error,
    }) = error
    else {
        return bad("The chat endpoint failed.");
    };
    match StatusCode::from_u16(status_code.as_u16()) {
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            bad("The chat endpoint refused the key that this server has for it.")
        }
        Ok(status) if status.is_client_error() => ApiError::passed_on(status, api_error),
        _ => bad("The chat endpoint failed."),
    }
}
