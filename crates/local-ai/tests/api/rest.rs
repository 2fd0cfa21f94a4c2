//! The REST endpoints, with scripted models.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hound::{SampleFormat, WavSpec, WavWriter};
use reqwest::{Client, Response, multipart};
use serde_json::{Value, json};

use super::scripted;
use super::support::{Server, eventually};

async fn send(server: &Server, path: &str, body: &Value) -> Response {
    let request = Client::new().post(server.url(path)).json(body);
    request.send().await.unwrap()
}

/// The JSON that a right request gets.
async fn post(server: &Server, path: &str, body: &Value) -> Value {
    let answer = send(server, path, body).await;
    let (status, body) = (answer.status(), answer.json().await.unwrap());
    assert_eq!(status, 200, "{body}");
    body
}

/// The JSON of each `data:` line; the last may be a bare word.
fn events(body: &str) -> Vec<Value> {
    body.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap_or_else(|_| json!(data)))
        .collect()
}

/// JSON on one line, without what differs from run to run.
fn shown(mut value: Value) -> String {
    redact(&mut value);
    value.to_string()
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match name.as_str() {
                    "id" if value.is_string() => *value = json!("[id]"),
                    "created" => *value = json!("[time]"),
                    "audio" => *value = json!("[audio]"),
                    _ => redact(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}

fn lines(values: Vec<Value>) -> String {
    values.into_iter().map(shown).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn embeddings_come_as_numbers_or_base64_and_keep_length_one_when_shortened() {
    let server = Server::start().await;
    let request = json!({"input": "one two three", "model": "m", "user": "u"});
    let mut whole = post(&server, "/v1/embeddings", &request).await;
    let numbers = whole["data"][0]["embedding"].take();
    assert_eq!(numbers.as_array().unwrap().len(), 384);
    insta::assert_snapshot!(shown(whole), @r#"{"data":[{"embedding":null,"index":0,"object":"embedding"}],"model":"m","object":"list","usage":{"prompt_tokens":4,"total_tokens":4}}"#);
    let request =
        json!({"input": ["one two three", "four"], "dimensions": 128, "encoding_format": "base64"});
    let short = post(&server, "/v1/embeddings", &request).await;
    assert_eq!(short["data"][1]["index"], 1);
    let bytes = STANDARD.decode(short["data"][0]["embedding"].as_str().unwrap());
    let numbers: Vec<f32> = bytes
        .unwrap()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert_eq!(numbers.len(), 128);
    let length: f32 = numbers.iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
}

#[tokio::test]
async fn speech_is_a_wav_raw_samples_or_events() {
    let server = Server::start().await;
    let text = "Hello there.";
    let samples = text.len() * 480;
    let speak = async |extra: Value| {
        let mut body =
            json!({"model": "m", "input": text, "voice": "alloy", "instructions": "Whisper."});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        send(&server, "/v1/audio/speech", &body).await
    };
    let answer = speak(json!({})).await;
    assert_eq!(answer.headers()["content-type"], "audio/wav");
    let wav = answer.bytes().await.unwrap();
    assert_eq!((&wav[..4], wav.len()), (&b"RIFF"[..], 44 + samples * 2));
    assert_eq!(u32::from_le_bytes(wav[24..28].try_into().unwrap()), 24_000);
    let answer = speak(json!({"response_format": "pcm", "voice": {"id": "am_michael"}})).await;
    assert_eq!(
        answer.headers()["content-type"],
        "audio/pcm;rate=24000;channels=1"
    );
    assert_eq!(answer.bytes().await.unwrap().len(), samples * 2);
    let sse = json!({"response_format": "pcm", "stream_format": "sse"});
    let events = events(&speak(sse).await.text().await.unwrap());
    let sound = |event: &Value| Some(STANDARD.decode(event["audio"].as_str()?).unwrap().len());
    let bytes: usize = events.iter().filter_map(sound).sum();
    assert_eq!(bytes, samples * 2);
    insta::assert_snapshot!(lines(events), @r#"
    {"audio":"[audio]","type":"speech.audio.delta"}
    {"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":5,"total_tokens":8}}
    "#);
}

#[tokio::test]
async fn speech_that_fails_at_once_is_a_status_and_later_the_last_event() {
    let server = Server::start().await;
    let answer = send(
        &server,
        "/v1/audio/speech",
        &json!({"input": "This will fail."}),
    )
    .await;
    assert_eq!(answer.headers()["retry-after"], "1");
    let status = answer.status().as_u16();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (status, &answer["error"]["code"]),
        (503, &json!("server_overloaded"))
    );
    let text = "This is the first sentence. And the second one will fail.";
    let body = json!({"input": text, "response_format": "pcm", "stream_format": "sse"});
    let answer = send(&server, "/v1/audio/speech", &body).await;
    assert_eq!(answer.status(), 200);
    insta::assert_snapshot!(lines(events(&answer.text().await.unwrap())), @r#"
    {"audio":"[audio]","type":"speech.audio.delta"}
    {"error":{"code":"server_overloaded","message":"The models are busy. Try again in a moment.","param":null,"type":"server_error"}}
    "#);
    let body = json!({"input": text, "response_format": "pcm"});
    let request = Client::new()
        .post(server.url("/v1/audio/speech"))
        .json(&body);
    // It breaks off in the body, or before that if both came at once.
    let heard = match request.send().await {
        Ok(answer) => answer.bytes().await,
        Err(error) => Err(error),
    };
    heard.expect_err("sound that is cut off does not look whole");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_speech() {
    let server = Server::start().await;
    let speak = |text: &str| {
        let request = Client::new().post(server.url("/v1/audio/speech"));
        request.json(&json!({"input": text})).send()
    };
    let text = "This is where we hold. And this is what nobody hears.";
    let asking = tokio::spawn(speak(text));
    eventually(|| server.scripted.clauses().len() == 1).await;
    asking.abort();
    asking.await.unwrap_err();
    // By the time that another request is answered, the server has seen the connection end.
    post(&server, "/v1/embeddings", &json!({"input": "x"})).await;
    server.scripted.release();
    // The models serve in order of arrival: whatever was still wanted is made before the last.
    for text in ["Hello.", "Goodbye."] {
        speak(text).await.unwrap().bytes().await.unwrap();
    }
    let made = server.scripted.clauses();
    assert_eq!(made, ["This is where we hold. ", "Hello.", "Goodbye."]);
}

/// A WAV of a phrase with silence around it.
fn recording(spec: WavSpec, phrases: &[&str]) -> Vec<u8> {
    let mut sound = scripted::silence(300);
    for phrase in phrases {
        sound.extend(scripted::speech(phrase));
        sound.extend(scripted::silence(1_200));
    }
    let mut file = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    // The nearest sample will do for a square wave.
    let samples = sound.len() * spec.sample_rate as usize / 24_000;
    for n in 0..samples {
        let sample = sound[n * 24_000 / spec.sample_rate as usize];
        for _ in 0..spec.channels {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(f32::from(sample) / 32_768.0).unwrap(),
                SampleFormat::Int => {
                    let bits = i32::from(spec.bits_per_sample) - 16;
                    let sample = i32::from(sample);
                    let sample = if bits < 0 {
                        sample >> -bits
                    } else {
                        sample << bits
                    };
                    writer.write_sample(sample).unwrap();
                }
            }
        }
    }
    writer.finalize().unwrap();
    file.into_inner()
}

const PLAIN: WavSpec = WavSpec {
    channels: 1,
    sample_rate: 24_000,
    bits_per_sample: 16,
    sample_format: SampleFormat::Int,
};

async fn transcribe(server: &Server, file: Vec<u8>, fields: &[(&str, &str)]) -> Response {
    let file = multipart::Part::bytes(file).file_name("a.wav");
    let mut form = multipart::Form::new()
        .text("model", "any")
        .part("file", file);
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    let url = server.url("/v1/audio/transcriptions");
    let request = Client::new().post(url).multipart(form);
    request.send().await.unwrap()
}

#[tokio::test]
async fn recordings_of_every_rate_depth_and_number_of_channels_are_understood() {
    let server = Server::start().await;
    let spec = |sample_rate, bits_per_sample, channels| WavSpec {
        channels,
        sample_rate,
        bits_per_sample,
        sample_format: SampleFormat::Int,
    };
    let float = WavSpec {
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
        ..PLAIN
    };
    for spec in [
        PLAIN,
        spec(8_000, 8, 1),
        spec(16_000, 16, 2),
        spec(22_050, 24, 1),
        spec(44_100, 16, 6),
        spec(48_000, 32, 1),
        float,
    ] {
        let file = recording(spec, &["Hello."]);
        let answer = transcribe(&server, file, &[]).await;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["text"], "Hello.", "{spec:?}: {answer}");
    }
}

#[tokio::test]
async fn a_recording_is_told_in_every_format() {
    let server = Server::start().await;
    let mut told = Vec::new();
    for format in ["json", "text", "verbose_json", "srt", "vtt"] {
        let file = recording(PLAIN, &["Hello.", "Goodbye."]);
        let fields = [
            ("response_format", format),
            ("language", "en"),
            ("prompt", "A call."),
            ("temperature", "0.2"),
            ("timestamp_granularities[]", "segment"),
        ];
        let answer = transcribe(&server, file, &fields).await;
        assert_eq!(answer.status(), 200, "{format}");
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        told.push(format!(
            "-- {format}, {kind}\n{}",
            answer.text().await.unwrap()
        ));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test]
async fn a_streamed_transcription_tells_segment_by_segment() {
    let server = Server::start().await;
    let file = recording(PLAIN, &["Hello.", "Goodbye."]);
    let answer = transcribe(&server, file, &[("stream", "true")]).await;
    insta::assert_snapshot!(lines(events(&answer.text().await.unwrap())));
}

#[tokio::test]
async fn sound_without_words_is_an_empty_text() {
    let server = Server::start().await;
    let empty = json!("");
    for file in [recording(PLAIN, &[]), {
        // A file that was cut off before its first sample.
        let mut file = recording(PLAIN, &[]);
        file.truncate(44);
        file
    }] {
        let answer = transcribe(&server, file, &[]).await;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["text"], empty, "{answer}");
    }
}

#[tokio::test]
async fn what_is_spoken_here_can_be_read_here() {
    let server = Server::start().await;
    let request = json!({"model": "m", "input": "Hello there.", "response_format": "wav"});
    let spoken = send(&server, "/v1/audio/speech", &request).await;
    let file = spoken.bytes().await.unwrap().to_vec();
    assert_eq!(transcribe(&server, file, &[]).await.status(), 200);
}

fn tool() -> Value {
    json!({"type": "function", "function": {"name": "get_plan",
        "description": "Looks up the plan the caller is on right now.",
        "parameters": {"type": "object", "properties": {}}}})
}

/// A request about the caller's plan after the tool has told it.
fn after_the_tool(extra: Value) -> Value {
    let call = json!({"id": "call_1", "type": "function",
        "function": {"name": "get_plan", "arguments": "{}"}});
    let mut request = json!({"model": "m", "tools": [tool()], "messages": [
        {"role": "user", "content": [{"type": "text", "text": "What plan am I on right now?"}]},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "{\"plan_right_now\": \"gold\"}"}]});
    let Value::Object(extra) = extra else {
        panic!("the extra fields are an object")
    };
    request.as_object_mut().unwrap().extend(extra);
    request
}

#[tokio::test]
async fn chat_summarises_a_call() {
    let server = Server::start().await;
    let request = json!({"model": "m", "messages": [
        {"role": "system", "content": "Summarise the call in two sentences."},
        {"role": "user", "content": "Caller: What plan am I on?\nAssistant: Your plan is pro."}]});
    let answer = post(&server, "/v1/chat/completions", &request).await;
    let message = &answer["choices"][0]["message"]["content"];
    let message = message.as_str().unwrap();
    assert!(
        message.contains("plan") && message.contains("pro"),
        "{message}"
    );
}

#[tokio::test]
async fn chat_answers_whole_calls_tools_and_ends_where_it_must() {
    let server = Server::start().await;
    let mut told = Vec::new();
    for request in [
        json!({"model": "m", "tools": [tool()], "messages": [
            {"role": "user", "content": "What plan am I on right now?"}]}),
        after_the_tool(json!({})),
        after_the_tool(json!({"max_tokens": 3})),
        after_the_tool(json!({"max_completion_tokens": 3, "max_tokens": 100})),
        after_the_tool(json!({"stop": ["right"], "n": 1, "temperature": 0.5, "seed": 7})),
        after_the_tool(json!({"response_format": {"type": "text"}, "modalities": ["text"]})),
    ] {
        told.push(post(&server, "/v1/chat/completions", &request).await);
    }
    insta::assert_snapshot!(lines(told));
}

#[tokio::test]
async fn chat_streams_words_and_calls_and_usage_when_asked() {
    let server = Server::start().await;
    let mut told = Vec::new();
    for request in [
        after_the_tool(json!({"stream": true})),
        after_the_tool(
            json!({"stream": true, "max_tokens": 3, "stream_options": {"include_usage": true}}),
        ),
        json!({"model": "m", "tools": [tool()], "stream": true, "messages": [
            {"role": "user", "content": "What plan am I on right now?"}]}),
    ] {
        let answer = send(&server, "/v1/chat/completions", &request).await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        told.push(lines(events(&answer.text().await.unwrap())));
    }
    insta::assert_snapshot!(told.join("\n\n"));
}

#[tokio::test]
async fn models_and_health_are_told() {
    let server = Server::start().await;
    let get = async |path: &str| reqwest::get(server.url(path)).await.unwrap();
    let list: Value = get("/v1/models").await.json().await.unwrap();
    assert_eq!(list["data"][0]["object"], "model");
    let id = list["data"][0]["id"].as_str().unwrap();
    let one: Value = get(&format!("/v1/models/{id}")).await.json().await.unwrap();
    assert_eq!(one, list["data"][0]);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(path).await.status(), 200);
    }
}
