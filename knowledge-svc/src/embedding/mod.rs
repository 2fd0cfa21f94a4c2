//! Having vectors made by an OpenAI-compatible server.
//!
//! Nothing here tries again: a search has no time for it, and the background worker has its own patience.

mod cache;
mod client;

use std::{sync::Arc, time::Duration};

use cache::Cache;
use client::Client;
pub(crate) use client::{EmbedError, Remedy};

use crate::config::EmbeddingConfig;

/// How long the vectors of a batch of passages may take.
const PASSAGES_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the vector of a question may take; a voice call waits for it.
const QUERY_TIMEOUT: Duration = Duration::from_millis(700);

/// Makes vectors, and remembers those of recent questions.
pub(crate) struct Embedder {
    client: Client,
    cache: Cache,
}

impl Embedder {
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub(crate) fn new(config: &EmbeddingConfig) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(config)?,
            cache: Cache::default(),
        })
    }

    /// Whose vectors these are.
    pub(crate) fn model(&self) -> &str {
        self.client.model()
    }

    /// The vectors of passages, in order.
    pub(crate) async fn passages(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.client.embed(texts, PASSAGES_TIMEOUT).await
    }

    /// The vector of a question, in `time_left` at most and never in more than 700 ms.
    pub(crate) async fn query(
        &self,
        text: &str,
        time_left: Duration,
    ) -> Result<Arc<[f32]>, EmbedError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = Cache::key(&text);
        if let Some(vector) = self.cache.get(&key) {
            return Ok(vector);
        }
        let mut vectors = self
            .client
            .embed(vec![text], QUERY_TIMEOUT.min(time_left))
            .await?;
        let vector: Arc<[f32]> = vectors.pop().ok_or(EmbedError::Count)?.into();
        self.cache.put(key, vector.clone());
        Ok(vector)
    }
}
