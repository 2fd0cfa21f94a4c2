//! The input audio buffer: what the person said and where speech is in it.
//!
//! It finds speech; what follows from that (items, responses, recognition) is the session's.

use std::collections::VecDeque;
use std::time::Duration;

use openai_realtime::{TurnDetection, audio};
use speech::Error;
use speech::resample::{Resampler, extend_f32};
use speech::vad::{self, Segmenter, SegmenterConfig, SpeechEvent};

use super::endpointing::{Endpointing, JUDGED_AFTER};
use super::samples::Samples;
use crate::engine::Detector;

/// Samples taken in one step, one window of the detector (32 ms at 24 kHz).
pub(super) const STEP: usize = 768;
/// The longest utterance; past it the turn ends, or the oldest audio is dropped.
pub(super) const MAX_MS: u64 = 120_000;
/// Samples a millisecond at 16 kHz.
const PER_MS: u64 = 16;
/// Speech shorter than this is no word.
const MIN_VOICED_MS: u64 = 250;
/// Silence before the words so far are recognised as if they were the last.
const PAUSE_MS: u64 = 120;
/// New speech after which the growing utterance is recognised again.
const GROWTH_MS: u64 = 400;
/// Sound before the first speech that is recognised with it, because words begin softly.
const ONSET_MS: u64 = 300;
/// Kept besides the prefix: from when speech begins to when it is noticed.
const NOTICED_MS: u64 = 200;
/// How much of a turn is judged, its end: 8 s.
const JUDGED_SAMPLES: usize = 8 * 16_000;

/// What the buffer found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Speech began; milliseconds of all audio ever appended.
    Started { at_ms: u64 },
    /// The turn ended, likewise.
    Stopped { at_ms: u64 },
}

/// Audio taken out of the buffer.
#[derive(Debug, Default)]
pub(super) struct Utterance {
    /// As it was appended, 24 kHz.
    pub(super) wave: Vec<i16>,
    /// The speech in it at 16 kHz; empty when it holds too little to recognise.
    pub(super) pcm: Vec<f32>,
    /// Where its last speech ends, in 16 kHz samples of all audio ever appended.
    pub(super) voiced_until: u64,
}

/// A pause in speech that may be the end of the turn.
#[derive(Debug)]
pub(super) struct Pause {
    /// Where it begins, in 16 kHz samples of all audio ever appended; tells pauses apart.
    pub(super) since: u64,
    /// The end of what was said, and the silence so far.
    pub(super) pcm: Vec<f32>,
}

pub(super) struct InputAudio {
    detector: Box<dyn Detector>,
    resampler: Resampler,
    segmenter: Segmenter,
    /// Where the segmenter's positions begin, in 16 kHz samples of all audio ever appended.
    origin: u64,
    detection: Option<Detection>,
    wave: Samples<i16>,
    pcm: Samples<f32>,
    /// Where `pcm` begins, in 16 kHz samples of all audio ever appended.
    start: u64,
    voiced_from: Option<u64>,
    voiced_until: u64,
    voiced: u64,
    threshold: f32,
    /// The last pause that was given out to be judged.
    judged: Option<u64>,
    /// The last pause that was measured, and how long it was quiet before the detector saw it.
    quiet_before: Option<(u64, u64)>,
    /// Windows not yet looked at.
    probabilities: VecDeque<f32>,
    scratch: Scratch,
}

/// Kept so that nothing is allocated for each step.
#[derive(Default)]
struct Scratch {
    wide: Vec<f32>,
    narrow: Vec<f32>,
    probabilities: Vec<f32>,
}

/// How turns are detected.
#[derive(Clone, Copy)]
struct Detection {
    prefix: u64,
    endpointing: Endpointing,
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
            wave: Samples::default(),
            pcm: Samples::default(),
            start: 0,
            voiced_from: None,
            voiced_until: 0,
            voiced: 0,
            threshold: 0.5,
            judged: None,
            quiet_before: None,
            probabilities: VecDeque::new(),
            scratch: Scratch::default(),
        };
        input.detect(detection);
        Ok(input)
    }

    /// Changes how turns are detected; `None` means that the client commits. Speech in progress
    /// is forgotten, the audio stays.
    pub(super) fn detect(&mut self, detection: Option<&TurnDetection>) {
        let (threshold, prefix_ms) = match detection {
            Some(TurnDetection::ServerVad(vad)) => (
                vad.threshold.unwrap_or(0.5),
                vad.prefix_padding_ms.unwrap_or(300),
            ),
            Some(TurnDetection::SemanticVad(_)) | None => (0.5, 300),
        };
        let mut config = SegmenterConfig::with_activation(threshold);
        self.detection = detection.map(|detection| Detection {
            prefix: u64::from(prefix_ms) * PER_MS,
            endpointing: Endpointing::of(detection),
        });
        if let Some(detection) = &self.detection {
            config.min_silence = detection.endpointing.longest();
        }
        self.origin += self.segmenter.position();
        self.segmenter = Segmenter::new(config);
        self.threshold = config.activation;
    }

    /// Takes at most [`STEP`] samples; [`InputAudio::change`] tells what they changed.
    pub(super) fn push(&mut self, samples: &[i16]) -> Result<(), Error> {
        let Scratch {
            wide,
            narrow,
            probabilities,
        } = &mut self.scratch;
        wide.clear();
        narrow.clear();
        probabilities.clear();
        self.wave.extend(samples);
        extend_f32(samples, wide);
        self.resampler.process(wide, narrow)?;
        self.pcm.extend(narrow);
        self.detector.push(narrow, probabilities)?;
        self.probabilities.extend(probabilities.iter());
        Ok(())
    }

    /// The next thing that what was pushed changed.
    pub(super) fn change(&mut self) -> Option<Change> {
        while let Some(probability) = self.probabilities.pop_front() {
            let event = self.segmenter.push(probability);
            if probability >= self.threshold {
                self.voiced_until = self.origin + self.segmenter.position();
                self.voiced += speech::vad::WINDOW as u64;
                self.voiced_from
                    .get_or_insert(self.voiced_until - speech::vad::WINDOW as u64);
            }
            if self.segmenter.silence().is_zero()
                && let Some(detection) = &self.detection
            {
                // What was known of the pause before is of no use in the next one.
                let longest = detection.endpointing.longest();
                self.segmenter.set_min_silence(longest);
            }
            if let Some(change) = event.and_then(|event| self.turn(event)) {
                return Some(change);
            }
        }
        self.overdue().or_else(|| self.limit())
    }

    /// Ends the turn as soon as the pause has lasted long enough, rather than with the next whole
    /// window: what was heard of that one so far is taken for silence as well.
    fn overdue(&mut self) -> Option<Change> {
        self.detection?;
        let waited = self.waited()?;
        (waited >= self.segmenter.min_silence()).then(|| self.stop())
    }

    /// How long it has been quiet in the pause that is going on.
    fn waited(&mut self) -> Option<Duration> {
        let (since, _) = self.pause()?;
        let before = match self.quiet_before {
            Some((measured, before)) if measured == since => before,
            _ => {
                let end = since.saturating_sub(self.start) as usize;
                let heard = &self.pcm.as_slice()[..end.min(self.pcm.len())];
                let before = vad::quiet_end(heard, vad::SAMPLE_RATE) as u64;
                self.quiet_before = Some((since, before));
                before
            }
        };
        Some(Duration::from_millis(
            (self.end() - since + before) / PER_MS,
        ))
    }

    /// What a segment means when turns are detected.
    fn turn(&mut self, event: SpeechEvent) -> Option<Change> {
        let detection = self.detection?;
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
            SpeechEvent::Ended { .. } => Some(Change::Stopped {
                at_ms: self.heard_ms(),
            }),
        }
    }

    /// Bounds the buffer.
    fn limit(&mut self) -> Option<Change> {
        if let Some(detection) = self.detection
            && !self.segmenter.is_speaking()
        {
            let keep = detection.prefix + NOTICED_MS * PER_MS;
            self.drop_before(self.end().saturating_sub(keep));
            self.voiced = self.voiced.min(NOTICED_MS * PER_MS);
            self.voiced_from = self.voiced_from.map(|from| from.max(self.start));
            return None;
        }
        if self.pcm.len() as u64 <= MAX_MS * PER_MS {
            return None;
        }
        if self.detection.is_some() {
            return Some(self.stop());
        }
        self.drop_before(self.end() - MAX_MS * PER_MS / 2);
        None
    }

    /// Ends speech that still goes on.
    fn stop(&mut self) -> Change {
        let at_ms = self.heard_ms();
        self.segmenter.finish();
        Change::Stopped { at_ms }
    }

    fn end(&self) -> u64 {
        self.start + self.pcm.len() as u64
    }

    /// All audio ever appended, in milliseconds.
    pub(super) fn end_ms(&self) -> u64 {
        self.end() / PER_MS
    }

    /// How much of that has been looked at.
    fn heard_ms(&self) -> u64 {
        (self.origin + self.segmenter.position()) / PER_MS
    }

    fn drop_before(&mut self, position: u64) {
        // Two samples at 16 kHz are three at 24 kHz.
        let pairs = (position.saturating_sub(self.start) / 2) as usize;
        let pairs = pairs.min(self.pcm.len() / 2).min(self.wave.len() / 3);
        self.pcm.drop_front(pairs * 2);
        self.wave.drop_front(pairs * 3);
        self.start += pairs as u64 * 2;
    }

    /// Whether there is enough to commit.
    pub(super) fn can_commit(&self) -> bool {
        audio::duration_ms(self.wave.len()) >= audio::MIN_COMMIT_MS
    }

    /// Takes everything out and begins anew.
    pub(super) fn take(&mut self) -> Utterance {
        let end = self.end();
        let pcm = if self.has_speech() {
            self.speech().to_vec()
        } else {
            Vec::new()
        };
        let taken = Utterance {
            wave: self.wave.take(),
            pcm,
            voiced_until: self.voiced_until,
        };
        self.pcm.take();
        self.segmenter.finish();
        self.start = end;
        self.voiced = 0;
        self.voiced_from = None;
        self.voiced_until = end;
        taken
    }

    /// Whether speech is going on, as far as was reported.
    pub(super) fn is_speaking(&self) -> bool {
        self.segmenter.is_speaking()
    }

    fn has_speech(&self) -> bool {
        self.voiced >= MIN_VOICED_MS * PER_MS
    }

    /// From shortly before the first speech on.
    fn speech(&self) -> &[f32] {
        let from = self
            .voiced_from
            .unwrap_or(self.start)
            .saturating_sub(ONSET_MS * PER_MS);
        let skipped = from.saturating_sub(self.start) as usize;
        let all = self.pcm.as_slice();
        &all[skipped.min(all.len())..]
    }

    /// A copy to recognise and the position that it reaches to, when there is enough that the
    /// last recognition, which reached to `covered`, did not know.
    pub(super) fn to_recognise(&self, covered: u64) -> Option<(Vec<f32>, u64)> {
        let end = self.end();
        let is_turn = self.detection.is_none() || self.is_speaking();
        if !is_turn || !self.has_speech() || self.voiced_until <= covered {
            return None;
        }
        // A long utterance costs more to recognise again, so it is done less often.
        let growth = (GROWTH_MS * PER_MS).max(self.pcm.len() as u64 / 8);
        let has_grown = self.voiced_until - covered.max(self.start) >= growth;
        (self.is_pausing() || has_grown).then(|| (self.speech().to_vec(), end))
    }

    /// Where the pause that is going on begins.
    fn pause(&self) -> Option<(u64, Duration)> {
        let silence = self.segmenter.silence();
        let length = silence.as_millis() as u64 * PER_MS;
        (!silence.is_zero()).then(|| {
            let position = self.origin + self.segmenter.position();
            (position.saturating_sub(length), silence)
        })
    }

    /// A pause in which to ask whether the turn sounds complete; each is given out once.
    pub(super) fn unjudged_pause(&mut self) -> Option<Pause> {
        if !self.detection?.endpointing.is_judged() {
            return None;
        }
        let (since, silence) = self.pause()?;
        if silence < JUDGED_AFTER || self.judged.replace(since) == Some(since) {
            return None;
        }
        let all = self.pcm.as_slice();
        let pcm = all[all.len().saturating_sub(JUDGED_SAMPLES)..].to_vec();
        Some(Pause { since, pcm })
    }

    /// Takes how complete the turn sounds before the pause that began at `since`, which may
    /// already have lasted long enough.
    pub(super) fn judge(&mut self, since: u64, complete: Option<f32>) -> Option<Change> {
        let detection = self.detection?;
        let (now, _) = self.pause()?;
        if now != since {
            return None;
        }
        let wait = detection.endpointing.wait(complete);
        self.segmenter.set_min_silence(wait);
        self.overdue()
    }

    /// Whether the words so far may be the last.
    pub(super) fn is_pausing(&self) -> bool {
        self.end().saturating_sub(self.voiced_until) >= PAUSE_MS * PER_MS
    }

    /// Where the last speech ends, in 16 kHz samples of all audio ever appended.
    pub(super) fn voiced_until(&self) -> u64 {
        self.voiced_until
    }
}
