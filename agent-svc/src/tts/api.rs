//! `/v1/audio/speech`: raw samples, streamed.

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::timeout;

use super::{PIECE_TIMEOUT, TtsError, Voice};

/// A voice behind OpenAI's speech endpoint, or one that speaks the same.
#[derive(Clone)]
pub struct SpeechApi {
    http: reqwest::Client,
    url: String,
    key: SecretString,
    model: String,
    voice: String,
}

impl SpeechApi {
    /// The voice `voice` of `model` below `base_url`, which ends in `/v1`.
    pub fn new(
        http: reqwest::Client,
        base_url: &str,
        key: SecretString,
        model: String,
        voice: String,
    ) -> Self {
        let url = format!("{}/audio/speech", base_url.trim_end_matches('/'));
        Self {
            http,
            url,
            key,
            model,
            voice,
        }
    }

    async fn request(self, text: String) -> Result<reqwest::Response, TtsError> {
        let body = json!({
            "model": self.model,
            "voice": self.voice,
            "input": text,
            "response_format": "pcm",
        });
        let request = self
            .http
            .post(&self.url)
            .bearer_auth(self.key.expose_secret())
            .json(&body);
        let response = timeout(PIECE_TIMEOUT, request.send())
            .await
            .map_err(|_| TtsError::TimedOut(PIECE_TIMEOUT))?
            .map_err(|error| TtsError::Unreachable(error.without_url().to_string()))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(TtsError::Refused {
                status: response.status().as_u16(),
            })
        }
    }
}

impl Voice for SpeechApi {
    fn speak(&self, text: String) -> BoxStream<'static, Result<Vec<i16>, TtsError>> {
        let request = self.clone().request(text);
        let sound = stream::once(request).flat_map(|response| match response {
            Ok(response) => pieces(response).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        });
        sound.boxed()
    }
}

/// The body as samples. A piece may end within a sample, which then goes on with the next.
fn pieces(response: reqwest::Response) -> impl futures::Stream<Item = Result<Vec<i16>, TtsError>> {
    stream::unfold(Some((response, None)), |state| async move {
        let (mut response, mut half): (reqwest::Response, Option<u8>) = state?;
        loop {
            let chunk = match timeout(PIECE_TIMEOUT, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return None,
                Ok(Err(error)) => {
                    let error = TtsError::BrokenOff(error.without_url().to_string());
                    return Some((Err(error), None));
                }
                Err(_) => return Some((Err(TtsError::TimedOut(PIECE_TIMEOUT)), None)),
            };
            let samples = samples(&mut half, &chunk);
            if !samples.is_empty() {
                return Some((Ok(samples), Some((response, half))));
            }
        }
    })
}

/// 16-bit little-endian samples; a lone byte waits in `half`.
pub(super) fn samples(half: &mut Option<u8>, bytes: &[u8]) -> Vec<i16> {
    let bytes: Vec<u8> = half
        .take()
        .into_iter()
        .chain(bytes.iter().copied())
        .collect();
    let (pairs, rest) = bytes.as_chunks::<2>();
    *half = rest.first().copied();
    pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}
