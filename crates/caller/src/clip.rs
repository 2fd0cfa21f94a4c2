//! What the caller says, as sound.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use livekit_rtc::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::options::{Line, Options};

/// Frames above this level count as voice: -50 dBFS.
const VOICED_RMS: f32 = 0.003_162;
/// The longest clip: five minutes.
const MAX_SECONDS: usize = 300;
const SYNTHESIS_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// A piece of speech in frames, and where its voice begins and ends.
#[derive(Debug)]
pub(crate) struct Clip {
    /// The text, or the name of the recording.
    pub(crate) name: String,
    pub(crate) frames: Vec<Frame>,
    /// The first frame that is not silence.
    pub(crate) first_voiced: usize,
    /// The last one.
    pub(crate) last_voiced: usize,
}

impl Clip {
    /// Makes the sound of a line.
    pub(crate) async fn load(line: &Line, options: &Options) -> anyhow::Result<Self> {
        match line {
            Line::Say(text) => {
                let samples = synthesize(text, options)
                    .await
                    .with_context(|| format!("the voice could not speak {text:?}"))?;
                Self::new(text.clone(), &samples)
            }
            Line::Wav(path) => {
                let samples = read_wav(path)
                    .with_context(|| format!("{} cannot be played", path.display()))?;
                Self::new(path.display().to_string(), &samples)
            }
        }
    }

    fn new(name: String, samples: &[i16]) -> anyhow::Result<Self> {
        ensure!(
            samples.len() <= MAX_SECONDS * SAMPLE_RATE as usize,
            "longer than five minutes"
        );
        let frames: Vec<Frame> = samples
            .chunks(FRAME_SAMPLES)
            .map(|chunk| {
                let mut frame = [0; FRAME_SAMPLES];
                frame[..chunk.len()].copy_from_slice(chunk);
                frame
            })
            .collect();
        let voiced = |frame: &Frame| is_voiced(frame);
        let first_voiced = frames
            .iter()
            .position(voiced)
            .context("there is no voice in it")?;
        let last_voiced = frames.iter().rposition(voiced).unwrap_or(first_voiced);
        Ok(Self {
            name,
            frames,
            first_voiced,
            last_voiced,
        })
    }
}

/// Whether a frame is louder than -50 dBFS.
pub(crate) fn is_voiced(frame: &Frame) -> bool {
    let energy: f32 = frame
        .iter()
        .map(|sample| (f32::from(*sample) / 32_768.0).powi(2))
        .sum();
    (energy / FRAME_SAMPLES as f32).sqrt() > VOICED_RMS
}

async fn synthesize(text: &str, options: &Options) -> anyhow::Result<Vec<i16>> {
    let body = json!({
        "model": options.tts_model,
        "voice": options.tts_voice,
        "input": text,
        "response_format": "pcm",
    });
    let answer = reqwest::Client::new()
        .post(format!(
            "{}/audio/speech",
            options.openai_base_url.trim_end_matches('/')
        ))
        .bearer_auth(options.openai_api_key.expose_secret())
        .timeout(SYNTHESIS_TIMEOUT)
        .json(&body)
        .send()
        .await?;
    if !answer.status().is_success() {
        bail!(
            "the server answered {}: {}",
            answer.status(),
            answer.text().await?
        );
    }
    let bytes = answer.bytes().await?;
    Ok(bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect())
}

fn read_wav(path: &Path) -> anyhow::Result<Vec<i16>> {
    let mut reader = hound::WavReader::open(path)?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels);
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        hound::SampleFormat::Int => {
            let scale = 1.0 / (1_i64 << (spec.bits_per_sample - 1)) as f32;
            let scaled = |sample: Result<i32, _>| sample.map(|sample| sample as f32 * scale);
            reader
                .samples::<i32>()
                .map(scaled)
                .collect::<Result<_, _>>()?
        }
    };
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().sum::<f32>() / channels as f32)
        .collect();
    let resampled = speech::resample::resample(spec.sample_rate, SAMPLE_RATE, &mono)?;
    let mut pcm = Vec::with_capacity(resampled.len());
    speech::resample::extend_i16(&resampled, &mut pcm);
    Ok(pcm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_voice_are_found_to_the_frame() {
        let mut samples = vec![0; 5 * FRAME_SAMPLES];
        samples.extend(vec![3_000; 3 * FRAME_SAMPLES]);
        samples.extend(vec![0; 2 * FRAME_SAMPLES + 7]);
        let clip = Clip::new("x".into(), &samples).unwrap();
        assert_eq!(
            (clip.first_voiced, clip.last_voiced, clip.frames.len()),
            (5, 7, 11)
        );
    }

    #[test]
    fn silence_is_nothing_to_say() {
        assert!(Clip::new("x".into(), &[0; 4800]).is_err());
    }
}
