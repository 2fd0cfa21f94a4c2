//! The caller's end: what they say, and the loudspeaker on which they hear the assistant.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{Playout, Samples, SpeechId};

/// Sound comes and goes in pieces of 20 ms.
pub(super) const PIECE: Duration = Duration::from_millis(20);
pub(super) const PIECE_SAMPLES: u64 = 480;
/// Voice activity detection notices a beginning and an end so much later.
pub(super) const START_LAG: Duration = Duration::from_millis(60);
pub(super) const END_LAG: Duration = Duration::from_millis(200);

/// Something the caller says.
struct Saying {
    until: Instant,
    text: String,
}

/// What the caller has said and what of it is sent.
#[derive(Default)]
pub(super) struct Mouth {
    sayings: Vec<Saying>,
    /// Whether sound is sent to the provider.
    pub(super) is_sent: bool,
}

impl Mouth {
    /// Says something from now on.
    pub(super) fn say(&mut self, now: Instant, length: Duration, text: &str) {
        let (until, text) = (now + length, text.to_owned());
        self.sayings.push(Saying { until, text });
    }

    /// Whether something is being said.
    pub(super) fn is_speaking(&self, now: Instant) -> bool {
        self.sayings.iter().any(|said| said.until > now)
    }

    /// The words since the sound was taken or forgotten last.
    pub(super) fn words(&self) -> String {
        let words: Vec<&str> = self.sayings.iter().map(|said| said.text.as_str()).collect();
        words.join(" ").trim().to_owned()
    }

    /// Whether the caller has finished, as it sounds.
    pub(super) fn sounds_finished(&self) -> bool {
        !self.words().ends_with("and")
    }

    /// The sound so far was taken or forgotten.
    pub(super) fn close(&mut self, now: Instant) {
        self.is_sent = false;
        self.sayings.retain(|said| said.until > now);
    }
}

/// Plays what it is given, a piece at a time.
#[derive(Default)]
pub(super) struct Loudspeaker {
    speech: Option<SpeechId>,
    queued: u64,
    played: u64,
    paused: bool,
    finishing: bool,
    /// Of each speech, when it was heard first, and how much of it was.
    pub(super) heard: Vec<(SpeechId, Instant, u64)>,
}

impl Loudspeaker {
    pub(super) fn play(&mut self, speech: SpeechId, samples: u64) {
        if self.speech != Some(speech) {
            assert!(self.speech.is_none(), "{speech:?} over {:?}", self.speech);
            (self.speech, self.played, self.queued) = (Some(speech), 0, 0);
            self.finishing = false;
        }
        self.queued += samples;
    }

    pub(super) fn finish(&mut self, speech: SpeechId) {
        // One without a sound is over at once.
        self.speech.get_or_insert(speech);
        self.finishing = true;
    }

    /// Pauses; gives where.
    pub(super) fn pause(&mut self) -> Option<Playout> {
        self.paused = true;
        let (speech, played) = (self.speech?, Samples(self.played));
        Some(Playout::Paused { speech, played })
    }

    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    pub(super) fn stop(&mut self) {
        (self.speech, self.queued, self.played) = (None, 0, 0);
        (self.paused, self.finishing) = (false, false);
    }

    /// Whether the caller hears anything.
    pub(super) fn is_sounding(&self) -> bool {
        self.speech.is_some() && !self.paused && self.queued > 0
    }

    /// Whether there is something to play on.
    pub(super) fn is_busy(&self) -> bool {
        self.speech.is_some() && !self.paused && (self.queued > 0 || self.finishing)
    }

    /// Plays the next piece; gives what is reported of it.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Playout> {
        let speech = self.speech.filter(|_| !self.paused)?;
        let step = self.queued.min(PIECE_SAMPLES);
        self.queued -= step;
        if step > 0 {
            if self.played == 0 {
                self.heard.push((speech, now, 0));
            }
            self.played += step;
            if let Some((_, _, heard)) = self.heard.last_mut() {
                *heard = self.played;
            }
        }
        let played = Samples(self.played);
        if self.queued == 0 && self.finishing {
            (self.speech, self.finishing) = (None, false);
            return Some(Playout::Finished { speech, played });
        }
        (step > 0).then_some(Playout::Progress { speech, played })
    }
}
