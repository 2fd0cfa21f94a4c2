//! Text to speech with Kokoro: text is made speakable ([`normalise`]), turned into phonemes, and
//! those into 24 kHz sound.
//!
//! The model does not stream: a clause is heard when all of it is made, at a fraction of real
//! time. [`Clauses`] therefore cuts an answer so that the first clause is short and
//! each next one is ready before the one before has been heard.

mod clauses;
mod letter_to_sound;
mod normalise;
mod phonemes;
mod sound;
mod voices;

use std::path::Path;
use std::sync::Arc;

use ort::session::Session;
use ort::value::TensorRef;

pub use clauses::{Clauses, clauses};
pub use normalise::normalise;
pub use voices::Voice;

use phonemes::{PAD, Phonemizer};
use voices::STYLE;

use crate::pool::Pool;
use crate::runtime::Runtime;
use crate::{Cancel, Error};

/// Samples a second that the synthesiser makes.
pub const SAMPLE_RATE: u32 = 24_000;
/// Slowest speaking speed; 1 is the voice's own.
pub const MIN_SPEED: f32 = 0.25;
/// Fastest speaking speed.
pub const MAX_SPEED: f32 = 4.0;

const MODEL: &str = "synthesis";

/// Turns text into speech. Clones share the model.
///
/// Each second of sound costs about 0.15 s of computing with two threads, on cores that take 0.1 ms
/// for a window of voice activity detection, and the 0.75 s of silence that the model makes around
/// it cost as much. Shortening that was tried: voices begin and fade in it.
#[derive(Debug, Clone)]
pub struct Synthesizer {
    workers: Arc<Pool<Session>>,
    phonemizer: Arc<Phonemizer>,
    voices: Arc<[Voice]>,
    cancel: Cancel,
}

impl Synthesizer {
    pub(crate) fn load(
        dir: &Path,
        runtime: &Runtime,
        threads: usize,
        workers: usize,
    ) -> Result<Self, Error> {
        let dir = dir.join("kokoro");
        let voices = voices::load(&dir.join("voices"))?;
        let load = || runtime.load_synthesis(dir.join("kokoro-v1.0.int8.onnx"), threads);
        Ok(Self {
            workers: Arc::new(Pool::new(MODEL, workers, load)?),
            phonemizer: Arc::new(Phonemizer::new()?),
            voices: voices.into(),
            cancel: Cancel::default(),
        })
    }

    /// The same synthesiser, whose calls end when `cancel` says so.
    #[must_use]
    pub fn until(&self, cancel: &Cancel) -> Self {
        Self {
            cancel: cancel.clone(),
            ..self.clone()
        }
    }

    /// The voices of the models folder, sorted by name.
    pub fn voices(&self) -> &[Voice] {
        &self.voices
    }

    /// The voice called `name`, as in `af_heart`.
    ///
    /// # Errors
    /// [`Error::UnknownVoice`], which lists those there are.
    pub fn voice(&self, name: &str) -> Result<Voice, Error> {
        let found = self.voices.iter().find(|voice| voice.name() == name);
        found.cloned().ok_or_else(|| Error::UnknownVoice {
            name: name.to_owned(),
            available: self
                .voices
                .iter()
                .map(Voice::name)
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// Speaks one clause or sentence: mono, 24 kHz, from its first sound to a pause fit for how it
    /// ends, and silent at both ends, so that clauses may simply be joined. Empty when there is
    /// nothing to say. `speed` 2 is twice as fast.
    ///
    /// Any text may be given, but all of it is made before anything is returned; cut longer ones
    /// with [`Clauses`].
    ///
    /// # Errors
    /// [`Error::Speed`], [`Error::Busy`] when no worker becomes free, [`Error::Inference`] when
    /// the model fails, [`Error::Cancelled`].
    pub fn synthesize(&self, clause: &str, voice: &Voice, speed: f32) -> Result<Vec<f32>, Error> {
        // Written so that NaN is refused.
        if !(MIN_SPEED..=MAX_SPEED).contains(&speed) {
            return Err(Error::Speed {
                speed,
                min: MIN_SPEED,
                max: MAX_SPEED,
            });
        }
        let mut speech = Vec::new();
        for piece in self
            .phonemizer
            .phonemes(&normalise(clause), voice.accent())?
        {
            self.cancel.check()?;
            let mut session = self.workers.take()?;
            let samples = infer(&mut session, &self.cancel, piece.tokens(), voice, speed)?;
            sound::append(&mut speech, &samples, piece.ending());
        }
        Ok(speech)
    }
}

fn infer(
    session: &mut Session,
    cancel: &Cancel,
    tokens: &[i64],
    voice: &Voice,
    speed: f32,
) -> Result<Vec<f32>, Error> {
    let failed = |source| cancel.explain(MODEL, source);
    let padded: Vec<i64> = [PAD]
        .into_iter()
        .chain(tokens.iter().copied())
        .chain([PAD])
        .collect();
    let speed = [speed];
    let inputs = ort::inputs![
        "tokens" => TensorRef::from_array_view(([1, padded.len()], padded.as_slice()))
            .map_err(failed)?,
        "style" => TensorRef::from_array_view(([1, STYLE], voice.style(tokens.len())))
            .map_err(failed)?,
        "speed" => TensorRef::from_array_view(([1usize], speed.as_slice()))
            .map_err(failed)?,
    ];
    let outputs = cancel.run(session, inputs).map_err(failed)?;
    let (_, audio) = outputs["audio"]
        .try_extract_tensor::<f32>()
        .map_err(failed)?;
    Ok(audio.to_vec())
}
