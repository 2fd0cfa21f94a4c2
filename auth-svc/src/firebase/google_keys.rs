//! The keys that Google publishes for ID tokens: fetched when first needed, kept as long as Google says, and a
//! bounded time longer when Google cannot be reached.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use reqwest::{StatusCode, header::CACHE_CONTROL, redirect::Policy};
use serde::Deserialize;
use service_kit::clock::Clock;
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::max_age::max_age;

const TIMEOUT: Duration = Duration::from_secs(3);
/// Two or three keys are 2 KiB.
const MAX_BODY: usize = 64 * 1024;
/// Key ids that are not known cause at most one fetch in this time, whoever sends how many of them.
const REFETCH_INTERVAL: TimeDelta = TimeDelta::seconds(30);
/// After a fetch that failed the next one is this far away.
const RETRY_INTERVAL: TimeDelta = TimeDelta::seconds(5);
/// How long keys serve on that are no longer fresh.
const GRACE: TimeDelta = TimeDelta::hours(1);
const LONGEST_FRESH: TimeDelta = TimeDelta::days(1);

/// Google's keys. Cheap to clone.
#[derive(Clone)]
pub(super) struct GoogleKeys(Arc<Inner>);

struct Inner {
    url: Url,
    http: reqwest::Client,
    clock: Clock,
    kept: RwLock<Option<Kept>>,
    last: Mutex<Option<Attempt>>,
}

struct Kept {
    keys: HashMap<String, DecodingKey>,
    fresh_until: DateTime<Utc>,
}

/// The last fetch.
struct Attempt {
    time: DateTime<Utc>,
    ended: Instant,
    succeeded: bool,
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyError {
    /// Google has no such key.
    Unknown,
    /// Google cannot be asked.
    Unavailable,
}

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is longer than {MAX_BODY} bytes")]
    Long,
    #[error("the answer is not a key set")]
    Json(#[from] serde_json::Error),
    #[error("the answer holds no RSA key")]
    Empty,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

enum LookUp {
    Fresh(DecodingKey),
    Stale(DecodingKey),
    Absent,
}

impl GoogleKeys {
    /// Keys from `url`, fetched when the first is needed.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn new(url: Url, clock: Clock) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .https_only(url.scheme() == "https")
            .build()?;
        Ok(Self(Arc::new(Inner {
            url,
            http,
            clock,
            kept: RwLock::default(),
            last: Mutex::default(),
        })))
    }

    /// The key with this id.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub(super) async fn key(&self, kid: &str) -> Result<DecodingKey, KeyError> {
        if let LookUp::Fresh(key) = self.0.look_up(kid) {
            return Ok(key);
        }
        let asked = Instant::now();
        let inner = self.0.clone();
        // A task of its own: a client that goes away must not make the next one begin again.
        let refreshed = tokio::spawn(async move { inner.refresh(asked).await }).await;
        match self.0.look_up(kid) {
            LookUp::Fresh(key) => Ok(key),
            LookUp::Stale(key) => {
                tracing::warn!("Google's keys are out of date and cannot be fetched");
                Ok(key)
            }
            LookUp::Absent if matches!(refreshed, Ok(true)) => Err(KeyError::Unknown),
            LookUp::Absent => Err(KeyError::Unavailable),
        }
    }
}

impl Inner {
    fn look_up(&self, kid: &str) -> LookUp {
        let now = self.clock.now();
        let kept = self.kept.read().expect("no panic happens while it is held");
        let key = kept
            .as_ref()
            .filter(|kept| now < kept.fresh_until + GRACE)
            .and_then(|kept| Some((kept.keys.get(kid)?.clone(), now < kept.fresh_until)));
        match key {
            Some((key, true)) => LookUp::Fresh(key),
            Some((key, false)) => LookUp::Stale(key),
            None => LookUp::Absent,
        }
    }

    /// Fetches the keys unless that was done a moment ago, and says whether Google's answer is at hand.
    async fn refresh(&self, asked: Instant) -> bool {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        if let Some(last) = &*last {
            let interval = if last.succeeded {
                REFETCH_INTERVAL
            } else {
                RETRY_INTERVAL
            };
            // Whoever waited here while another fetched shares what came of it. A clock that was set back is no
            // reason to wait.
            let recent = (TimeDelta::zero()..interval).contains(&(now - last.time));
            if last.ended > asked || recent {
                return last.succeeded;
            }
        }
        let fetched = self.fetch().await;
        let succeeded = fetched.is_ok();
        match fetched {
            Ok(kept) => {
                *self
                    .kept
                    .write()
                    .expect("no panic happens while it is held") = Some(kept);
            }
            Err(error) => tracing::warn!(error = ?error, "Google's keys could not be fetched"),
        }
        *last = Some(Attempt {
            time: now,
            ended: Instant::now(),
            succeeded,
        });
        succeeded
    }

    async fn fetch(&self) -> Result<Kept, FetchError> {
        let mut response = self.http.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let header = response.headers().get(CACHE_CONTROL);
        let max_age = max_age(header.and_then(|value| value.to_str().ok()).unwrap_or(""));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(FetchError::Long);
            }
            body.extend_from_slice(&chunk);
        }
        let set: KeySet = serde_json::from_slice(&body)?;
        let keys: HashMap<_, _> = set.keys.into_iter().filter_map(decoding_key).collect();
        if keys.is_empty() {
            return Err(FetchError::Empty);
        }
        let fresh = TimeDelta::from_std(max_age)
            .unwrap_or(LONGEST_FRESH)
            .clamp(REFETCH_INTERVAL, LONGEST_FRESH);
        Ok(Kept {
            keys,
            fresh_until: self.clock.now() + fresh,
        })
    }
}

fn decoding_key(jwk: Jwk) -> Option<(String, DecodingKey)> {
    let key = DecodingKey::from_rsa_components(&jwk.n, &jwk.e).ok()?;
    (jwk.kty == "RSA").then_some((jwk.kid, key))
}
