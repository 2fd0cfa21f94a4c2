//! `/v1/chat/completions`: the dialogue of this crate, or the configured chat endpoint.

mod answer;
mod question;
mod upstream;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{events, request};
use crate::dialogue::Part;
use crate::error::ApiError;
use crate::server::App;
use answer::Answer;
use question::Question;

/// A dialogue gives a handful of parts.
const PARTS: usize = 16;

pub(crate) async fn create(
    State(app): State<App>,
    request::Json(body): request::Json<Value>,
) -> Result<Response, ApiError> {
    if let Some(chat) = app.brain.chat() {
        return upstream::pass_on(chat, request::read(body)?).await;
    }
    let question = request::read::<Question>(body)?.checked()?;
    let context = question.context();
    let (sender, mut receiver) = mpsc::channel(PARTS);
    let collect = async {
        let mut parts: Vec<Part> = Vec::new();
        while let Some(part) = receiver.recv().await {
            parts.push(part);
        }
        parts
    };
    let decide = async move { app.brain.reply(context, &sender).await };
    let (decided, parts) = tokio::join!(decide, collect);
    decided?;
    let answer = Answer::new(&question, parts);
    Ok(if question.is_stream() {
        let chunks = answer.chunks(question.includes_usage());
        events(futures::stream::iter(chunks.into_iter().map(Ok))).into_response()
    } else {
        Json(answer.whole()).into_response()
    })
}
