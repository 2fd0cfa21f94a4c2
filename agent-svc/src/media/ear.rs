//! Listening: voice activity detection, and the sound around what is said.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use livekit_rtc::{Frame, SAMPLE_RATE};
use speech::Models;
use speech::resample::{Resampler, extend_f32};
use speech::vad::{self, Foreground, Segmenter, SegmenterConfig, SpeechEvent, Vad, VadStream};

use super::{Event, Reports, Upload};
use crate::domain::Samples;

/// Sound sent from before the first voiced sample, so that no first consonant is missing: 300 ms.
const PRE_ROLL: usize = SAMPLE_RATE as usize * 3 / 10;
/// Sound that is kept: the pre-roll and what detection lags behind.
const KEPT: usize = SAMPLE_RATE as usize * 7 / 10;
/// Sound is sent in pieces of 20 ms.
const PIECE: usize = SAMPLE_RATE as usize / 50;
/// Without a decision sending stops this long after the end of speech: 3 s.
const MAX_TAIL: usize = SAMPLE_RATE as usize * 3;

thread_local! {
    /// The detector of this shard. All calls on the thread take turns.
    static VAD: RefCell<Option<Vad>> = const { RefCell::new(None) };
}

/// Where a shard loads its detector from when its first call is heard.
#[derive(Debug, Clone)]
pub struct VadSource(Models);

impl VadSource {
    /// Checks that the detector can be loaded.
    ///
    /// # Errors
    /// What [`Models::vad`] says.
    pub fn new(models: Models) -> Result<Self, speech::Error> {
        models.vad()?;
        Ok(Self(models))
    }
}

/// When a frame was said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// When it is heard.
    pub(super) heard: Instant,
    /// How much sound that came after it waits to be heard. What waits is heard faster than it was said:
    /// a voice begins when it began, and ends when that is known, or it would seem to last a moment.
    pub(super) behind: Duration,
}

impl Said {
    /// It is heard as it comes.
    pub(super) fn now(heard: Instant) -> Self {
        Self {
            heard,
            behind: Duration::ZERO,
        }
    }
}

/// Hears one caller.
pub(super) struct Ear {
    source: VadSource,
    resampler: Option<Resampler>,
    floats: Vec<f32>,
    resampled: Vec<f32>,
    stream: VadStream,
    foreground: Foreground,
    segmenter: Segmenter,
    config: SegmenterConfig,
    upload: Upload,
    recent: VecDeque<i16>,
    /// Sound not sent yet, while sound is sent.
    sending: Option<Vec<i16>>,
    tail: usize,
    failed: bool,
}

impl Ear {
    pub(super) fn new(source: VadSource, min_silence: Duration, upload: Upload) -> Self {
        let config = SegmenterConfig {
            min_silence,
            ..SegmenterConfig::default()
        };
        Self {
            source,
            resampler: Resampler::new(SAMPLE_RATE, vad::SAMPLE_RATE).ok(),
            floats: Vec::with_capacity(480),
            resampled: Vec::with_capacity(480),
            stream: VadStream::default(),
            foreground: Foreground::default(),
            segmenter: Segmenter::new(config),
            config,
            upload,
            recent: VecDeque::with_capacity(KEPT + PIECE),
            sending: (upload == Upload::All).then(Vec::new),
            tail: 0,
            failed: false,
        }
    }

    /// Forgets everything heard: somebody else speaks now.
    pub(super) fn reset(&mut self) {
        self.stream.reset();
        self.foreground.reset();
        self.segmenter = Segmenter::new(self.config);
        self.resampler = Resampler::new(SAMPLE_RATE, vad::SAMPLE_RATE).ok();
        self.recent.clear();
        self.sending = (self.upload == Upload::All).then(Vec::new);
        self.tail = 0;
    }

    /// Sends from now on, whether or not the caller is speaking.
    pub(super) fn open(&mut self) {
        self.sending.get_or_insert_default();
    }

    /// From now on sends no more than what is said.
    pub(super) fn send_speech_only(&mut self) {
        self.upload = Upload::Speech;
        self.close();
    }

    /// Stops sending. Speech that goes on is sent on where all speech is.
    pub(super) fn close(&mut self) {
        let stops = match self.upload {
            Upload::Speech => !self.segmenter.is_speaking(),
            Upload::All => false,
            Upload::OnRequest => true,
        };
        if stops {
            self.sending = None;
        }
    }

    /// Takes the next 10 ms.
    pub(super) fn hear(&mut self, said: Said, frame: &Frame, reports: &mut Reports) {
        self.keep(frame);
        if let Some(event) = self.detect(frame) {
            self.happened(said, event, reports);
        }
        self.send(reports);
    }

    fn keep(&mut self, frame: &Frame) {
        if let Some(piece) = &mut self.sending {
            piece.extend_from_slice(frame);
        }
        let excess = (self.recent.len() + frame.len()).saturating_sub(KEPT);
        self.recent.drain(..excess);
        self.recent.extend(frame);
    }

    /// A window may end in this frame, and with it a start or an end; never more than one.
    fn detect(&mut self, frame: &Frame) -> Option<SpeechEvent> {
        self.floats.clear();
        self.resampled.clear();
        extend_f32(frame, &mut self.floats);
        self.foreground.hear(&self.floats);
        let is_near = self.foreground.is_near();
        let resampler = self.resampler.as_mut()?;
        resampler.process(&self.floats, &mut self.resampled).ok()?;
        let mut event = None;
        let judged = VAD.with_borrow_mut(|slot| {
            let vad = match slot {
                Some(vad) => vad,
                None => slot.insert(self.source.0.vad()?),
            };
            self.stream.push(vad, &self.resampled, |probability| {
                // Others in the room are no voice to us.
                let probability = if is_near { probability } else { 0.0 };
                event = self.segmenter.push(probability).or(event);
            })
        });
        if let Err(error) = judged
            && !std::mem::replace(&mut self.failed, true)
        {
            tracing::error!(%error, "Voice activity detection failed; the caller is not heard");
        }
        event
    }

    fn happened(&mut self, said: Said, event: SpeechEvent, reports: &mut Reports) {
        let now = said.heard;
        let ago = |at: u64| {
            let samples = self.segmenter.position().saturating_sub(at);
            Duration::from_micros(samples * 1_000_000 / u64::from(vad::SAMPLE_RATE))
        };
        let then = |at| now.checked_sub(ago(at)).unwrap_or(now);
        match event {
            SpeechEvent::Started { at } => {
                let voiced_from = then(at).checked_sub(said.behind).unwrap_or(now);
                if self.upload == Upload::Speech && self.sending.is_none() {
                    let lag = Samples::lasting(ago(at)).0 as usize;
                    let start = self.recent.len().saturating_sub(lag + PRE_ROLL);
                    self.sending = Some(self.recent.range(start..).copied().collect());
                }
                self.tail = 0;
                reports.send(Event::SpeechStarted { voiced_from });
            }
            SpeechEvent::Ended { at } => {
                let lag = ago(at);
                let ago = lag + self.quiet_before(lag);
                reports.send(Event::SpeechEnded {
                    voiced_until: now.checked_sub(ago).unwrap_or(now),
                });
            }
        }
    }

    /// How long it had been quiet when, this long ago, the detector heard the last voice.
    fn quiet_before(&mut self, lag: Duration) -> Duration {
        let end = self
            .recent
            .len()
            .saturating_sub(Samples::lasting(lag).0 as usize);
        self.floats.clear();
        extend_f32(&self.recent.make_contiguous()[..end], &mut self.floats);
        let quiet = Samples(vad::quiet_end(&self.floats, SAMPLE_RATE) as u64);
        Duration::from_millis(quiet.as_millis())
    }

    fn send(&mut self, reports: &mut Reports) {
        let Some(piece) = &mut self.sending else {
            return;
        };
        if piece.len() >= PIECE {
            self.tail += piece.len();
            reports.send(Event::Audio(std::mem::take(piece)));
        }
        if self.upload != Upload::Speech || self.segmenter.is_speaking() {
            self.tail = 0;
        } else if self.tail > MAX_TAIL {
            self.sending = None;
        }
    }
}
