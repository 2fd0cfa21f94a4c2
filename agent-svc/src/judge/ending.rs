//! How what a caller says ends, and what that tells of whether more will follow.

use crate::learned::Weights;

/// Who sounds like this goes on.
const OPEN_MELODY: f32 = 0.1;
/// Melody alone, without words: finished questions are often given no more than 0.3.
const EVEN_BY_MELODY: f32 = 0.85;
/// What melody counts beside the words. Chosen, not learned: the examples are spoken by synthesised voices, whose melody
/// tells little (0.07 would be learned), and people's tells more.
const MELODY: f32 = 0.2;
/// Numbers in [`LastWords::signs`].
pub(crate) const SIGNS: usize = 3;

/// How a turn ends, as far as that can be heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The probability, 0 to 1, that the turn is over by how it sounds.
    pub melody: f32,
    /// `None` where they are not known: another language, perhaps, or they came too late.
    pub words: Option<LastWords>,
}

/// The last words of a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct LastWords {
    /// With the recogniser's punctuation.
    pub text: String,
    /// How likely it is that they are a whole phrase, 0 to 1.
    pub whole: f32,
    /// How sure the recogniser is of the last of them, 0 to 1. One that breaks off is heard as another ("add a" as
    /// "add her").
    pub last_confidence: f32,
}

impl Ending {
    /// Whether a melody says that more will follow, whatever the words.
    pub fn is_open_by(melody: f32) -> bool {
        melody <= OPEN_MELODY
    }

    /// The probability, 0 to 1, that the turn is over.
    pub fn complete(&self) -> f32 {
        if Self::is_open_by(self.melody) {
            return self.melody;
        }
        match &self.words {
            Some(words) => {
                let end = &Weights::current().end;
                end.probability_beside(Self::known_by(self.melody), &words.signs())
            }
            None => 1.0 / (1.0 + (-odds(self.melody) - EVEN_BY_MELODY).exp()),
        }
    }

    /// What a melody adds to what is learned of the words.
    pub fn known_by(melody: f32) -> f32 {
        MELODY * odds(melody)
    }
}

impl LastWords {
    /// What speaks for the end of a turn, as logarithms of odds, which are added up; and whether the recogniser heard a
    /// comma, for it hears the melody as well.
    pub fn signs(&self) -> [f32; SIGNS] {
        let has_comma = self.text.trim_end().ends_with(',');
        [
            odds(self.whole),
            odds(self.last_confidence),
            f32::from(u8::from(has_comma)),
        ]
    }
}

/// The logarithm of the odds, of which nothing is certain.
fn odds(probability: f32) -> f32 {
    const DOUBT: f32 = 0.001;
    ((probability + DOUBT) / (1.0 - probability + DOUBT)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(melody: f32, words: Option<(&str, f32, f32)>) -> String {
        let words = words.map(|(text, whole, last_confidence)| LastWords {
            text: text.into(),
            whole,
            last_confidence,
        });
        format!("{:.2}", Ending { melody, words }.complete())
    }

    #[test]
    fn what_speaks_for_an_end_adds_up() {
        let with_words = [
            (0.95, ("Yes.", 0.9, 1.0)),
            (0.3, ("Yes.", 0.9, 1.0)),
            (0.95, ("Yes.", 0.9, 0.5)),
            (0.95, ("Yes,", 0.9, 1.0)),
            (0.95, ("Does.", 0.2, 1.0)),
            (0.95, ("Does.", 0.02, 1.0)),
            (0.05, ("Yes.", 0.9, 1.0)),
        ];
        let with_words = with_words.map(|(melody, words)| complete(melody, Some(words)));
        insta::assert_snapshot!(with_words.join(" "), @"0.94 0.88 0.67 0.94 0.46 0.10 0.05");
        let alone = [0.0, 0.05, 0.3, 0.5, 0.95].map(|melody| complete(melody, None));
        insta::assert_snapshot!(alone.join(" "), @"0.00 0.05 0.50 0.70 0.98");
    }
}
