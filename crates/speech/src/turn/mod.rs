//! Whether somebody who has paused has finished, by how it sounds: the Smart Turn model.
//!
//! It hears melody and rhythm, not words: a voice that falls has finished, one that hangs has not.
//! To be asked once a pause, when it has lasted some 200 ms.

mod features;

use std::path::Path;
use std::sync::Arc;

use ort::session::Session;
use ort::value::TensorRef;

use features::{BANDS, Extractor, FRAMES};

use crate::Error;
use crate::pool::Pool;
use crate::runtime::Runtime;

/// Samples a second that the detector wants.
pub const SAMPLE_RATE: u32 = 16_000;
/// How much of a sound counts: its last so many seconds.
pub const SECONDS: usize = 8;

const MODEL: &str = "end of turn";

/// Tells finished turns from pauses. Clones share the model.
///
/// A call costs about 35 ms on one core whatever the length, because it is always over 8 s. Where
/// the model is in doubt, its answer hangs on the last digits of the sound: take it as a vote.
#[derive(Debug, Clone)]
pub struct TurnDetector {
    workers: Arc<Pool<Session>>,
    extractor: Arc<Extractor>,
}

impl TurnDetector {
    pub(crate) fn load(
        dir: &Path,
        runtime: &Runtime,
        threads: usize,
        workers: usize,
    ) -> Result<Self, Error> {
        let load = || runtime.load(dir.join("smart-turn/smart-turn-v3.2-cpu.onnx"), threads);
        Ok(Self {
            workers: Arc::new(Pool::new(MODEL, workers, load)?),
            extractor: Arc::new(Extractor::new()),
        })
    }

    /// The probability, 0 to 1, that whoever spoke has finished: above 0.5 more likely than not.
    /// `pcm` is 16 kHz sound from before the turn's beginning up to now, the pause included; its
    /// last 8 s are heard.
    ///
    /// # Errors
    /// [`Error::Busy`] when no worker becomes free, [`Error::Inference`] when the model fails.
    pub fn end_of_turn(&self, pcm: &[f32]) -> Result<f32, Error> {
        let features = self.extractor.features(pcm);
        infer(&mut *self.workers.take()?, &features)
    }
}

fn infer(session: &mut Session, features: &[f32]) -> Result<f32, Error> {
    let failed = |source| Error::Inference {
        model: MODEL,
        source,
    };
    let features = TensorRef::from_array_view(([1, BANDS, FRAMES], features)).map_err(failed)?;
    let outputs = session
        .run(ort::inputs!["input_features" => features])
        .map_err(failed)?;
    // The output is called "logits" and is a probability all the same.
    let (_, probability) = outputs["logits"]
        .try_extract_tensor::<f32>()
        .map_err(failed)?;
    match probability {
        [probability] if probability.is_finite() => Ok(*probability),
        _ => Err(Error::UnexpectedOutput {
            model: MODEL,
            output: "logits",
        }),
    }
}
