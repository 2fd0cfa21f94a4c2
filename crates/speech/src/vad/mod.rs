//! Voice activity detection: how likely each 32 ms of sound is speech, and from that where speech
//! starts and ends.
//!
//! [`Vad`] holds the model and [`VadStream`] what one sound stream remembers, so one thread runs
//! any number of streams on one model without a lock. [`Segmenter`] turns probabilities into
//! events and does no inference.

mod foreground;
mod quiet;
mod segmenter;

use std::path::Path;

use ort::session::Session;
use ort::value::TensorRef;

pub use foreground::Foreground;
pub use quiet::quiet_end;
pub use segmenter::{Segmenter, SegmenterConfig, SpeechEvent};

use crate::Error;
use crate::runtime::Runtime;

/// Samples a second that the detector and the segmenter count in.
pub const SAMPLE_RATE: u32 = 16_000;
/// Samples in one window, 32 ms.
pub const WINDOW: usize = 512;

/// Samples of the window before that the model wants to see again.
pub const CONTEXT: usize = 64;
/// Numbers in the model's recurrent state, of shape [2, 1, 128].
pub const STATE: usize = 256;
const MODEL: &str = "voice activity";

/// The Silero voice activity detector.
///
/// A window costs about 75 µs. One model serves all streams of its thread; each thread loads its
/// own with [`crate::Models::vad`].
#[derive(Debug)]
pub struct Vad {
    session: Session,
}

impl Vad {
    pub(crate) fn load(dir: &Path, runtime: &Runtime) -> Result<Self, Error> {
        // The network is too small for a second thread to pay.
        let session = runtime.load(dir.join("silero/silero_vad_16k_op15.onnx"), 1)?;
        Ok(Self { session })
    }

    /// Starts a new stream.
    pub fn stream(&self) -> VadStream {
        VadStream::default()
    }

    /// The bare run of the model: one window after the end of the window before, and the state,
    /// which moves on. Streams keep both; this is for who keeps them otherwise.
    ///
    /// # Errors
    /// [`Error::Inference`] if the model fails.
    pub fn run(
        &mut self,
        input: &[f32; CONTEXT + WINDOW],
        state: &mut [f32; STATE],
    ) -> Result<f32, Error> {
        self.infer(input, state).map_err(|source| Error::Inference {
            model: MODEL,
            source,
        })
    }

    fn infer(
        &mut self,
        input: &[f32; CONTEXT + WINDOW],
        state: &mut [f32; STATE],
    ) -> ort::Result<f32> {
        let outputs = self.session.run(ort::inputs![
            "input" => TensorRef::from_array_view(([1, CONTEXT + WINDOW], input.as_slice()))?,
            "state" => TensorRef::from_array_view(([2usize, 1, 128], state.as_slice()))?,
            "sr" => TensorRef::from_array_view(([1usize], [i64::from(SAMPLE_RATE)].as_slice()))?,
        ])?;
        let (_, probability) = outputs["output"].try_extract_tensor::<f32>()?;
        let (_, next) = outputs["stateN"].try_extract_tensor::<f32>()?;
        if probability.len() != 1 || next.len() != STATE {
            return Err(ort::Error::new(
                "the voice activity model has other outputs than expected",
            ));
        }
        state.copy_from_slice(next);
        Ok(probability[0])
    }
}

/// What the detector remembers of one stream of 16 kHz sound. About 3 kB.
#[derive(Debug, Clone)]
pub struct VadStream {
    /// The end of the last window, then the window in hand: what the model is given.
    input: [f32; CONTEXT + WINDOW],
    state: [f32; STATE],
    /// How much of the window in hand is filled; only [`VadStream::push`] leaves it above 0.
    filled: usize,
}

impl Default for VadStream {
    fn default() -> Self {
        Self {
            input: [0.0; CONTEXT + WINDOW],
            state: [0.0; STATE],
            filled: 0,
        }
    }
}

impl VadStream {
    /// Takes the next samples, as many as there are, and calls `each` with the probability of
    /// speech (0 to 1) of each window that they complete. The rest waits for the next call.
    ///
    /// # Errors
    /// [`Error::Inference`] if the model fails; the window is then lost and the stream goes on
    /// with the next.
    pub fn push(
        &mut self,
        vad: &mut Vad,
        mut samples: &[f32],
        mut each: impl FnMut(f32),
    ) -> Result<(), Error> {
        while !samples.is_empty() {
            let room = &mut self.input[CONTEXT + self.filled..];
            let (now, later) = samples.split_at(room.len().min(samples.len()));
            for (slot, sample) in room.iter_mut().zip(now) {
                // One NaN would stay in the recurrent state for ever.
                *slot = if sample.is_finite() {
                    sample.clamp(-1.0, 1.0)
                } else {
                    0.0
                };
            }
            self.filled += now.len();
            samples = later;
            if self.filled == WINDOW {
                each(self.judge(vad)?);
            }
        }
        Ok(())
    }

    /// Takes exactly one window and gives its probability of speech, 0 to 1. Not to be mixed with
    /// [`VadStream::push`] on the same stream: samples that still wait there are dropped.
    ///
    /// # Errors
    /// [`Error::Inference`] as for `push`.
    pub fn push_window(&mut self, vad: &mut Vad, window: &[f32; WINDOW]) -> Result<f32, Error> {
        self.filled = 0;
        let mut probability = 0.0;
        self.push(vad, window, |p| probability = p)?;
        Ok(probability)
    }

    /// Forgets everything heard, as if the stream were new.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn judge(&mut self, vad: &mut Vad) -> Result<f32, Error> {
        let judged = vad.run(&self.input, &mut self.state);
        self.input.copy_within(WINDOW.., 0);
        self.filled = 0;
        judged
    }
}
