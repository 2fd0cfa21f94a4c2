//! What a request needs.

use std::sync::Arc;

use service_kit::clock::Clock;
use tokio::sync::Notify;

use crate::embedding::Embedder;

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
    /// What a passage must reach to be an answer; see [`crate::Config`].
    pub(crate) min_relevance: f64,
}
