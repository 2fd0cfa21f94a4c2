//! `/v1/audio/speech`: text to speech, streamed clause by clause.

use std::convert::Infallible;

use ::speech::synthesis::{Clauses, SAMPLE_RATE};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::parse;
use crate::engine::{Engine, EngineError};
use crate::error::ApiError;
use crate::server::App;
use crate::voice;

/// As on OpenAI's service.
const MAX_INPUT_CHARS: usize = 4_096;
/// Clauses made ahead of what the client has taken.
const AHEAD: usize = 4;

#[derive(Debug, Deserialize)]
struct Request {
    input: String,
    #[serde(default)]
    voice: Option<Voice>,
    #[serde(default)]
    response_format: Option<Format>,
    #[serde(default = "normal_speed")]
    speed: f32,
    #[serde(default)]
    stream_format: StreamFormat,
}

fn normal_speed() -> f32 {
    1.0
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Voice {
    Name(String),
    Custom { id: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Wav,
    Pcm,
    Mp3,
    Opus,
    Aac,
    Flac,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StreamFormat {
    #[default]
    Audio,
    Sse,
}

pub(crate) async fn create(State(app): State<App>, body: Bytes) -> Result<Response, ApiError> {
    let request: Request = parse(&body)?;
    let speaker = check(&request, app.engine.voices())?;
    let mut clauses = Clauses::new();
    clauses.push(&request.input);
    let mut speech = Speech {
        engine: app.engine,
        clauses,
        speaker,
        speed: request.speed,
    };
    // The first clause is made before the answer begins, so that a failure is a status.
    let first = speech.next().await?.unwrap_or_default();
    let pcm = futures::stream::iter([Ok(first)]).chain(speech.ahead());
    Ok(match (request.stream_format, request.response_format) {
        (StreamFormat::Sse, _) => {
            let tokens = request.input.len().div_ceil(4);
            sse(pcm, request.response_format != Some(Format::Pcm), tokens).into_response()
        }
        (StreamFormat::Audio, Some(Format::Pcm)) => {
            let kind = format!("audio/pcm;rate={SAMPLE_RATE};channels=1");
            ([(CONTENT_TYPE, kind)], Body::from_stream(pcm)).into_response()
        }
        (StreamFormat::Audio, _) => {
            let header = futures::stream::iter([Ok(wav_header())]);
            let body = Body::from_stream(header.chain(pcm));
            ([(CONTENT_TYPE, "audio/wav")], body).into_response()
        }
    })
}

/// Checks the request and gives the voice to speak with.
fn check(request: &Request, voices: &[String]) -> Result<String, ApiError> {
    if request.input.trim().is_empty() {
        return Err(ApiError::invalid("input", "'input' must hold text."));
    }
    if request.input.chars().count() > MAX_INPUT_CHARS {
        let message = format!("'input' must hold at most {MAX_INPUT_CHARS} characters.");
        return Err(ApiError::invalid("input", message));
    }
    // Written so that NaN is refused.
    if !(0.25..=4.0).contains(&request.speed) {
        return Err(ApiError::invalid(
            "speed",
            "'speed' must be between 0.25 and 4.",
        ));
    }
    if !matches!(
        request.response_format,
        None | Some(Format::Wav | Format::Pcm)
    ) {
        let message = "'response_format' must be 'wav' or 'pcm'; nothing is compressed here.";
        return Err(ApiError::invalid("response_format", message));
    }
    let name = match &request.voice {
        Some(Voice::Name(name) | Voice::Custom { id: name }) => name.as_str(),
        None => "alloy",
    };
    voice::resolve(name, voices)
        .map(str::to_owned)
        .ok_or_else(|| {
            let known = voice::known(voices);
            ApiError::invalid(
                "voice",
                format!("Unknown 'voice'. Known voices are {known}."),
            )
        })
}

/// A text on its way to sound.
struct Speech {
    engine: Engine,
    clauses: Clauses,
    speaker: String,
    speed: f32,
}

impl Speech {
    /// The sound of the next clause as 16-bit little-endian samples.
    async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        let Some(clause) = self.clauses.next_clause().or_else(|| self.clauses.finish()) else {
            return Ok(None);
        };
        let wave = self
            .engine
            .synthesize(clause, self.speaker.clone(), self.speed)
            .await?;
        let bytes: Vec<u8> = wave
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        Ok(Some(bytes.into()))
    }

    /// The rest, made while the client listens. It stops when the client goes away.
    fn ahead(mut self) -> impl Stream<Item = Result<Bytes, EngineError>> {
        let (sender, made) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            while let Some(clause) = self.next().await.transpose() {
                let failed = clause.is_err();
                if sender.send(clause).await.is_err() || failed {
                    break;
                }
            }
        });
        ReceiverStream::new(made)
    }
}

/// The stream as events. Deltas are pieces of one file, so a WAV's header is part of the first.
fn sse(
    pcm: impl Stream<Item = Result<Bytes, EngineError>> + Send + 'static,
    is_wav: bool,
    tokens: usize,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let header = is_wav.then(|| Ok(wav_header()));
    let deltas = futures::stream::iter(header).chain(pcm).map(|piece| {
        Event::default().data(match piece {
            Ok(bytes) => {
                json!({"type": "speech.audio.delta", "audio": STANDARD.encode(bytes)}).to_string()
            }
            Err(error) => ApiError::from(error).body().to_string(),
        })
    });
    let done = json!({"type": "speech.audio.done", "usage": {
        "input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens,
    }});
    let done = futures::stream::iter([Event::default().data(done.to_string())]);
    Sse::new(deltas.chain(done).map(Ok))
}

/// The header of a WAV whose length is not known yet: the longest that whole samples can have,
/// because readers refuse a length that splits one.
fn wav_header() -> Bytes {
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF\xff\xff\xff\xffWAVEfmt ");
    header.extend_from_slice(&16u32.to_le_bytes());
    header.extend_from_slice(&1u16.to_le_bytes());
    header.extend_from_slice(&1u16.to_le_bytes());
    header.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    header.extend_from_slice(&(SAMPLE_RATE * 2).to_le_bytes());
    header.extend_from_slice(&2u16.to_le_bytes());
    header.extend_from_slice(&16u16.to_le_bytes());
    header.extend_from_slice(b"data\xfe\xff\xff\xff");
    header.into()
}
