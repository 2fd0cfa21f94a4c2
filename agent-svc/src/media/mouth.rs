//! Playout: the queue of one speech, paced by the shard's clock, with its exact position.

use std::collections::VecDeque;

use livekit_rtc::{FRAME_SAMPLES, Frame, Playout};

use super::{Event, Reports};
use crate::domain::{self, Samples, SpeechId};

/// Progress is reported when this much more was played: 100 ms.
const REPORT_EVERY: u64 = 2_400;

/// Plays one speech at a time.
#[derive(Debug, Default)]
pub(super) struct Mouth {
    speech: Option<SpeechId>,
    queue: VecDeque<Vec<i16>>,
    /// Samples of the first piece that were played.
    offset: usize,
    played: u64,
    reported: u64,
    finishing: bool,
    motion: Motion,
}

/// Whether sound flows, and how it begins or ends to do so without a click.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Motion {
    #[default]
    Playing,
    Pausing,
    Paused,
    Resuming,
    /// The queue is to be dropped after a fade.
    Stopping,
}

impl Mouth {
    /// Queues sound. Another speech replaces what is there; the caller of this keeps the order.
    pub(super) fn play(&mut self, speech: SpeechId, audio: Vec<i16>) {
        if self.speech != Some(speech) {
            let motion = match self.motion {
                Motion::Stopping => Motion::Playing,
                motion => motion,
            };
            *self = Self {
                speech: Some(speech),
                motion,
                ..Self::default()
            };
        }
        if !audio.is_empty() {
            self.queue.push_back(audio);
        }
    }

    pub(super) fn finish(&mut self, speech: SpeechId) {
        self.finishing |= self.speech == Some(speech);
    }

    pub(super) fn pause(&mut self) {
        self.motion = match self.motion {
            Motion::Paused | Motion::Resuming => Motion::Paused,
            Motion::Stopping => Motion::Stopping,
            Motion::Playing | Motion::Pausing => Motion::Pausing,
        };
    }

    pub(super) fn resume(&mut self) {
        self.motion = match self.motion {
            Motion::Paused => Motion::Resuming,
            Motion::Stopping => Motion::Stopping,
            _ => Motion::Playing,
        };
    }

    pub(super) fn stop(&mut self) {
        match self.motion {
            Motion::Playing | Motion::Resuming if !self.queue.is_empty() => {
                self.motion = Motion::Stopping;
            }
            _ => *self = Self::default(),
        }
    }

    /// Fills the next 10 ms.
    pub(super) fn speak(&mut self, frame: &mut Frame, reports: &mut Reports) -> Playout {
        match self.motion {
            Motion::Paused => Playout::Silence,
            Motion::Pausing => {
                let filled = self.peek(frame);
                fade(frame, |done| 1.0 - done);
                self.motion = Motion::Paused;
                self.report(reports, |speech, played| domain::Playout::Paused {
                    speech,
                    played,
                });
                sound(filled)
            }
            Motion::Stopping => {
                let filled = self.peek(frame);
                fade(frame, |done| 1.0 - done);
                *self = Self::default();
                sound(filled)
            }
            Motion::Resuming => {
                self.motion = Motion::Playing;
                let filled = self.advance(frame, reports);
                fade(frame, |done| done);
                sound(filled)
            }
            Motion::Playing => sound(self.advance(frame, reports)),
        }
    }

    /// Copies what comes next without playing it: it fades out and is heard again after a pause.
    fn peek(&self, frame: &mut Frame) -> usize {
        let pieces = self.queue.iter().flatten().skip(self.offset);
        let mut filled = 0;
        for (slot, sample) in frame.iter_mut().zip(pieces) {
            *slot = *sample;
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, frame: &mut Frame, reports: &mut Reports) -> usize {
        let mut filled = 0;
        while filled < FRAME_SAMPLES
            && let Some(piece) = self.queue.front()
        {
            let rest = &piece[self.offset..];
            let count = rest.len().min(FRAME_SAMPLES - filled);
            frame[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            self.offset += count;
            if self.offset == piece.len() {
                self.queue.pop_front();
                self.offset = 0;
            }
        }
        let is_first = self.played == 0 && filled > 0;
        self.played += filled as u64;
        if self.finishing && self.queue.is_empty() {
            self.report(reports, |speech, played| domain::Playout::Finished {
                speech,
                played,
            });
            *self = Self::default();
        } else if is_first || self.played - self.reported >= REPORT_EVERY {
            self.reported = self.played;
            self.report(reports, |speech, played| domain::Playout::Progress {
                speech,
                played,
            });
        }
        filled
    }

    fn report(&self, reports: &mut Reports, event: impl Fn(SpeechId, Samples) -> domain::Playout) {
        if let Some(speech) = self.speech {
            reports.send(Event::Playout(event(speech, Samples(self.played))));
        }
    }
}

fn sound(filled: usize) -> Playout {
    if filled == 0 {
        Playout::Silence
    } else {
        Playout::Frame
    }
}

fn fade(frame: &mut Frame, gain: impl Fn(f32) -> f32) {
    for (index, sample) in frame.iter_mut().enumerate() {
        let done = index as f32 / FRAME_SAMPLES as f32;
        *sample = (f32::from(*sample) * gain(done)) as i16;
    }
}
