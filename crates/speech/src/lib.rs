//! Speech and language models that run on the CPU of this machine: voice activity detection,
//! recognition, the end of a turn, synthesis and sentence embeddings, all as ONNX models through
//! one runtime, and the resampling between them.
//!
//! [`Models`] is the way in; it loads each part only when asked for it.
//!
//! Everything blocks and nothing here knows an async runtime. A call costs between 0.1 ms (one
//! VAD window) and a second (a long clause of speech), so async callers put the heavy ones on a
//! thread that may block, and end those that nobody waits for any more with [`Cancel`].
//!
//! What this crate does not do: decide whose turn it is, speak any protocol, read audio files,
//! or reach the network. It is the only crate that knows `ort`.
//!
//! Audio is mono `f32` between -1 and 1: 16 kHz into the VAD, the recogniser and the turn detector,
//! 24 kHz out of the synthesiser.

mod cancel;
pub mod embedding;
mod error;
mod graph;
mod models;
pub mod phrase;
mod pool;
pub mod recognition;
pub mod resample;
mod runtime;
pub mod synthesis;
pub mod turn;
pub mod vad;

pub use cancel::Cancel;
pub use error::Error;
pub use models::Models;
