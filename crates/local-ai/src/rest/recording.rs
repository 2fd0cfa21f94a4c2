//! A recording: its samples, and where in it somebody speaks.

use std::io::Cursor;
use std::ops::Range;
use std::time::Duration;

use ::speech::recognition::SAMPLE_RATE;
use ::speech::resample::{MAX_RATE, MIN_RATE, resample};
use ::speech::vad::{Segmenter, SegmenterConfig, SpeechEvent};
use hound::{SampleFormat, WavReader};

use crate::engine::Models;
use crate::error::ApiError;

/// Longer files would hold the recogniser for half a minute and more.
const MAX_SECONDS: usize = 15 * 60;
/// Kept around speech, at 16 kHz: what a recogniser needs not to lose the first word.
const PADDING: usize = 4_800;
/// Shorter sounds are no words; at 16 kHz.
const SHORTEST: usize = 4_000;
/// A pause that parts segments. Shorter ones part sentences, which are understood better together.
const PAUSE: Duration = Duration::from_millis(800);
/// Judged in one go, at 16 kHz, so that live sessions get their turn in between.
const STEP: usize = SAMPLE_RATE as usize;

/// The samples of a WAV at 16 kHz, channels mixed.
pub(super) fn decode(file: &[u8]) -> Result<Vec<f32>, ApiError> {
    let wrong = |reason: String| {
        let reason = reason.trim_end_matches('.');
        let message = format!("'file' is no WAV that can be read: {reason}.");
        ApiError::invalid("file", message)
    };
    let mut reader = WavReader::new(Cursor::new(file)).map_err(|error| wrong(error.to_string()))?;
    let spec = reader.spec();
    if spec.channels == 0 || !(MIN_RATE..=MAX_RATE).contains(&spec.sample_rate) {
        let (channels, rate) = (spec.channels, spec.sample_rate);
        return Err(wrong(format!("{channels} channels at {rate} Hz")));
    }
    let channels = usize::from(spec.channels);
    // The header of a streamed file names no true length, so what is there is counted.
    let longest = MAX_SECONDS * spec.sample_rate as usize * channels;
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => {
            let samples = reader.samples::<f32>().map_while(Result::ok);
            samples.take(longest + 1).collect()
        }
        SampleFormat::Int => {
            let full = (1i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let samples = reader.samples::<i32>().map_while(Result::ok);
            let samples = samples.take(longest + 1);
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

/// Where somebody speaks, because the recogniser invents words for silence.
pub(super) fn segments(
    pcm: &[f32],
    models: &dyn Models,
) -> Result<Vec<Range<usize>>, ::speech::Error> {
    let (mut detector, mut probabilities) = (models.detector(), Vec::new());
    for step in pcm.chunks(STEP) {
        detector.push(step, &mut probabilities)?;
    }
    let mut segmenter = Segmenter::new(SegmenterConfig {
        min_silence: PAUSE,
        ..SegmenterConfig::default()
    });
    let mut events: Vec<SpeechEvent> = probabilities
        .into_iter()
        .filter_map(|probability| segmenter.push(probability))
        .collect();
    events.extend(segmenter.finish());
    let mut spoken = Vec::new();
    let mut from = 0;
    for event in events {
        match event {
            SpeechEvent::Started { at } => from = at as usize,
            SpeechEvent::Ended { at } if at as usize - from >= SHORTEST => {
                spoken.push(from..at as usize);
            }
            SpeechEvent::Ended { .. } => {}
        }
    }
    Ok(padded(&spoken, pcm.len()))
}

/// The ranges with a little more on both sides, as far as they do not touch.
fn padded(spoken: &[Range<usize>], end: usize) -> Vec<Range<usize>> {
    let widened = |(index, range): (usize, &Range<usize>)| {
        let before = index.checked_sub(1).map_or(0, |before| spoken[before].end);
        let after = spoken.get(index + 1).map_or(end, |after| after.start);
        let lead = PADDING.min((range.start - before) / 2);
        let tail = PADDING.min(after.saturating_sub(range.end) / 2);
        range.start - lead..(range.end + tail).min(end)
    };
    spoken.iter().enumerate().map(widened).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_reaches_halfway_to_the_next_segment_at_most() {
        let spoken = [6_000..20_000, 24_000..40_000, 90_000..99_000];
        assert_eq!(
            padded(&spoken, 100_000),
            [3_000..22_000, 22_000..44_800, 85_200..99_500]
        );
    }
}
