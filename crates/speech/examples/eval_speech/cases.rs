//! What is read aloud, and by whom.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use speech::recognition::SAMPLE_RATE;
use speech::resample::resample;
use speech::{Models, synthesis};

/// A passage of Dickens, read by a person.
const TWO_CITIES: &str = include_str!("../../testdata/two_cities.txt");
/// Twelve words of Beckett, read by a person.
const BECKETT: &str = include_str!("../../testdata/beckett.txt");
const QUESTIONS: &str = include_str!("../../testdata/questions.txt");
/// Who says how many of the questions in a sample.
const SAMPLE_VOICES: [&str; 2] = ["af_heart", "bf_emma"];
const SAMPLE_QUESTIONS: usize = 6;

/// What a speaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Recording,
    Voice,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Recording => "all recordings",
            Self::Voice => "all voices",
        })
    }
}

/// One speaker.
pub(crate) enum Case {
    /// A recording that comes with the recogniser's package.
    Recording {
        file: &'static str,
        text: &'static str,
        pcm: Vec<f32>,
    },
    /// A voice of the synthesiser, which says all questions.
    Voice { name: String },
}

/// Something said, at 16 kHz.
pub(crate) struct Utterance {
    pub(crate) text: String,
    pub(crate) pcm: Vec<f32>,
}

/// Everybody who speaks.
pub(crate) fn all(models: &Models, dir: &Path, is_sample: bool) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (file, text) in [("two_cities.wav", TWO_CITIES), ("beckett.wav", BECKETT)] {
        let pcm = read(&dir.join("recordings").join(file))?;
        cases.push(Case::Recording { file, text, pcm });
    }
    if is_sample {
        cases.truncate(1);
    }
    let synthesizer = models.synthesizer(1)?;
    let names = synthesizer.voices().iter().map(|voice| voice.name());
    let names = names.filter(|name| !is_sample || SAMPLE_VOICES.contains(name));
    cases.extend(names.map(|name| Case::Voice {
        name: name.to_owned(),
    }));
    Ok(cases)
}

impl Case {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Recording { .. } => Kind::Recording,
            Self::Voice { .. } => Kind::Voice,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Recording { file, .. } => format!("a person, {file}"),
            Self::Voice { name } => format!("synthesis, {name}"),
        }
    }

    pub(crate) fn utterances(
        &self,
        models: &Models,
        is_sample: bool,
    ) -> anyhow::Result<Vec<Utterance>> {
        match self {
            Self::Recording { text, pcm, .. } => Ok(vec![Utterance {
                text: (*text).to_owned(),
                pcm: pcm.clone(),
            }]),
            Self::Voice { name } => {
                let synthesizer = models.synthesizer(1)?;
                let voice = synthesizer.voice(name)?;
                let questions = QUESTIONS.lines();
                questions
                    .take(if is_sample {
                        SAMPLE_QUESTIONS
                    } else {
                        usize::MAX
                    })
                    .map(|question| {
                        let speech = synthesizer.synthesize(question, &voice, 1.0)?;
                        let pcm = resample(synthesis::SAMPLE_RATE, SAMPLE_RATE, &speech)?;
                        Ok(Utterance {
                            text: question.to_owned(),
                            pcm,
                        })
                    })
                    .collect()
            }
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<f32>> {
    let mut wav = hound::WavReader::open(path)
        .with_context(|| format!("{}: run `cargo xtask setup`", path.display()))?;
    let samples: Vec<i16> = wav.samples().collect::<Result<_, _>>()?;
    let mut pcm = Vec::new();
    speech::resample::extend_f32(&samples, &mut pcm);
    Ok(resample(wav.spec().sample_rate, SAMPLE_RATE, &pcm)?)
}
