//! The key set as plain HTTP, for verifiers that do not speak gRPC.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

use crate::app::App;

/// Short enough for a rotation to be seen in time, long enough to cost nothing.
const CACHE: &str = "public, max-age=300";

/// `/.well-known/jwks.json`.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(key_set))
        .with_state(app)
}

async fn key_set(State(app): State<Arc<App>>) -> Response {
    match app.keys.ring().await {
        Ok(ring) => {
            let keys: Vec<_> = ring
                .published()
                .iter()
                .map(|key| {
                    json!({
                        "kid": key.kid, "kty": key.kty, "crv": key.crv, "alg": key.alg, "x": key.x, "use": "sig",
                    })
                })
                .collect();
            (
                [(header::CACHE_CONTROL, CACHE)],
                Json(json!({ "keys": keys })),
            )
                .into_response()
        }
        Err(error) => {
            tracing::warn!(error = ?error, "The key set could not be served");
            let again = [
                (header::RETRY_AFTER, "1"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (StatusCode::SERVICE_UNAVAILABLE, again).into_response()
        }
    }
}
