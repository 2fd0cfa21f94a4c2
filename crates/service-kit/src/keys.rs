//! The public keys that verify tokens: our own (in auth-svc) or fetched from auth-svc (everywhere else).

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, RwLock},
    time::Duration,
};

use jsonwebtoken::DecodingKey;
use proto::insta::auth::v1::{
    GetKeySetRequest, JsonWebKey, auth_service_client::AuthServiceClient,
};
use tokio::{sync::Mutex, time::Instant};
use tonic::transport::Channel;

use crate::{
    caller::Caller,
    clock::Clock,
    token::{self, TokenError},
};

/// A key id that is not known causes at most one fetch in this time, whoever sends how many of them.
const REFETCH_INTERVAL: Duration = Duration::from_secs(5);
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Tells who sent a token. Cheap to clone.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Inner>);

struct Inner {
    clock: Clock,
    keys: RwLock<HashMap<String, DecodingKey>>,
    source: Option<Source>,
}

struct Source {
    fetch: Fetch,
    last: Mutex<Option<Attempt>>,
}

type Fetch = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Fetched> + Send>> + Send + Sync>;
type Fetched = Result<Vec<JsonWebKey>, TokenError>;

#[derive(Clone, Copy)]
struct Attempt {
    ended: Instant,
    outcome: Result<(), TokenError>,
}

impl TokenVerifier {
    /// Verifies with these keys only.
    pub fn local(keys: &[JsonWebKey], clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            keys: RwLock::new(decoding_keys(keys)),
            source: None,
        }))
    }

    /// Verifies with the keys of auth-svc at the other end of `channel`, fetched when they are first needed. Keys
    /// once fetched serve on while auth-svc is away.
    pub fn remote(channel: Channel, clock: Clock) -> Self {
        let client = AuthServiceClient::new(channel);
        let fetch = move || {
            let mut client = client.clone();
            async move {
                let answer = client
                    .get_key_set(GetKeySetRequest {})
                    .await
                    .map_err(|status| {
                        tracing::warn!(code = ?status.code(), "Keys could not be fetched from auth-svc");
                        TokenError::KeysUnavailable
                    })?;
                Ok(answer.into_inner().keys)
            }
        };
        Self::fetched(fetch, clock)
    }

    /// As [`TokenVerifier::remote`], with keys from wherever `fetch` gets them.
    pub fn fetched<F>(fetch: impl Fn() -> F + Send + Sync + 'static, clock: Clock) -> Self
    where
        F: Future<Output = Fetched> + Send + 'static,
    {
        let source = Source {
            fetch: Box::new(move || Box::pin(fetch())),
            last: Mutex::new(None),
        };
        Self(Arc::new(Inner {
            clock,
            keys: RwLock::default(),
            source: Some(source),
        }))
    }

    /// Who sent `token`.
    ///
    /// # Errors
    /// See [`TokenError`]; only [`TokenError::KeysUnavailable`] is worth a retry.
    pub async fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let kid = token::key_id(token)?;
        let key = match self.key(&kid) {
            Some(key) => key,
            None => {
                self.fetch().await?;
                self.key(&kid).ok_or(TokenError::UnknownKey)?
            }
        };
        token::verify(token, &key, self.0.clock.now())
    }

    fn key(&self, kid: &str) -> Option<DecodingKey> {
        self.0
            .keys
            .read()
            .expect("no panic happens while it is held")
            .get(kid)
            .cloned()
    }

    async fn fetch(&self) -> Result<(), TokenError> {
        let Some(source) = &self.0.source else {
            return Ok(());
        };
        let asked = Instant::now();
        let mut last = source.last.lock().await;
        if let Some(last) = *last {
            // Whoever waited here while another fetched shares what came of it.
            if last.ended > asked {
                return last.outcome;
            }
            if last.outcome.is_ok() && last.ended.elapsed() < REFETCH_INTERVAL {
                return Ok(());
            }
        }
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, (source.fetch)())
            .await
            .unwrap_or(Err(TokenError::KeysUnavailable));
        let outcome = fetched.map(|keys| {
            *self
                .0
                .keys
                .write()
                .expect("no panic happens while it is held") = decoding_keys(&keys);
        });
        let ended = Instant::now();
        *last = Some(Attempt { ended, outcome });
        outcome
    }
}

fn decoding_keys(keys: &[JsonWebKey]) -> HashMap<String, DecodingKey> {
    keys.iter()
        .filter(|key| key.kty == "OKP" && key.crv == "Ed25519")
        .filter_map(|key| {
            Some((
                key.kid.clone(),
                DecodingKey::from_ed_components(&key.x).ok()?,
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A token that names a key which nobody has.
    const STRANGE: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.e30.AA";

    fn counting(answer: Fetched) -> (TokenVerifier, Arc<AtomicUsize>) {
        crate::install_crypto();
        let count = Arc::new(AtomicUsize::new(0));
        let seen = count.clone();
        let fetch = move || {
            seen.fetch_add(1, Ordering::Relaxed);
            let answer = answer.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                answer
            }
        };
        (TokenVerifier::fetched(fetch, Clock::system()), count)
    }

    #[tokio::test(start_paused = true)]
    async fn many_strange_tokens_cause_one_fetch_whatever_comes_of_it() {
        let cases = [
            (Ok(Vec::new()), TokenError::UnknownKey),
            (
                Err(TokenError::KeysUnavailable),
                TokenError::KeysUnavailable,
            ),
        ];
        for (answer, expected) in cases {
            let (verifier, count) = counting(answer);
            let all: Vec<_> = (0..20)
                .map(|_| {
                    let verifier = verifier.clone();
                    tokio::spawn(async move { verifier.verify(STRANGE).await })
                })
                .collect();
            for one in all {
                assert_eq!(one.await.unwrap(), Err(expected));
            }
            assert_eq!(count.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_fetched_again_after_a_while() {
        let (verifier, count) = counting(Ok(Vec::new()));
        for (wait, expected) in [(0, 1), (1, 1), (5, 2)] {
            tokio::time::advance(Duration::from_secs(wait)).await;
            assert_eq!(verifier.verify(STRANGE).await, Err(TokenError::UnknownKey));
            assert_eq!(count.load(Ordering::Relaxed), expected);
        }
    }
}
