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
/// How long a model may take to show what its vectors are like.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const PROBE: &str = "How long are your vectors?";

/// Makes vectors, and remembers those of recent questions.
pub(crate) struct Embedder {
    client: Client,
    /// The model that is configured.
    model: String,
    cache: Cache,
}

impl Embedder {
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub(crate) fn new(config: &EmbeddingConfig) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(config)?,
            model: config.embedding_model.clone(),
            cache: Cache::default(),
        })
    }

    /// The model that is configured: whose vectors passages get.
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// Whether the configured model makes vectors that fit the index.
    pub(crate) async fn probe(&self) -> Result<(), EmbedError> {
        let text = [PROBE.to_owned()];
        self.client
            .embed(&self.model, &text, PROBE_TIMEOUT)
            .await
            .map(|_| ())
    }

    /// The vectors of passages, in order, by the configured model.
    pub(crate) async fn passages(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let embedded = self
            .client
            .embed(&self.model, texts, PASSAGES_TIMEOUT)
            .await?;
        count(&self.model, "passages", embedded.tokens);
        Ok(embedded.vectors)
    }

    /// The vector of a question by `model`, in `time_left` at most and never in more than 700 ms.
    pub(crate) async fn query(
        &self,
        model: &str,
        text: &str,
        time_left: Duration,
    ) -> Result<Arc<[f32]>, EmbedError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = Cache::key(&format!("{model}\n{text}"));
        if let Some(vector) = self.cache.get(&key) {
            return Ok(vector);
        }
        let mut embedded = self
            .client
            .embed(model, &[text], QUERY_TIMEOUT.min(time_left))
            .await?;
        count(model, "questions", embedded.tokens);
        let vector: Arc<[f32]> = embedded.vectors.pop().ok_or(EmbedError::Count)?.into();
        self.cache.put(key, vector.clone());
        Ok(vector)
    }
}

/// What the provider counts, for what it costs.
fn count(model: &str, of: &'static str, tokens: u64) {
    metrics::counter!("knowledge_embedding_tokens_total", "model" => model.to_owned(), "of" => of)
        .increment(tokens);
}
