//! The public keys that verify tokens: our own (in auth-svc) or fetched from auth-svc (everywhere else).

use std::{
    collections::HashMap,
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
    remote: Option<Remote>,
}

struct Remote {
    client: AuthServiceClient<Channel>,
    last_fetch: Mutex<Option<Instant>>,
}

impl TokenVerifier {
    /// Verifies with these keys only.
    pub fn local(keys: &[JsonWebKey], clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            keys: RwLock::new(decoding_keys(keys)),
            remote: None,
        }))
    }

    /// Verifies with the keys of auth-svc at the other end of `channel`, fetched when they are first needed. Keys
    /// once fetched serve on while auth-svc is away.
    pub fn remote(channel: Channel, clock: Clock) -> Self {
        let remote = Remote {
            client: AuthServiceClient::new(channel),
            last_fetch: Mutex::new(None),
        };
        Self(Arc::new(Inner {
            clock,
            keys: RwLock::default(),
            remote: Some(remote),
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
        let Some(remote) = &self.0.remote else {
            return Ok(());
        };
        let asked = Instant::now();
        // Whoever waited here while another fetched finds the work done.
        let mut last_fetch = remote.last_fetch.lock().await;
        if last_fetch.is_some_and(|last| last > asked || last.elapsed() < REFETCH_INTERVAL) {
            return Ok(());
        }
        let mut client = remote.client.clone();
        let answer = tokio::time::timeout(FETCH_TIMEOUT, client.get_key_set(GetKeySetRequest {}))
            .await
            .map_err(|_| TokenError::KeysUnavailable)?
            .map_err(|status| {
                tracing::warn!(code = ?status.code(), "Keys could not be fetched from auth-svc");
                TokenError::KeysUnavailable
            })?;
        *last_fetch = Some(Instant::now());
        let keys = decoding_keys(&answer.into_inner().keys);
        *self
            .0
            .keys
            .write()
            .expect("no panic happens while it is held") = keys;
        Ok(())
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
