//! What can go wrong, and what the client is told of it.

use std::time::Duration;

use livekit_api::access_token::AccessTokenError;
use service_kit::{Scope, field::FieldErrors, status, token::TokenError};
use tonic::{Code, Status};

use crate::{
    firebase::FirebaseError, keys::KeysError, livekit::LivekitError, profiles::ProfilesError,
    secrets::SecretsError, store::StoreError,
};

const DOMAIN: &str = "auth.insta";
/// When another try is worth it, after something was away.
const RETRY: Duration = Duration::from_secs(1);

/// What can go wrong in auth-svc.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error(transparent)]
    Firebase(#[from] FirebaseError),
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    #[error("a client with this id is registered already")]
    ClientExists,
    #[error("there is no active client with this id and secret")]
    ClientCredentials,
    #[error("the client may not do {0}")]
    ScopeNotGranted(Scope),
    #[error("the session token is not valid or has expired; sign in again")]
    SessionInvalid,
    #[error("no token was issued for this call before")]
    CallNotFound,
    #[error("this call acts for another user")]
    CallOfAnotherUser,
    #[error("there is no such person in the room")]
    ParticipantNotFound,
    #[error(transparent)]
    Livekit(#[from] LivekitError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the signing key cannot be used")]
    Keys(#[from] KeysError),
    #[error("a token cannot be signed")]
    Sign(#[from] TokenError),
    #[error("a LiveKit token cannot be signed")]
    SignLivekit(#[from] AccessTokenError),
    #[error("a handler was reached by a caller whom the access table keeps out")]
    WrongCaller,
}

impl From<db::PoolError> for AuthError {
    fn from(error: db::PoolError) -> Self {
        Self::Store(error.into())
    }
}

impl From<AuthError> for Status {
    fn from(error: AuthError) -> Self {
        let told = |code, reason| status::with_reason(code, DOMAIN, reason, error.to_string());
        let away = |reason, message: &str| {
            status::retry_after(Code::Unavailable, DOMAIN, reason, message, RETRY)
        };
        let database_away = || {
            tracing::warn!(error = ?error, "The database cannot be reached");
            away(
                "DATABASE_UNAVAILABLE",
                "the database cannot be reached at the moment",
            )
        };
        match &error {
            AuthError::Invalid(fields) => fields.clone().into(),
            AuthError::Firebase(FirebaseError::Expired) => {
                told(Code::Unauthenticated, "ID_TOKEN_EXPIRED")
            }
            AuthError::Firebase(FirebaseError::KeysUnavailable) => {
                away("IDENTITY_KEYS_UNAVAILABLE", &error.to_string())
            }
            AuthError::Firebase(FirebaseError::Invalid(_)) => {
                told(Code::Unauthenticated, "ID_TOKEN_INVALID")
            }
            AuthError::Profiles(ProfilesError::Unavailable) => {
                away("PROFILE_UNAVAILABLE", &error.to_string())
            }
            AuthError::ClientExists => told(Code::AlreadyExists, "CLIENT_EXISTS"),
            AuthError::ClientCredentials => {
                told(Code::Unauthenticated, "CLIENT_CREDENTIALS_INVALID")
            }
            AuthError::ScopeNotGranted(_) => told(Code::PermissionDenied, "SCOPE_NOT_GRANTED"),
            AuthError::SessionInvalid => told(Code::Unauthenticated, "SESSION_INVALID"),
            AuthError::CallNotFound => told(Code::NotFound, "CALL_NOT_FOUND"),
            AuthError::CallOfAnotherUser => {
                told(Code::FailedPrecondition, "CALL_BELONGS_TO_ANOTHER_USER")
            }
            AuthError::ParticipantNotFound => told(Code::NotFound, "PARTICIPANT_NOT_FOUND"),
            AuthError::Livekit(LivekitError::Unavailable) => {
                away("LIVEKIT_UNAVAILABLE", &error.to_string())
            }
            AuthError::Secrets(SecretsError::Busy) => {
                let message = error.to_string();
                let code = Code::ResourceExhausted;
                status::retry_after(code, DOMAIN, "TOO_MANY_ATTEMPTS", message, RETRY)
            }
            AuthError::Store(StoreError::Unavailable(_))
            | AuthError::Keys(KeysError::Store(StoreError::Unavailable(_))) => database_away(),
            AuthError::Profiles(ProfilesError::Fault(_))
            | AuthError::Livekit(LivekitError::Fault(_))
            | AuthError::Secrets(SecretsError::Fault(_))
            | AuthError::Store(StoreError::Query(_) | StoreError::Inconsistent { .. })
            | AuthError::Keys(
                KeysError::Made
                | KeysError::Store(StoreError::Query(_) | StoreError::Inconsistent { .. }),
            )
            | AuthError::Sign(_)
            | AuthError::SignLivekit(_)
            | AuthError::WrongCaller => status::internal(&error),
        }
    }
}
