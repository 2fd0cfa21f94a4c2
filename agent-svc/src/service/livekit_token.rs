//! `POST /livekit/token`: a call in the shape of LiveKit's token endpoint, for its stock front-ends.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;
use service_kit::Caller;
use service_kit::identity::authenticate;
use service_kit::keys::TokenVerifier;
use tonic::{Code, Status};

use super::start;
use crate::app::App;

#[derive(Clone)]
struct Endpoint {
    app: Arc<App>,
    verifier: TokenVerifier,
}

/// The route. What a request asks for in its body is not read: room, identity and agent are ours.
pub(crate) fn routes(app: Arc<App>, verifier: TokenVerifier) -> Router {
    let endpoint = Endpoint { app, verifier };
    Router::new()
        .route("/livekit/token", post(token))
        .with_state(endpoint)
}

async fn token(State(endpoint): State<Endpoint>, headers: HeaderMap) -> Response {
    match try_token(&endpoint, &headers).await {
        Ok(answer) => (StatusCode::CREATED, Json(answer)).into_response(),
        Err(status) => refusal(&status),
    }
}

async fn try_token(endpoint: &Endpoint, headers: &HeaderMap) -> Result<serde_json::Value, Status> {
    let caller = authenticate(&endpoint.verifier, headers).await?;
    let Caller::User { user_id, .. } = &caller else {
        return Err(Status::unauthenticated(
            "send `Authorization: Bearer <session token>`",
        ));
    };
    let session = start::bearer_of(headers.get(header::AUTHORIZATION));
    let started = start::start_call(&endpoint.app, &caller, session).await?;
    Ok(json!({
        "server_url": started.livekit_url,
        "participant_token": started.participant_token,
        "room_name": started.call.map(|call| call.room).unwrap_or_default(),
        "participant_name": user_id.to_string(),
    }))
}

fn refusal(status: &Status) -> Response {
    let code = match status.code() {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable | Code::DeadlineExceeded => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let reason = service_kit::status::reason(status);
    let body = json!({"error": {"reason": reason, "message": status.message()}});
    (code, Json(body)).into_response()
}
