//! Text to phonemes, and those to the synthesiser's tokens.

use std::collections::HashMap;
use std::sync::OnceLock;

use misaki_rs::{G2P, Language};
use tracing::subscriber::{NoSubscriber, with_default};

use super::MODEL;
use super::letter_to_sound::LetterToSound;
use super::sound::Ending;
use super::voices::Accent;
use crate::Error;

/// The token that stands before and after every text.
pub(super) const PAD: i64 = 0;
/// Longest piece. The model takes 510, but a call should not keep others waiting for the 10 s that
/// those would take.
const MAX_TOKENS: usize = 250;

/// Turns text into pieces the model can speak.
pub(super) struct Phonemizer {
    vocabulary: HashMap<char, i64>,
    /// Each dictionary takes 0.2 s and 60 MB, so it is loaded with its first voice.
    american: OnceLock<G2P>,
    british: OnceLock<G2P>,
}

impl std::fmt::Debug for Phonemizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Phonemizer").finish_non_exhaustive()
    }
}

/// Tokens for one run of the model.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    tokens: Vec<i64>,
    ending: Ending,
}

impl Piece {
    pub(super) fn tokens(&self) -> &[i64] {
        &self.tokens
    }

    pub(super) fn ending(&self) -> Ending {
        self.ending
    }
}

impl Phonemizer {
    pub(super) fn new() -> Result<Self, Error> {
        let file = include_str!("../../data/kokoro-vocab.json");
        let invalid = |reason: String| Error::Text {
            model: MODEL,
            reason,
        };
        let file: HashMap<String, HashMap<char, i64>> =
            serde_json::from_str(file).map_err(|error| invalid(error.to_string()))?;
        let vocabulary = file.into_values().next().unwrap_or_default();
        let phonemizer = Self {
            vocabulary,
            american: OnceLock::new(),
            british: OnceLock::new(),
        };
        phonemizer.g2p(Accent::American);
        Ok(phonemizer)
    }

    /// The pieces of a text that [`super::normalise`] has been over.
    pub(super) fn phonemes(&self, text: &str, accent: Accent) -> Result<Vec<Piece>, Error> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let g2p = self.g2p(accent);
        // The dictionary logs the words it looks up, and those may be private.
        let (phonemes, _) =
            with_default(NoSubscriber::default(), || g2p.g2p(text)).map_err(|_| Error::Text {
                model: MODEL,
                reason: "no phonemes".to_owned(),
            })?;
        Ok(self.pieces(&phonemes))
    }

    fn g2p(&self, accent: Accent) -> &G2P {
        let (slot, language) = match accent {
            Accent::American => (&self.american, Language::EnglishUS),
            Accent::British => (&self.british, Language::EnglishGB),
        };
        slot.get_or_init(|| {
            let unknown = LetterToSound::default();
            let g2p = G2P::with_fallback(language, Some(Box::new(unknown.clone())));
            unknown.learn(&g2p.lexicon);
            g2p
        })
    }

    /// Cuts phonemes into pieces of at most [`MAX_TOKENS`], after punctuation if there is any,
    /// else between words, else anywhere.
    fn pieces(&self, phonemes: &str) -> Vec<Piece> {
        let known: Vec<(char, i64)> = phonemes
            .chars()
            .filter_map(|phoneme| Some((phoneme, *self.vocabulary.get(&phoneme)?)))
            .collect();
        let mut pieces = Vec::new();
        let mut rest = known.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cut(rest));
            rest = after;
            if piece.iter().any(|(phoneme, _)| phoneme.is_alphabetic()) {
                pieces.push(Piece {
                    tokens: piece.iter().map(|&(_, token)| token).collect(),
                    ending: ending(piece),
                });
            }
        }
        pieces
    }
}

fn cut(phonemes: &[(char, i64)]) -> usize {
    if phonemes.len() <= MAX_TOKENS {
        return phonemes.len();
    }
    let last = |wanted: fn(char) -> bool| {
        phonemes[..MAX_TOKENS]
            .iter()
            .rposition(|&(phoneme, _)| wanted(phoneme))
            .map(|at| at + 1)
    };
    last(|phoneme| ".!?;:,\u{2014}\u{2026}".contains(phoneme))
        .or_else(|| last(char::is_whitespace))
        .unwrap_or(MAX_TOKENS)
}

fn ending(piece: &[(char, i64)]) -> Ending {
    let mut from_end = piece.iter().rev().map(|&(phoneme, _)| phoneme);
    match from_end.find(|phoneme| !" \"\u{201c}\u{201d}()".contains(*phoneme)) {
        Some('.' | '!' | '?' | '\u{2026}') => Ending::Sentence,
        Some(',' | ';' | ':' | '\u{2014}') => Ending::Clause,
        _ => Ending::Open,
    }
}
