//! Speech to text with Moonshine tiny (English).
//!
//! The model was made for speech and invents words for anything else, so callers cut out speech
//! with [`crate::vad`] first, keeping about 300 ms before it, and what still looks invented is
//! dropped here.

mod cutting;
mod decoder;
mod repetition;
mod vocabulary;

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::Arc;

use decoder::{Decoded, Moonshine};
use vocabulary::Vocabulary;

use crate::pool::Pool;
use crate::runtime::Runtime;
use crate::{Cancel, Error};

/// Samples a second that the recogniser wants.
pub const SAMPLE_RATE: u32 = 16_000;

const MODEL: &str = "recognition";
/// Anything shorter than 0.3 s holds no word worth guessing at.
const MIN_SAMPLES: usize = SAMPLE_RATE as usize * 3 / 10;
/// Below this root mean square (-66 dBFS) there is nothing to hear.
const MIN_LEVEL: f32 = 0.000_5;
/// A text with a mean token probability below this is taken for an invention.
const MIN_CONFIDENCE: f32 = 0.3;
/// The same for a single word without a mark after it, which is what noise comes out as ("You");
/// to speech of one word the model adds a full stop.
const MIN_CONFIDENCE_BARE: f32 = 0.9;
/// The same for a text that began to go round in circles.
const MIN_CONFIDENCE_REPEATED: f32 = 0.7;

/// What was said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// The words, with the model's punctuation; empty when nothing was said.
    pub text: String,
    /// How sure the model was of its words: the geometric mean of their probabilities, 0 to 1; 0
    /// when nothing was said.
    pub confidence: f32,
    /// The same of the last word alone.
    pub last_confidence: f32,
    /// What the text was made of, for [`Recognizer::transcribe_grown`].
    pieces: Vec<Piece>,
}

/// What was said in one piece of sound, short enough for the model.
#[derive(Debug, Clone, PartialEq, Default)]
struct Piece {
    /// Tells the sound from others.
    fingerprint: u64,
    text: String,
    confidence: f32,
    last_confidence: f32,
    tokens: Vec<i64>,
}

impl Transcript {
    fn of(pieces: Vec<Piece>) -> Self {
        let heard = || pieces.iter().filter(|piece| !piece.text.is_empty());
        let texts: Vec<&str> = heard().map(|piece| piece.text.as_str()).collect();
        let text = texts.join(" ");
        if text.is_empty() {
            return Self::default();
        }
        let count = |piece: &Piece| piece.tokens.len() as f32;
        let tokens: f32 = heard().map(count).sum();
        let logs: f32 = heard()
            .map(|piece| piece.confidence.ln() * count(piece))
            .sum();
        let last = heard().next_back();
        let last_confidence = last.map_or(0.0, |piece| piece.last_confidence);
        Self {
            text,
            confidence: (logs / tokens).exp(),
            last_confidence,
            pieces,
        }
    }
}

/// Turns speech into text. Clones share the model.
///
/// An utterance of 3 s costs 50 to 80 ms on one core; cost grows with length.
#[derive(Debug, Clone)]
pub struct Recognizer {
    workers: Arc<Pool<Moonshine>>,
    vocabulary: Arc<Vocabulary>,
    cancel: Cancel,
}

impl Recognizer {
    pub(crate) fn load(
        dir: &Path,
        runtime: &Runtime,
        threads: usize,
        workers: usize,
    ) -> Result<Self, Error> {
        let dir = dir.join("moonshine-tiny-en");
        let vocabulary = Arc::new(Vocabulary::load(dir.join("tokenizer.bin"))?);
        let load = || Moonshine::load(&dir, runtime, threads);
        Ok(Self {
            workers: Arc::new(Pool::new(MODEL, workers, load)?),
            vocabulary,
            cancel: Cancel::default(),
        })
    }

    /// The same recogniser, whose calls end when `cancel` says so.
    #[must_use]
    pub fn until(&self, cancel: &Cancel) -> Self {
        Self {
            cancel: cancel.clone(),
            ..self.clone()
        }
    }

    /// The text of a piece of 16 kHz speech. Pieces of more than 30 s are cut at their quietest
    /// points.
    ///
    /// # Errors
    /// [`Error::Busy`] when no worker becomes free, [`Error::Inference`] when the model fails,
    /// [`Error::Cancelled`].
    pub fn transcribe(&self, pcm: &[f32]) -> Result<Transcript, Error> {
        self.transcribe_grown(pcm, &Transcript::default())
    }

    /// As [`Recognizer::transcribe`], for an utterance of which a shorter beginning has been
    /// transcribed before: the result is the same, sooner. Tokens that have not changed are checked
    /// in one step instead of found one by one, and of an utterance of more than 30 s only what
    /// comes after the last cut is heard again.
    ///
    /// The utterance so far costs 30 ms where it is 5 s long, 80 ms at 10 s, 0.2 s at 20 s.
    ///
    /// # Errors
    /// As [`Recognizer::transcribe`].
    pub fn transcribe_grown(&self, pcm: &[f32], before: &Transcript) -> Result<Transcript, Error> {
        let pieces = cutting::pieces(pcm).enumerate().map(|(index, sound)| {
            let fingerprint = fingerprint(sound);
            let known = before.pieces.get(index);
            if let Some(piece) = known.filter(|piece| piece.fingerprint == fingerprint) {
                return Ok(piece.clone());
            }
            let draft = known.map_or(&[][..], |piece| &piece.tokens);
            Ok(Piece {
                fingerprint,
                ..self.transcribe_piece(sound, draft)?
            })
        });
        Ok(Transcript::of(pieces.collect::<Result<_, Error>>()?))
    }

    fn transcribe_piece(&self, pcm: &[f32], draft: &[i64]) -> Result<Piece, Error> {
        if pcm.len() < MIN_SAMPLES || level(pcm) < MIN_LEVEL {
            return Ok(Piece::default());
        }
        self.cancel.check()?;
        let decoded = self.workers.take()?.decode(pcm, draft, &self.cancel)?;
        Ok(self.judge(decoded))
    }

    /// Makes text of tokens, or nothing if they look invented.
    fn judge(&self, decoded: Decoded) -> Piece {
        let text = self.vocabulary.text(&decoded.tokens);
        let confidence = decoded.confidence();
        let is_bare = text.chars().all(char::is_alphanumeric);
        let wanted = match () {
            () if decoded.repeated => MIN_CONFIDENCE_REPEATED,
            () if is_bare => MIN_CONFIDENCE_BARE,
            () => MIN_CONFIDENCE,
        };
        // Music and breath come out as notes and dots.
        if confidence < wanted || !text.chars().any(char::is_alphanumeric) {
            return Piece::default();
        }
        Piece {
            fingerprint: 0,
            text,
            confidence,
            last_confidence: decoded.confidence_in(self.vocabulary.last_word(&decoded.tokens)),
            tokens: decoded.tokens,
        }
    }
}

fn fingerprint(pcm: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    pcm.iter()
        .for_each(|sample| hasher.write_u32(sample.to_bits()));
    hasher.finish()
}

/// The root mean square, where a sample that is no number counts as silence.
fn level(pcm: &[f32]) -> f32 {
    let squares: f64 = pcm
        .iter()
        .filter(|s| s.is_finite())
        .map(|&s| f64::from(s) * f64::from(s))
        .sum();
    (squares / pcm.len().max(1) as f64).sqrt() as f32
}
