//! Google's keys: the private halves, and a server that publishes the public ones.

use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// A key pair of Google's, or of someone who would like to be Google.
#[derive(Clone)]
pub(crate) struct GoogleKey {
    pub(crate) kid: &'static str,
    pair: &'static RsaKeyPair,
}

impl GoogleKey {
    /// The key that the fake server publishes. It takes long to make, so there is one a process.
    pub(crate) fn google() -> Self {
        static PAIR: OnceLock<RsaKeyPair> = OnceLock::new();
        Self::of("google-1", &PAIR)
    }

    /// A key that nobody publishes unless told to.
    pub(crate) fn other(kid: &'static str) -> Self {
        static PAIR: OnceLock<RsaKeyPair> = OnceLock::new();
        Self::of(kid, &PAIR)
    }

    fn of(kid: &'static str, pair: &'static OnceLock<RsaKeyPair>) -> Self {
        let pair = pair.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        Self { kid, pair }
    }

    pub(crate) fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let public = self.pair.public_key();
        json!({
            "kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig",
            "n": encode(public.modulus().big_endian_without_leading_zero()),
            "e": encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// A token with these claims, as Firebase makes them.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"});
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// A signed token with any header and claims.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let (message, random) = (signed.as_bytes(), SystemRandom::new());
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
            .unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// One part of a token.
pub(crate) fn part(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// What the server answers with.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// These keys, fresh for `max_age` seconds.
    pub(crate) fn keys(keys: &[&GoogleKey], max_age: u32) -> Self {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        Self {
            status: StatusCode::OK,
            headers: vec![(
                "cache-control",
                format!("public, max-age={max_age}, must-revalidate"),
            )],
            body: json!({ "keys": keys }).to_string(),
        }
    }

    /// This status and text.
    pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }
}

/// A server that publishes keys.
pub(crate) struct FakeGoogle {
    pub(crate) url: Url,
    pub(crate) key: GoogleKey,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    answer: Answer,
    requests: usize,
}

impl FakeGoogle {
    pub(crate) async fn start() -> Self {
        let key = GoogleKey::google();
        let state = Arc::new(Mutex::new(State {
            answer: Answer::keys(&[&key], 3600),
            requests: 0,
        }));
        let shared = state.clone();
        let keys = get(async move || {
            let answer = {
                let mut state = shared.lock().unwrap();
                state.requests += 1;
                state.answer.clone()
            };
            let mut response = (answer.status, answer.body).into_response();
            for (name, value) in answer.headers {
                let headers = response.headers_mut();
                headers.insert(name, value.parse().unwrap());
            }
            response
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let app = Router::new().route("/keys", keys);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url: url.parse().unwrap(),
            key,
            state,
            task,
        }
    }

    pub(crate) fn answer_with(&self, answer: Answer) {
        self.state.lock().unwrap().answer = answer;
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }
}

impl Drop for FakeGoogle {
    fn drop(&mut self) {
        self.task.abort();
    }
}
