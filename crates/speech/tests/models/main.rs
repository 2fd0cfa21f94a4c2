//! The models themselves, on sound and text. Needs the models folder: MODELS_DIR.

mod cancelling;
mod embedding;
mod recognition;
mod synthesis;
mod turn;
mod vad;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use speech::embedding::Embedder;
use speech::recognition::Recognizer;
use speech::synthesis::Synthesizer;
use speech::{Error, Models};

/// The models, loaded once for all tests. A test that needs one fails with the sentence that says
/// how to get it.
fn models() -> &'static Models {
    static MODELS: LazyLock<Result<Models, String>> =
        LazyLock::new(|| Models::open(&models_dir()?, 2).map_err(|error| error.to_string()));
    loaded(&MODELS)
}

fn recognizer() -> &'static Recognizer {
    static RECOGNIZER: LazyLock<Result<Recognizer, String>> =
        LazyLock::new(|| models().recognizer(1).map_err(|error| error.to_string()));
    models();
    loaded(&RECOGNIZER)
}

fn synthesizer() -> &'static Synthesizer {
    static SYNTHESIZER: LazyLock<Result<Synthesizer, String>> =
        LazyLock::new(|| models().synthesizer(1).map_err(|error| error.to_string()));
    models();
    loaded(&SYNTHESIZER)
}

fn embedder() -> &'static Embedder {
    static EMBEDDER: LazyLock<Result<Embedder, String>> =
        LazyLock::new(|| models().embedder(1).map_err(|error| error.to_string()));
    models();
    loaded(&EMBEDDER)
}

fn models_dir() -> Result<PathBuf, String> {
    let hint = "MODELS_DIR is not set: run `cargo xtask setup`, and set it to the models folder";
    std::env::var_os("MODELS_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| hint.to_owned())
}

fn loaded<T>(model: &'static Result<T, String>) -> &'static T {
    model.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// The 16 kHz samples of a file in `testdata`.
fn recording(name: &str) -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name);
    let mut wav = hound::WavReader::open(path).unwrap();
    assert_eq!(wav.spec().sample_rate, speech::recognition::SAMPLE_RATE);
    let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    let mut pcm = Vec::new();
    speech::resample::extend_f32(&samples, &mut pcm);
    pcm
}

/// Lower case words without punctuation.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Words to insert, delete or replace, for each word that was said.
fn word_error_rate(said: &str, heard: &str) -> f64 {
    let (said, heard) = (words(said), words(heard));
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in heard.iter().enumerate() {
            let replaced = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[heard.len()] as f64 / said.len() as f64
}

#[test]
fn opening_twice_is_fine() {
    let first = models();
    let again = Models::open(&models_dir().unwrap(), 1).unwrap();
    assert!(first.vad().is_ok() && again.vad().is_ok());
}

#[test]
fn a_missing_folder_is_named_with_the_command_that_gets_it() {
    let error = Models::open(Path::new("/nowhere/models"), 1).unwrap_err();
    assert!(matches!(&error, Error::Missing { path } if path == Path::new("/nowhere/models")));
    assert!(error.to_string().contains("cargo xtask setup"), "{error}");
}

#[test]
fn a_missing_model_is_named_with_the_command_that_gets_it() {
    // The runtime is there, the models are not.
    models();
    let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let empty = Models::open(&empty, 1).unwrap();
    for (error, file) in [
        (empty.vad().err(), "silero/silero_vad_16k_op15.onnx"),
        (empty.recognizer(1).err(), "moonshine-tiny-en/tokenizer.bin"),
        (empty.synthesizer(1).err(), "kokoro/voices"),
        (
            empty.turn_detector(1).err(),
            "smart-turn/smart-turn-v3.2-cpu.onnx",
        ),
        (empty.embedder(1).err(), "minilm/model.onnx"),
    ] {
        let text = error.unwrap().to_string();
        assert!(
            text.contains(file) && text.contains("cargo xtask setup"),
            "{text}"
        );
    }
}
