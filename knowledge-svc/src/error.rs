//! What can go wrong, and what the client is told of it.

use service_kit::{field::FieldErrors, status};
use tonic::{Code, Status};
use uuid::Uuid;

const DOMAIN: &str = "knowledge.insta";

/// What can go wrong in knowledge-svc. That the embedder is away is no error: searches then go by text alone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KnowledgeError {
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such document")]
    NotFound,
    #[error("a document with this id is there already")]
    Exists,
    #[error("the document has changed since it was read; read it again")]
    EtagMismatch {
        /// The one that is current.
        etag: Uuid,
    },
    #[error("nothing can be written while the embedding model does not fit the index: {0}")]
    EmbeddingMismatch(String),
    #[error("another file came by this path under the same request_id")]
    RequestReused,
    #[error("a document could not be read by a fault of the service")]
    Reading,
    #[error("documents cannot be reached at the moment")]
    Pool(#[from] db::PoolError),
    #[error("documents cannot be reached at the moment")]
    Database(#[from] diesel::result::Error),
    #[error("the stored {column} of a document cannot be read")]
    Inconsistent { column: &'static str },
}

impl From<KnowledgeError> for Status {
    fn from(error: KnowledgeError) -> Self {
        let told = |code, reason| status::with_reason(code, DOMAIN, reason, error.to_string());
        match &error {
            KnowledgeError::Invalid(fields) => fields.clone().into(),
            KnowledgeError::NotFound => told(Code::NotFound, "DOCUMENT_NOT_FOUND"),
            KnowledgeError::Exists => told(Code::AlreadyExists, "DOCUMENT_EXISTS"),
            KnowledgeError::EtagMismatch { etag } => status::with_metadata(
                Code::Aborted,
                DOMAIN,
                "ETAG_MISMATCH",
                error.to_string(),
                [("etag", etag.to_string())],
            ),
            KnowledgeError::EmbeddingMismatch(_) => {
                told(Code::FailedPrecondition, "EMBEDDING_MISMATCH")
            }
            KnowledgeError::RequestReused => told(Code::InvalidArgument, "REQUEST_REUSED"),
            KnowledgeError::Pool(_) => told(Code::Unavailable, "DATABASE_UNAVAILABLE"),
            KnowledgeError::Database(source) if db::is_unavailable(source) => {
                told(Code::Unavailable, "DATABASE_UNAVAILABLE")
            }
            KnowledgeError::Database(_)
            | KnowledgeError::Inconsistent { .. }
            | KnowledgeError::Reading => status::internal(&error),
        }
    }
}
