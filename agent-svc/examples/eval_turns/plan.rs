//! The rows of the tables: which set, heard how, judged by what.

use std::fmt;
use std::time::Duration;

use agent_svc::by_sound::{Ending, Judging, Senses};

use crate::cast::{Said, Speaker};
use crate::figures::{Overs, Turns};
use crate::goals::Size;
use crate::sounds::{Noise, RATE};
use crate::trials::{Background, Surroundings};

/// Noise below the voice, in decibels.
const BELOW: [f32; 2] = [20.0, 10.0];
const NOISES: [Noise; 3] = [Noise::Coughs, Noise::Keys, Noise::Babble];
/// In noise only every second text of a speaker is said.
const IN_NOISE: usize = 2;
/// What Smart Turn is compared with: the shortest wait it leads to, and one that is safe.
const FIXED_DELAYS: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(1_000)];
/// Pauses of somebody who thinks: 0.8 s to 1.5 s.
const PAUSES: [usize; 8] = [800, 1_300, 1_000, 1_500, 900, 1_200, 1_400, 1_100];
/// Noise alone, over the assistant: four pieces of 5 s for each speaker.
const NOISE_PIECES: u64 = 4;
const NOISE_LENGTH: usize = 5 * RATE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnSet {
    Finished,
    /// Broken off after an "um".
    Hesitating,
    /// Broken off.
    Unfinished,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum OverSet {
    Backchannels,
    Interruptions,
    Noise(Noise),
}

/// Who speaks in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Voices,
    Readers,
}

/// Things said to a silent assistant.
#[derive(Debug, Clone)]
pub(crate) struct TurnRow {
    pub(crate) set: TurnSet,
    pub(crate) by: By,
    pub(crate) background: Background,
    /// Without Smart Turn: the silence that ends a turn.
    pub(crate) fixed_delay: Option<Duration>,
}

/// Sounds made while the assistant speaks.
#[derive(Debug, Clone)]
pub(crate) struct OverRow {
    pub(crate) set: OverSet,
    pub(crate) background: Background,
    /// Whether their words count; without, their length does.
    pub(crate) words: bool,
}

impl TurnRow {
    pub(crate) fn all(size: Size) -> Vec<Self> {
        let row = |set, by, background, fixed_delay| Self {
            set,
            by,
            background,
            fixed_delay,
        };
        let mut rows = Vec::new();
        for set in [TurnSet::Finished, TurnSet::Hesitating, TurnSet::Unfinished] {
            for by in [By::Voices, By::Readers] {
                rows.push(row(set, by, None, None));
                let delays = FIXED_DELAYS.into_iter().filter(|_| size != Size::Sample);
                rows.extend(delays.map(|delay| row(set, by, None, Some(delay))));
            }
            for background in backgrounds(size) {
                rows.push(row(set, By::Voices, background, None));
                let delay = (size == Size::Whole).then_some(FIXED_DELAYS[0]);
                rows.extend(delay.map(|delay| row(set, By::Voices, background, Some(delay))));
            }
        }
        rows
    }

    /// With Smart Turn, nothing in the way of the voices.
    pub(crate) fn is_judged_for_goals(&self) -> bool {
        self.background.is_none() && self.fixed_delay.is_none() && self.by == By::Voices
    }

    pub(crate) fn run(
        &self,
        senses: &Senses,
        (speaker, surroundings): &(Speaker, Surroundings),
    ) -> anyhow::Result<(Turns, Vec<String>)> {
        let (mut sums, mut wrong) = <(Turns, Vec<String>)>::default();
        if speaker.by() != self.by {
            return Ok((sums, wrong));
        }
        let judging = Judging {
            fixed_delay: self.fixed_delay,
            words: true,
        };
        let trials: Vec<Vec<&Said>> = match self.set {
            TurnSet::Finished => speaker.finished.iter().map(|said| vec![said]).collect(),
            TurnSet::Hesitating => in_parts(&speaker.hesitating),
            TurnSet::Unfinished => in_parts(&speaker.unfinished),
        };
        for (index, parts) in thinned(&trials, self.background) {
            let sounds: Vec<&[f32]> = parts.iter().map(|said| &said.sound[..]).collect();
            let pause = PAUSES[index % PAUSES.len()] * RATE / 1_000;
            let around = (self.background, index as u64);
            let trial = surroundings.turn((senses, judging), &sounds, pause, around)?;
            sums.add(&trial);
            if trial.cut || trial.wait.is_none() {
                let what = if trial.cut { "cut off" } else { "never taken" };
                let votes: Vec<f32> = trial.endings.iter().map(Ending::complete).collect();
                let (name, text) = (&speaker.name, &parts[0].text);
                wrong.push(format!("{what}: {name}, {text:?}, votes {votes:.2?}"));
            }
        }
        Ok((sums, wrong))
    }
}

impl OverRow {
    pub(crate) fn all(size: Size) -> Vec<Self> {
        let row = |set, background, words| Self {
            set,
            background,
            words,
        };
        let mut rows = Vec::new();
        for set in [OverSet::Interruptions, OverSet::Backchannels] {
            rows.push(row(set, None, true));
            let by_length = (size != Size::Sample).then(|| row(set, None, false));
            rows.extend(by_length);
            for background in backgrounds(size) {
                rows.push(row(set, background, true));
            }
        }
        for (noise, below) in backgrounds(size).into_iter().flatten() {
            rows.push(row(OverSet::Noise(noise), Some((noise, below)), true));
        }
        // Whoever coughs or types does so close to the microphone.
        for noise in [Noise::Coughs, Noise::Keys]
            .into_iter()
            .filter(|_| size == Size::Whole)
        {
            rows.push(row(OverSet::Noise(noise), Some((noise, 0.0)), true));
        }
        rows
    }

    /// As in a call, nothing in the way of the voices.
    pub(crate) fn is_judged_for_goals(&self) -> bool {
        self.words && (self.background.is_none() || matches!(self.set, OverSet::Noise(_)))
    }

    pub(crate) fn run(
        &self,
        senses: &Senses,
        (speaker, surroundings): &(Speaker, Surroundings),
    ) -> anyhow::Result<(Overs, Vec<String>)> {
        let (mut sums, mut wrong) = <(Overs, Vec<String>)>::default();
        if speaker.is_read {
            return Ok((sums, wrong));
        }
        let judge = (
            senses,
            Judging {
                fixed_delay: None,
                words: self.words,
            },
        );
        let mut trials = Vec::new();
        let said = match self.set {
            OverSet::Backchannels => &speaker.backchannels[..],
            OverSet::Interruptions => &speaker.interruptions[..],
            OverSet::Noise(_) => &[],
        };
        for (index, said) in thinned(said, self.background) {
            let around = (self.background, index as u64);
            let trial = surroundings.over(judge, &said.sound, around)?;
            trials.push((said.text.as_str(), trial));
        }
        if let (OverSet::Noise(_), Some(noise)) = (self.set, self.background) {
            for seed in 0..NOISE_PIECES {
                let trial = surroundings.noise_over(judge, noise, NOISE_LENGTH, seed)?;
                trials.push(("noise", trial));
            }
        }
        for (text, trial) in trials {
            sums.add(&trial);
            let may_stop = self.set == OverSet::Interruptions;
            if trial.stopped != may_stop {
                let what = if may_stop { "missed" } else { "stopped by" };
                let heard = trial.heard.iter();
                let heard = heard.map(|heard| format!("{} {:.2}", heard.text, heard.confidence));
                let (name, heard) = (&speaker.name, heard.collect::<Vec<_>>());
                wrong.push(format!("{what}: {name}, {text:?}, heard {heard:?}"));
            }
        }
        Ok((sums, wrong))
    }
}

impl Speaker {
    fn by(&self) -> By {
        if self.is_read {
            By::Readers
        } else {
            By::Voices
        }
    }
}

fn backgrounds(size: Size) -> Vec<Background> {
    match size {
        Size::Whole => NOISES
            .into_iter()
            .flat_map(|noise| BELOW.map(|below| Some((noise, below))))
            .collect(),
        Size::Further | Size::HeldOut => Vec::new(),
        Size::Sample => vec![Some((Noise::Keys, 20.0))],
    }
}

fn in_parts(pairs: &[(Said, Said)]) -> Vec<Vec<&Said>> {
    let pairs = pairs.iter();
    pairs.map(|(before, after)| vec![before, after]).collect()
}

fn thinned<T>(all: &[T], background: Background) -> impl Iterator<Item = (usize, &T)> {
    let step = if background.is_some() { IN_NOISE } else { 1 };
    all.iter().enumerate().step_by(step)
}

impl fmt::Display for TurnRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.set {
            TurnSet::Finished => "finished | ",
            TurnSet::Hesitating => "unfinished, \"um\" | ",
            TurnSet::Unfinished => "unfinished | ",
        })?;
        f.write_str(match self.by {
            By::Voices => "voices",
            By::Readers => "recordings",
        })?;
        write!(f, " | {} | ", in_words(self.background))?;
        match self.fixed_delay {
            None => f.write_str("Smart Turn"),
            Some(delay) => write!(f, "{} ms", delay.as_millis()),
        }
    }
}

impl fmt::Display for OverRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.set {
            OverSet::Backchannels => f.write_str("back-channels | voices")?,
            OverSet::Interruptions => f.write_str("interruptions | voices")?,
            OverSet::Noise(noise) => write!(f, "{noise} | nobody")?,
        }
        let told_by = if self.words { "words" } else { "length" };
        write!(f, " | {} | {told_by}", in_words(self.background))
    }
}

fn in_words(background: Background) -> String {
    match background {
        None => "silence".into(),
        Some((noise, below)) => format!("{noise}, {below} dB"),
    }
}
