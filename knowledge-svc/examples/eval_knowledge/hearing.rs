//! Has voices of ours ask the questions and writes down what the recogniser hears: `cargo xtask gen
//! --spoken-questions`. It takes minutes, so what was heard is kept in the repository.

use std::{fs, path::Path};

use anyhow::Context as _;
use sha2::{Digest, Sha256};
use speech::{
    Models,
    recognition::{self, Recognizer},
    resample::resample,
    synthesis::{self, Synthesizer, clauses},
};

use crate::questions::{self, Hearing, Hearings};

const CORPORA: [&str; 2] = ["demo", "postgresql"];
/// How people begin. Every third asks at once.
const BEGINNINGS: [&str; 12] = [
    "",
    "",
    "",
    "",
    "Um, ",
    "Yeah, hi. ",
    "Okay, so, ",
    "Hello, I have a question. ",
    "So, uh, ",
    "Hi there, I was wondering, ",
    "Sorry, maybe a silly question, ",
    "Right, um, what I wanted to ask is, ",
];
const HEAD: &str = "\
# What the recogniser heard when voices of ours asked the questions, with words that callers begin with.
# Made by `cargo xtask gen --spoken-questions`; not to be edited.

";

pub(crate) fn write(models: &Models, folder: &Path) -> anyhow::Result<()> {
    let (synthesizer, recognizer) = (models.synthesizer(1)?, models.recognizer(1)?);
    let mut texts = Vec::new();
    for corpus in CORPORA {
        texts.extend(
            questions::read(folder, corpus)?
                .into_iter()
                .map(|question| question.text),
        );
    }
    texts.sort();
    texts.dedup();
    let mut hearings = Hearings::default();
    for (number, text) in texts.iter().enumerate() {
        let hearing = hear(&synthesizer, &recognizer, text).with_context(|| text.clone())?;
        eprintln!(
            "{} of {}: {} -> {}",
            number + 1,
            texts.len(),
            hearing.said,
            hearing.heard
        );
        hearings.heard.push(hearing);
    }
    let path = folder.join("spoken.toml");
    let text = HEAD.to_owned() + &toml::to_string(&hearings)?;
    fs::write(&path, text).with_context(|| path.display().to_string())
}

/// Who asks and how they begin is decided by the question's hash, so that a new question changes no other.
fn hear(
    synthesizer: &Synthesizer,
    recognizer: &Recognizer,
    question: &str,
) -> anyhow::Result<Hearing> {
    let hash = Sha256::digest(question);
    let voices = synthesizer.voices();
    let voice = &voices[usize::from(hash[1]) % voices.len()];
    let said = format!(
        "{}{question}",
        BEGINNINGS[usize::from(hash[2]) % BEGINNINGS.len()]
    );
    let mut sound = Vec::new();
    for clause in clauses(&said) {
        sound.extend(synthesizer.synthesize(&clause, voice, 1.0)?);
    }
    let sound = resample(synthesis::SAMPLE_RATE, recognition::SAMPLE_RATE, &sound)?;
    Ok(Hearing {
        question: question.to_owned(),
        voice: voice.name().to_owned(),
        heard: recognizer.transcribe(&sound)?.text,
        said,
    })
}
