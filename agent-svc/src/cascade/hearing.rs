//! Sound into words.

use std::io::Cursor;

use async_openai::types::audio::{AudioInput, CreateTranscriptionRequest};
use openai_realtime::TranscriptionUsage;
use serde::Deserialize;

use super::{Cascade, RequestError, in_time};

const SAMPLE_RATE: u32 = 24_000;

/// What was said. Other servers than OpenAI do not all tell what it cost.
#[derive(Debug, Deserialize)]
pub(super) struct Heard {
    pub(super) text: String,
    #[serde(default)]
    pub(super) usage: Option<TranscriptionUsage>,
}

/// Writes down what is said in this sound, 24 kHz.
pub(super) async fn transcribe(cascade: Cascade, samples: Vec<i16>) -> Result<Heard, RequestError> {
    let recording = recording(&samples).map_err(|_| RequestError::Unreadable)?;
    let request = CreateTranscriptionRequest {
        file: AudioInput::from_vec_u8("turn.wav".to_owned(), recording),
        model: cascade.transcription_model,
        ..CreateTranscriptionRequest::default()
    };
    let audio = cascade.client.audio();
    let transcription = audio.transcription();
    let answer = in_time(transcription.create_raw(request)).await?;
    serde_json::from_slice(&answer).map_err(|_| RequestError::Unreadable)
}

fn recording(samples: &[i16]) -> Result<Vec<u8>, hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = Cursor::new(Vec::with_capacity(44 + 2 * samples.len()));
    let mut writer = hound::WavWriter::new(&mut file, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(file.into_inner())
}
