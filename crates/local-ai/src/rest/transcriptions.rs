//! `/v1/audio/transcriptions`: speech to text of a WAV file, segment by segment.

use std::fmt::Write as _;
use std::ops::Range;

use ::speech::recognition::{SAMPLE_RATE, Transcript};
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{events, recording, request, tokens};
use crate::engine::{Engine, EngineError};
use crate::error::ApiError;
use crate::server::App;

/// What is asked for. `model`, `language` and `prompt` are taken and change nothing: there is one
/// model, which knows English, and it takes no hints.
#[derive(Debug, Default)]
struct Request {
    file: Option<Bytes>,
    format: Format,
    is_stream: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Text,
    VerboseJson,
    Srt,
    Vtt,
}

pub(crate) async fn create(
    State(app): State<App>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Response> {
    let form = form.map_err(|error| {
        let message = format!("The body must be multipart/form-data: {error}.");
        ApiError::body(message).into_response()
    })?;
    let request = Request::read(form).await?;
    answer(app.engine, request)
        .await
        .map_err(IntoResponse::into_response)
}

async fn answer(engine: Engine, request: Request) -> Result<Response, ApiError> {
    let file = request.file.ok_or_else(|| ApiError::missing("file"))?;
    let recording = engine.blocking(move |models| {
        let pcm = recording::decode(&file)?;
        let segments = recording::segments(&pcm, models).map_err(EngineError::from)?;
        Ok::<_, ApiError>((pcm, segments))
    });
    let (pcm, segments) = recording.await??;
    let seconds = pcm.len() as f64 / f64::from(SAMPLE_RATE);
    let mut hearing = Hearing {
        engine,
        pcm,
        segments: segments.into_iter(),
        text: String::new(),
    };
    if request.is_stream {
        return Ok(events(hearing.events()).into_response());
    }
    let mut heard = Vec::new();
    while let Some(segment) = hearing.next().await? {
        heard.push(segment);
    }
    let plain = |text: String| {
        let kind = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
        (kind, text).into_response()
    };
    let text = hearing.text;
    let usage = json!({"type": "duration", "seconds": seconds.ceil()});
    Ok(match request.format {
        Format::Json => Json(json!({"text": text, "usage": usage})).into_response(),
        Format::VerboseJson => {
            let segments: Vec<Value> = heard.iter().enumerate().map(Segment::verbose).collect();
            Json(json!({
                "task": "transcribe", "language": "english", "duration": seconds, "text": text,
                "segments": segments, "usage": usage,
            }))
            .into_response()
        }
        Format::Text => plain(format!("{text}\n")),
        Format::Srt => plain(srt(&heard)),
        Format::Vtt => plain(vtt(&heard)),
    })
}

impl Request {
    async fn read(mut form: Multipart) -> Result<Self, Response> {
        let failed = |error: MultipartError| match error.status() {
            // Told in the words for all bodies that are too large.
            StatusCode::PAYLOAD_TOO_LARGE => error.into_response(),
            _ => {
                let message = format!("The form cannot be read: {}.", error.body_text());
                ApiError::body(message).into_response()
            }
        };
        let mut request = Self::default();
        while let Some(field) = form.next_field().await.map_err(failed)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                request.file = Some(field.bytes().await.map_err(failed)?);
                continue;
            }
            let value = field.text().await.map_err(failed)?;
            request
                .set(&name, &value)
                .map_err(IntoResponse::into_response)?;
        }
        if request.is_stream && !matches!(request.format, Format::Json | Format::Text) {
            let message = "'response_format' must be 'json' or 'text' when 'stream' is true.";
            return Err(ApiError::invalid("response_format", message).into_response());
        }
        Ok(request)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "response_format" => {
                // Read as a field of an object, so that an error names it.
                #[derive(Deserialize)]
                struct Field {
                    response_format: Format,
                }
                let field: Field = request::read(json!({"response_format": value}))?;
                self.format = field.response_format;
            }
            "stream" => {
                self.is_stream = match value {
                    "true" | "True" | "1" => true,
                    "false" | "False" | "0" | "" => false,
                    _ => {
                        let message = "'stream' must be 'true' or 'false'.";
                        return Err(ApiError::invalid("stream", message));
                    }
                };
            }
            "temperature" => {
                let temperature: Option<f32> = value.parse().ok();
                if !temperature.is_some_and(|it| (0.0..=1.0).contains(&it)) {
                    let message = "'temperature' must be a number between 0 and 1.";
                    return Err(ApiError::invalid("temperature", message));
                }
            }
            "timestamp_granularities[]" | "timestamp_granularities" if value != "segment" => {
                let message = "'timestamp_granularities' may hold 'segment' only: when each word \
                               was said is not known here.";
                return Err(ApiError::invalid("timestamp_granularities", message));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A recording that is being recognised.
struct Hearing {
    engine: Engine,
    pcm: Vec<f32>,
    segments: std::vec::IntoIter<Range<usize>>,
    /// What was said so far.
    text: String,
}

/// A stretch of speech.
struct Segment {
    /// In seconds.
    start: f64,
    end: f64,
    transcript: Transcript,
}

impl Hearing {
    /// The next segment that holds words.
    async fn next(&mut self) -> Result<Option<Segment>, EngineError> {
        for range in self.segments.by_ref() {
            let pcm = self.pcm[range.clone()].to_vec();
            let transcript = self.engine.transcribe(pcm, Transcript::default()).await?;
            if transcript.text.is_empty() {
                continue;
            }
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(&transcript.text);
            let seconds = |samples: usize| samples as f64 / f64::from(SAMPLE_RATE);
            return Ok(Some(Segment {
                start: seconds(range.start),
                end: seconds(range.end),
                transcript,
            }));
        }
        Ok(None)
    }

    fn events(self) -> impl Stream<Item = Result<Value, ApiError>> {
        stream::try_unfold(Some(self), async |hearing| {
            let Some(mut hearing) = hearing else {
                return Ok(None);
            };
            let before = hearing.text.len();
            Ok(Some(match hearing.next().await? {
                Some(_) => {
                    let delta = &hearing.text[before..];
                    let delta = json!({"type": "transcript.text.delta", "delta": delta});
                    (delta, Some(hearing))
                }
                None => (hearing.done(), None),
            }))
        })
    }

    fn done(&self) -> Value {
        // Sound that is heard counts half as much as sound that is spoken, as on OpenAI's service.
        let input = self.pcm.len().div_ceil(SAMPLE_RATE as usize / 10);
        let output = tokens(&self.text);
        json!({"type": "transcript.text.done", "text": self.text, "usage": {
            "type": "tokens", "input_tokens": input, "output_tokens": output,
            "total_tokens": input + output,
            "input_token_details": {"audio_tokens": input, "text_tokens": 0},
        }})
    }
}

impl Segment {
    /// With every field that clients know; those that only OpenAI's model has are neutral.
    fn verbose((id, segment): (usize, &Self)) -> Value {
        let confidence = segment.transcript.confidence.max(f32::MIN_POSITIVE);
        json!({
            "id": id, "seek": 0, "start": segment.start, "end": segment.end,
            "text": segment.transcript.text, "tokens": [], "temperature": 0.0,
            "avg_logprob": confidence.ln(), "compression_ratio": 1.0, "no_speech_prob": 0.0,
        })
    }
}

fn srt(segments: &[Segment]) -> String {
    let mut text = String::new();
    for (index, segment) in segments.iter().enumerate() {
        let (start, end) = (time(segment.start, ','), time(segment.end, ','));
        let words = &segment.transcript.text;
        let _ = writeln!(text, "{}\n{start} --> {end}\n{words}\n", index + 1);
    }
    text
}

fn vtt(segments: &[Segment]) -> String {
    let mut text = "WEBVTT\n\n".to_owned();
    for segment in segments {
        let (start, end) = (time(segment.start, '.'), time(segment.end, '.'));
        let words = &segment.transcript.text;
        let _ = writeln!(text, "{start} --> {end}\n{words}\n");
    }
    text
}

/// Hours, minutes, seconds and milliseconds.
fn time(seconds: f64, point: char) -> String {
    let ms = (seconds * 1_000.0).round() as u64;
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let (seconds, ms) = (ms / 1_000 % 60, ms % 1_000);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}")
}
