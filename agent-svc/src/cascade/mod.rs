//! The second provider: transcription, chat with tools and speech, each an ordinary request.
//!
//! It holds a conversation as [`crate::realtime`] does, one stage after the other: the sound of a turn
//! becomes words (`hearing`), the history becomes a streamed answer (`chat`), which is spoken clause
//! by clause while the rest of it comes (`reply`). It is slower, and it has no session that could
//! be lost: what every request needs is in the history. `session` is the task.

mod chat;
mod clauses;
mod hearing;
mod reply;
mod session;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use openai_realtime::ErrorDetail;
use secrecy::{ExposeSecret as _, SecretString};

use crate::provider::{Desk, Failure, Over, Provider};
use crate::tts::{TtsError, Voice};

/// How long a request may take to answer, and a streamed answer to go on.
const TIMEOUT: Duration = Duration::from_secs(8);

/// A server with transcription and chat completions, and a voice.
#[derive(Clone)]
pub struct Cascade {
    client: Client<OpenAIConfig>,
    chat_model: String,
    transcription_model: String,
    voice: Arc<dyn Voice>,
}

impl Cascade {
    /// Converses with these models below `base_url`, which ends in `/v1`, and speaks with `voice`.
    pub fn new(
        http: reqwest::Client,
        base_url: &str,
        key: &SecretString,
        (chat_model, transcription_model): (String, String),
        voice: Arc<dyn Voice>,
    ) -> Self {
        let config = OpenAIConfig::new()
            .with_api_base(base_url.trim_end_matches('/'))
            .with_api_key(key.expose_secret());
        // Nothing is tried again down there: the conversation asks again, and knows what it is for.
        let service = ReqwestService::new(http);
        Self {
            client: Client::with_config(config).with_http_service(service),
            chat_model,
            transcription_model,
            voice,
        }
    }
}

impl Provider for Cascade {
    fn hold(&self, desk: Desk) -> BoxFuture<'static, Over> {
        session::run(self.clone(), desk).boxed()
    }
}

/// Why a request gave nothing, or not all. The server's words are left out: they may quote the caller.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("the server refuses us: {0:?}")]
    Fatal(Failure),
    #[error("the server refused with HTTP {0}")]
    Refused(u16),
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("the server gave nothing for {TIMEOUT:?}")]
    TimedOut,
    #[error("the server's answer is unreadable")]
    Unreadable,
    #[error("the server's answer broke off")]
    BrokenOff,
    #[error(transparent)]
    Voice(#[from] TtsError),
}

impl From<OpenAIError> for RequestError {
    fn from(error: OpenAIError) -> Self {
        match error {
            OpenAIError::ApiError(answer) => {
                let detail = ErrorDetail {
                    kind: answer.api_error.r#type.unwrap_or_default(),
                    code: answer.api_error.code,
                    ..ErrorDetail::default()
                };
                match answer.status_code.as_u16() {
                    _ if detail.is_fatal() => Self::Fatal(Failure::of(&detail)),
                    401 | 403 => Self::Fatal(Failure::Refused),
                    status => Self::Refused(status),
                }
            }
            OpenAIError::StreamError(_) => Self::BrokenOff,
            OpenAIError::JSONDeserialize(..) | OpenAIError::InvalidArgument(_) => Self::Unreadable,
            _ => Self::Unreachable,
        }
    }
}

/// What a request gives, if it comes in time.
async fn in_time<T, E>(request: impl Future<Output = Result<T, E>>) -> Result<T, RequestError>
where
    RequestError: From<E>,
{
    let answer = tokio::time::timeout(TIMEOUT, request).await;
    Ok(answer.map_err(|_| RequestError::TimedOut)??)
}
