//! Models that follow a script, so that sessions can be tested to the event.
//!
//! Sound is "spoken" at a level, and the level says which phrase it is: see [`speech`].

use std::sync::{Condvar, Mutex};

use local_ai::engine::{Detector, Embed, Embedding, Models};
use speech::recognition::Transcript;
use speech::{Cancel, Error};

/// What the recogniser understands, by the level of the sound.
pub(crate) const PHRASES: [(i16, &str); 4] = [
    (4_000, "I wanted to ask you about"),
    (8_000, "Hello."),
    (16_000, "What plan am I on right now?"),
    (24_000, "Goodbye."),
];

/// Audio of a phrase at 24 kHz: 900 ms of sound.
pub(crate) fn speech(phrase: &str) -> Vec<i16> {
    let (level, _) = PHRASES
        .iter()
        .find(|(_, known)| *known == phrase)
        .expect("a known phrase");
    // A square wave of 200 Hz keeps its level through the resampler.
    (0..24_000 * 9 / 10)
        .map(|n| if n / 60 % 2 == 0 { *level } else { -level })
        .collect()
}

/// Silence at 24 kHz.
pub(crate) fn silence(ms: usize) -> Vec<i16> {
    vec![0; ms * 24]
}

/// The models of a test. Synthesis of a text with `hold` in it waits until [`Scripted::release`];
/// one with `fail` fails and one with `panic` panics.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    released: Mutex<bool>,
    changed: Condvar,
    clauses: Mutex<Vec<String>>,
}

impl Scripted {
    /// Lets held synthesis go on, now and later.
    pub(crate) fn release(&self) {
        *self.released.lock().unwrap() = true;
        self.changed.notify_all();
    }

    /// What synthesis was asked to speak so far.
    pub(crate) fn clauses(&self) -> Vec<String> {
        self.clauses.lock().unwrap().clone()
    }
}

/// Words that are alike make texts that are alike.
impl Embed for Scripted {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, Error> {
        let embed = |text: &&str| {
            let mut embedding = [0.0f32; 384];
            for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
                let slot = word
                    .bytes()
                    .fold(7usize, |sum, b| sum * 31 % 383 + usize::from(b));
                embedding[slot % 384] += 1.0;
            }
            let length = embedding
                .iter()
                .map(|v| v * v)
                .sum::<f32>()
                .sqrt()
                .max(1e-9);
            embedding.map(|value| value / length)
        };
        Ok(texts.iter().map(embed).collect())
    }
}

impl Models for Scripted {
    fn detector(&self) -> Box<dyn Detector> {
        Box::new(Loudness::default())
    }

    fn transcribe(&self, pcm: &[f32], _: &Transcript, _: &Cancel) -> Result<Transcript, Error> {
        let phrase = phrase(pcm);
        // A word every 150 ms, so that a growing utterance grows in words.
        let voiced = pcm.iter().filter(|sample| sample.abs() > 0.05).count() / 16;
        let words: Vec<&str> = phrase.split(' ').take(1 + voiced / 150).collect();
        let mut transcript = Transcript::default();
        transcript.text = words.join(" ");
        Ok(transcript)
    }

    /// A phrase without a full stop sounds broken off, and a goodbye is more than it can bear.
    fn end_of_turn(&self, pcm: &[f32]) -> Result<f32, Error> {
        match phrase(pcm) {
            "Goodbye." => Err(Error::Busy {
                model: "end of turn",
                workers: 1,
                waited: std::time::Duration::ZERO,
            }),
            phrase if phrase.ends_with(['.', '?']) => Ok(0.95),
            _ => Ok(0.02),
        }
    }

    fn synthesize(&self, clause: &str, _: &str, _: f32, _: &Cancel) -> Result<Vec<i16>, Error> {
        self.clauses.lock().unwrap().push(clause.to_owned());
        if clause.contains("hold") {
            let released = self.released.lock().unwrap();
            drop(
                self.changed
                    .wait_while(released, |released| !*released)
                    .unwrap(),
            );
        }
        if clause.contains("fail") {
            let waited = std::time::Duration::ZERO;
            return Err(Error::Busy {
                model: "synthesis",
                workers: 1,
                waited,
            });
        }
        assert!(!clause.contains("panic"), "the script says so");
        // 20 ms a letter.
        Ok(vec![1_000; clause.len() * 480])
    }

    fn voices(&self) -> Vec<String> {
        vec!["af_heart".to_owned(), "am_michael".to_owned()]
    }
}

/// The phrase at whose level most of this is.
fn phrase(pcm: &[f32]) -> &'static str {
    let level = pcm[pcm.len() / 4..]
        .iter()
        .fold(0.0f32, |most, sample| most.max(sample.abs()))
        * 32_768.0;
    let (_, phrase) = PHRASES
        .iter()
        .min_by_key(|(known, _)| (f32::from(*known) - level).abs() as i32)
        .expect("there are phrases");
    phrase
}

/// Loud is speech.
#[derive(Debug, Default)]
struct Loudness(Vec<f32>);

impl Detector for Loudness {
    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>) -> Result<(), Error> {
        self.0.extend_from_slice(samples);
        while self.0.len() >= 512 {
            let loud = self
                .0
                .drain(..512)
                .filter(|sample| sample.abs() > 0.05)
                .count();
            probabilities.push(if loud > 256 { 0.95 } else { 0.02 });
        }
        Ok(())
    }
}
