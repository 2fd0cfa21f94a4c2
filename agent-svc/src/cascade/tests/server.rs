//! A REST server in memory, and a voice, that do what a test says and misbehave where it says so. What
//! is asked of them is written down with the time, in milliseconds.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tower::ServiceExt as _;

use crate::cascade::Cascade;
use crate::tts::{TtsError, Voice};

/// How long a transcription, the first word of an answer and the first sound of a clause take.
const TRANSCRIPTION: Duration = Duration::from_millis(200);
const FIRST_WORD: Duration = Duration::from_millis(300);
const WORD: Duration = Duration::from_millis(50);
const FIRST_SOUND: Duration = Duration::from_millis(150);
/// Sound of a character, at 24 kHz, and how fast it is made.
const CHARACTER: usize = 60 * 24;
const PIECE: usize = 2_400;
const PIECE_TIME: Duration = Duration::from_millis(25);

/// What a transcription gives.
#[derive(Debug, Clone)]
pub(crate) enum Hears {
    Words(&'static str),
    Fails(u16),
    Hangs,
}

/// What a chat request gives.
#[derive(Debug, Clone)]
pub(crate) enum Answers {
    /// Word by word.
    Says(&'static str),
    /// Says something and calls a tool.
    Calls(&'static str, &'static str),
    /// Says something, and then the connection ends.
    Breaks(&'static str),
    /// Says something, and nothing more.
    Stalls(&'static str),
    /// Refuses, with a code.
    Fails(u16, &'static str),
}

#[derive(Default)]
struct Script {
    hears: VecDeque<Hears>,
    answers: VecDeque<Answers>,
    voice_fails: bool,
    log: String,
}

/// The server and the voice.
#[derive(Clone)]
pub(crate) struct Rest {
    script: Arc<Mutex<Script>>,
    began: Instant,
}

impl Rest {
    /// One that hears and answers this, in order.
    pub(crate) fn new(hears: Vec<Hears>, answers: Vec<Answers>) -> Self {
        Self {
            script: Arc::new(Mutex::new(Script {
                hears: hears.into(),
                answers: answers.into(),
                ..Script::default()
            })),
            began: Instant::now(),
        }
    }

    /// From now on nothing is spoken, or is again.
    pub(crate) fn voice_fails(&self, fails: bool) {
        self.with(|script| script.voice_fails = fails);
    }

    /// What was asked since the last time.
    pub(crate) fn log(&self) -> String {
        self.with(|script| std::mem::take(&mut script.log))
    }

    /// What converses by it.
    pub(crate) fn cascade(&self) -> Cascade {
        let router = Router::new()
            .route("/v1/audio/transcriptions", post(transcribe))
            .route("/v1/chat/completions", post(chat))
            .with_state(self.clone());
        let service = tower::service_fn(move |factory: HttpRequestFactory| {
            let router = router.clone();
            async move {
                let request: http::Request<reqwest::Body> = factory.build().await?.try_into()?;
                let answer = router.oneshot(request.map(Body::new)).await;
                let answer = answer.unwrap_or_else(|never: Infallible| match never {});
                let answer = answer.map(|body| reqwest::Body::wrap_stream(body.into_data_stream()));
                let answer = reqwest::Response::from(answer);
                Ok::<_, OpenAIError>(answer)
            }
        });
        let config = OpenAIConfig::new()
            .with_api_base("http://rest.invalid/v1")
            .with_api_key("key");
        Cascade {
            client: Client::with_config(config).with_http_service(service),
            chat_model: "chat".into(),
            transcription_model: "transcription".into(),
            voice: Arc::new(self.clone()),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, what: &str) {
        let now = self.began.elapsed().as_millis();
        self.with(|script| script.log += &format!("{now:>8}  {what}\n"));
    }

    /// Writes down when something is given up before its end.
    fn watch(&self, what: &'static str) -> Watch {
        Watch(Some((self.clone(), what)))
    }
}

struct Watch(Option<(Rest, &'static str)>);

impl Watch {
    fn is_done(&mut self) {
        self.0 = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((rest, what)) = self.0.take() {
            rest.write(&format!("{what} given up"));
        }
    }
}

async fn transcribe(State(rest): State<Rest>, form: Bytes) -> Response {
    // The parts beside the sound take less than a tenth of a second of it.
    let tenths = form.len() / (2 * 2_400);
    rest.write(&format!("transcribe {}.{} s", tenths / 10, tenths % 10));
    let mut watch = rest.watch("transcription");
    let hears = rest.with(|script| script.hears.pop_front());
    sleep(TRANSCRIPTION).await;
    let answer = match hears.unwrap_or(Hears::Words("")) {
        Hears::Words(text) => {
            let usage = json!({"type": "duration", "seconds": 1.0});
            Json(json!({"text": text, "usage": usage})).into_response()
        }
        Hears::Fails(status) => refusal(status, "server_error"),
        Hears::Hangs => std::future::pending().await,
    };
    watch.is_done();
    answer
}

fn refusal(status: u16, code: &str) -> Response {
    let error = json!({"message": "no", "type": "error", "param": null, "code": code});
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(json!({ "error": error }))).into_response()
}

async fn chat(State(rest): State<Rest>, Json(request): Json<Value>) -> Response {
    let tools = request["tools"].as_array().map_or(0, Vec::len);
    let choice = request["tool_choice"].as_str().unwrap_or_default();
    let messages = request["messages"].as_array().expect("messages");
    let messages: Vec<String> = messages.iter().map(told).collect();
    rest.write(&format!(
        "asked with {tools} tools, {choice}: {}",
        messages.join(" | ")
    ));
    let answers = rest.with(|script| script.answers.pop_front());
    let (text, call, ends) = match answers.unwrap_or(Answers::Says("All right.")) {
        Answers::Says(text) => (text, None, Ends::Well),
        Answers::Calls(text, tool) => (text, Some(tool), Ends::Well),
        Answers::Breaks(text) => (text, None, Ends::Early),
        Answers::Stalls(text) => (text, None, Ends::Never),
        Answers::Fails(status, code) => return refusal(status, code),
    };
    let body = Body::from_stream(events(rest.watch("answer"), text, call, ends));
    ([("content-type", "text/event-stream")], body).into_response()
}

fn told(message: &Value) -> String {
    let role = message["role"].as_str().unwrap_or_default();
    match message["tool_calls"][0]["function"]["name"].as_str() {
        Some(name) => format!("{role} calls {name}"),
        None => format!(
            "{role}: {}",
            message["content"].as_str().unwrap_or_default()
        ),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Ends {
    Well,
    Early,
    Never,
}

/// A streamed completion.
fn events(
    watch: Watch,
    text: &'static str,
    call: Option<&'static str>,
    ends: Ends,
) -> impl Stream<Item = Result<String, Infallible>> {
    let words = text
        .split_inclusive(' ')
        .map(|word| json!({"content": word}));
    // In pieces, as OpenAI does.
    let calls = call.into_iter().flat_map(|name| {
        let piece = |function: Value| json!({"tool_calls": [{"index": 0, "function": function}]});
        [
            json!({"tool_calls": [{"index": 0, "id": "call_0", "type": "function",
                "function": {"name": name, "arguments": ""}}]}),
            piece(json!({"name": name, "arguments": "{"})),
            piece(json!({"arguments": "}"})),
        ]
    });
    let mut chunks: Vec<Value> = words
        .chain(calls)
        .map(|delta| chunk(&delta, None))
        .collect();
    if ends == Ends::Well {
        let reason = if call.is_some() { "tool_calls" } else { "stop" };
        chunks.push(chunk(&json!({}), Some(reason)));
        let usage = json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
            "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 0}});
        let mut last = chunk(&json!({}), None);
        last["choices"] = json!([]);
        last["usage"] = usage;
        chunks.push(last);
    }
    let mut lines: VecDeque<String> = chunks.iter().map(|c| format!("data: {c}\n\n")).collect();
    if ends == Ends::Well {
        lines.push_back("data: [DONE]\n\n".into());
    }
    let state = (lines, FIRST_WORD, watch);
    stream::unfold(state, move |(mut lines, wait, mut watch)| async move {
        sleep(wait).await;
        let Some(line) = lines.pop_front() else {
            if ends == Ends::Never {
                std::future::pending::<()>().await;
            }
            watch.is_done();
            return None;
        };
        if lines.is_empty() && ends == Ends::Well {
            watch.is_done();
        }
        Some((Ok(line), (lines, WORD, watch)))
    })
}

fn chunk(delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "chat",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
}

impl Voice for Rest {
    fn speak(&self, text: String) -> BoxStream<'static, Result<Vec<i16>, TtsError>> {
        self.write(&format!("speak {text:?}"));
        if self.with(|script| script.voice_fails) {
            let refused = TtsError::Refused { status: 503 };
            return stream::once(async { Err(refused) }).boxed();
        }
        let left = text.chars().count() * CHARACTER;
        let state = (left, FIRST_SOUND, self.watch("voice"));
        stream::unfold(state, |(left, wait, mut watch)| async move {
            if left == 0 {
                watch.is_done();
                return None;
            }
            sleep(wait).await;
            let piece = left.min(PIECE);
            Some((Ok(vec![9; piece]), (left - piece, PIECE_TIME, watch)))
        })
        .boxed()
    }
}
