//! Our own signing key: made once for all instances, kept in the database, published to everyone.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use db::Pool;
use proto::insta::auth::v1::JsonWebKey;
use service_kit::{
    Caller,
    clock::Clock,
    keys::TokenVerifier,
    token::{SESSION_LIFETIME, TokenError, TokenSigner},
};
use std::sync::Arc;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::store::{
    StoreError,
    signing_keys::{self, SigningKey},
};

/// A key that signs no more is published until its last token has ended, and a little longer.
const PUBLISHED_AFTER: TimeDelta = TimeDelta::minutes(2 * SESSION_LIFETIME.num_minutes());

/// The keys, read from the database when they are first needed. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Inner>);

struct Inner {
    db: Pool,
    clock: Clock,
    ring: OnceCell<KeyRing>,
}

/// The key that signs, and all that verify.
pub(crate) struct KeyRing {
    signer: TokenSigner,
    published: Vec<JsonWebKey>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The key cannot be read or kept.
    #[error("the signing keys cannot be read")]
    Store(#[from] StoreError),
    /// The machine has no randomness.
    #[error("a signing key cannot be made")]
    Made,
}

impl Keys {
    /// Keys of the database behind `db`.
    pub(crate) fn new(db: Pool, clock: Clock) -> Self {
        let ring = OnceCell::new();
        Self(Arc::new(Inner { db, clock, ring }))
    }

    /// The keys; made when this is the first start of all.
    ///
    /// # Errors
    /// See [`KeysError`]. The next call tries again.
    pub(crate) async fn ring(&self) -> Result<&KeyRing, KeysError> {
        self.0.ring.get_or_try_init(|| self.load()).await
    }

    /// Believes what these keys have signed.
    pub(crate) fn verifier(&self, clock: Clock) -> TokenVerifier {
        let keys = self.clone();
        let fetch = move || {
            let keys = keys.clone();
            async move {
                match keys.ring().await {
                    Ok(ring) => Ok(ring.published.clone()),
                    Err(error) => {
                        tracing::warn!(error = ?error, "Signing keys could not be read");
                        Err(TokenError::KeysUnavailable)
                    }
                }
            }
        };
        TokenVerifier::fetched(fetch, clock)
    }

    async fn load(&self) -> Result<KeyRing, KeysError> {
        let now = self.0.clock.now();
        let mut connection = self.0.db.get().await.map_err(StoreError::from)?;
        let since = now - PUBLISHED_AFTER;
        let mut keys = signing_keys::list(&mut connection, since).await?;
        if keys.first().is_none_or(|key| key.retire_time.is_some()) {
            let pair = Ed25519KeyPair::generate().map_err(|_| KeysError::Made)?;
            let private_key = pair.to_pkcs8v1().map_err(|_| KeysError::Made)?;
            // Another instance may have been quicker; its key is then ours too.
            let kid = Uuid::now_v7().simple().to_string();
            signing_keys::insert_if_none_signs(&mut connection, &kid, private_key.as_ref(), now)
                .await?;
            keys = signing_keys::list(&mut connection, since).await?;
        }
        KeyRing::new(&keys)
    }
}

impl KeyRing {
    /// A ring of keys as they are kept, the signing one first.
    fn new(keys: &[SigningKey]) -> Result<Self, KeysError> {
        let [signing, ..] = keys else {
            return Err(KeysError::Made);
        };
        let published = keys.iter().map(public_key).collect::<Result<_, _>>()?;
        Ok(Self {
            signer: TokenSigner::new(&signing.kid, &signing.private_key),
            published,
        })
    }

    /// The public keys, the signing one first.
    pub(crate) fn published(&self) -> &[JsonWebKey] {
        &self.published
    }

    /// A token that says who `caller` is, and when it ends: as late as its kind may.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn sign(
        &self,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<(String, DateTime<Utc>), TokenError> {
        self.signer.sign(caller, now, SESSION_LIFETIME)
    }
}

fn public_key(key: &SigningKey) -> Result<JsonWebKey, StoreError> {
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&key.private_key).map_err(|_| {
        StoreError::Inconsistent {
            table: "signing_keys",
            id: key.kid.clone(),
        }
    })?;
    Ok(JsonWebKey {
        kid: key.kid.clone(),
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        alg: "EdDSA".into(),
        x: BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
    })
}
