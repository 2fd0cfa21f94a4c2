//! What a request needs.

use std::{sync::Arc, time::Duration};

use service_kit::clock::Clock;
use tokio::sync::{Notify, watch};

use crate::{
    embedding::Embedder,
    error::KnowledgeError,
    jobs::{Ingestion, unanswered::Keeper},
    store::index::Index,
};

/// How long a write waits, just after the start, until the embedding model has shown that it fits.
const PATIENCE: Duration = Duration::from_secs(3);

/// The service, built once. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    /// Connections with the role `insta_knowledge`.
    pub(crate) db: db::Pool,
    /// Makes the vectors of questions.
    pub(crate) embedder: Arc<Embedder>,
    /// Dates every write.
    pub(crate) clock: Clock,
    /// Told after every write, so that vectors are made at once.
    pub(crate) wake: Arc<Notify>,
    /// What searches compare, as the worker has seen it last.
    pub(crate) index: watch::Receiver<Option<Index>>,
    /// Whether documents may be written, as the worker has found out.
    pub(crate) ingestion: watch::Receiver<Ingestion>,
    /// Takes questions that nothing answered.
    pub(crate) keeper: Keeper,
    /// How likely a passage must answer to be part of an answer; see [`crate::Config`].
    pub(crate) min_confidence: f64,
}

impl App {
    /// # Errors
    /// [`KnowledgeError::EmbeddingMismatch`] while the configured model makes vectors that do not fit the index.
    pub(crate) async fn may_write(&self) -> Result<(), KnowledgeError> {
        let mut ingestion = self.ingestion.clone();
        let known = ingestion.wait_for(|ingestion| *ingestion != Ingestion::Unknown);
        match tokio::time::timeout(PATIENCE, known).await {
            Ok(Ok(found)) => match &*found {
                Ingestion::Refused(reason) => {
                    Err(KnowledgeError::EmbeddingMismatch(reason.clone()))
                }
                Ingestion::Open | Ingestion::Unknown => Ok(()),
            },
            // What cannot be found out is no reason to refuse: it can be found by text.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}
