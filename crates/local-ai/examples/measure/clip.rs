//! Questions as sound, made by the server that is measured.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use openai_realtime::audio::SAMPLE_RATE;
use serde_json::json;

use super::server::Server;

/// The voice that asks; answers are spoken by another.
const VOICE: &str = "am_michael";
/// Loudness is judged over 10 ms.
const FRAME: usize = SAMPLE_RATE as usize / 100;

/// Something said.
#[derive(Debug)]
pub struct Clip {
    pub samples: Vec<i16>,
    /// Where the voice ends in them; what follows is silence.
    pub voiced: usize,
}

impl Clip {
    pub async fn of(server: &Server, text: &str) -> anyhow::Result<Arc<Self>> {
        let request = json!({
            "model": "kokoro-82m", "input": text, "voice": VOICE, "response_format": "pcm",
        });
        let answer = reqwest::Client::new()
            .post(server.url("/v1/audio/speech"))
            .json(&request)
            .send()
            .await?
            .error_for_status()?;
        let bytes = answer.bytes().await?;
        let samples: Vec<i16> = bytes
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let voiced = voiced(&samples).with_context(|| format!("{text:?} has no sound"))?;
        ensure!(voiced <= samples.len(), "frames are whole");
        Ok(Arc::new(Self { samples, voiced }))
    }
}

/// The end of the last 10 ms that are louder than a fiftieth of the loudest.
fn voiced(samples: &[i16]) -> Option<usize> {
    let loudness: Vec<f64> = samples
        .chunks_exact(FRAME)
        .map(|frame| {
            let energy: f64 = frame.iter().map(|s| f64::from(*s).powi(2)).sum();
            (energy / FRAME as f64).sqrt()
        })
        .collect();
    let loudest = loudness.iter().copied().fold(0.0, f64::max);
    let last = loudness.iter().rposition(|&l| l > loudest / 50.0)?;
    (loudest > 0.0).then_some((last + 1) * FRAME)
}
