//! The input audio buffer: what the person said and where speech is in it.
//!
//! It finds speech; what follows from that (items, responses, recognition) is the session's.

use openai_realtime::{Eagerness, TurnDetection, audio};
use speech::Error;
use speech::resample::{Resampler, extend_f32};
use speech::vad::{Segmenter, SegmenterConfig, SpeechEvent};

use crate::engine::Detector;

/// Samples taken in one step, one window of the detector (32 ms at 24 kHz).
pub(super) const STEP: usize = 768;
/// Samples a millisecond at 16 kHz.
const PER_MS: u64 = 16;
/// The longest utterance; past it the turn ends, or the oldest audio is dropped.
const MAX_MS: u64 = 120_000;
/// Speech shorter than this is no word.
const MIN_VOICED_MS: u64 = 250;
/// Silence before the words so far are recognised as if they were the last.
const PAUSE_MS: u64 = 120;
/// New speech after which the growing utterance is recognised again.
const GROWTH_MS: u64 = 400;

/// Silence that ends a turn by how eager `semantic_vad` is, in milliseconds. It goes by sound
/// alone, so it waits a little longer than a plain detector would.
const fn eager_silence_ms(eagerness: Eagerness) -> u32 {
    match eagerness {
        Eagerness::Low => 1_000,
        Eagerness::Medium | Eagerness::Auto => 600,
        Eagerness::High => 350,
    }
}

/// What the buffer found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Speech began; milliseconds of all audio ever appended.
    Started { at_ms: u64 },
    /// The turn ended, likewise.
    Stopped { at_ms: u64 },
    /// The buffer is full and what is oldest is being dropped; told once a buffer.
    Full,
}

/// Audio taken out of the buffer.
#[derive(Debug, Default)]
pub(super) struct Utterance {
    /// As it was appended, 24 kHz.
    pub(super) wave: Vec<i16>,
    /// The same at 16 kHz.
    pub(super) pcm: Vec<f32>,
    /// Where its last speech ends, in 16 kHz samples of all audio ever appended.
    pub(super) voiced_until: u64,
    /// Whether it holds enough speech to recognise.
    pub(super) has_speech: bool,
}

pub(super) struct InputAudio {
    detector: Box<dyn Detector>,
    resampler: Resampler,
    segmenter: Segmenter,
    /// Where the segmenter's positions begin, in 16 kHz samples of all audio ever appended.
    origin: u64,
    detection: Option<Detection>,
    wave: Vec<i16>,
    pcm: Vec<f32>,
    /// Where `pcm` begins, in 16 kHz samples of all audio ever appended.
    start: u64,
    voiced_until: u64,
    voiced: u64,
    threshold: f32,
    is_full: bool,
    scratch: Vec<f32>,
    probabilities: Vec<f32>,
}

/// How turns are detected.
struct Detection {
    prefix: u64,
    silence_ms: u64,
}

impl InputAudio {
    pub(super) fn new(
        detector: Box<dyn Detector>,
        detection: Option<&TurnDetection>,
    ) -> Result<Self, Error> {
        let mut input = Self {
            detector,
            resampler: Resampler::new(audio::SAMPLE_RATE, 16_000)?,
            segmenter: Segmenter::new(SegmenterConfig::default()),
            origin: 0,
            detection: None,
            wave: Vec::new(),
            pcm: Vec::new(),
            start: 0,
            voiced_until: 0,
            voiced: 0,
            threshold: 0.5,
            is_full: false,
            scratch: Vec::new(),
            probabilities: Vec::new(),
        };
        input.detect(detection);
        Ok(input)
    }

    /// Changes how turns are detected; `None` means that the client commits. Speech in progress
    /// is forgotten, the audio stays.
    pub(super) fn detect(&mut self, detection: Option<&TurnDetection>) {
        let (threshold, prefix_ms, silence_ms) = match detection {
            Some(TurnDetection::ServerVad(vad)) => (
                vad.threshold.unwrap_or(0.5),
                vad.prefix_padding_ms.unwrap_or(300),
                vad.silence_duration_ms.unwrap_or(500),
            ),
            Some(TurnDetection::SemanticVad(vad)) => (
                0.5,
                300,
                eager_silence_ms(vad.eagerness.unwrap_or_default()),
            ),
            None => (0.5, 300, 500),
        };
        let mut config = SegmenterConfig::with_activation(threshold);
        config.min_silence = std::time::Duration::from_millis(silence_ms.into());
        self.origin += self.segmenter.position();
        self.segmenter = Segmenter::new(config);
        self.threshold = config.activation;
        self.detection = detection.map(|_| Detection {
            prefix: u64::from(prefix_ms) * PER_MS,
            silence_ms: silence_ms.into(),
        });
    }

    /// Takes at most [`STEP`] samples.
    pub(super) fn push(&mut self, samples: &[i16]) -> Result<Option<Change>, Error> {
        self.wave.extend_from_slice(samples);
        self.scratch.clear();
        extend_f32(samples, &mut self.scratch);
        let before = self.pcm.len();
        self.resampler.process(&self.scratch, &mut self.pcm)?;
        self.probabilities.clear();
        self.detector
            .push(&self.pcm[before..], &mut self.probabilities)?;
        let mut change = None;
        for probability in std::mem::take(&mut self.probabilities) {
            let event = self.segmenter.push(probability);
            if probability >= self.threshold {
                self.voiced_until = self.origin + self.segmenter.position();
                self.voiced += speech::vad::WINDOW as u64;
            }
            change = event.and_then(|event| self.turn(event)).or(change);
        }
        // A turn that has just ended is still in the buffer, to be taken.
        Ok(change.or_else(|| self.limit()))
    }

    /// What a segment means when turns are detected.
    fn turn(&mut self, event: SpeechEvent) -> Option<Change> {
        let detection = self.detection.as_ref()?;
        match event {
            SpeechEvent::Started { at } => {
                let from = (self.origin + at)
                    .saturating_sub(detection.prefix)
                    .max(self.start);
                self.drop_before(from);
                Some(Change::Started {
                    at_ms: from / PER_MS,
                })
            }
            SpeechEvent::Ended { at } => Some(Change::Stopped {
                at_ms: (self.origin + at) / PER_MS + detection.silence_ms,
            }),
        }
    }

    /// Bounds the buffer.
    fn limit(&mut self) -> Option<Change> {
        if let Some(detection) = &self.detection
            && !self.segmenter.is_speaking()
        {
            // Enough to reach back from when speech is noticed to before it began.
            let keep = detection.prefix + 200 * PER_MS;
            self.drop_before(self.end().saturating_sub(keep));
            self.voiced = self.voiced.min(200 * PER_MS);
            return None;
        }
        if self.pcm.len() as u64 <= MAX_MS * PER_MS {
            return None;
        }
        if self.detection.is_some() {
            self.segmenter.finish();
            return Some(Change::Stopped {
                at_ms: self.end() / PER_MS,
            });
        }
        self.drop_before(self.end() - MAX_MS * PER_MS / 2);
        (!std::mem::replace(&mut self.is_full, true)).then_some(Change::Full)
    }

    fn end(&self) -> u64 {
        self.start + self.pcm.len() as u64
    }

    fn drop_before(&mut self, position: u64) {
        // Two samples at 16 kHz are three at 24 kHz.
        let pairs = (position.saturating_sub(self.start) / 2) as usize;
        let pairs = pairs.min(self.pcm.len() / 2).min(self.wave.len() / 3);
        self.pcm.drain(..pairs * 2);
        self.wave.drain(..pairs * 3);
        self.start += pairs as u64 * 2;
    }

    /// Whether there is enough to commit.
    pub(super) fn can_commit(&self) -> bool {
        audio::duration_ms(self.wave.len()) >= audio::MIN_COMMIT_MS
    }

    /// Takes everything out and begins anew.
    pub(super) fn take(&mut self) -> Utterance {
        let end = self.end();
        let taken = Utterance {
            wave: std::mem::take(&mut self.wave),
            pcm: std::mem::take(&mut self.pcm),
            voiced_until: self.voiced_until,
            has_speech: self.has_speech(),
        };
        self.segmenter.finish();
        self.start = end;
        self.voiced = 0;
        self.voiced_until = end;
        self.is_full = false;
        taken
    }

    /// Whether speech is going on, as far as was reported.
    pub(super) fn is_speaking(&self) -> bool {
        self.segmenter.is_speaking()
    }

    fn has_speech(&self) -> bool {
        self.voiced >= MIN_VOICED_MS * PER_MS
    }

    /// A copy to recognise and the position that it reaches to, when there is enough that the
    /// last recognition, which reached to `covered`, did not know.
    pub(super) fn to_recognise(&self, covered: u64) -> Option<(Vec<f32>, u64)> {
        let end = self.end();
        let is_turn = self.detection.is_none() || self.is_speaking();
        if !is_turn || !self.has_speech() || self.voiced_until <= covered {
            return None;
        }
        let pause = end.saturating_sub(self.voiced_until);
        // A long utterance costs more to recognise again, so it is done less often.
        let growth = (GROWTH_MS * PER_MS).max(self.pcm.len() as u64 / 8);
        let has_grown = self.voiced_until - covered.max(self.start) >= growth;
        (pause >= PAUSE_MS * PER_MS || has_grown).then(|| (self.pcm.clone(), end))
    }
}
