//! The REST side.

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

const MAX_DIMENSIONS: u64 = 3_072;

/// `/v1/audio/speech`: raw samples, whatever format was asked for.
pub(crate) async fn speech(Json(request): Json<Value>) -> Result<Vec<u8>, StatusCode> {
    let text = request["input"].as_str().ok_or(StatusCode::BAD_REQUEST)?;
    let samples = crate::tone(text);
    Ok(samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect())
}

/// `/v1/chat/completions`: the last message, quoted.
pub(crate) async fn chat(Json(request): Json<Value>) -> Result<Json<Value>, StatusCode> {
    let last = request["messages"].as_array().and_then(|all| all.last());
    let text = last
        .and_then(|message| message["content"].as_str())
        .ok_or(StatusCode::BAD_REQUEST)?;
    let content = format!("The caller spoke with a script: {}", text.trim());
    Ok(Json(json!({
        "id": "chatcmpl-script", "object": "chat.completion", "created": 0, "model": request["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": content, "refusal": null}}],
    })))
}

/// `/v1/embeddings`: letters counted by their code, so that equal texts have equal vectors.
pub(crate) async fn embeddings(Json(request): Json<Value>) -> Result<Json<Value>, StatusCode> {
    let texts: Vec<&str> = match &request["input"] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => return Err(StatusCode::BAD_REQUEST),
    };
    let dimensions = request["dimensions"].as_u64().unwrap_or(1_536);
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let vector = |text: &str| {
        let mut counts = vec![0.0_f32; dimensions as usize];
        counts[0] = 1.0;
        for letter in text.bytes() {
            counts[usize::from(letter) % dimensions as usize] += 1.0;
        }
        counts
    };
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({"object": "embedding", "index": index, "embedding": vector(text)})
        })
        .collect();
    Ok(Json(json!({
        "object": "list", "model": request["model"], "data": data,
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
    })))
}
