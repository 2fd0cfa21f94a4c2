//! How words are spoken that no dictionary knows.

use misaki_rs::Fallback;
use misaki_rs::fallback::FallbackError;

/// Guesses at phonemes.
pub(super) struct LetterToSound;

impl Fallback for LetterToSound {
    fn phonemize(&self, word: &str) -> Result<String, FallbackError> {
        Err(FallbackError::NoPhonemes {
            word: word.to_owned(),
        })
    }
}
