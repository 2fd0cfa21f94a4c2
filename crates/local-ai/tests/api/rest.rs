//! The REST endpoints, with scripted models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, multipart};
use serde_json::{Value, json};

use super::scripted;
use super::support::Server;

async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = Client::new()
        .post(server.url(path))
        .json(body)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The JSON of each `data:` line.
fn events(body: &str) -> Vec<Value> {
    body.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[tokio::test]
async fn embeddings_come_as_numbers_or_base64_and_keep_length_one_when_shortened() {
    let server = Server::start().await;
    let (status, whole) = post(
        &server,
        "/v1/embeddings",
        &json!({"input": "one two three", "model": "m"}),
    )
    .await;
    assert_eq!(
        (status, &whole["object"], &whole["model"]),
        (200, &json!("list"), &json!("m"))
    );
    assert_eq!(whole["data"][0]["embedding"].as_array().unwrap().len(), 384);
    let request =
        json!({"input": ["one two three", "four"], "dimensions": 128, "encoding_format": "base64"});
    let (_, short) = post(&server, "/v1/embeddings", &request).await;
    assert_eq!(short["data"][1]["index"], 1);
    let bytes = STANDARD
        .decode(short["data"][0]["embedding"].as_str().unwrap())
        .unwrap();
    let numbers: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert_eq!(numbers.len(), 128);
    let length: f32 = numbers.iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
}

#[tokio::test]
async fn wrong_requests_name_the_field_in_openais_shape() {
    let server = Server::start().await;
    for (path, body, param) in [
        ("/v1/embeddings", json!({"input": []}), json!("input")),
        ("/v1/embeddings", json!({"input": [" "]}), json!("input")),
        ("/v1/embeddings", json!({"input": [1, 2]}), json!("input")),
        (
            "/v1/embeddings",
            json!({"input": "x", "dimensions": 385}),
            json!("dimensions"),
        ),
        ("/v1/embeddings", json!({}), Value::Null),
        ("/v1/audio/speech", json!({"input": ""}), json!("input")),
        (
            "/v1/audio/speech",
            json!({"input": "x".repeat(4_097)}),
            json!("input"),
        ),
        (
            "/v1/audio/speech",
            json!({"input": "x", "voice": "nobody"}),
            json!("voice"),
        ),
        (
            "/v1/audio/speech",
            json!({"input": "x", "speed": 9}),
            json!("speed"),
        ),
        (
            "/v1/audio/speech",
            json!({"input": "x", "response_format": "mp3"}),
            json!("response_format"),
        ),
        (
            "/v1/chat/completions",
            json!({"model": "m", "messages": []}),
            json!("messages"),
        ),
    ] {
        let (status, answer) = post(&server, path, &body).await;
        let error = &answer["error"];
        assert_eq!((status, &error["param"]), (400, &param), "{path} {body}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    let (status, answer) = post(&server, "/v1/responses", &json!({})).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (404, &json!("unknown_url"))
    );
}

#[tokio::test]
async fn speech_is_a_wav_raw_samples_or_events() {
    let server = Server::start().await;
    let text = "Hello there.";
    let samples = text.len() * 480;
    let client = Client::new();
    let speak = async |extra: Value| {
        let mut body = json!({"model": "m", "input": text, "voice": "alloy"});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        client
            .post(server.url("/v1/audio/speech"))
            .json(&body)
            .send()
            .await
            .unwrap()
    };
    let answer = speak(json!({})).await;
    assert_eq!(answer.headers()["content-type"], "audio/wav");
    let wav = answer.bytes().await.unwrap();
    assert_eq!((&wav[..4], wav.len()), (&b"RIFF"[..], 44 + samples * 2));
    assert_eq!(u32::from_le_bytes(wav[24..28].try_into().unwrap()), 24_000);
    let pcm = speak(json!({"response_format": "pcm"}))
        .await
        .bytes()
        .await
        .unwrap();
    assert_eq!(pcm.len(), samples * 2);
    let body = speak(json!({"response_format": "pcm", "stream_format": "sse"}))
        .await
        .text()
        .await
        .unwrap();
    let events = events(&body);
    let sound: usize = events
        .iter()
        .filter(|event| event["type"] == "speech.audio.delta")
        .map(|event| {
            STANDARD
                .decode(event["audio"].as_str().unwrap())
                .unwrap()
                .len()
        })
        .sum();
    assert_eq!(sound, samples * 2);
    let done = events.last().unwrap();
    assert_eq!(done["type"], "speech.audio.done");
    assert!(done["usage"]["total_tokens"].is_number());
}

#[tokio::test]
async fn speech_that_fails_at_once_is_a_status_and_later_an_error_event() {
    let server = Server::start().await;
    let (status, answer) = post(
        &server,
        "/v1/audio/speech",
        &json!({"input": "This will fail."}),
    )
    .await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (503, &json!("server_overloaded"))
    );
    let body = json!({"input": "This is the first sentence of two. And the second one will fail.", "stream_format": "sse"});
    let answer = Client::new()
        .post(server.url("/v1/audio/speech"))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let events = events(&answer.text().await.unwrap());
    assert!(
        events
            .iter()
            .any(|event| event["error"]["code"] == "server_overloaded"),
        "{events:?}"
    );
}

/// A WAV with silence around a phrase.
fn wav(rate: u32, channels: u16, phrase: &str) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    let mut sound = scripted::silence(300);
    sound.extend(scripted::speech(phrase));
    sound.extend(scripted::silence(300));
    for sample in sound {
        for _ in 0..channels {
            writer.write_sample(sample).unwrap();
        }
    }
    writer.finalize().unwrap();
    file.into_inner()
}

#[tokio::test]
async fn a_recording_is_transcribed_and_a_wrong_one_refused() {
    let server = Server::start().await;
    let transcribe = async |file: Vec<u8>, format: &str| {
        let form = multipart::Form::new()
            .text("model", "any")
            .text("response_format", format.to_owned())
            .part("file", multipart::Part::bytes(file).file_name("a.wav"));
        let url = server.url("/v1/audio/transcriptions");
        let answer = Client::new()
            .post(url)
            .multipart(form)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, body) = transcribe(wav(24_000, 2, "Hello."), "json").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["text"]), (200, &json!("Hello.")));
    let (_, body) = transcribe(wav(24_000, 1, "Goodbye."), "text").await;
    assert_eq!(body, "Goodbye.\n");
    let spoken = json!({"model": "m", "input": "Hello there.", "response_format": "wav"});
    let url = server.url("/v1/audio/speech");
    let streamed = Client::new().post(url).json(&spoken).send().await.unwrap();
    let (status, _) = transcribe(streamed.bytes().await.unwrap().to_vec(), "json").await;
    assert_eq!(status, 200, "what is spoken here can be read here");
    let (status, body) = transcribe(b"no wav at all".to_vec(), "json").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["error"]["param"]), (400, &json!("file")));
    let (status, _) = transcribe(wav(24_000, 1, "Hello."), "srt").await;
    assert_eq!(status, 400);
    let (status, _) = post(&server, "/v1/audio/transcriptions", &json!({})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn chat_summarises_calls_tools_and_streams() {
    let server = Server::start().await;
    let request = json!({"model": "m", "messages": [
        {"role": "system", "content": "Summarise the call in two sentences."},
        {"role": "user", "content": "Caller: What plan am I on?\nAssistant: Your plan is pro."}]});
    let (_, answer) = post(&server, "/v1/chat/completions", &request).await;
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "The caller asked: \"What plan am I on?\" They were told: Your plan is pro."
    );
    let tool = json!({"type": "function", "function": {"name": "get_plan",
        "description": "Looks up the plan the caller is on right now.", "parameters": {"type": "object", "properties": {}}}});
    let mut request = json!({"model": "m", "tools": [tool], "messages": [
        {"role": "user", "content": [{"type": "text", "text": "What plan am I on right now?"}]}]});
    let (_, answer) = post(&server, "/v1/chat/completions", &request).await;
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(
        choice["message"]["tool_calls"][0]["function"]["name"],
        "get_plan"
    );
    request["messages"] = json!([
        {"role": "user", "content": "What plan am I on right now?"},
        {"role": "assistant", "tool_calls": choice["message"]["tool_calls"]},
        {"role": "tool", "tool_call_id": choice["message"]["tool_calls"][0]["id"],
         "content": "{\"plan_right_now\": \"gold\"}"}]);
    request["stream"] = json!(true);
    let url = server.url("/v1/chat/completions");
    let answer = Client::new().post(url).json(&request).send().await.unwrap();
    let body = answer.text().await.unwrap();
    assert!(body.trim_end().ends_with("data: [DONE]"));
    let said: String = events(&body)
        .iter()
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["content"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(said, "Your plan right now is gold.");
}

#[tokio::test]
async fn models_and_health_are_told() {
    let server = Server::start().await;
    let get = async |path: &str| reqwest::get(server.url(path)).await.unwrap();
    let list: Value = get("/v1/models").await.json().await.unwrap();
    assert_eq!(list["data"][0]["object"], "model");
    let id = list["data"][0]["id"].as_str().unwrap();
    assert_eq!(get(&format!("/v1/models/{id}")).await.status(), 200);
    assert_eq!(get("/v1/models/none").await.status(), 404);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(path).await.status(), 200);
    }
}
