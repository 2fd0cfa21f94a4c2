//! From probabilities to the start and end of speech. Pure: no model, no clock, no I/O.

use std::time::Duration;

use super::{SAMPLE_RATE, WINDOW};

/// When speech counts as started and as ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmenterConfig {
    /// A window at or above this probability is speech.
    pub activation: f32,
    /// A window below this probability is silence. Between the two, a window is whatever the one
    /// before was, so that a wavering probability does not cut words.
    pub deactivation: f32,
    /// Speech must last this long to be reported, so that a click is not.
    pub min_speech: Duration,
    /// Silence must last this long before speech counts as ended.
    pub min_silence: Duration,
}

impl Default for SegmenterConfig {
    fn default() -> Self {
        Self {
            activation: 0.5,
            deactivation: 0.35,
            min_speech: Duration::from_millis(64),
            min_silence: Duration::from_millis(550),
        }
    }
}

impl SegmenterConfig {
    /// The defaults with another activation threshold, kept between 0.05 and 0.95; the deactivation
    /// threshold stays 0.15 below it, and above 0.
    pub fn with_activation(threshold: f32) -> Self {
        let activation = if threshold.is_nan() {
            0.5
        } else {
            threshold.clamp(0.05, 0.95)
        };
        let deactivation = (activation - 0.15).max(activation * 0.5);
        Self {
            activation,
            deactivation,
            ..Self::default()
        }
    }
}

/// Something that happened in a stream of sound. Positions are in samples of
/// [`SAMPLE_RATE`](super::SAMPLE_RATE) since the stream began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechEvent {
    /// Speech began at this position; it is reported `min_speech` later.
    Started {
        /// First sample of the first window of speech.
        at: u64,
    },
    /// Speech ended at this position; it is reported `min_silence` later.
    Ended {
        /// First sample of the silence after it.
        at: u64,
    },
}

/// Finds where speech starts and ends in one stream. `Started` and `Ended` take turns, and
/// positions never go back.
#[derive(Debug, Clone)]
pub struct Segmenter {
    config: SegmenterConfig,
    position: u64,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Silent { speech_since: Option<u64> },
    Speaking { silent_since: Option<u64> },
}

const SILENT: State = State::Silent { speech_since: None };

impl Segmenter {
    /// A segmenter at the beginning of a stream.
    pub fn new(config: SegmenterConfig) -> Self {
        Self {
            config,
            position: 0,
            state: SILENT,
        }
    }

    /// Takes the probability of the next window.
    pub fn push(&mut self, probability: f32) -> Option<SpeechEvent> {
        let start = self.position;
        self.position += WINDOW as u64;
        let is_speech = probability >= self.config.activation;
        let is_silence = probability < self.config.deactivation || probability.is_nan();
        match &mut self.state {
            State::Silent { speech_since } => {
                if is_silence {
                    *speech_since = None;
                } else if is_speech {
                    speech_since.get_or_insert(start);
                }
                let at = (*speech_since)?;
                if self.position - at < samples(self.config.min_speech) {
                    return None;
                }
                self.state = State::Speaking { silent_since: None };
                Some(SpeechEvent::Started { at })
            }
            State::Speaking { silent_since } => {
                if is_speech {
                    *silent_since = None;
                } else if is_silence {
                    silent_since.get_or_insert(start);
                }
                let at = (*silent_since)?;
                if self.position - at < samples(self.config.min_silence) {
                    return None;
                }
                self.state = SILENT;
                Some(SpeechEvent::Ended { at })
            }
        }
    }

    /// Ends speech that still goes on, because the stream ended or somebody decided so. Speech not
    /// yet reported is forgotten.
    pub fn finish(&mut self) -> Option<SpeechEvent> {
        match std::mem::replace(&mut self.state, SILENT) {
            State::Silent { .. } => None,
            State::Speaking { silent_since } => Some(SpeechEvent::Ended {
                at: silent_since.unwrap_or(self.position),
            }),
        }
    }

    /// Is speech going on, as far as was reported?
    pub fn is_speaking(&self) -> bool {
        matches!(self.state, State::Speaking { .. })
    }

    /// How long it has been silent while speech has not yet been reported as ended: what a
    /// decision about the end of a turn goes by. Zero while somebody speaks and in between.
    pub fn silence(&self) -> Duration {
        match self.state {
            State::Speaking {
                silent_since: Some(at),
            } => duration(self.position - at),
            _ => Duration::ZERO,
        }
    }

    /// Samples taken so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How long silence must last for speech to count as ended.
    pub fn min_silence(&self) -> Duration {
        self.config.min_silence
    }

    /// Changes how long silence must last, from the next window on.
    pub fn set_min_silence(&mut self, min_silence: Duration) {
        self.config.min_silence = min_silence;
    }
}

fn samples(duration: Duration) -> u64 {
    let samples = duration.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
    u64::try_from(samples).unwrap_or(u64::MAX)
}

fn duration(samples: u64) -> Duration {
    Duration::from_micros(samples * 1_000_000 / u64::from(SAMPLE_RATE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(speech_windows: u32, silence_windows: u32) -> SegmenterConfig {
        SegmenterConfig {
            min_speech: duration(WINDOW as u64) * speech_windows,
            min_silence: duration(WINDOW as u64) * silence_windows,
            ..SegmenterConfig::default()
        }
    }

    /// Runs a line of windows, `#` speech, `~` in between, `.` silence, and writes under which
    /// window what was reported, with positions in windows.
    fn run(config: SegmenterConfig, windows: &str) -> String {
        let mut segmenter = Segmenter::new(config);
        let mut reported = Vec::new();
        let probability = |window| match window {
            '#' => 0.9,
            '~' => 0.4,
            _ => 0.1,
        };
        for (index, window) in windows.chars().enumerate() {
            match segmenter.push(probability(window)) {
                Some(SpeechEvent::Started { at }) => {
                    reported.push(format!("{index}: started {}", at / WINDOW as u64));
                }
                Some(SpeechEvent::Ended { at }) => {
                    reported.push(format!("{index}: ended {}", at / WINDOW as u64));
                }
                None => {}
            }
        }
        if let Some(SpeechEvent::Ended { at }) = segmenter.finish() {
            reported.push(format!("finish: ended {}", at / WINDOW as u64));
        }
        reported.join(", ")
    }

    #[test]
    fn speech_is_reported_from_its_first_window() {
        assert_eq!(run(config(2, 3), "..####....."), "3: started 2, 8: ended 6");
    }

    #[test]
    fn a_click_is_not_speech() {
        assert_eq!(run(config(2, 3), "..#...#..."), "");
    }

    #[test]
    fn a_short_pause_does_not_end_speech() {
        assert_eq!(
            run(config(2, 3), "###..###..."),
            "1: started 0, 10: ended 8"
        );
    }

    #[test]
    fn a_wavering_window_is_what_the_one_before_was() {
        assert_eq!(run(config(2, 3), "~~~"), "");
        assert_eq!(
            run(config(2, 3), "#~#~~~~~"),
            "1: started 0, finish: ended 8"
        );
        assert_eq!(run(config(2, 3), "##.~~~"), "1: started 0, 4: ended 2");
    }

    #[test]
    fn a_stream_that_ends_in_speech_ends_it() {
        assert_eq!(run(config(2, 3), ".###"), "2: started 1, finish: ended 4");
        assert_eq!(run(config(2, 3), ".###.."), "2: started 1, finish: ended 4");
        assert_eq!(run(config(2, 3), ".#"), "");
    }

    #[test]
    fn without_minimums_every_change_is_reported_at_once() {
        assert_eq!(
            run(config(0, 0), "#.#."),
            "0: started 0, 1: ended 1, 2: started 2, 3: ended 3"
        );
    }

    #[test]
    fn silence_is_measured_while_speech_may_go_on() {
        let mut segmenter = Segmenter::new(config(1, 4));
        segmenter.push(0.9);
        assert_eq!(segmenter.silence(), Duration::ZERO);
        segmenter.push(0.1);
        segmenter.push(0.1);
        assert_eq!(segmenter.silence(), Duration::from_millis(64));
        segmenter.set_min_silence(Duration::from_millis(96));
        assert_eq!(segmenter.push(0.1), Some(SpeechEvent::Ended { at: 512 }));
        assert_eq!(segmenter.silence(), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn events_take_turns_and_keep_their_minimums(
            probabilities in prop::collection::vec(prop_oneof![0.0f32..1.0, Just(f32::NAN)], 0..200),
            min_speech in 0u32..5,
            min_silence in 0u32..5,
            threshold in -1.0f32..2.0,
        ) {
            let config = SegmenterConfig {
                min_speech: config(min_speech, 0).min_speech,
                min_silence: config(0, min_silence).min_silence,
                ..SegmenterConfig::with_activation(threshold)
            };
            let mut segmenter = Segmenter::new(config);
            let mut last = None;
            for probability in probabilities {
                let event = segmenter.push(probability);
                let now = segmenter.position();
                match (event, last) {
                    (None, _) => continue,
                    (Some(SpeechEvent::Started { at }), None | Some(SpeechEvent::Ended { .. })) => {
                        prop_assert!(now - at >= samples(config.min_speech));
                        if let Some(SpeechEvent::Ended { at: before }) = last {
                            prop_assert!(at >= before);
                        }
                    }
                    (Some(SpeechEvent::Ended { at }), Some(SpeechEvent::Started { at: before })) => {
                        prop_assert!(now - at >= samples(config.min_silence));
                        prop_assert!(at > before);
                    }
                    (event, last) => prop_assert!(false, "{event:?} after {last:?}"),
                }
                last = event;
            }
            let speaking = matches!(last, Some(SpeechEvent::Started { .. }));
            prop_assert_eq!(segmenter.is_speaking(), speaking);
            prop_assert_eq!(segmenter.finish().is_some(), speaking);
        }
    }
}
