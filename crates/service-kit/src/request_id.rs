//! One id for each request, in its span, and in the answer so that a client can report it.

use axum::{body::Body, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue, Request};
use tracing::Instrument;
use uuid::Uuid;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Takes the client's id when it is a plain one, else makes one; puts it in a span around the request.
pub(crate) async fn layer(request: Request<Body>, next: Next) -> Response {
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (8..=64).contains(&id.len()) && id.bytes().all(is_plain))
        .map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned);
    let path = request.uri().path();
    // Paths of the contracts only: anything else is a stranger's text.
    let rpc = if path.starts_with("/insta.") {
        path
    } else {
        "other"
    };
    let span = tracing::info_span!("request", request.id = %id, rpc.path = %rpc);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}
