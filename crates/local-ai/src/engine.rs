//! The models as the server uses them: without blocking the runtime, and in turn.
//!
//! [`Models`] is the seam between sessions and `speech`; tests put scripts in its place. [`Engine`]
//! runs it on threads that may block, so many at once as pays on this machine. Waiting is in order
//! of arrival and a turn is one clause or one recognition, so no session can starve another. What
//! nobody waits for any more ends at once, also in the middle of a model: dropping the future of a
//! call is how it is cancelled.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use speech::recognition::Transcript;
use speech::vad::{Vad, VadStream};
use speech::{Cancel, Error, embedding::DIMENSIONS};
use tokio::sync::Semaphore;

use crate::wave_cache::{Spoken, WaveCache};

/// The meaning of a text, of length 1.
pub type Embedding = [f32; DIMENSIONS];

/// How alike two texts are, -1 to 1.
pub fn similarity(a: &Embedding, b: &Embedding) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Sentence embedding. Blocks.
pub trait Embed: Send + Sync {
    /// The embedding of each text, in order.
    ///
    /// # Errors
    /// The model failed or stayed busy.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, Error>;
}

/// Voice activity detection of one stream.
pub trait Detector: Send {
    /// Takes 16 kHz samples and appends the probability of speech of each 512 of them.
    ///
    /// # Errors
    /// The model failed.
    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>) -> Result<(), Error>;
}

/// The models. All calls block.
pub trait Models: Embed + 'static {
    /// A detector for a new stream.
    fn detector(&self) -> Box<dyn Detector>;

    /// The text of 16 kHz speech, `before` being that of a shorter beginning of it.
    ///
    /// # Errors
    /// The model failed or stayed busy, or `cancel` ended it.
    fn transcribe(
        &self,
        pcm: &[f32],
        before: &Transcript,
        cancel: &Cancel,
    ) -> Result<Transcript, Error>;

    /// The probability that the speaker of 16 kHz sound, which ends in a pause, has finished.
    ///
    /// # Errors
    /// The model failed or stayed busy.
    fn end_of_turn(&self, pcm: &[f32]) -> Result<f32, Error>;

    /// A clause as 24 kHz speech.
    ///
    /// # Errors
    /// The model failed or stayed busy, there is no such voice, or `cancel` ended it.
    fn synthesize(
        &self,
        clause: &str,
        voice: &str,
        speed: f32,
        cancel: &Cancel,
    ) -> Result<Vec<i16>, Error>;

    /// The names of the voices; the first is the default.
    fn voices(&self) -> Vec<String>;
}

/// The models of `speech`.
pub struct SpeechModels {
    vad: Arc<Mutex<Vad>>,
    recognizer: speech::recognition::Recognizer,
    turns: speech::turn::TurnDetector,
    synthesizer: speech::synthesis::Synthesizer,
    embedder: speech::embedding::Embedder,
}

impl SpeechModels {
    /// Loads all of them from a models folder.
    ///
    /// # Errors
    /// A file is missing or damaged; the error names it.
    pub fn load(dir: &Path, threads: usize) -> Result<Self, Error> {
        let models = speech::Models::open(dir, threads)?;
        let loaded = Self {
            vad: Arc::new(Mutex::new(models.vad()?)),
            recognizer: models.recognizer(RECOGNISERS)?,
            turns: models.turn_detector(1)?,
            synthesizer: models.synthesizer(1)?,
            embedder: models.embedder(EMBEDDERS)?,
        };
        // What is made at its first use is made now, and not while somebody waits for an answer.
        if let Some(voice) = loaded.voices().first() {
            loaded.synthesize("Hello.", voice, 1.0, &Cancel::default())?;
        }
        Ok(loaded)
    }
}

/// One for sessions and files each would be enough; both are short.
const RECOGNISERS: usize = 1;
/// One is left for conversations while documents are being embedded.
const EMBEDDERS: usize = 2;
/// The voice used when none is asked for, if it is there.
const DEFAULT_VOICE: &str = "af_heart";

impl Embed for SpeechModels {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, Error> {
        self.embedder.embed(texts)
    }
}

impl Models for SpeechModels {
    fn detector(&self) -> Box<dyn Detector> {
        Box::new(SharedDetector {
            vad: self.vad.clone(),
            stream: VadStream::default(),
        })
    }

    fn transcribe(
        &self,
        pcm: &[f32],
        before: &Transcript,
        cancel: &Cancel,
    ) -> Result<Transcript, Error> {
        self.recognizer.until(cancel).transcribe_grown(pcm, before)
    }

    fn end_of_turn(&self, pcm: &[f32]) -> Result<f32, Error> {
        self.turns.end_of_turn(pcm)
    }

    fn synthesize(
        &self,
        clause: &str,
        voice: &str,
        speed: f32,
        cancel: &Cancel,
    ) -> Result<Vec<i16>, Error> {
        let synthesizer = self.synthesizer.until(cancel);
        let voice = synthesizer.voice(voice)?;
        let speech = synthesizer.synthesize(clause, &voice, speed)?;
        let mut samples = Vec::with_capacity(speech.len());
        speech::resample::extend_i16(&speech, &mut samples);
        Ok(samples)
    }

    fn voices(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .synthesizer
            .voices()
            .iter()
            .map(|voice| voice.name().to_owned())
            .collect();
        names.sort_by_key(|name| name != DEFAULT_VOICE);
        names
    }
}

/// A stream on the one detector of the process: a window costs 75 µs, so streams wait for each
/// other less than a copy of the model would cost.
struct SharedDetector {
    vad: Arc<Mutex<Vad>>,
    stream: VadStream,
}

impl Detector for SharedDetector {
    fn push(&mut self, samples: &[f32], probabilities: &mut Vec<f32>) -> Result<(), Error> {
        // The model keeps nothing between windows, so a poisoned lock is harmless.
        let mut vad = self.vad.lock().unwrap_or_else(PoisonError::into_inner);
        self.stream.push(&mut vad, samples, |probability| {
            probabilities.push(probability);
        })
    }
}

/// The models for asynchronous use. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    models: Arc<dyn Models>,
    voices: Arc<[String]>,
    said: Arc<WaveCache>,
    recognising: Arc<Semaphore>,
    turn_taking: Arc<Semaphore>,
    speaking: Arc<Semaphore>,
    embedding: Arc<Semaphore>,
}

/// Why a model gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The model failed or stayed busy.
    #[error(transparent)]
    Model(#[from] Error),
    /// The call panicked, or the server is shutting down.
    #[error("the model's thread ended")]
    Lost,
}

/// Texts embedded in one turn, so that a large import lets others in between.
const EMBEDDING_BATCH: usize = 8;

impl Engine {
    /// Takes the models into use.
    pub fn new(models: Arc<dyn Models>) -> Self {
        let one = || Arc::new(Semaphore::new(1));
        let voices = models.voices().into();
        Self {
            models,
            voices,
            said: Arc::default(),
            recognising: one(),
            turn_taking: one(),
            speaking: one(),
            embedding: one(),
        }
    }

    /// The models themselves, for callers that block.
    pub fn models(&self) -> &Arc<dyn Models> {
        &self.models
    }

    /// The names of the voices; the first is the default.
    pub fn voices(&self) -> &[String] {
        &self.voices
    }

    /// Recognises 16 kHz speech; see [`Models::transcribe`].
    ///
    /// # Errors
    /// The model failed or stayed busy.
    pub async fn transcribe(
        &self,
        pcm: Vec<f32>,
        before: Transcript,
    ) -> Result<Transcript, EngineError> {
        let models = self.models.clone();
        in_turn(&self.recognising, move |cancel| {
            models.transcribe(&pcm, &before, cancel)
        })
        .await
    }

    /// Judges whether the speaker of 16 kHz sound has finished; see [`Models::end_of_turn`].
    ///
    /// # Errors
    /// The model failed or stayed busy.
    pub async fn end_of_turn(&self, pcm: Vec<f32>) -> Result<f32, EngineError> {
        let models = self.models.clone();
        in_turn(&self.turn_taking, move |_| models.end_of_turn(&pcm)).await
    }

    /// Speaks a clause; see [`Models::synthesize`]. One that was spoken lately is not made again.
    ///
    /// # Errors
    /// The model failed or stayed busy, or there is no such voice.
    pub async fn synthesize(
        &self,
        clause: String,
        voice: String,
        speed: f32,
    ) -> Result<Vec<i16>, EngineError> {
        let spoken = Spoken::new(&clause, &voice, speed);
        if let Some(wave) = self.said.get(&spoken) {
            return Ok(wave);
        }
        let models = self.models.clone();
        let wave = in_turn(&self.speaking, move |cancel| {
            models.synthesize(&clause, &voice, speed, cancel)
        })
        .await?;
        self.said.put(spoken, &wave);
        Ok(wave)
    }

    /// Embeds texts in the background: conversations have a worker of their own.
    ///
    /// # Errors
    /// The model failed or stayed busy.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Vec<Embedding>, EngineError> {
        let mut embeddings = Vec::with_capacity(texts.len());
        for batch in texts.chunks(EMBEDDING_BATCH) {
            let (models, batch) = (self.models.clone(), batch.to_vec());
            let embed = move |_: &Cancel| {
                let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
                models.embed(&texts)
            };
            embeddings.extend(in_turn(&self.embedding, embed).await?);
        }
        Ok(embeddings)
    }

    /// Runs something that blocks for some milliseconds on the models.
    ///
    /// # Errors
    /// It panicked, or the server is shutting down.
    pub async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce(&dyn Models) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let models = self.models.clone();
        tokio::task::spawn_blocking(move || run(&*models))
            .await
            .map_err(|_| EngineError::Lost)
    }
}

/// Cancels when it is dropped.
struct Waiting(Cancel);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs a blocking call when its turn has come, and cancels it when the future is dropped. The
/// permit goes with the call, because one that is being cancelled still occupies the model for some
/// milliseconds.
async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    run: impl FnOnce(&Cancel) -> Result<T, Error> + Send + 'static,
) -> Result<T, EngineError> {
    let permit = turns
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| EngineError::Lost)?;
    let waiting = Waiting(Cancel::default());
    let cancel = waiting.0.clone();
    let outcome = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        run(&cancel)
    });
    Ok(outcome.await.map_err(|_| EngineError::Lost)??)
}
