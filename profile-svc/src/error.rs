//! What can go wrong, and what the client is told of it.

use service_kit::{field::FieldErrors, status};
use tonic::{Code, Status};

const DOMAIN: &str = "profile.insta";

/// What can go wrong in profile-svc.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such profile")]
    NotFound,
    #[error("{0} cannot be changed with this token")]
    FieldNotWritable(String),
    #[error("the profile has changed since it was read; read it again")]
    EtagMismatch,
    #[error("a user can have at most {0} facts")]
    TooManyFacts(i64),
    #[error("profiles cannot be reached at the moment")]
    Pool(#[from] db::PoolError),
    #[error("database failure")]
    Database(#[from] diesel::result::Error),
    #[error("the stored {column} of a profile cannot be read")]
    Inconsistent { column: &'static str },
}

impl From<ProfileError> for Status {
    fn from(error: ProfileError) -> Self {
        let told = |code, reason| status::with_reason(code, DOMAIN, reason, error.to_string());
        match &error {
            ProfileError::Invalid(fields) => fields.clone().into(),
            ProfileError::NotFound => told(Code::NotFound, "PROFILE_NOT_FOUND"),
            ProfileError::FieldNotWritable(_) => told(Code::PermissionDenied, "FIELD_NOT_WRITABLE"),
            ProfileError::EtagMismatch => told(Code::Aborted, "ETAG_MISMATCH"),
            ProfileError::TooManyFacts(_) => told(Code::ResourceExhausted, "TOO_MANY_FACTS"),
            ProfileError::Pool(_) => told(Code::Unavailable, "DATABASE_UNAVAILABLE"),
            ProfileError::Database(source) if db::is_unavailable(source) => {
                told(Code::Unavailable, "DATABASE_UNAVAILABLE")
            }
            ProfileError::Database(_) | ProfileError::Inconsistent { .. } => {
                status::internal(&error)
            }
        }
    }
}
