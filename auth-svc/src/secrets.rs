//! Secrets of service clients: made, hashed, and compared without telling who exists.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{self, SaltString},
};
use aws_lc_rs::{hmac, rand};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use service_kit::ClientId;
use tokio::{sync::Semaphore, time::Instant};

/// Each hash takes 19 MiB and tens of milliseconds of a core.
const HASHES_AT_ONCE: usize = 2;
/// Those who wait for their turn; more are sent away.
const HASHES_WAITING: usize = 64;
/// How long a secret that was right is not hashed again, so that renewals every few minutes cost nothing.
const REMEMBERED_FOR: Duration = Duration::from_secs(10 * 60);
const REMEMBERED: usize = 256;
/// Longer ones were not made by us, and are not worth hashing.
const MAX_SECRET: usize = 256;

/// Makes, hashes and compares secrets, a few at a time.
pub(crate) struct Secrets {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// Of a secret that nobody has: what an unknown client is compared with, so that it takes as long.
    nobodys_hash: String,
    tag_key: hmac::Key,
    right: Mutex<HashMap<[u8; 32], Instant>>,
}

/// Why a secret could not be hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretsError {
    /// Too many at once.
    #[error("too many clients ask for tokens at once; try again in a moment")]
    Busy,
    /// A stored hash is broken, or the machine has no randomness.
    #[error("a secret cannot be hashed")]
    Fault(#[source] anyhow::Error),
}

impl Secrets {
    /// Nothing remembered yet.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub(crate) fn new() -> Result<Self, SecretsError> {
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(fault)?;
        Ok(Self {
            places: Arc::new(Semaphore::new(HASHES_AT_ONCE + HASHES_WAITING)),
            turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            nobodys_hash: hash(&BASE64_URL_SAFE_NO_PAD.encode(key))?,
            tag_key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            right: Mutex::default(),
        })
    }

    /// A fresh secret: 32 random bytes in base64url.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub(crate) fn generate() -> Result<SecretString, SecretsError> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(fault)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The argon2id hash of `secret` in PHC form.
    ///
    /// # Errors
    /// See [`SecretsError`].
    pub(crate) async fn hash(&self, secret: &SecretString) -> Result<String, SecretsError> {
        let secret = secret.clone();
        self.in_turn(move || hash(secret.expose_secret())).await
    }

    /// Whether `secret` is the one of `client_id`, whose stored hash is `hash`. It takes as long when there is no
    /// such client.
    ///
    /// # Errors
    /// See [`SecretsError`].
    pub(crate) async fn verify(
        &self,
        client_id: &ClientId,
        secret: &SecretString,
        hash: Option<&str>,
    ) -> Result<bool, SecretsError> {
        if secret.expose_secret().len() > MAX_SECRET {
            return Ok(false);
        }
        let tag = hash.map(|hash| self.tag(client_id, secret, hash));
        if tag.is_some_and(|tag| self.is_remembered(&tag)) {
            return Ok(true);
        }
        let stored = hash.unwrap_or(&self.nobodys_hash).to_owned();
        let secret = secret.clone();
        let matches = self
            .in_turn(move || matches(secret.expose_secret(), &stored))
            .await?;
        match tag {
            Some(tag) if matches => self.remember(tag),
            _ => {}
        }
        Ok(matches && hash.is_some())
    }

    /// Names a right secret without keeping it. The hash is part of it: a changed secret is another tag.
    fn tag(&self, client_id: &ClientId, secret: &SecretString, hash: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.tag_key);
        for part in [client_id.as_str(), hash, secret.expose_secret()] {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    fn is_remembered(&self, tag: &[u8; 32]) -> bool {
        let right = self
            .right
            .lock()
            .expect("no panic happens while it is held");
        right.get(tag).is_some_and(|until| Instant::now() < *until)
    }

    fn remember(&self, tag: [u8; 32]) {
        let now = Instant::now();
        let mut right = self
            .right
            .lock()
            .expect("no panic happens while it is held");
        if right.len() >= REMEMBERED {
            right.retain(|_, until| now < *until);
        }
        if right.len() < REMEMBERED {
            right.insert(tag, now + REMEMBERED_FOR);
        }
    }

    /// Runs `work` on a thread that may be blocked, when its turn has come.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SecretsError> + Send + 'static,
    ) -> Result<T, SecretsError> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| SecretsError::Busy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(fault)?;
        let work = move || {
            // Held by the work itself: it goes on when whoever asked has gone away.
            let _held = (place, turn);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(fault)?
    }
}

fn hash(secret: &str) -> Result<String, SecretsError> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(fault)?;
    let salt = SaltString::encode_b64(&salt).map_err(broken)?;
    let hash = Argon2::default().hash_password(secret.as_bytes(), &salt);
    Ok(hash.map_err(broken)?.to_string())
}

fn matches(secret: &str, hash: &str) -> Result<bool, SecretsError> {
    let hash = PasswordHash::new(hash).map_err(broken)?;
    match Argon2::default().verify_password(secret.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::Password) => Ok(false),
        Err(error) => Err(broken(error)),
    }
}

fn fault(error: impl std::error::Error + Send + Sync + 'static) -> SecretsError {
    SecretsError::Fault(error.into())
}

fn broken(error: password_hash::Error) -> SecretsError {
    SecretsError::Fault(anyhow::anyhow!("argon2: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ClientId {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn only_the_right_secret_of_the_right_hash_matches() {
        let secrets = Secrets::new().unwrap();
        let (right, wrong) = (Secrets::generate().unwrap(), Secrets::generate().unwrap());
        let hash = secrets.hash(&right).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let crm = id("crm");
        // Twice, since the second time is remembered.
        for _ in 0..2 {
            assert!(secrets.verify(&crm, &right, Some(&hash)).await.unwrap());
            assert!(!secrets.verify(&crm, &wrong, Some(&hash)).await.unwrap());
            assert!(!secrets.verify(&crm, &right, None).await.unwrap());
            let other = secrets.hash(&wrong).await.unwrap();
            assert!(!secrets.verify(&crm, &right, Some(&other)).await.unwrap());
        }
        let long = SecretString::from("x".repeat(100_000));
        assert!(!secrets.verify(&crm, &long, Some(&hash)).await.unwrap());
        assert!(
            secrets
                .verify(&crm, &right, Some("not a hash"))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_right_secret_is_hashed_once_for_a_while() {
        let secrets = Secrets::new().unwrap();
        let right = Secrets::generate().unwrap();
        let hash = secrets.hash(&right).await.unwrap();
        assert!(
            secrets
                .verify(&id("crm"), &right, Some(&hash))
                .await
                .unwrap()
        );
        // Nobody can hash any more, so what still answers was remembered.
        let _all = secrets.places.clone().acquire_many_owned(66).await.unwrap();
        assert!(
            secrets
                .verify(&id("crm"), &right, Some(&hash))
                .await
                .unwrap()
        );
        for (who, hash) in [("crm", None), ("erp", Some(hash.as_str()))] {
            let verdict = secrets.verify(&id(who), &right, hash).await;
            assert!(matches!(verdict, Err(SecretsError::Busy)), "{who}");
        }
        tokio::time::pause();
        tokio::time::advance(REMEMBERED_FOR).await;
        let verdict = secrets.verify(&id("crm"), &right, Some(&hash)).await;
        assert!(matches!(verdict, Err(SecretsError::Busy)));
    }
}
