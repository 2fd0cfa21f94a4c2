//! One call each: a caller says something to a silent assistant, or while it speaks.

use std::time::Duration;

use agent_svc::by_sound::{Ending, Happened, Heard, Judging, Rehearsal, Senses};
use livekit_rtc::FRAME_SAMPLES;
use speech::resample::extend_i16;

use crate::sounds::{self, Noise, RATE, VOICE};

/// Before the caller speaks: half a second.
const LEAD: usize = RATE / 2;
/// How long a turn is waited for: no delay is longer.
const PATIENCE: usize = RATE * 9 / 2;
/// The assistant is heard this long before somebody speaks over it: longer than it may hear its own
/// echo.
const UNDISTURBED: usize = RATE * 4;
/// What comes of a sound over the assistant is known so long after it at the latest.
const AFTERMATH: usize = RATE * 2;
/// Sets the pieces of noise that are heard before a sound apart from those with it.
const BEFORE: u64 = 500;
const SPEECH: &str = "You can find all of your receipts under billing. Each of them can be \
                      downloaded there, and sent to somebody else as well.";
const SPEECH_LENGTH: Duration = Duration::from_secs(20);

/// A noise, and how many decibels it is below the voice; `None` is silence.
pub(crate) type Background = Option<(Noise, f32)>;

/// Where the noises of one speaker's calls come from.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// All others at once, half a minute.
    pub(crate) babble: Vec<f32>,
    /// Which speaker's, so that each hears others.
    pub(crate) seed: u64,
}

/// What came of something said to a silent assistant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TurnTrial {
    /// It was taken for a turn before it was over.
    pub(crate) cut: bool,
    /// From its last sound until it was taken; `None` if it never was.
    pub(crate) wait: Option<Duration>,
    /// How it ended where the caller fell silent.
    pub(crate) endings: Vec<Ending>,
}

/// What came of a sound over the assistant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OverTrial {
    /// It took the floor.
    pub(crate) stopped: bool,
    /// From its first sound until the assistant was paused; `None` if it was not.
    pub(crate) paused: Option<Duration>,
    /// From its first sound until it was known what it is; `None` if there was nothing to decide.
    pub(crate) decided: Option<Duration>,
    /// The words that were heard, each time.
    pub(crate) heard: Vec<Heard>,
}

impl Surroundings {
    /// Nothing but the caller.
    pub(crate) fn quiet() -> Self {
        Self {
            babble: Vec::new(),
            seed: 0,
        }
    }

    /// A noise at its level, another piece of it for each seed.
    fn noise(&self, noise: Noise, below: f32, length: usize, seed: u64) -> Vec<f32> {
        let seed = 1_000 * self.seed + seed;
        let sound = match noise {
            Noise::Coughs => sounds::coughs(length, seed),
            Noise::Keys => sounds::keys(length, seed),
            Noise::Babble => {
                let from = seed as usize * 7 * RATE / 10 % self.babble.len().max(1);
                let sound = self.babble.iter().cycle().skip(from).take(length);
                sound.copied().collect()
            }
        };
        sounds::scaled(&sound, VOICE * 10.0f32.powf(-below / 20.0))
    }

    fn add_to(&self, sound: &mut [f32], background: Background, seed: u64) {
        if let Some((noise, below)) = background {
            let added = self.noise(noise, below, sound.len(), seed);
            sounds::add(sound, 0, &added, 1.0);
        }
    }

    /// Says the parts with pauses between them (in samples) to an assistant that listens. Babble is there
    /// for as long as it may speak over first.
    pub(crate) fn turn(
        &self,
        (senses, judging): (&Senses, Judging),
        parts: &[&[f32]],
        pause: usize,
        (background, seed): (Background, u64),
    ) -> anyhow::Result<TurnTrial> {
        let is_babble = background.is_some_and(|(noise, _)| noise == Noise::Babble);
        let lead = if is_babble { UNDISTURBED } else { LEAD };
        let mut sound = vec![0.0; lead];
        for (index, part) in parts.iter().enumerate() {
            let silence = if index == 0 { 0 } else { pause };
            sound.resize(sound.len() + silence, 0.0);
            sound.extend_from_slice(part);
        }
        let (from, until) = (time(lead), time(sound.len()));
        sound.resize(sound.len() + PATIENCE, 0.0);
        self.add_to(&mut sound, background, seed);
        let mut call = Rehearsal::new(senses.clone(), judging)?;
        let is_over = |call: &Rehearsal| taken(call).any(|at| at >= until);
        play(&mut call, &sound, is_over)?;
        Ok(TurnTrial {
            cut: taken(&call).any(|at| (from..until).contains(&at)),
            wait: taken(&call).find(|at| *at >= until).map(|at| at - until),
            endings: endings(&call),
        })
    }

    /// Makes a sound while the assistant speaks. The noise begins a moment before it, babble with the
    /// call.
    pub(crate) fn over(
        &self,
        (senses, judging): (&Senses, Judging),
        said: &[f32],
        (background, seed): (Background, u64),
    ) -> anyhow::Result<OverTrial> {
        let mut sound = vec![0.0; LEAD];
        sound.extend_from_slice(said);
        sound.resize(sound.len() + AFTERMATH, 0.0);
        self.add_to(&mut sound, background, seed);
        let before = self.before(background, seed);
        over(senses, judging, &before, &sound, LEAD)
    }

    /// What is heard while the assistant is not yet spoken over.
    fn before(&self, background: Background, seed: u64) -> Vec<f32> {
        let mut sound = vec![0.0; UNDISTURBED];
        let background = background.filter(|(noise, _)| *noise == Noise::Babble);
        self.add_to(&mut sound, background, seed + BEFORE);
        sound
    }

    /// Lets the assistant speak in nothing but noise, for so many samples.
    pub(crate) fn noise_over(
        &self,
        (senses, judging): (&Senses, Judging),
        (noise, below): (Noise, f32),
        length: usize,
        seed: u64,
    ) -> anyhow::Result<OverTrial> {
        let mut sound = self.noise(noise, below, length, seed);
        sound.resize(length + AFTERMATH, 0.0);
        let before = self.before(Some((noise, below)), seed);
        over(senses, judging, &before, &sound, 0)
    }
}

fn over(
    senses: &Senses,
    judging: Judging,
    before: &[f32],
    sound: &[f32],
    lead: usize,
) -> anyhow::Result<OverTrial> {
    let mut call = Rehearsal::new(senses.clone(), judging)?;
    call.assistant_says(SPEECH, SPEECH_LENGTH)?;
    play(&mut call, before, |_| false)?;
    let from = call.now() + time(lead);
    let is_stopped = |call: &Rehearsal| first(call, &[Happened::Interrupted]).is_some();
    play(&mut call, sound, is_stopped)?;
    let since = |moment: Option<Duration>| moment.map(|at| at.saturating_sub(from));
    let heard = call.happened().iter().filter_map(|(_, what)| match what {
        Happened::Heard(heard) => Some(heard.clone()),
        _ => None,
    });
    Ok(OverTrial {
        stopped: is_stopped(&call),
        paused: since(first(&call, &[Happened::Paused])),
        decided: since(first(&call, &[Happened::Interrupted, Happened::Dismissed])),
        heard: heard.collect(),
    })
}

fn play(
    call: &mut Rehearsal,
    sound: &[f32],
    is_over: impl Fn(&Rehearsal) -> bool,
) -> anyhow::Result<()> {
    let mut pcm = Vec::with_capacity(sound.len());
    extend_i16(sound, &mut pcm);
    for frame in pcm.as_chunks::<FRAME_SAMPLES>().0 {
        call.hear(frame)?;
        if is_over(call) {
            break;
        }
    }
    Ok(())
}

/// When the first of these happened.
fn first(call: &Rehearsal, kinds: &[Happened]) -> Option<Duration> {
    let mut happened = call.happened().iter();
    let found = happened.find(|(_, what)| kinds.contains(what));
    found.map(|(at, _)| *at)
}

fn taken(call: &Rehearsal) -> impl Iterator<Item = Duration> {
    let happened = call.happened().iter();
    happened
        .filter(|(_, what)| *what == Happened::TurnTaken)
        .map(|(at, _)| *at)
}

fn endings(call: &Rehearsal) -> Vec<Ending> {
    let endings = call.happened().iter().filter_map(|(_, what)| match what {
        Happened::Judged(ending) => Some(ending.clone()),
        _ => None,
    });
    endings.collect()
}

fn time(samples: usize) -> Duration {
    Duration::from_secs_f64(samples as f64 / RATE as f64)
}
