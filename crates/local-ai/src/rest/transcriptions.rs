//! `/v1/audio/transcriptions`: speech to text of a WAV file.

use std::io::Cursor;

use ::speech::recognition::{SAMPLE_RATE, Transcript};
use ::speech::resample::{MAX_RATE, MIN_RATE, resample};
use ::speech::vad::{Segmenter, SegmenterConfig, SpeechEvent};
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::engine::Models;
use crate::error::ApiError;
use crate::server::App;

/// Longer files would hold the recogniser for half a minute and more.
const MAX_SECONDS: usize = 15 * 60;
/// Kept around speech, at 16 kHz.
const PADDING: usize = 4_800;

#[derive(Debug, Default)]
struct Request {
    file: Option<Bytes>,
    format: Option<String>,
}

pub(crate) async fn create(
    State(app): State<App>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, ApiError> {
    let form = form.map_err(|error| {
        ApiError::invalid(
            "",
            format!("The body must be multipart/form-data: {error}."),
        )
    })?;
    let request = read(form).await?;
    let format = request.format.as_deref().unwrap_or("json");
    if !["json", "text", "verbose_json"].contains(&format) {
        let message = "'response_format' must be 'json', 'text' or 'verbose_json'.";
        return Err(ApiError::invalid("response_format", message));
    }
    let file = request
        .file
        .ok_or_else(|| ApiError::invalid("file", "'file' is missing."))?;
    let pcm = app.engine.blocking(move |_| decode(&file)).await??;
    let seconds = pcm.len() as f64 / f64::from(SAMPLE_RATE);
    let speech = app
        .engine
        .blocking(move |models| speech_of(&pcm, models))
        .await?;
    let speech = speech.map_err(crate::engine::EngineError::from)?;
    let text = app
        .engine
        .transcribe(speech, Transcript::default())
        .await?
        .text;
    Ok(match format {
        "text" => (
            [(CONTENT_TYPE, "text/plain; charset=utf-8")],
            format!("{text}\n"),
        )
            .into_response(),
        "verbose_json" => Json(json!({
            "task": "transcribe", "language": "english", "duration": seconds, "text": text,
            "segments": [],
        }))
        .into_response(),
        _ => {
            let usage = json!({"type": "duration", "seconds": seconds.ceil()});
            Json(json!({"text": text, "usage": usage})).into_response()
        }
    })
}

async fn read(mut form: Multipart) -> Result<Request, ApiError> {
    let failed = |error: MultipartError| {
        ApiError::invalid(
            "",
            format!("The form cannot be read: {}.", error.body_text()),
        )
    };
    let mut request = Request::default();
    while let Some(field) = form.next_field().await.map_err(failed)? {
        match field.name() {
            Some("file") => request.file = Some(field.bytes().await.map_err(failed)?),
            Some("response_format") => request.format = Some(field.text().await.map_err(failed)?),
            _ => {}
        }
    }
    Ok(request)
}

/// The samples of a WAV at 16 kHz, channels mixed.
fn decode(file: &[u8]) -> Result<Vec<f32>, ApiError> {
    let wrong = |reason: String| {
        ApiError::invalid(
            "file",
            format!("'file' is no WAV that can be read: {reason}."),
        )
    };
    let mut reader =
        hound::WavReader::new(Cursor::new(file)).map_err(|error| wrong(error.to_string()))?;
    let spec = reader.spec();
    if spec.channels == 0 || !(MIN_RATE..=MAX_RATE).contains(&spec.sample_rate) {
        return Err(wrong(format!(
            "{} channels at {} Hz",
            spec.channels, spec.sample_rate
        )));
    }
    let channels = usize::from(spec.channels);
    // The header of a streamed file names no true length, so what is there is counted.
    let longest = MAX_SECONDS * spec.sample_rate as usize * channels;
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader
            .samples::<f32>()
            .map_while(Result::ok)
            .take(longest + 1)
            .collect(),
        hound::SampleFormat::Int => {
            let full = (1i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let samples = reader
                .samples::<i32>()
                .map_while(Result::ok)
                .take(longest + 1);
            samples.map(|sample| sample as f32 / full).collect()
        }
    };
    if samples.len() > longest {
        let message = format!("'file' is longer than {MAX_SECONDS} seconds.");
        return Err(ApiError::invalid("file", message));
    }
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().sum::<f32>() / channels as f32)
        .collect();
    resample(spec.sample_rate, SAMPLE_RATE, &mono).map_err(|error| wrong(error.to_string()))
}

/// From the first speech to the last, because the recogniser invents words for silence.
fn speech_of(pcm: &[f32], models: &dyn Models) -> Result<Vec<f32>, ::speech::Error> {
    let mut probabilities = Vec::new();
    models.detector().push(pcm, &mut probabilities)?;
    let mut segmenter = Segmenter::new(SegmenterConfig::default());
    let mut events: Vec<SpeechEvent> = probabilities
        .into_iter()
        .filter_map(|probability| segmenter.push(probability))
        .collect();
    events.extend(segmenter.finish());
    let mut spoken: Option<(usize, usize)> = None;
    for event in events {
        match event {
            SpeechEvent::Started { at } => {
                spoken.get_or_insert((at as usize, pcm.len()));
            }
            SpeechEvent::Ended { at } => spoken = spoken.map(|(from, _)| (from, at as usize)),
        }
    }
    let Some((from, to)) = spoken else {
        return Ok(Vec::new());
    };
    let to = (to + PADDING).min(pcm.len());
    Ok(pcm[from.saturating_sub(PADDING).min(to)..to].to_vec())
}
