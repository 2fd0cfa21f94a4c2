//! Turn detection for sound that is made up: whatever is not zero is a voice.

use openai_realtime::TurnDetection;

const SAMPLES_PER_MS: u64 = 24;
/// Silence that ends a turn unless the client says otherwise.
const SILENCE_MS: u64 = 500;

/// Finds turns in the sound of a session.
#[derive(Debug)]
pub(crate) struct Detector {
    silence: u64,
    /// Whether a turn is answered without being asked.
    pub(crate) creates_response: bool,
    /// Where the last voice was, while a turn goes on.
    voiced_until: Option<u64>,
}

/// What was found, and where in all sound of the session, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Start(u64),
    End(u64),
}

impl Detector {
    pub(crate) fn new(wanted: &TurnDetection) -> Self {
        let silence_ms = match wanted {
            TurnDetection::ServerVad(vad) => vad.silence_duration_ms.map(u64::from),
            TurnDetection::SemanticVad(_) => None,
        };
        Self {
            silence: silence_ms.unwrap_or(SILENCE_MS) * SAMPLES_PER_MS,
            creates_response: wanted.creates_response(),
            voiced_until: None,
        }
    }

    /// Takes the samples after the first `position` ones of the session.
    pub(crate) fn take(&mut self, position: u64, samples: &[i16]) -> Vec<Found> {
        let mut found = Vec::new();
        for (at, sample) in (position..).zip(samples) {
            match self.voiced_until {
                None if *sample != 0 => {
                    found.push(Found::Start(at / SAMPLES_PER_MS));
                    self.voiced_until = Some(at);
                }
                Some(_) if *sample != 0 => self.voiced_until = Some(at),
                Some(voiced_until) if at - voiced_until >= self.silence => {
                    found.push(Found::End(at / SAMPLES_PER_MS));
                    self.voiced_until = None;
                }
                _ => {}
            }
        }
        found
    }

    /// The client has made a turn of the sound, or dropped it.
    pub(crate) fn reset(&mut self) {
        self.voiced_until = None;
    }
}

#[cfg(test)]
mod tests {
    use openai_realtime::ServerVad;

    use super::*;

    #[test]
    fn a_turn_ends_after_half_a_second_without_a_voice() {
        let mut detector = Detector::new(&TurnDetection::ServerVad(ServerVad::default()));
        assert!(detector.creates_response);
        let [silence, voice] = [[0; 9_600], [7; 9_600]];
        let found: Vec<_> = [silence, voice, silence, voice, silence, silence, silence]
            .iter()
            .enumerate()
            .flat_map(|(index, samples)| detector.take(index as u64 * 9_600, samples))
            .collect();
        assert_eq!(found, [Found::Start(400), Found::End(2_099)]);
    }
}
