//! The models folder, and the parts that are loaded from it.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::embedding::Embedder;
use crate::phrase::PhraseReader;
use crate::recognition::Recognizer;
use crate::runtime::{Runtime, existing};
use crate::synthesis::Synthesizer;
use crate::turn::TurnDetector;
use crate::vad::Vad;

/// A folder of models with the runtime started, but no model loaded yet.
///
/// The parts that need it take a number of `workers`: that many calls run at once, each on its own
/// copy of the model, and further calls wait (see [`Error::Busy`]). 0 counts as 1.
#[derive(Debug, Clone)]
pub struct Models {
    dir: PathBuf,
    runtime: Runtime,
    threads: usize,
}

impl Models {
    /// Opens the folder `dir` and starts the ONNX Runtime found in it, at
    /// `onnxruntime/libonnxruntime.so`. Each inference uses up to `threads` threads (0 counts as
    /// 1). May be called any number of times; the process has one runtime all the same.
    ///
    /// # Errors
    /// [`Error::Missing`] when the folder or the library is not there, [`Error::Runtime`] when
    /// the library cannot be used.
    pub fn open(dir: &Path, threads: usize) -> Result<Self, Error> {
        existing(dir.to_owned())?;
        Self::open_with_library(dir, &dir.join("onnxruntime/libonnxruntime.so"), threads)
    }

    /// The same with the ONNX Runtime library (1.24 or newer) at a place of its own.
    ///
    /// # Errors
    /// As [`Models::open`].
    pub fn open_with_library(dir: &Path, library: &Path, threads: usize) -> Result<Self, Error> {
        let dir = existing(dir.to_owned())?;
        let runtime = Runtime::start(library)?;
        Ok(Self {
            dir,
            runtime,
            threads: threads.max(1),
        })
    }

    /// Loads the voice activity detector: 25 ms and 5 MB, and always one thread.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Load`].
    pub fn vad(&self) -> Result<Vad, Error> {
        Vad::load(&self.dir, &self.runtime)
    }

    /// Loads the recogniser: 0.1 s and 100 MB a worker, which grow to 240 MB when it has heard a
    /// piece of 30 s.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`] or [`Error::Load`].
    pub fn recognizer(&self, workers: usize) -> Result<Recognizer, Error> {
        Recognizer::load(&self.dir, &self.runtime, self.threads, workers)
    }

    /// Loads the detector of ended turns: 0.1 s and 50 MB a worker.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Load`].
    pub fn turn_detector(&self, workers: usize) -> Result<TurnDetector, Error> {
        TurnDetector::load(&self.dir, &self.runtime, self.threads, workers)
    }

    /// Loads the synthesiser with its voices and its dictionary: 0.6 s and 210 MB, and 150 MB for
    /// each further worker and 0.5 MB for each voice. A worker keeps the memory its longest clause took, up to 400 MB. The
    /// first British voice adds 90 MB for its own dictionary.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`] or [`Error::Load`].
    pub fn synthesizer(&self, workers: usize) -> Result<Synthesizer, Error> {
        Synthesizer::load(&self.dir, &self.runtime, self.threads, workers)
    }

    /// Loads the sentence embedder: 0.1 s and 110 MB, 80 MB more once it was given long texts.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Load`].
    pub fn embedder(&self, workers: usize) -> Result<Embedder, Error> {
        Embedder::load(&self.dir, &self.runtime, self.threads, workers)
    }

    /// Loads the reader of phrases: the first two thirds of the embedder.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Load`].
    pub fn phrase_reader(&self, workers: usize) -> Result<PhraseReader, Error> {
        PhraseReader::load(&self.dir, &self.runtime, self.threads, workers)
    }
}
