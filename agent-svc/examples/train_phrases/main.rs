//! Learns from the examples in `training/` what is a whole phrase and what a back-channel, and writes it down.
//!
//! `MODELS_DIR=… cargo run -p agent-svc --example train_phrases` prints how well each fifth of the examples is told by
//! what was learned from the others. The same examples give the same file.

use std::path::Path;

use agent_svc::phrases::{Linear, Phrases, Weights};
use anyhow::Context as _;
use speech::Models;
use speech::phrase::{FEATURES, Phrase};

/// What keeps weights small: few examples need more of it.
const TURNS_RESTRAINT: f64 = 0.05;
const OVERLAPS_RESTRAINT: f64 = 0.1;
/// The end of a long turn is all that is heard of it.
const HEARD: usize = 12;
const FOLDS: usize = 5;
const STEPS: usize = 600;
const MOMENTUM: f64 = 0.9;

fn main() -> anyhow::Result<()> {
    let models = std::env::var_os("MODELS_DIR").context("MODELS_DIR names the models folder")?;
    let phrases = Phrases::load(&Models::open(Path::new(&models), 2)?)?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(here.join("training").join(name));

    let turns = examples(&phrases, &read("turns.txt")?, turn)?;
    report("whole phrases", &turns, TURNS_RESTRAINT);
    let overlaps = examples(&phrases, &read("overlaps.txt")?, overlap)?;
    report("back-channels", &overlaps, OVERLAPS_RESTRAINT);

    let weights = Weights {
        whole: learn(&cases(&turns), TURNS_RESTRAINT),
        nod: learn(&cases(&overlaps), OVERLAPS_RESTRAINT),
    };
    let file = here.join("src/phrases/weights.json");
    std::fs::write(&file, serde_json::to_string(&weights)? + "\n")?;
    println!("written: {}", file.display());
    Ok(())
}

/// A phrase, and whether it is what is looked for.
struct Example {
    /// Those that were made of one line are learned or told together.
    line: usize,
    phrase: Phrase,
    is: bool,
}

type Case<'a> = (&'a Phrase, bool);

fn cases<'a>(examples: impl IntoIterator<Item = &'a Example>) -> Vec<Case<'a>> {
    let examples = examples.into_iter();
    examples
        .map(|example| (&example.phrase, example.is))
        .collect()
}

fn examples(
    phrases: &Phrases,
    text: &str,
    parts: fn(&str) -> Vec<(String, bool)>,
) -> anyhow::Result<Vec<Example>> {
    let mut examples = Vec::new();
    for (line, text) in text.lines().enumerate() {
        for (text, is) in parts(text) {
            if let Some(phrase) = phrases.read(&text)? {
                examples.push(Example { line, phrase, is });
            }
        }
    }
    Ok(examples)
}

/// The whole turn, its sentences so far, and its beginnings.
fn turn(line: &str) -> Vec<(String, bool)> {
    let whole = line.replace(" | ", " ");
    let sentences = whole.match_indices(['.', '?', '!']);
    let sentences = sentences.map(|(at, _)| (whole[..=at].to_owned(), true));
    let parts: Vec<&str> = line.split(" | ").collect();
    let beginnings = (1..parts.len()).map(|count| (parts[..count].join(" "), false));
    let all: Vec<_> = sentences.chain(beginnings).collect();
    let ends = all.iter().filter_map(|(text, is)| {
        let words: Vec<&str> = text.split_whitespace().collect();
        let from = words.len().checked_sub(HEARD).filter(|from| *from > 2)?;
        Some((words[from..].join(" "), *is))
    });
    let ends: Vec<_> = ends.collect();
    all.into_iter().chain(ends).collect()
}

/// What was said, and its beginnings of two words and more.
fn overlap(line: &str) -> Vec<(String, bool)> {
    let Some((kind, text)) = line.split_once(": ") else {
        return Vec::new();
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let beginnings = (2..words.len()).map(|count| words[..count].join(" "));
    let all = beginnings.chain([text.to_owned()]);
    all.map(|text| (text, kind == "nod")).collect()
}

/// Prints how well each fold is told by what the others teach.
fn report(what: &str, examples: &[Example], restraint: f64) {
    let mut told = Vec::new();
    for fold in 0..FOLDS {
        let is_in = |example: &&Example| example.line % FOLDS == fold;
        let others = examples.iter().filter(|example| !is_in(example));
        let learned = learn(&cases(others), restraint);
        let fold = examples.iter().filter(is_in);
        told.extend(fold.map(|example| (learned.probability(&example.phrase), example.is)));
    }
    let right = told.iter().filter(|(p, is)| (*p > 0.5) == *is).count();
    println!("{what}: {right} of {} right", told.len());
    for floor in [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] {
        let above = |is: bool| {
            let all = told.iter().filter(|case| case.1 == is);
            let above = all.clone().filter(|(p, _)| *p > floor).count();
            100.0 * above as f64 / all.count() as f64
        };
        let (found, mistaken) = (above(true), above(false));
        println!("  above {floor}: {found:.1} % of what is, {mistaken:.1} % of what is not");
    }
}

/// Logistic regression with both kinds counting the same, by gradient descent with momentum, on numbers brought to
/// mean 0 and variance 1.
fn learn(cases: &[Case], restraint: f64) -> Linear {
    let count = cases.len() as f64;
    let (mut mean, mut deviation) = (vec![0.0; FEATURES], vec![0.0; FEATURES]);
    for (phrase, _) in cases {
        for (mean, value) in mean.iter_mut().zip(*phrase) {
            *mean += f64::from(*value) / count;
        }
    }
    for (phrase, _) in cases {
        for ((deviation, mean), value) in deviation.iter_mut().zip(&mean).zip(*phrase) {
            *deviation += (f64::from(*value) - mean).powi(2) / count;
        }
    }
    for deviation in &mut deviation {
        *deviation = deviation.sqrt().max(1e-6);
    }
    let scaled: Vec<Vec<f32>> = cases
        .iter()
        .map(|(phrase, _)| {
            let values = phrase.iter().zip(&mean).zip(&deviation);
            let scaled = values.map(|((value, mean), by)| (f64::from(*value) - mean) / by);
            scaled.map(|value| value as f32).collect()
        })
        .collect();
    let share = |is: bool| cases.iter().filter(|case| case.1 == is).count() as f64;
    let weight = [0.5 / share(false).max(1.0), 0.5 / share(true).max(1.0)];

    let rate = 8.0 / FEATURES as f64;
    let (mut weights, mut speed) = (vec![0.0f64; FEATURES], vec![0.0f64; FEATURES]);
    let (mut bias, mut bias_speed) = (0.0f64, 0.0f64);
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| weight * restraint).collect();
        let mut bias_gradient = 0.0;
        let current: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
        for (values, (_, is)) in scaled.iter().zip(cases) {
            let sum: f32 = values.iter().zip(&current).map(|(a, b)| a * b).sum();
            let told = 1.0 / (1.0 + (-(f64::from(sum) + bias)).exp());
            let error = (told - f64::from(u8::from(*is))) * weight[usize::from(*is)];
            bias_gradient += error;
            for (gradient, value) in gradient.iter_mut().zip(values) {
                *gradient += error * f64::from(*value);
            }
        }
        for ((weight, speed), gradient) in weights.iter_mut().zip(&mut speed).zip(&gradient) {
            *speed = *speed * MOMENTUM - rate * gradient;
            *weight += *speed;
        }
        bias_speed = bias_speed * MOMENTUM - rate * bias_gradient;
        bias += bias_speed;
    }
    let unscaled: Vec<f64> = weights.iter().zip(&deviation).map(|(a, b)| a / b).collect();
    let moved: f64 = unscaled.iter().zip(&mean).map(|(a, b)| a * b).sum();
    Linear {
        bias: rounded(bias - moved),
        weights: unscaled.into_iter().map(rounded).collect(),
    }
}

/// Four digits behind the point are enough, and keep the file small.
fn rounded(value: f64) -> f32 {
    ((value * 10_000.0).round() / 10_000.0) as f32
}
