//! `/v1/audio/speech`: text to speech, streamed clause by clause.
//!
//! The answer is made while the client takes it, so a client that goes away ends the work.

use ::speech::synthesis::{Clauses, MAX_SPEED, MIN_SPEED, SAMPLE_RATE};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::Json;
use super::{audio_tokens, events, tokens};
use crate::engine::{Engine, EngineError};
use crate::error::ApiError;
use crate::server::App;
use crate::voice;

/// As on OpenAI's service.
const MAX_INPUT_CHARS: usize = 4_096;

/// What is asked for. `model` and `instructions` are taken and change nothing: there is one model,
/// and its voices have one manner each.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct Request {
    input: String,
    voice: Option<Voice>,
    response_format: Option<Format>,
    speed: Option<f32>,
    stream_format: Option<StreamFormat>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "it must be the name of a voice, or an object with its id"
)]
enum Voice {
    Name(String),
    Custom { id: String },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Wav,
    Pcm,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StreamFormat {
    #[default]
    Audio,
    Sse,
}

pub(crate) async fn create(
    State(app): State<App>,
    Json(request): Json<Request>,
) -> Result<Response, ApiError> {
    let mut speech = Speech::new(&request, app.engine)?;
    // The first clause is made before the answer begins, so that a failure is a status.
    let first = speech.next().await?.unwrap_or_default();
    let format = request.response_format.unwrap_or_default();
    let header = (format == Format::Wav).then(wav_header);
    if request.stream_format.unwrap_or_default() == StreamFormat::Sse {
        let begun = header.into_iter().chain([first]);
        return Ok(events(speech.events(begun)).into_response());
    }
    let kind = match format {
        Format::Wav => "audio/wav".to_owned(),
        Format::Pcm => format!("audio/pcm;rate={SAMPLE_RATE};channels=1"),
    };
    let begun = stream::iter(header.into_iter().chain([first]).map(Ok));
    let body = Body::from_stream(begun.chain(speech.rest()));
    Ok(([(CONTENT_TYPE, kind)], body).into_response())
}

/// A text on its way to sound.
struct Speech {
    engine: Engine,
    clauses: Clauses,
    speaker: String,
    speed: f32,
    /// Tokens of the text.
    tokens: usize,
    /// Samples made so far.
    made: usize,
}

impl Speech {
    fn new(request: &Request, engine: Engine) -> Result<Self, ApiError> {
        let input = &request.input;
        if input.trim().is_empty() {
            return Err(ApiError::invalid("input", "'input' must hold text."));
        }
        if input.chars().count() > MAX_INPUT_CHARS {
            let message = format!("'input' must hold at most {MAX_INPUT_CHARS} characters.");
            return Err(ApiError::invalid("input", message));
        }
        let speed = request.speed.unwrap_or(1.0);
        if !(MIN_SPEED..=MAX_SPEED).contains(&speed) {
            let message = format!("'speed' must be between {MIN_SPEED} and {MAX_SPEED}.");
            return Err(ApiError::invalid("speed", message));
        }
        let name = match &request.voice {
            Some(Voice::Name(name) | Voice::Custom { id: name }) => name.as_str(),
            None => "alloy",
        };
        let Some(speaker) = voice::resolve(name, engine.voices()).map(str::to_owned) else {
            let known = voice::known(engine.voices());
            let message = format!("Unknown 'voice'. Known voices are {known}.");
            return Err(ApiError::invalid("voice", message));
        };
        let mut clauses = Clauses::new();
        clauses.push(input);
        Ok(Self {
            engine,
            clauses,
            speaker,
            speed,
            tokens: tokens(input),
            made: 0,
        })
    }

    /// The sound of the next clause as 16-bit little-endian samples.
    async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        let Some(clause) = self.clauses.next_clause().or_else(|| self.clauses.finish()) else {
            return Ok(None);
        };
        let wave = self
            .engine
            .synthesize(clause, self.speaker.clone(), self.speed)
            .await?;
        self.made += wave.len();
        let bytes: Vec<u8> = wave
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        Ok(Some(bytes.into()))
    }

    /// What is still to be said. After a failure, which cuts the answer off, nothing follows.
    fn rest(self) -> impl Stream<Item = Result<Bytes, EngineError>> {
        stream::try_unfold(self, async |mut speech| {
            Ok(speech.next().await?.map(|bytes| (bytes, speech)))
        })
    }

    /// The sound as events, which together are one file, and the end.
    fn events(
        self,
        begun: impl Iterator<Item = Bytes>,
    ) -> impl Stream<Item = Result<Value, ApiError>> {
        let begun: Vec<Value> = begun.map(|bytes| delta(&bytes)).collect();
        let rest = stream::try_unfold(Some(self), async |speech| {
            let Some(mut speech) = speech else {
                return Ok(None);
            };
            Ok(Some(match speech.next().await? {
                Some(bytes) => (delta(&bytes), Some(speech)),
                None => (speech.done(), None),
            }))
        });
        stream::iter(begun.into_iter().map(Ok)).chain(rest)
    }

    fn done(&self) -> Value {
        let (input, output) = (self.tokens, audio_tokens(self.made, SAMPLE_RATE));
        json!({"type": "speech.audio.done", "usage": {
            "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
        }})
    }
}

fn delta(bytes: &Bytes) -> Value {
    json!({"type": "speech.audio.delta", "audio": STANDARD.encode(bytes)})
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
