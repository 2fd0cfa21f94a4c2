//! One request for vectors, and what can go wrong with it.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Response, StatusCode, header::HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::EmbeddingConfig;

/// Numbers in a vector, here and in the database.
const DIMENSIONS: usize = 384;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest answer that is read: far more than the vectors of a batch need.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// A provider that asks for more patience is asked again after this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Why there are no vectors. No message holds the text that was sent or anything that was answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbedError {
    /// No connection, or one that broke.
    #[error("the embedder cannot be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the embedder took longer than {0:?}")]
    Timeout(Duration),
    /// Too many requests or too many tokens, and when the next may be sent if that was said.
    #[error("the embedder's rate limit is reached")]
    RateLimited {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
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
    /// The embedder is away, busy, locked or another one than it should be: any text may be sent again later.
    Wait,
    /// One of the texts may be to blame, and it may pass.
    WaitAlone,
    /// One of the texts is to blame: the same would come again.
    GiveUp,
}

impl EmbedError {
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable | Self::Timeout(_) | Self::RateLimited { .. } => Remedy::Wait,
            Self::Dimensions(_) | Self::Status(401 | 403 | 404 | 408 | 409 | 425 | 501..) => {
                Remedy::Wait
            }
            Self::Status(500) | Self::Unreadable => Remedy::WaitAlone,
            Self::Status(_) | Self::Count | Self::NoDirection => Remedy::GiveUp,
        }
    }

    /// Whether the model makes vectors that do not fit the index, whatever is sent to it.
    pub(crate) fn is_mismatch(&self) -> bool {
        matches!(self, Self::Dimensions(_))
    }
}

/// Vectors, and what they cost.
#[derive(Debug, PartialEq)]
pub(super) struct Embedded {
    /// In the order of the texts.
    pub(super) vectors: Vec<Vec<f32>>,
    pub(super) tokens: u64,
}

pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    key: SecretString,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    dimensions: usize,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    total_tokens: u64,
}

impl Client {
    pub(super) fn new(config: &EmbeddingConfig) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .context("the HTTP client of the embedder cannot be set up")?;
        let base = config.openai_base_url.as_str().trim_end_matches('/');
        let url = format!("{base}/embeddings");
        Ok(Self {
            http,
            url: url.parse().context("OPENAI_BASE_URL cannot be continued")?,
            key: config.openai_api_key.clone(),
        })
    }

    /// The vectors of `texts`.
    pub(super) async fn embed(
        &self,
        model: &str,
        texts: &[String],
        timeout: Duration,
    ) -> Result<Embedded, EmbedError> {
        tokio::time::timeout(timeout, self.ask(model, texts))
            .await
            .map_err(|_| EmbedError::Timeout(timeout))?
    }

    async fn ask(&self, model: &str, texts: &[String]) -> Result<Embedded, EmbedError> {
        let request = Request {
            model,
            input: texts,
            dimensions: DIMENSIONS,
        };
        let response = self
            .http
            .post(self.url.clone())
            .bearer_auth(self.key.expose_secret())
            .json(&request)
            .send()
            .await
            .map_err(|_| EmbedError::Unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => {
                let retry_after = retry_after(response.headers());
                return Err(EmbedError::RateLimited { retry_after });
            }
            status => return Err(EmbedError::Status(status.as_u16())),
        }
        let body = body(response).await?;
        let answer = serde_json::from_slice(&body).map_err(|_| EmbedError::Unreadable)?;
        read(answer, texts.len())
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, EmbedError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|_| EmbedError::Unreachable)?
    {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(EmbedError::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What the provider says of when to come back: milliseconds or seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|milliseconds| milliseconds / 1000.0)
        .or_else(|| number("retry-after"))?;
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    Some(wait.min(MAX_RETRY_AFTER))
}

fn read(mut answer: Answer, expected: usize) -> Result<Embedded, EmbedError> {
    answer.data.sort_by_key(|item| item.index);
    let in_order = answer
        .data
        .iter()
        .zip(0..)
        .all(|(item, index)| item.index == index);
    if answer.data.len() != expected || !in_order {
        return Err(EmbedError::Count);
    }
    let vectors: Vec<_> = answer.data.into_iter().map(|item| item.embedding).collect();
    for vector in &vectors {
        if vector.len() != DIMENSIONS {
            return Err(EmbedError::Dimensions(vector.len()));
        }
        let length: f32 = vector.iter().map(|value| value * value).sum();
        if !length.is_finite() || length <= 0.0 {
            return Err(EmbedError::NoDirection);
        }
    }
    Ok(Embedded {
        vectors,
        tokens: answer.usage.total_tokens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(of: &[(usize, Vec<f32>)]) -> Answer {
        let data = of.iter().map(|(index, vector)| Item {
            index: *index,
            embedding: vector.clone(),
        });
        Answer {
            data: data.collect(),
            usage: Usage { total_tokens: 7 },
        }
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let (one, two) = (vec![1.0; 384], vec![2.0; 384]);
        let read = read(answer(&[(1, two.clone()), (0, one.clone())]), 2).unwrap();
        assert_eq!((read.vectors, read.tokens), (vec![one, two], 7));
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
            let error = read(answer, 2).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn only_what_would_come_again_is_given_up() {
        for (status, remedy) in [
            (400, Remedy::GiveUp),
            (413, Remedy::GiveUp),
            (422, Remedy::GiveUp),
            (401, Remedy::Wait),
            (503, Remedy::Wait),
            (500, Remedy::WaitAlone),
        ] {
            assert_eq!(EmbedError::Status(status).remedy(), remedy, "{status}");
        }
        assert_eq!(EmbedError::Dimensions(3).remedy(), Remedy::Wait);
    }

    #[test]
    fn the_provider_says_when_to_come_back() {
        let said = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(said("retry-after", "20"), Some(Duration::from_secs(20)));
        assert_eq!(
            said("retry-after-ms", "1500"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(said("retry-after", "86400"), Some(MAX_RETRY_AFTER));
        for nonsense in [
            "",
            "soon",
            "-1",
            "NaN",
            "inf",
            "Wed, 21 Oct 2026 07:28:00 GMT",
        ] {
            assert_eq!(said("retry-after", nonsense), None, "{nonsense:?}");
        }
    }
}
