//! Who speaks: voices of the synthesiser, and people whose readings come with the recogniser's
//! package.

use std::path::Path;

use anyhow::Context as _;
use speech::resample::{extend_f32, resample};
use speech::synthesis::{self, Synthesizer, Voice};

use crate::sounds::{self, RATE, VOICE};
use crate::texts::Texts;

/// Women and men, American and British.
pub(crate) const VOICES: [&str; 6] = [
    "af_heart",
    "am_michael",
    "bf_emma",
    "bm_george",
    "af_nova",
    "am_onyx",
];
/// A silence in a reading that parts two phrases: 250 ms.
const BREATH: usize = RATE / 4;

/// Something said, from its first sound to its last.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// At the level of all voices.
    pub(crate) sound: Vec<f32>,
}

/// Somebody, and what they say in each set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Speaker {
    pub(crate) name: String,
    /// Whether it is a person, recorded.
    pub(crate) is_read: bool,
    pub(crate) finished: Vec<Said>,
    /// Before the pause and after it.
    pub(crate) unfinished: Vec<(Said, Said)>,
    /// The same with an "um" before the pause.
    pub(crate) hesitating: Vec<(Said, Said)>,
    pub(crate) backchannels: Vec<Said>,
    pub(crate) interruptions: Vec<Said>,
}

impl Said {
    pub(crate) fn synthesised(
        synthesizer: &Synthesizer,
        text: &str,
        voice: &Voice,
    ) -> anyhow::Result<Self> {
        let sound = synthesizer.synthesize(text, voice, 1.0)?;
        debug_assert_eq!(synthesis::SAMPLE_RATE as usize, RATE);
        Ok(Self::new(text, &sound))
    }

    fn new(text: &str, sound: &[f32]) -> Self {
        Self {
            text: text.to_owned(),
            sound: sounds::scaled(sounds::trimmed(sound), VOICE),
        }
    }
}

impl Speaker {
    /// A voice that says every third text, so that each text is said by two of six voices.
    pub(crate) fn synthesised(
        synthesizer: &Synthesizer,
        texts: &Texts,
        name: &str,
        turn: usize,
    ) -> anyhow::Result<Self> {
        let voice = synthesizer.voice(name)?;
        let say = |text: &str| Said::synthesised(synthesizer, text, &voice);
        let all = |texts: &[String]| -> anyhow::Result<Vec<Said>> {
            a_third(texts, turn).map(|text| say(text)).collect()
        };
        let (mut unfinished, mut hesitating) = (Vec::new(), Vec::new());
        for (before, after) in a_third(&texts.unfinished, turn) {
            let after = say(after)?;
            unfinished.push((say(&broken_off(before))?, after.clone()));
            hesitating.push((say(&format!("{before}, um,"))?, after));
        }
        Ok(Self {
            name: name.to_owned(),
            is_read: false,
            finished: all(&texts.finished)?,
            unfinished,
            hesitating,
            backchannels: all(&texts.backchannels)?,
            interruptions: all(&texts.interruptions)?,
        })
    }

    /// Beckett's six short sentences: each is finished.
    pub(crate) fn beckett(recordings: &Path) -> anyhow::Result<Self> {
        let file = "beckett.wav";
        let sound = read(&recordings.join(file))?;
        Ok(Self {
            name: format!("a person, {file}"),
            is_read: true,
            finished: phrases(file, &sound),
            ..Self::default()
        })
    }

    /// One sentence of Dickens over three quarters of a minute: no phrase is finished but the last.
    pub(crate) fn dickens(recordings: &Path) -> anyhow::Result<Self> {
        let file = "two_cities.wav";
        let sound = read(&recordings.join(file))?;
        let mut phrases = phrases(file, &sound);
        let pairs = phrases.windows(2);
        Ok(Self {
            name: format!("a person, {file}"),
            is_read: true,
            unfinished: pairs
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
            finished: phrases.pop().into_iter().collect(),
            ..Self::default()
        })
    }
}

/// As the synthesiser reads what is to be broken off: any fragment as if it were all there is to say, so that its melody
/// falls where a person's would hang; after an "um" it hangs as well.
pub(crate) fn broken_off(text: &str) -> String {
    format!("{text},")
}

/// A third of the texts, another one for the next speaker.
fn a_third<T>(texts: &[T], turn: usize) -> impl Iterator<Item = &T> {
    texts.iter().skip(turn % 3).step_by(3)
}

fn phrases(file: &str, sound: &[f32]) -> Vec<Said> {
    let phrases = sounds::phrases(sound, BREATH).into_iter().enumerate();
    phrases
        .map(|(index, phrase)| Said::new(&format!("{file}, phrase {}", index + 1), phrase))
        .collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<f32>> {
    let mut wav = hound::WavReader::open(path)
        .with_context(|| format!("{}: run `cargo xtask setup`", path.display()))?;
    let samples: Vec<i16> = wav.samples().collect::<Result<_, _>>()?;
    let mut pcm = Vec::new();
    extend_f32(&samples, &mut pcm);
    Ok(resample(wav.spec().sample_rate, RATE as u32, &pcm)?)
}
