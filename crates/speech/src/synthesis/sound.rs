//! Joins the pieces the model made: cuts its long silences and fades the edges.

use super::SAMPLE_RATE;

/// How a piece of speech ends, which says how long the pause after it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Goes on at once.
    Open,
    /// A comma or the like.
    Clause,
    /// A full stop or the like.
    Sentence,
}

impl Ending {
    fn pause(self) -> usize {
        milliseconds(match self {
            Self::Open => 60,
            Self::Clause => 160,
            Self::Sentence => 320,
        })
    }
}

/// Anything quieter than this (-60 dBFS) is silence; speech is 30 dB and more above it.
const SILENCE: f32 = 0.001;

/// Appends what is to be heard of `piece`: the model puts 0.3 s of silence before it, which a
/// caller would only wait through, and 0.5 s after it.
pub(super) fn append(speech: &mut Vec<f32>, piece: &[f32], ending: Ending) {
    let (before, fade) = (milliseconds(20), milliseconds(4));
    let window = milliseconds(5);
    let is_heard = |window: &[f32]| {
        let squares: f32 = window.iter().map(|sample| sample * sample).sum();
        (squares / window.len() as f32).sqrt() > SILENCE
    };
    let Some(first) = piece.chunks(window).position(is_heard) else {
        return;
    };
    let last = piece.chunks(window).rposition(is_heard).unwrap_or(first);
    let from = (first * window).saturating_sub(before);
    let heard_to = piece.len().min((last + 1) * window);
    let to = piece.len().min(heard_to + ending.pause());

    let start = speech.len();
    speech.extend_from_slice(&piece[from..to]);
    let added = &mut speech[start..];
    let fade = fade.min(added.len() / 2);
    let length = added.len();
    for n in 0..fade {
        let gain = n as f32 / fade as f32;
        added[n] *= gain;
        added[length - 1 - n] *= gain;
    }
    // The model's own silence may be shorter than the pause.
    speech.resize(start + heard_to - from + ending.pause(), 0.0);
}

const fn milliseconds(count: usize) -> usize {
    count * SAMPLE_RATE as usize / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.3 s of silence, 0.1 s of sound, and silence again.
    fn piece(after: usize) -> Vec<f32> {
        let mut piece = vec![0.0; milliseconds(300)];
        piece.resize(milliseconds(400), 0.5);
        piece.resize(milliseconds(400 + after), 0.0);
        piece
    }

    #[test]
    fn speech_starts_at_once_and_ends_in_its_pause() {
        for after in [0, 100, 500] {
            let mut speech = Vec::new();
            append(&mut speech, &piece(after), Ending::Sentence);
            assert_eq!(
                speech.len(),
                milliseconds(20 + 100 + 320),
                "{after} ms after"
            );
        }
    }

    #[test]
    fn joins_are_silent() {
        let mut speech = Vec::new();
        append(&mut speech, &[0.9; 4_800], Ending::Open);
        append(&mut speech, &[0.9; 4_800], Ending::Open);
        let steepest = speech
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .fold(0.0, f32::max);
        assert_eq!(speech[0], 0.0);
        assert!(steepest < 0.02, "a step of {steepest} clicks");
    }

    #[test]
    fn silence_adds_nothing() {
        let mut speech = Vec::new();
        append(&mut speech, &[0.000_1; 4_800], Ending::Sentence);
        append(&mut speech, &[], Ending::Clause);
        assert!(speech.is_empty());
    }
}
