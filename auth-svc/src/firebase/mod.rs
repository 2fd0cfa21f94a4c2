//! Who has signed in at Firebase: Google's signature in production, the emulator's unsigned tokens on a
//! developer's machine.

mod google_keys;
mod max_age;

use jsonwebtoken::Algorithm;
use service_kit::clock::Clock;

use self::google_keys::{GoogleKeys, KeyError};
use crate::{
    config::FirebaseConfig,
    domain::id_token::{FirebaseUser, IdToken, IdTokenError},
};

/// Verifies ID tokens of one Firebase project.
pub(crate) struct FirebaseVerifier {
    project_id: String,
    clock: Clock,
    mode: Mode,
}

enum Mode {
    /// Signed with a key that Google publishes.
    Google(GoogleKeys),
    /// Not signed. The settings let this happen on a developer's machine only.
    Emulator,
}

/// Why nobody has signed in.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FirebaseError {
    /// Not an ID token of this project.
    #[error(transparent)]
    Invalid(IdTokenError),
    /// Its hour is over.
    #[error("the ID token has expired; ask Firebase for a fresh one")]
    Expired,
    /// Google's keys cannot be fetched.
    #[error("Google's keys cannot be fetched at the moment")]
    KeysUnavailable,
}

impl From<IdTokenError> for FirebaseError {
    fn from(error: IdTokenError) -> Self {
        match error {
            IdTokenError::Expired => Self::Expired,
            other => Self::Invalid(other),
        }
    }
}

impl FirebaseVerifier {
    /// A verifier as `config`, which has been checked, says.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(config: &FirebaseConfig, clock: Clock) -> Result<Self, reqwest::Error> {
        let mode = match config.emulator_host() {
            Some(host) => {
                tracing::warn!(
                    host,
                    "ID TOKENS ARE NOT VERIFIED: the Firebase Auth emulator is configured, and anyone can make its \
                     tokens. Never do this where others can reach the service."
                );
                Mode::Emulator
            }
            None => Mode::Google(GoogleKeys::new(config.keys_url.clone(), clock.clone())?),
        };
        Ok(Self {
            project_id: config.firebase_project_id.clone(),
            clock,
            mode,
        })
    }

    /// Who has signed in, as `token` proves.
    ///
    /// What is cheap comes first, so that junk makes nobody fetch a key.
    ///
    /// # Errors
    /// See [`FirebaseError`]; only [`FirebaseError::KeysUnavailable`] is worth a retry.
    pub(crate) async fn verify(&self, token: &str) -> Result<FirebaseUser, FirebaseError> {
        let token = IdToken::parse(token)?;
        match &self.mode {
            Mode::Emulator => {
                token.check_unsigned()?;
                Ok(token.user(&self.project_id, self.clock.now())?)
            }
            Mode::Google(keys) => {
                let user = token.user(&self.project_id, self.clock.now())?;
                let key_id = token.key_id()?;
                self.check_signature(keys, key_id, &token).await?;
                Ok(user)
            }
        }
    }

    async fn check_signature(
        &self,
        keys: &GoogleKeys,
        key_id: &str,
        token: &IdToken<'_>,
    ) -> Result<(), FirebaseError> {
        let key = keys.key(key_id).await.map_err(|error| match error {
            KeyError::Unknown => FirebaseError::Invalid(IdTokenError::Key),
            KeyError::Unavailable => FirebaseError::KeysUnavailable,
        })?;
        let signed = token.signed.as_bytes();
        let good = jsonwebtoken::crypto::verify(token.signature, signed, &key, Algorithm::RS256);
        if good.unwrap_or(false) {
            Ok(())
        } else {
            Err(IdTokenError::Signature.into())
        }
    }
}
