//! A chat endpoint that follows a script.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

/// What the endpoint does with a request, given how many came before.
pub(crate) type Script = fn(usize, &Value) -> Play;

pub(crate) enum Play {
    /// Refuses it with this status.
    Refuse(u16),
    /// Streams this.
    Stream(Vec<Step>),
}

pub(crate) enum Step {
    Delta(Value),
    /// Something that is no chunk.
    Raw(&'static str),
    /// Waits until the test says so.
    Wait,
    /// Says nothing any more.
    Hang,
    /// The connection breaks.
    Break,
}

/// A running endpoint.
pub(crate) struct Endpoint {
    pub(crate) base_url: String,
    /// The requests it gets.
    pub(crate) requests: mpsc::UnboundedReceiver<Value>,
    /// One entry for each answer that was taken to its end, or that nobody wanted any more.
    pub(crate) ended: mpsc::UnboundedReceiver<()>,
    /// Lets a [`Step::Wait`] go on.
    pub(crate) go_on: Arc<Notify>,
}

struct Playing {
    script: Script,
    requests: mpsc::UnboundedSender<Value>,
    ended: mpsc::UnboundedSender<()>,
    go_on: Arc<Notify>,
    count: std::sync::atomic::AtomicUsize,
}

impl Endpoint {
    pub(crate) async fn start(script: Script) -> Self {
        let (requests, received) = mpsc::unbounded_channel();
        let (ended, endings) = mpsc::unbounded_channel();
        let go_on = Arc::new(Notify::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let playing = Playing {
            script,
            requests,
            ended,
            go_on: go_on.clone(),
            count: 0.into(),
        };
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .with_state(Arc::new(playing));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base_url,
            requests: received,
            ended: endings,
            go_on,
        }
    }
}

/// Tells that an answer has ended when it is dropped.
struct Ended(mpsc::UnboundedSender<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.send(());
    }
}

async fn complete(State(playing): State<Arc<Playing>>, Json(request): Json<Value>) -> Response {
    let before = playing
        .count
        .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let play = (playing.script)(before, &request);
    let is_stream = request["stream"] == true;
    playing.requests.send(request).unwrap();
    let steps = match play {
        Play::Refuse(status) => {
            let status = StatusCode::from_u16(status).unwrap();
            let error = json!({"message": "no", "type": "invalid_request_error", "code": "x", "param": "messages"});
            let error = Json(json!({"error": error}));
            return (status, [(header::RETRY_AFTER, "30")], error).into_response();
        }
        Play::Stream(steps) => steps,
    };
    if !is_stream {
        return whole(&steps).into_response();
    }
    let ended = Ended(playing.ended.clone());
    let go_on = playing.go_on.clone();
    let pieces = stream::iter(steps).then(move |step| {
        let go_on = go_on.clone();
        async move {
            Ok(match step {
                Step::Delta(delta) => data(&chunk(&delta).to_string()),
                Step::Raw(text) => data(text),
                Step::Wait => {
                    go_on.notified().await;
                    Bytes::new()
                }
                Step::Hang => std::future::pending().await,
                Step::Break => {
                    // What was said before is sent before.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return Err(std::io::Error::other("the script says so"));
                }
            })
        }
    });
    let done = stream::iter([Ok(data("[DONE]"))]);
    // The guard lives as long as the body.
    let body = pieces.chain(done).map(move |piece| {
        let _ = &ended;
        piece
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(body)).into_response()
}

fn data(text: &str) -> Bytes {
    format!("data: {text}\n\n").into()
}

fn chunk(delta: &Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn whole(steps: &[Step]) -> Json<Value> {
    let texts = steps.iter().filter_map(|step| match step {
        Step::Delta(delta) => delta["content"].as_str(),
        _ => None,
    });
    let message = json!({"role": "assistant", "content": texts.collect::<String>()});
    Json(
        json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}),
    )
}

/// Steps that say these pieces.
pub(crate) fn saying(pieces: &[&str]) -> Play {
    Play::Stream(pieces.iter().map(|text| said(text)).collect())
}

pub(crate) fn said(text: &str) -> Step {
    Step::Delta(json!({"content": text}))
}
