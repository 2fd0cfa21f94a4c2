//! What can go wrong with a model. No message holds audio, text or anything else a caller said.

use std::path::PathBuf;
use std::time::Duration;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the models folder is not there.
    #[error("{} is missing: run `cargo xtask setup`, or set MODELS_DIR to the folder that holds the models", path.display())]
    Missing {
        /// The file or folder that was looked for.
        path: PathBuf,
    },
    /// A file is there and is not what it should be.
    #[error("{} is damaged ({reason}): delete it and run `cargo xtask setup`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The ONNX Runtime library could not be started.
    #[error("could not start ONNX Runtime from {}: {reason}", path.display())]
    Runtime {
        /// The library that was tried.
        path: PathBuf,
        /// The loader's own words.
        reason: String,
    },
    /// The runtime refused a model file.
    #[error("could not load the model {}: {reason}", path.display())]
    Load {
        /// The model file.
        path: PathBuf,
        /// The runtime's own words.
        reason: String,
    },
    /// A model failed while it ran.
    #[error("the {model} model failed")]
    Inference {
        /// Which model.
        model: &'static str,
        /// The runtime's error.
        #[source]
        source: ort::Error,
    },
    /// A model's answer has another shape than its contract says.
    #[error("the {model} model answered with an unexpected {output}")]
    UnexpectedOutput {
        /// Which model.
        model: &'static str,
        /// Which output.
        output: &'static str,
    },
    /// Every worker stayed busy for as long as a call may wait. Worth trying again later.
    #[error("all {workers} {model} workers stayed busy for {waited:?}")]
    Busy {
        /// Which model.
        model: &'static str,
        /// How many workers it has.
        workers: usize,
        /// How long the call waited.
        waited: Duration,
    },
    /// [`Cancel::cancel`](crate::Cancel::cancel) ended the call.
    #[error("nobody waits for the result any more")]
    Cancelled,
    /// No voice has this name.
    #[error("there is no voice {name:?}; there are {available}")]
    UnknownVoice {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        available: String,
    },
    /// A speaking speed outside the range the model can do.
    #[error("speed must be between {min} and {max}, but is {speed}")]
    Speed {
        /// The speed asked for.
        speed: f32,
        /// Smallest allowed.
        min: f32,
        /// Largest allowed.
        max: f32,
    },
    /// A pair of sample rates the resampler does not convert between.
    #[error("cannot resample from {from} Hz to {to} Hz: both must be between {min} and {max} Hz")]
    SampleRate {
        /// Rate of the input.
        from: u32,
        /// Rate of the output.
        to: u32,
        /// Smallest allowed.
        min: u32,
        /// Largest allowed.
        max: u32,
    },
    /// The resampler refused a buffer.
    #[error("the resampler failed: {0}")]
    Resample(String),
    /// A text could not be cut into tokens or phonemes.
    #[error("the text could not be prepared for the {model} model: {reason}")]
    Text {
        /// Which model.
        model: &'static str,
        /// Why, without quoting the text.
        reason: String,
    },
}
