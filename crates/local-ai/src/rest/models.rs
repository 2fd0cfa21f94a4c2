//! `/v1/models`.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::server::MODELS;

fn object(model: &str) -> Value {
    json!({"id": model, "object": "model", "created": 0, "owned_by": "local"})
}

pub(crate) async fn list() -> Json<Value> {
    let data: Vec<Value> = MODELS.iter().map(|model| object(model)).collect();
    Json(json!({"object": "list", "data": data}))
}

pub(crate) async fn retrieve(Path(model): Path<String>) -> Result<Json<Value>, ApiError> {
    if MODELS.contains(&model.as_str()) {
        return Ok(Json(object(&model)));
    }
    Err(ApiError::not_found(
        "model_not_found",
        format!("The model '{model}' does not exist."),
    ))
}
