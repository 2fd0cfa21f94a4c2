//! What a phrase is like as a phrase: how it is built and how far it has come, rather than what it is about.
//!
//! The middle layers of the model that makes [embeddings](crate::embedding) know that best, and what
//! each of them holds can be weighed by whoever has learned how ([`Phrase`] times weights).

use std::path::Path;
use std::sync::Arc;

use ort::session::Session;
use tokenizers::Tokenizer;

use crate::Error;
use crate::embedding::{self, DIMENSIONS};
use crate::pool::Pool;
use crate::runtime::Runtime;

/// Numbers in a phrase.
pub const FEATURES: usize = DIMENSIONS * PARTS;
const PARTS: usize = 6;

/// The end of the fourth of six layers. With it, one in nine phrases is misjudged as finished or not;
/// with the third or the fifth one in eight, with the last one in seven (2,300 turns, by a linear
/// model of each, on turns that it had not learned).
const LAYER: &str = "layer_norm_8";
const MODEL: &str = "phrase";

/// A phrase as numbers: what stands for all of it, its first word piece, its end, the last word piece, the one
/// before, and the mean of all, each as the model sees it in its place.
pub type Phrase = [f32; FEATURES];

/// Reads phrases. Clones share the model.
///
/// One of ten words costs about 2 ms.
#[derive(Debug, Clone)]
pub struct PhraseReader {
    tokenizer: Arc<Tokenizer>,
    sessions: Arc<Pool<Session>>,
}

impl PhraseReader {
    pub(crate) fn load(
        dir: &Path,
        runtime: &Runtime,
        threads: usize,
        workers: usize,
    ) -> Result<Self, Error> {
        let load = || runtime.load_up_to(LAYER, embedding::file(dir), threads);
        Ok(Self {
            tokenizer: Arc::new(embedding::tokenizer()?),
            sessions: Arc::new(Pool::new(MODEL, workers, load)?),
        })
    }

    /// Reads a phrase: lower case, without marks.
    ///
    /// Only its first 256 word pieces count.
    ///
    /// # Errors
    /// [`Error::Busy`] when no worker becomes free, [`Error::Inference`] when the model fails.
    pub fn read(&self, phrase: &str) -> Result<Phrase, Error> {
        let encoding = self.tokenizer.encode(phrase, true);
        let encoding = [encoding.map_err(|error| embedding::unread(&error))?];
        let pieces = embedding::hidden(&mut *self.sessions.take()?, &encoding, MODEL, LAYER)?;
        Ok(features(&pieces))
    }
}

/// Of these word pieces, of which the first and the last stand for beginning and end.
fn features(pieces: &[[f32; DIMENSIONS]]) -> Phrase {
    let from_end = |n: usize| pieces.len().saturating_sub(n);
    let words = pieces.get(1..from_end(1)).unwrap_or_default();
    let mut mean = [0.0; DIMENSIONS];
    for word in words {
        for (mean, value) in mean.iter_mut().zip(word) {
            *mean += value / words.len() as f32;
        }
    }
    let at = |index: usize| pieces.get(index).unwrap_or(&[0.0; DIMENSIONS]);
    let parts: [&[f32; DIMENSIONS]; PARTS] = [
        at(0),
        at(1),
        at(from_end(1)),
        at(from_end(2)),
        at(from_end(3)),
        &mean,
    ];
    let mut phrase = [0.0; FEATURES];
    for (place, part) in phrase.as_chunks_mut().0.iter_mut().zip(parts) {
        *place = *part;
    }
    phrase
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_its_ends_and_its_mean() {
        let pieces: Vec<_> = (0..5u8).map(|n| [f32::from(n); DIMENSIONS]).collect();
        let firsts = |phrase: Phrase| -> Vec<f32> {
            phrase.chunks(DIMENSIONS).map(|part| part[0]).collect()
        };
        assert_eq!(firsts(features(&pieces)), [0.0, 1.0, 4.0, 3.0, 2.0, 2.0]);
        // Nothing was said: there is only a beginning and an end.
        assert_eq!(
            firsts(features(&pieces[..2])),
            [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]
        );
        assert_eq!(firsts(features(&[])), [0.0; PARTS]);
    }
}
