//! What wrong REST requests are answered: a table of requests and of what is said to them.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder, multipart};
use serde_json::{Value, json};

use super::support::Server;

/// Sends a request and writes its answer as `status code param | message`.
async fn refusal(request: RequestBuilder) -> String {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let kind = answer.headers().get(CONTENT_TYPE).cloned();
    let body: Value = answer.json().await.expect("errors are JSON");
    assert_eq!(kind.unwrap(), "application/json");
    let error = &body["error"];
    assert!(
        error["type"].is_string() && error["message"].is_string(),
        "{body}"
    );
    let field = |name: &str| error[name].as_str().unwrap_or("-").to_owned();
    format!(
        "{status} {} {} | {}",
        field("code"),
        field("param"),
        field("message")
    )
}

async fn table(path: &str, bodies: Vec<Value>) -> String {
    let server = Server::start().await;
    let mut lines = Vec::new();
    for body in &bodies {
        let mut shown = body.to_string();
        if shown.len() > 100 {
            shown = format!("{}… ({} bytes)", &shown[..60], shown.len());
        }
        let request = Client::new().post(server.url(path)).json(body);
        lines.push(format!("{shown}\n    {}", refusal(request).await));
    }
    lines.join("\n")
}

#[tokio::test]
async fn speech() {
    let table = table(
        "/v1/audio/speech",
        vec![
            json!({}),
            json!([]),
            json!({"input": 5}),
            json!({"input": ""}),
            json!({"input": " \n"}),
            json!({"input": "x".repeat(4_097)}),
            json!({"input": "x", "voice": "nobody"}),
            json!({"input": "x", "voice": {"name": "alloy"}}),
            json!({"input": "x", "voice": 3}),
            json!({"input": "x", "speed": 9}),
            json!({"input": "x", "speed": -1}),
            json!({"input": "x", "speed": "fast"}),
            json!({"input": "x", "response_format": "mp3"}),
            json!({"input": "x", "response_format": 1}),
            json!({"input": "x", "stream_format": "websocket"}),
        ],
    );
    insta::assert_snapshot!(table.await);
}

#[tokio::test]
async fn embeddings() {
    let table = table(
        "/v1/embeddings",
        vec![
            json!({}),
            json!("text"),
            json!({"input": null}),
            json!({"input": []}),
            json!({"input": [" "]}),
            json!({"input": [1, 2]}),
            json!({"input": [[1, 2], [3]]}),
            json!({"input": vec!["x"; 2_049]}),
            json!({"input": "x".repeat(256 * 1024 + 1)}),
            json!({"input": "x", "dimensions": 385}),
            json!({"input": "x", "dimensions": 0}),
            json!({"input": "x", "dimensions": -3}),
            json!({"input": "x", "dimensions": "all"}),
            json!({"input": "x", "encoding_format": "hex"}),
        ],
    );
    insta::assert_snapshot!(table.await);
}

/// A chat request of one message with something more.
fn chat(extra: Value) -> Value {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let Value::Object(extra) = extra else {
        panic!("the extra fields are an object")
    };
    request.as_object_mut().unwrap().extend(extra);
    request
}

#[tokio::test]
async fn chat_completions() {
    let tool = json!({"type": "function", "function": {"name": "f"}});
    let messages = |messages: Value| json!({"messages": messages});
    let table = table(
        "/v1/chat/completions",
        vec![
            json!({}),
            messages(json!([])),
            messages(json!("Hi")),
            messages(json!([{"content": "Hi"}])),
            messages(json!([{"role": "narrator", "content": "Hi"}])),
            messages(json!([{"role": "user"}])),
            messages(json!([{"role": "user", "content": 7}])),
            messages(
                json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]),
            ),
            messages(json!([{"role": "tool", "content": "x"}])),
            messages(json!([{"role": "tool", "content": "x", "tool_call_id": "c"}])),
            messages(json!([{"role": "user", "content": "x", "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}])),
            messages(json!([{"role": "assistant", "tool_calls": [{"id": "c"}]}])),
            chat(json!({"tools": "f"})),
            chat(json!({"tools": [{"type": "web_search"}]})),
            chat(json!({"tools": [{"type": "function", "function": {}}]})),
            chat(json!({"tools": [{"type": "function", "function": {"name": ""}}]})),
            chat(json!({"tools": vec![tool.clone(); 129]})),
            chat(json!({"tool_choice": "required"})),
            chat(json!({"tool_choice": "maybe", "tools": [tool]})),
            chat(
                json!({"tool_choice": {"type": "function", "function": {"name": "g"}}, "tools": [tool]}),
            ),
            chat(json!({"n": 2})),
            chat(json!({"max_tokens": 0})),
            chat(json!({"max_completion_tokens": -1})),
            chat(json!({"max_tokens": "many"})),
            chat(json!({"stop": ["a", "b", "c", "d", "e"]})),
            chat(json!({"stop": ""})),
            chat(json!({"stop": 1})),
            chat(json!({"stream": "yes"})),
            chat(json!({"stream_options": {"include_usage": true}})),
            chat(json!({"response_format": {"type": "json_object"}})),
            chat(json!({"modalities": ["audio"]})),
            chat(json!({"modalities": []})),
        ],
    );
    insta::assert_snapshot!(table.await);
}

#[tokio::test]
async fn transcriptions() {
    let server = Server::start().await;
    let url = server.url("/v1/audio/transcriptions");
    let mut lines = Vec::new();
    let silence = wav(16_000, 1, 1_600);
    let long = wav(1_000 * 8, 1, 8_000 * (15 * 60 + 1));
    for (name, file, fields) in [
        ("nothing", None, vec![]),
        ("text as file", Some(b"no wav at all".to_vec()), vec![]),
        ("an empty file", Some(vec![]), vec![]),
        ("too slow a rate", Some(wav(500, 1, 100)), vec![]),
        ("over 15 minutes", Some(long), vec![]),
        (
            "a format",
            Some(silence.clone()),
            vec![("response_format", "diarized_json")],
        ),
        (
            "a temperature",
            Some(silence.clone()),
            vec![("temperature", "hot")],
        ),
        (
            "a temperature",
            Some(silence.clone()),
            vec![("temperature", "1.5")],
        ),
        ("a flag", Some(silence.clone()), vec![("stream", "maybe")]),
        (
            "words",
            Some(silence.clone()),
            vec![("timestamp_granularities[]", "word")],
        ),
        (
            "subtitles as a stream",
            Some(silence),
            vec![("stream", "true"), ("response_format", "srt")],
        ),
    ] {
        let mut form = multipart::Form::new().text("model", "m");
        if let Some(file) = file {
            form = form.part("file", multipart::Part::bytes(file).file_name("a.wav"));
        }
        for (field, value) in &fields {
            form = form.text(*field, *value);
        }
        let request = Client::new().post(&url).multipart(form);
        lines.push(format!("{name} {fields:?}\n    {}", refusal(request).await));
    }
    let json = Client::new().post(&url).json(&json!({}));
    lines.push(format!("JSON\n    {}", refusal(json).await));
    let torn = Client::new()
        .post(&url)
        .header(CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body("--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nabc");
    lines.push(format!("a torn form\n    {}", refusal(torn).await));
    insta::assert_snapshot!(lines.join("\n"));
}

/// Silence of 8 bits.
fn wav(sample_rate: u32, channels: u16, samples: usize) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels,
        sample_rate,
        bits_per_sample: 8,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for _ in 0..samples {
        writer.write_sample(0i8).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

#[tokio::test]
async fn what_no_endpoint_takes() {
    let server = Server::start().await;
    let request = |method: Method, path: &str| Client::new().request(method, server.url(path));
    let chat = || request(Method::POST, "/v1/chat/completions");
    let mut lines = Vec::new();
    for (name, request) in [
        ("no body", chat()),
        ("no JSON", chat().body("{\"messages\": [")),
        ("no UTF-8", chat().body(vec![0xff, 0xfe])),
        ("27 MiB", chat().body(vec![b' '; 27 * 1024 * 1024])),
        ("GET", request(Method::GET, "/v1/chat/completions")),
        ("DELETE", request(Method::DELETE, "/v1/models")),
        (
            "an endpoint that there is not",
            request(Method::POST, "/v1/responses"),
        ),
        (
            "a model that there is not",
            request(Method::GET, "/v1/models/org/gpt-5"),
        ),
        (
            "a name that is no UTF-8",
            request(Method::GET, "/v1/models/%ff"),
        ),
        (
            "Realtime without an upgrade",
            request(Method::GET, "/v1/realtime"),
        ),
        (
            "two models",
            request(Method::GET, "/v1/realtime?model=a&model=b"),
        ),
    ] {
        lines.push(format!("{name}\n    {}", refusal(request).await));
    }
    insta::assert_snapshot!(lines.join("\n"));
}
