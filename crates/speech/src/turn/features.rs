//! What the turn detector sees of a sound: the log-mel spectrogram of exactly 8 s, as Whisper's
//! encoder takes it.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use super::{SAMPLE_RATE, SECONDS};

/// Mel bands.
pub(super) const BANDS: usize = 80;
/// Spectra, one every 10 ms.
pub(super) const FRAMES: usize = SAMPLES / HOP;

const SAMPLES: usize = SECONDS * SAMPLE_RATE as usize;
/// Samples under one spectrum, 25 ms.
const WINDOW: usize = 400;
const HOP: usize = 160;
const BINS: usize = WINDOW / 2 + 1;
/// Keeps the scale finite for silence.
const MIN_VARIANCE: f64 = 1e-7;
/// Least power of a band.
const FLOOR: f32 = 1e-10;
/// What is this much below the loudest, in powers of ten, is not told apart.
const RANGE: f32 = 8.0;

/// Computes features.
pub(super) struct Extractor {
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    filters: Vec<Filter>,
}

/// A triangle over neighbouring bins, which gathers the power of one band.
struct Filter {
    first: usize,
    weights: Vec<f32>,
}

impl std::fmt::Debug for Extractor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extractor").finish_non_exhaustive()
    }
}

impl Extractor {
    pub(super) fn new() -> Self {
        let hann = |n: usize| 0.5 - 0.5 * (TAU * n as f64 / WINDOW as f64).cos();
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(WINDOW),
            window: (0..WINDOW).map(|n| hann(n) as f32).collect(),
            filters: filters(),
        }
    }

    /// The features of the last 8 s, [`FRAMES`] numbers for each of the [`BANDS`]. A shorter sound
    /// is taken to come after silence.
    pub(super) fn features(&self, pcm: &[f32]) -> Vec<f32> {
        let sound = padded(pcm);
        let mut windowed = self.transform.make_input_vec();
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        let mut power = [0.0; BINS];
        let mut features = vec![0.0f32; BANDS * FRAMES];
        let frames = sound.windows(WINDOW).step_by(HOP).take(FRAMES);
        for (frame, samples) in frames.enumerate() {
            for ((slot, sample), gain) in windowed.iter_mut().zip(samples).zip(&self.window) {
                *slot = sample * gain;
            }
            self.transform
                .process_with_scratch(&mut windowed, &mut spectrum, &mut scratch)
                .expect("the buffers are the transform's own");
            for (power, value) in power.iter_mut().zip(&spectrum) {
                *power = value.norm_sqr();
            }
            for (band, filter) in self.filters.iter().enumerate() {
                features[band * FRAMES + frame] = filter.gather(&power).max(FLOOR).log10();
            }
        }
        let loudest = features.iter().copied().fold(f32::MIN, f32::max);
        for feature in &mut features {
            *feature = (feature.max(loudest - RANGE) + 4.0) / 4.0;
        }
        features
    }
}

impl Filter {
    fn gather(&self, power: &[f32; BINS]) -> f32 {
        let bins = power[self.first..].iter().zip(&self.weights);
        bins.map(|(power, weight)| power * weight).sum()
    }
}

/// The last 8 s at mean 0 and variance 1, continued by half a window to either side as in a
/// mirror, so that the first spectrum is centred on the first sample.
fn padded(pcm: &[f32]) -> Vec<f32> {
    const EDGE: usize = WINDOW / 2;
    let pcm = &pcm[pcm.len().saturating_sub(SAMPLES)..];
    let mut sound = vec![0.0; EDGE + SAMPLES - pcm.len()];
    let finite = |sample: &f32| if sample.is_finite() { *sample } else { 0.0 };
    sound.extend(pcm.iter().map(finite));

    let heard = &mut sound[EDGE..];
    let count = SAMPLES as f64;
    let mean = heard.iter().copied().map(f64::from).sum::<f64>() / count;
    let squares = heard
        .iter()
        .map(|&sample| (f64::from(sample) - mean).powi(2));
    let scale = (squares.sum::<f64>() / count + MIN_VARIANCE).sqrt();
    for sample in heard {
        *sample = ((f64::from(*sample) - mean) / scale) as f32;
    }
    for n in 0..EDGE {
        sound[n] = sound[2 * EDGE - n];
    }
    for n in 0..EDGE {
        sound.push(sound[EDGE + SAMPLES - 2 - n]);
    }
    sound
}

/// Bands of equal width on Slaney's mel scale from 0 to 8000 Hz, of equal area.
fn filters() -> Vec<Filter> {
    let highest = f64::from(SAMPLE_RATE) / 2.0;
    let edge = |n: usize| hertz(mel(highest) * n as f64 / (BANDS + 1) as f64);
    let frequency = |bin: usize| highest * bin as f64 / (BINS - 1) as f64;
    let filter = |band: usize| {
        let (low, centre, high) = (edge(band), edge(band + 1), edge(band + 2));
        let weight = |bin: usize| {
            let (rise, fall) = (frequency(bin) - low, high - frequency(bin));
            let slope = (rise / (centre - low)).min(fall / (high - centre));
            (slope.max(0.0) * 2.0 / (high - low)) as f32
        };
        let first = (0..BINS).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
        let weights = (first..BINS).map(weight).take_while(|&weight| weight > 0.0);
        Filter {
            first,
            weights: weights.collect(),
        }
    };
    (0..BANDS).map(filter).collect()
}

/// Where Slaney's scale turns from linear to logarithmic, in Hz and in mel.
const BEND: (f64, f64) = (1_000.0, 15.0);

/// Hz a mel below the bend.
const LINEAR: f64 = 200.0 / 3.0;

fn mel(hertz: f64) -> f64 {
    if hertz < BEND.0 {
        hertz / LINEAR
    } else {
        BEND.1 + (hertz / BEND.0).ln() * 27.0 / 6.4f64.ln()
    }
}

fn hertz(mel: f64) -> f64 {
    if mel < BEND.1 {
        mel * LINEAR
    } else {
        BEND.0 * ((mel - BEND.1) * 6.4f64.ln() / 27.0).exp()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn recording(name: &str) -> Vec<f32> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
        let mut wav = hound::WavReader::open(folder.join(name)).unwrap();
        let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
        let mut pcm = Vec::new();
        crate::resample::extend_f32(&samples, &mut pcm);
        pcm
    }

    #[test]
    fn features_are_those_that_the_model_was_trained_on() {
        let extractor = Extractor::new();
        let expected: serde_json::Value =
            serde_json::from_str(include_str!("../../testdata/smart_turn.json")).unwrap();
        for case in expected.as_array().unwrap() {
            let files = case["sound"].as_array().unwrap().iter();
            let mut pcm: Vec<f32> = files
                .flat_map(|file| recording(file.as_str().unwrap()))
                .collect();
            pcm.truncate(case["samples"].as_u64().unwrap() as usize);
            let features = extractor.features(&pcm);
            let close = |expected: &serde_json::Value, found: f32| {
                let expected = expected.as_f64().unwrap();
                let found = f64::from(found);
                assert!(
                    (expected - found).abs() < 1e-3,
                    "{expected} is {found}: {case}"
                );
            };
            let mean = features.iter().sum::<f32>() / features.len() as f32;
            close(&case["mean"], mean);
            for (row, band) in case["features"]
                .as_array()
                .unwrap()
                .iter()
                .zip([0, 20, 40, 60])
            {
                for (value, frame) in row.as_array().unwrap().iter().zip((0..FRAMES).step_by(100)) {
                    close(value, features[band * FRAMES + frame]);
                }
            }
        }
    }

    #[test]
    fn any_sound_has_finite_features() {
        let extractor = Extractor::new();
        for pcm in [
            vec![],
            vec![0.0; 10],
            vec![f32::NAN; 20_000],
            vec![1.0; 200_000],
        ] {
            let features = extractor.features(&pcm);
            assert_eq!(features.len(), BANDS * FRAMES);
            assert!(features.iter().all(|feature| feature.is_finite()));
        }
    }
}
