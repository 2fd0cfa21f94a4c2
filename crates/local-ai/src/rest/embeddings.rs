//! `/v1/embeddings`.

use ::speech::embedding::DIMENSIONS;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::parse;
use crate::error::ApiError;
use crate::server::App;

/// As on OpenAI's service.
const MAX_INPUTS: usize = 2_048;
/// Longer texts are cut by the model anyway; this bounds the work of finding where.
const MAX_INPUT_BYTES: usize = 256 * 1024;

#[derive(Debug, Deserialize)]
struct Request {
    input: Input,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    encoding_format: Encoding,
    #[serde(default)]
    dimensions: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
    /// Token numbers belong to another model's tokenizer.
    Tokens(serde::de::IgnoredAny),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    #[default]
    Float,
    Base64,
}

pub(crate) async fn create(State(app): State<App>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let request: Request = parse(&body)?;
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
        Input::Tokens(_) => {
            return Err(ApiError::invalid(
                "input",
                "'input' must be a string or a list of strings.",
            ));
        }
    };
    if texts.is_empty() || texts.len() > MAX_INPUTS {
        let message = format!("'input' must hold between 1 and {MAX_INPUTS} strings.");
        return Err(ApiError::invalid("input", message));
    }
    if texts
        .iter()
        .any(|text| text.trim().is_empty() || text.len() > MAX_INPUT_BYTES)
    {
        let message = format!("'input' strings must hold text, at most {MAX_INPUT_BYTES} bytes.");
        return Err(ApiError::invalid("input", message));
    }
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
    if !(1..=DIMENSIONS).contains(&dimensions) {
        let message = format!("'dimensions' must be between 1 and {DIMENSIONS}.");
        return Err(ApiError::invalid("dimensions", message));
    }
    // About four letters make a token.
    let tokens: usize = texts.iter().map(|text| text.len().div_ceil(4)).sum();
    let embeddings = app.engine.embed(texts).await?;
    let data: Vec<Value> = embeddings
        .iter()
        .enumerate()
        .map(|(index, embedding)| {
            let embedding = shortened(embedding, dimensions);
            let embedding = match request.encoding_format {
                Encoding::Float => json!(embedding),
                Encoding::Base64 => {
                    let bytes: Vec<u8> = embedding.iter().flat_map(|v| v.to_le_bytes()).collect();
                    json!(STANDARD.encode(bytes))
                }
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let model = request
        .model
        .unwrap_or_else(|| "all-minilm-l6-v2".to_owned());
    Ok(Json(json!({
        "object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })))
}

/// The first numbers of an embedding, of length 1 again.
fn shortened(embedding: &[f32], dimensions: usize) -> Vec<f32> {
    let kept = &embedding[..dimensions];
    let length = kept
        .iter()
        .map(|value| value * value)
        .sum::<f32>()
        .sqrt()
        .max(f32::MIN_POSITIVE);
    kept.iter().map(|value| value / length).collect()
}
