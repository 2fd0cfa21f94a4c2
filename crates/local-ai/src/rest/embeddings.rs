//! `/v1/embeddings`.

use ::speech::embedding::DIMENSIONS;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::Json;
use super::tokens;
use crate::error::ApiError;
use crate::server::App;

/// As on OpenAI's service.
const MAX_INPUTS: usize = 2_048;
/// Longer texts are cut by the model anyway; this bounds the work of finding where.
const MAX_INPUT_BYTES: usize = 256 * 1024;

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct Request {
    input: Input,
    model: Option<String>,
    encoding_format: Option<Encoding>,
    dimensions: Option<i64>,
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

pub(crate) async fn create(
    State(app): State<App>,
    Json(request): Json<Request>,
) -> Result<axum::Json<Value>, ApiError> {
    let texts = request.input.texts()?;
    let dimensions = match request.dimensions.map(usize::try_from) {
        None => DIMENSIONS,
        Some(Ok(dimensions)) if (1..=DIMENSIONS).contains(&dimensions) => dimensions,
        Some(_) => {
            let message = format!("'dimensions' must be between 1 and {DIMENSIONS}.");
            return Err(ApiError::invalid("dimensions", message));
        }
    };
    let encoding = request.encoding_format.unwrap_or_default();
    let tokens: usize = texts.iter().map(|text| tokens(text)).sum();
    let embeddings = app.engine.embed(texts).await?;
    let data: Vec<Value> = embeddings
        .iter()
        .enumerate()
        .map(|(index, embedding)| {
            let embedding = shortened(embedding, dimensions);
            let embedding = match encoding {
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
    Ok(axum::Json(json!({
        "object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })))
}

impl Input {
    fn texts(self) -> Result<Vec<String>, ApiError> {
        let texts = match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
            Self::Tokens(_) => {
                let message = "'input' must be a string or a list of strings; lists of tokens \
                               belong to another model's tokenizer.";
                return Err(ApiError::wrong_type("input", message));
            }
        };
        if texts.is_empty() || texts.len() > MAX_INPUTS {
            let message = format!("'input' must hold between 1 and {MAX_INPUTS} strings.");
            return Err(ApiError::invalid("input", message));
        }
        let is_wrong = |text: &String| text.trim().is_empty() || text.len() > MAX_INPUT_BYTES;
        if texts.iter().any(is_wrong) {
            let message =
                format!("'input' strings must hold text, at most {MAX_INPUT_BYTES} bytes.");
            return Err(ApiError::invalid("input", message));
        }
        Ok(texts)
    }
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
