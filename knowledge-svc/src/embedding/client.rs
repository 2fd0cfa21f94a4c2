//! One request for vectors, and what can go wrong with it.

use std::time::Duration;

use anyhow::Context;
use async_openai::{
    config::OpenAIConfig,
    error::OpenAIError,
    types::embeddings::{CreateEmbeddingRequest, CreateEmbeddingResponse, EmbeddingInput},
};
use secrecy::ExposeSecret;

use crate::config::EmbeddingConfig;

/// Numbers in a vector, here and in the database.
const DIMENSIONS: u32 = 384;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there are no vectors. No message holds the text that was sent or anything that was answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbedError {
    /// No connection, or one that broke.
    #[error("the embedder cannot be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the embedder took longer than {0:?}")]
    Timeout(Duration),
    /// An answer with an error status.
    #[error("the embedder answered with status {0}")]
    Status(u16),
    /// An answer that is not one.
    #[error("the embedder's answer cannot be read")]
    Unreadable,
    /// More or fewer vectors than texts.
    #[error("the embedder did not answer with a vector for each text")]
    Count,
    /// Vectors of another length.
    #[error("the embedder answered with {0} dimensions, {DIMENSIONS} are needed")]
    Dimensions(usize),
    /// A vector that points nowhere.
    #[error("the embedder answered with a vector without direction")]
    NoDirection,
}

/// Whether, and with what, another try is worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The embedder is away, busy or locked: any text may be sent again later.
    Wait,
    /// One of the texts may be to blame, and it may pass.
    WaitAlone,
    /// One of the texts is to blame, or the set-up: the same would come again.
    GiveUp,
}

impl EmbedError {
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable | Self::Timeout(_) => Remedy::Wait,
            Self::Status(401 | 403 | 404 | 408 | 409 | 425 | 429 | 501..) => Remedy::Wait,
            Self::Status(500) | Self::Unreadable => Remedy::WaitAlone,
            Self::Status(_) | Self::Count | Self::Dimensions(_) | Self::NoDirection => {
                Remedy::GiveUp
            }
        }
    }
}

pub(super) struct Client {
    client: async_openai::Client<OpenAIConfig>,
    model: String,
}

impl Client {
    pub(super) fn new(config: &EmbeddingConfig) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .context("the HTTP client of the embedder cannot be set up")?;
        let openai = OpenAIConfig::new()
            .with_api_base(config.openai_base_url.as_str().trim_end_matches('/'))
            .with_api_key(config.openai_api_key.expose_secret());
        Ok(Self {
            client: async_openai::Client::build(http, openai),
            model: config.embedding_model.clone(),
        })
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// The vectors of `texts`, in order.
    pub(super) async fn embed(
        &self,
        texts: Vec<String>,
        timeout: Duration,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let expected = texts.len();
        let request = CreateEmbeddingRequest {
            model: self.model.clone(),
            input: EmbeddingInput::StringArray(texts),
            dimensions: Some(DIMENSIONS),
            ..CreateEmbeddingRequest::default()
        };
        let embeddings = self.client.embeddings();
        let answer = tokio::time::timeout(timeout, embeddings.create(request))
            .await
            .map_err(|_| EmbedError::Timeout(timeout))?
            .map_err(|error| reason(&error))?;
        vectors(answer, expected)
    }
}

fn reason(error: &OpenAIError) -> EmbedError {
    match error {
        OpenAIError::ApiError(answer) => EmbedError::Status(answer.status_code.as_u16()),
        OpenAIError::Reqwest(error) => match error.status() {
            Some(status) => EmbedError::Status(status.as_u16()),
            None => EmbedError::Unreachable,
        },
        _ => EmbedError::Unreadable,
    }
}

fn vectors(
    mut answer: CreateEmbeddingResponse,
    expected: usize,
) -> Result<Vec<Vec<f32>>, EmbedError> {
    answer.data.sort_by_key(|embedding| embedding.index);
    let in_order = answer
        .data
        .iter()
        .zip(0..)
        .all(|(embedding, index)| embedding.index == index);
    if answer.data.len() != expected || !in_order {
        return Err(EmbedError::Count);
    }
    let vectors: Vec<_> = answer
        .data
        .into_iter()
        .map(|embedding| embedding.embedding)
        .collect();
    for vector in &vectors {
        if vector.len() != DIMENSIONS as usize {
            return Err(EmbedError::Dimensions(vector.len()));
        }
        let length: f32 = vector.iter().map(|value| value * value).sum();
        if !length.is_finite() || length <= 0.0 {
            return Err(EmbedError::NoDirection);
        }
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use async_openai::types::embeddings::Embedding;

    use super::*;

    fn answer(of: &[(u32, Vec<f32>)]) -> CreateEmbeddingResponse {
        let data = of.iter().map(|(index, vector)| Embedding {
            index: *index,
            object: "embedding".into(),
            embedding: vector.clone(),
        });
        CreateEmbeddingResponse {
            data: data.collect(),
            ..CreateEmbeddingResponse::default()
        }
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let (one, two) = (vec![1.0; 384], vec![2.0; 384]);
        let read = vectors(answer(&[(1, two.clone()), (0, one.clone())]), 2).unwrap();
        assert_eq!(read, [one, two]);
    }

    #[test]
    fn answers_that_could_do_harm_are_refused() {
        let good = vec![1.0; 384];
        for (answer, expected) in [
            (answer(&[]), "each text"),
            (answer(&[(0, good.clone()), (0, good.clone())]), "each text"),
            (answer(&[(0, good), (1, vec![1.0; 3])]), "3 dimensions"),
            (
                answer(&[(0, vec![0.0; 384]), (1, vec![1.0; 384])]),
                "direction",
            ),
            (
                answer(&[(0, vec![f32::NAN; 384]), (1, vec![1.0; 384])]),
                "direction",
            ),
        ] {
            let error = vectors(answer, 2).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.remedy(), Remedy::GiveUp);
        }
    }

    #[test]
    fn only_what_would_come_again_is_given_up() {
        for (status, remedy) in [
            (400, Remedy::GiveUp),
            (413, Remedy::GiveUp),
            (422, Remedy::GiveUp),
            (401, Remedy::Wait),
            (429, Remedy::Wait),
            (503, Remedy::Wait),
            (500, Remedy::WaitAlone),
        ] {
            assert_eq!(EmbedError::Status(status).remedy(), remedy, "{status}");
        }
    }
}
