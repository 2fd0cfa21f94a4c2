//! An OpenAI-shaped embeddings server whose vectors and moods the test decides.

use std::{
    future,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What the service asks at its start; not recorded.
const PROBE: &str = "How long are your vectors?";

type Embed = Arc<dyn Fn(&[String]) -> Vec<Vec<f32>> + Send + Sync>;

/// How the server answers.
#[derive(Clone, PartialEq)]
pub enum Mood {
    Well,
    /// Never answers.
    Silent,
    Status(u16),
    /// Answers with vectors of this length.
    Dimensions(usize),
    /// Answers as [`Mood::Dimensions`] does where this model is asked for.
    DimensionsOf(&'static str, usize),
    /// Refuses as a provider does whose limit is reached: come back after so many seconds.
    RateLimited(u32),
    /// Refuses requests that hold this text.
    Refusing(&'static str),
}

struct Inner {
    embed: Embed,
    mood: Mood,
    requests: Vec<Value>,
}

pub struct TestEmbedder {
    pub base_url: String,
    inner: Arc<Mutex<Inner>>,
    server: JoinHandle<()>,
}

impl TestEmbedder {
    /// Texts with words in common lie close together.
    pub async fn of_words() -> Self {
        Self::start(Arc::new(|texts| {
            texts.iter().map(|text| words(text)).collect()
        }))
        .await
    }

    pub async fn start(embed: Embed) -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            embed,
            mood: Mood::Well,
            requests: Vec::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/v1/embeddings", post(answer))
            .with_state(inner.clone());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            base_url,
            inner,
            server,
        }
    }

    pub fn set(&self, mood: Mood) {
        self.inner.lock().unwrap().mood = mood;
    }

    /// The bodies of all requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.inner.lock().unwrap().requests.clone()
    }

    /// Every text that was embedded so far.
    pub fn texts(&self) -> Vec<String> {
        self.requests().iter().flat_map(texts).collect()
    }
}

impl Drop for TestEmbedder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn texts(request: &Value) -> Vec<String> {
    let input = request["input"].as_array().unwrap();
    input
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, Json(request): Json<Value>) -> Response {
    let texts = texts(&request);
    let (mood, embed) = {
        let mut inner = inner.lock().unwrap();
        if texts != [PROBE] {
            inner.requests.push(request.clone());
        }
        (inner.mood.clone(), inner.embed.clone())
    };
    let refused = |status: u16| {
        let body = json!({"error": {"message": "no", "type": "test", "param": null, "code": null}});
        (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
    };
    let vectors = match mood {
        Mood::Silent => future::pending().await,
        Mood::Status(status) => return refused(status),
        Mood::Refusing(text) if texts.iter().any(|sent| sent.contains(text)) => {
            return refused(400);
        }
        Mood::RateLimited(seconds) => {
            let mut answer = refused(429);
            answer.headers_mut().insert("retry-after", seconds.into());
            return answer;
        }
        Mood::Dimensions(length) => vec![vec![1.0; length]; texts.len()],
        Mood::DimensionsOf(model, length) if request["model"] == model => {
            vec![vec![1.0; length]; texts.len()]
        }
        Mood::Well | Mood::Refusing(_) | Mood::DimensionsOf(..) => {
            tokio::task::spawn_blocking(move || embed(&texts))
                .await
                .unwrap()
        }
    };
    let data: Vec<_> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector}))
        .collect();
    let usage = json!({"prompt_tokens": 1, "total_tokens": 1});
    Json(json!({"object": "list", "model": request["model"], "data": data, "usage": usage}))
        .into_response()
}

fn words(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; 384];
    vector[0] = 0.1;
    for word in text
        .to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
    {
        let place = word.bytes().fold(7_usize, |hash, byte| {
            hash * 31 % 100_003 + usize::from(byte)
        });
        if !word.is_empty() {
            vector[1 + place % 383] += 1.0;
        }
    }
    vector
}
