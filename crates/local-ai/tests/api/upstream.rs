//! With a chat endpoint configured: it does the thinking, and its failure is said aloud.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use openai_realtime::{Item, ServerEvent};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::support::{Server, spoken};

/// What the endpoint streams to a request; `None` fails.
type Script = fn(&Value) -> Option<Vec<Value>>;

#[derive(Clone)]
struct Endpoint {
    script: Script,
    requests: mpsc::UnboundedSender<Value>,
}

/// Starts an endpoint and gives its base URL and the requests it gets.
async fn endpoint(script: Script) -> (String, mpsc::UnboundedReceiver<Value>) {
    let (requests, received) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/v1/chat/completions", post(complete))
        .with_state(Endpoint { script, requests });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base_url, received)
}

async fn complete(State(endpoint): State<Endpoint>, Json(request): Json<Value>) -> Response {
    endpoint.requests.send(request.clone()).unwrap();
    let Some(deltas) = (endpoint.script)(&request) else {
        let error = json!({"error": {"message": "no", "type": "invalid_request_error", "code": "x", "param": null}});
        return (axum::http::StatusCode::BAD_REQUEST, Json(error)).into_response();
    };
    if request["stream"] != true {
        let text: String = deltas
            .iter()
            .filter_map(|d| d["content"].as_str())
            .collect();
        return Json(
            json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text}}]}),
        )
        .into_response();
    }
    let chunks = deltas.into_iter().map(|delta| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
        .to_string()
    });
    let data: Vec<String> = chunks.chain(["[DONE]".to_owned()]).collect();
    let events = data
        .into_iter()
        .map(|data| Ok::<_, Infallible>(Event::default().data(data)));
    Sse::new(futures::stream::iter(events)).into_response()
}

fn answers(_: &Value) -> Option<Vec<Value>> {
    Some(vec![
        json!({"content": "From the "}),
        json!({"content": "model."}),
    ])
}

#[tokio::test]
async fn the_endpoint_is_told_the_conversation_and_its_words_are_spoken() {
    let (base_url, mut requests) = endpoint(answers).await;
    let server = Server::with_chat(&base_url).await;
    let mut client = server.manual_session().await;
    client
        .update(json!({"instructions": "Be kind.", "tools": [{"type": "function", "name": "f"}]}))
        .await;
    client.say("Hi").await;
    client.add(Item::function_call_output("c1", "{}")).await;
    client.create(json!({})).await;
    assert_eq!(spoken(&client.until_done().await).0, "From the model.");
    let request = requests.recv().await.unwrap();
    assert_eq!(request["stream"], true);
    assert_eq!(
        request["messages"][0],
        json!({"role": "system", "content": "Be kind."})
    );
    assert_eq!(
        request["messages"][1],
        json!({"role": "user", "content": "Hi"})
    );
    assert_eq!(request["messages"][2]["role"], "tool");
    assert_eq!(request["tools"][0]["function"]["name"], "f");
}

#[tokio::test]
async fn a_call_that_arrives_in_pieces_is_one_call() {
    let (base_url, _requests) = endpoint(|_| {
        Some(vec![
            json!({"tool_calls": [{"index": 0, "id": "x", "type": "function",
                "function": {"name": "f", "arguments": ""}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":"}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}),
        ])
    })
    .await;
    let server = Server::with_chat(&base_url).await;
    let mut client = server.manual_session().await;
    client.say("Hi").await;
    client.create(json!({})).await;
    let events = client.until_done().await;
    let ServerEvent::ResponseDone(done) = events.last().unwrap() else {
        panic!()
    };
    let [Item::FunctionCall(call)] = &done.response.output[..] else {
        panic!()
    };
    assert_eq!(
        (call.name.as_str(), call.arguments.as_str()),
        ("f", "{\"a\":1}")
    );
}

#[tokio::test]
async fn a_failing_endpoint_is_admitted_aloud() {
    let (base_url, _requests) = endpoint(|_| None).await;
    let server = Server::with_chat(&base_url).await;
    let mut client = server.manual_session().await;
    client.say("Hi").await;
    client.create(json!({})).await;
    let (said, _) = spoken(&client.until_done().await);
    assert!(said.contains("I'm sorry"), "{said}");
}

#[tokio::test]
async fn chat_requests_are_passed_on_under_the_configured_model() {
    let (base_url, mut requests) = endpoint(answers).await;
    let server = Server::with_chat(&base_url).await;
    let body = json!({"model": "other", "messages": [{"role": "user", "content": "Hi"}]});
    let url = server.url("/v1/chat/completions");
    let answer: Value = reqwest::Client::new()
        .post(url)
        .json(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "From the model."
    );
    assert_eq!(requests.recv().await.unwrap()["model"], "m");
}
