//! Sounds that are no words to the assistant: coughs, keys and babble, made from nothing but a seed
//! or from the voices of others. All of it is mono, 24 kHz, and the same at each run.

use std::f32::consts::TAU;
use std::fmt;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(crate) const RATE: usize = 24_000;
/// Loudness is looked at in windows of 10 ms.
const WINDOW: usize = RATE / 100;
/// A voice's level, well below full scale so that noise can be added.
pub(crate) const VOICE: f32 = 0.07;

/// What is heard behind a voice, or in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    /// Fits of one to three coughs every two or three seconds.
    Coughs,
    /// Somebody types in runs of a few keys.
    Keys,
    /// The other voices of the set, all at once.
    Babble,
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Coughs => "coughs",
            Self::Keys => "keys",
            Self::Babble => "babble",
        })
    }
}

/// How loud a sound is while it sounds: the root of the mean square of those windows that are
/// within 30 dB of the loudest.
pub(crate) fn level(sound: &[f32]) -> f32 {
    let powers = powers(sound);
    let loudest = powers.iter().fold(0.0, |a: f32, b| a.max(*b));
    let (mut sum, mut count) = (0.0, 0);
    for power in powers.iter().filter(|power| **power >= loudest * 1e-3) {
        sum += power;
        count += 1;
    }
    (sum / count.max(1) as f32).sqrt()
}

/// The sound scaled to a level.
pub(crate) fn scaled(sound: &[f32], to: f32) -> Vec<f32> {
    let gain = to / level(sound).max(f32::MIN_POSITIVE);
    sound.iter().map(|sample| sample * gain).collect()
}

/// The sound from its first to its last window that is within 30 dB of the loudest: without a breath
/// after the last word.
pub(crate) fn trimmed(sound: &[f32]) -> &[f32] {
    let powers = powers(sound);
    let loudest = powers.iter().fold(0.0, |a: f32, b| a.max(*b));
    let is_heard = |power: &f32| *power > loudest * 1e-3;
    match (
        powers.iter().position(is_heard),
        powers.iter().rposition(is_heard),
    ) {
        (Some(first), Some(last)) => &sound[first * WINDOW..((last + 1) * WINDOW).min(sound.len())],
        _ => &[],
    }
}

/// The parts of a sound between silences of at least this many samples, each trimmed. Silence is what
/// is 25 dB below the loudest, because rooms in recordings are not silent.
pub(crate) fn phrases(sound: &[f32], silence: usize) -> Vec<&[f32]> {
    let powers = powers(sound);
    let loudest = powers.iter().fold(0.0, |a: f32, b| a.max(*b));
    let (mut phrases, mut from, mut quiet) = (Vec::new(), 0, 0);
    for (at, power) in powers.iter().enumerate() {
        if *power < loudest * 3e-3 {
            quiet += 1;
            continue;
        }
        if quiet * WINDOW >= silence && at > quiet {
            phrases.push(trimmed(&sound[from * WINDOW..(at - quiet) * WINDOW]));
            from = at;
        }
        quiet = 0;
    }
    phrases.push(trimmed(&sound[from * WINDOW..]));
    phrases
}

fn powers(sound: &[f32]) -> Vec<f32> {
    let power = |window: &[f32]| window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32;
    sound.chunks(WINDOW).map(power).collect()
}

/// Coughs as they are made: a burst when the throat opens (a sharp noise that dies within 60 ms), the
/// air that follows (a softer noise, 150 ms), and in the end the voice (a falling buzz, 90 ms).
pub(crate) fn coughs(length: usize, seed: u64) -> Vec<f32> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut sound = vec![0.0; length];
    let mut at = chance.random_range(0..RATE / 4);
    while at < length {
        for _ in 0..chance.random_range(1..=3) {
            add(&mut sound, at, &cough(&mut chance), 1.0);
            at += chance.random_range(RATE * 35 / 100..RATE * 45 / 100);
        }
        at += chance.random_range(RATE * 2..RATE * 3);
    }
    sound
}

fn cough(chance: &mut StdRng) -> Vec<f32> {
    let pitch = chance.random_range(110.0..190.0);
    let (mut low, mut lower, mut phase) = (0.0, 0.0, 0.0);
    let sample = |n: usize| {
        let t = n as f32 / RATE as f32;
        let burst = (t / 0.003).min(1.0) * (-t / 0.03).exp();
        let air = 0.25 * rise_and_fall(t, 0.04, 0.19);
        let voice = 0.5 * rise_and_fall(t, 0.18, 0.27);
        phase += (pitch - 150.0 * (t - 0.18).max(0.0)) / RATE as f32;
        let buzz = 1.0 - 2.0 * (phase % 1.0);
        let raw = (burst + air) * chance.random_range(-1.0..1.0f32) + voice * buzz;
        // Through a mouth: between some 300 and 3000 Hz.
        low += 0.55 * (raw - low);
        lower += 0.08 * (low - lower);
        low - lower
    };
    (0..RATE * 28 / 100).map(sample).collect()
}

/// Half a wave between two moments, in seconds.
fn rise_and_fall(t: f32, from: f32, to: f32) -> f32 {
    if (from..to).contains(&t) {
        (TAU / 2.0 * (t - from) / (to - from)).sin()
    } else {
        0.0
    }
}

/// Keys that are pressed in runs, each a click with a short ring of its own pitch, and a softer one when
/// it is let go.
pub(crate) fn keys(length: usize, seed: u64) -> Vec<f32> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut sound = vec![0.0; length];
    let mut at = chance.random_range(0..RATE / 4);
    while at < length {
        for _ in 0..chance.random_range(4..=10) {
            let click = click(&mut chance);
            let held = chance.random_range(RATE * 7 / 100..RATE * 11 / 100);
            add(&mut sound, at, &click, chance.random_range(0.6..1.0));
            add(&mut sound, at + held, &click, 0.4);
            at += chance.random_range(RATE * 9 / 100..RATE * 26 / 100);
        }
        at += chance.random_range(RATE * 4 / 10..RATE * 12 / 10);
    }
    sound
}

fn click(chance: &mut StdRng) -> Vec<f32> {
    let pitch = chance.random_range(2_000.0..4_000.0f32);
    let sample = |n: usize| {
        let t = n as f32 / RATE as f32;
        let hit = (-t / 0.0015).exp() * chance.random_range(-1.0..1.0f32);
        hit + 0.5 * (-t / 0.005).exp() * (TAU * pitch * t).sin()
    };
    (0..RATE / 40).map(sample).collect()
}

/// Voices that all speak at once: each says its clips in turn, from another one on, over and over.
pub(crate) fn babble(voices: &[Vec<&[f32]>], length: usize, seed: u64) -> Vec<f32> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut sound = vec![0.0; length];
    for clips in voices.iter().filter(|clips| !clips.is_empty()) {
        let first = chance.random_range(0..clips.len());
        let mut at = 0;
        for clip in clips.iter().cycle().skip(first) {
            if at >= length {
                break;
            }
            add(&mut sound, at, clip, 1.0);
            at += clip.len() + chance.random_range(RATE / 10..RATE / 2);
        }
    }
    sound
}

/// Adds a sound from some sample on; what is beyond the end is lost.
pub(crate) fn add(sound: &mut [f32], at: usize, other: &[f32], gain: f32) {
    for (sample, added) in sound.iter_mut().skip(at).zip(other) {
        *sample += gain * added;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(length: usize) -> Vec<f32> {
        let sample = |n| 0.5 * (TAU * 400.0 * n as f32 / RATE as f32).sin();
        (0..length).map(sample).collect()
    }

    #[test]
    fn silence_around_and_in_a_sound_does_not_make_it_less_loud() {
        let sound = [vec![0.0; RATE], tone(RATE), vec![0.0; RATE], tone(RATE)].concat();
        assert!((level(&sound) - 0.5 / 2.0f32.sqrt()).abs() < 0.001);
        assert!((level(&scaled(&sound, VOICE)) - VOICE).abs() < 0.001);
        assert_eq!(level(&[]), 0.0);
    }

    #[test]
    fn a_sound_is_cut_at_its_silences() {
        let silence = |ms: usize| vec![0.0; RATE * ms / 1_000];
        let sound = [
            silence(300),
            tone(RATE),
            silence(100),
            tone(RATE),
            silence(400),
            tone(RATE / 2),
            silence(500),
        ]
        .concat();
        let lengths: Vec<usize> = phrases(&sound, RATE / 4)
            .iter()
            .map(|phrase| phrase.len() * 1_000 / RATE)
            .collect();
        assert_eq!(lengths, [2_100, 500]);
        assert!(trimmed(&silence(100)).is_empty());
    }

    #[test]
    fn noises_are_the_same_each_time_and_leave_gaps() {
        for noise in [coughs, keys] {
            let sound = noise(10 * RATE, 1);
            assert_eq!(sound, noise(10 * RATE, 1));
            assert_ne!(sound, noise(10 * RATE, 2));
            let loudest = sound.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
            let quiet = powers(&sound);
            let quiet = quiet.iter().filter(|p| **p < 1e-6 * loudest * loudest);
            assert!((200..900).contains(&quiet.count()));
        }
    }

    #[test]
    fn everybody_is_heard_in_babble_all_the_time() {
        let (one, two) = (vec![1.0; RATE / 2], vec![10.0; RATE]);
        let sound = babble(&[vec![&one[..]], vec![&two[..]]], 5 * RATE, 1);
        let share = |voice: &dyn Fn(f32) -> bool| {
            sound.iter().filter(|s| voice(**s)).count() * 100 / sound.len()
        };
        assert!(share(&|s| s % 10.0 == 1.0) > 40);
        assert!(share(&|s| s >= 10.0) > 60);
    }
}
