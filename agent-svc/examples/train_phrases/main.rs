//! Learns from the examples in `training/` what is a whole phrase, what a back-channel, and how much each sign of the
//! end of a turn counts, and writes it down.
//!
//! `MODELS_DIR=… cargo run -p agent-svc --example train_phrases` prints how well each fifth of the examples is told by
//! what was learned from the others. The same examples give the same file.

mod examples;
mod learn;

use std::path::Path;

use agent_svc::by_sound::{Ending, LastWords};
use agent_svc::learned::Weights;
use agent_svc::phrases::Phrases;
use anyhow::Context as _;
use speech::Models;

use examples::{Example, heard, overlap, turn, written};
use learn::{Case, learn};

const TURNS_RESTRAINT: f64 = 0.05;
const OVERLAPS_RESTRAINT: f64 = 0.1;
const ENDS_RESTRAINT: f64 = 0.001;
const FOLDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let models = std::env::var_os("MODELS_DIR").context("MODELS_DIR names the models folder")?;
    let phrases = Phrases::load(&Models::open(Path::new(&models), 2)?)?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(here.join("training").join(name));

    let mut turns = written(&phrases, &read("turns.txt")?, turn)?;
    turns.extend(heard(&phrases, &read("heard_turns.tsv")?, "whole")?);
    let cases: Vec<Case> = turns.iter().map(Example::case).collect();
    let told = told_by_others(&lines(&turns), &cases, TURNS_RESTRAINT);
    report("whole phrases, written", &pick(&turns, &told, false));
    report("whole phrases, heard", &pick(&turns, &told, true));
    let whole = learn(&cases, TURNS_RESTRAINT);

    let endings = endings(&turns, &told);
    let cases: Vec<Case> = endings.iter().map(EndingExample::case).collect();
    let lines_of_endings: Vec<usize> = endings.iter().map(|ending| ending.line).collect();
    let told = told_by_others(&lines_of_endings, &cases, ENDS_RESTRAINT);
    let told: Vec<_> = told
        .into_iter()
        .zip(cases.iter().map(|case| case.is))
        .collect();
    report("ends of turns", &told);
    let end = learn(&cases, ENDS_RESTRAINT);
    println!("  {end:?}");

    let mut overlaps = written(&phrases, &read("overlaps.txt")?, overlap)?;
    overlaps.extend(heard(&phrases, &read("heard_overlaps.tsv")?, "nod")?);
    let cases: Vec<Case> = overlaps.iter().map(Example::case).collect();
    let told = told_by_others(&lines(&overlaps), &cases, OVERLAPS_RESTRAINT);
    report("back-channels, written", &pick(&overlaps, &told, false));
    report("back-channels, heard", &pick(&overlaps, &told, true));
    let nod = learn(&cases, OVERLAPS_RESTRAINT);

    let file = here.join("src/learned/weights.json");
    let weights = serde_json::to_string(&Weights { whole, nod, end })?;
    std::fs::write(&file, weights + "\n")?;
    println!("written: {}", file.display());
    Ok(())
}

/// The signs of the end of a turn that was heard, where its melody leaves them a say.
struct EndingExample {
    line: usize,
    signs: [f32; 3],
    melody: f32,
    is: bool,
}

impl EndingExample {
    fn case(&self) -> Case<'_> {
        Case {
            values: &self.signs,
            is: self.is,
            known: Ending::known_by(self.melody),
            weight: 1.0,
        }
    }
}

/// With how whole each phrase is for those who did not learn it.
fn endings(turns: &[Example], told: &[f32]) -> Vec<EndingExample> {
    let heard = turns.iter().zip(told);
    let heard = heard.filter_map(|(turn, told)| Some((turn, turn.heard.as_ref()?, *told)));
    heard
        .filter(|(_, spoken, _)| !Ending::is_open_by(spoken.melody))
        .map(|(turn, spoken, whole)| {
            let words = LastWords {
                whole,
                ..spoken.words.clone()
            };
            EndingExample {
                line: turn.line,
                signs: words.signs(),
                melody: spoken.melody,
                is: turn.is,
            }
        })
        .collect()
}

fn lines(examples: &[Example]) -> Vec<usize> {
    examples.iter().map(|example| example.line).collect()
}

/// What each is for those who learned the other folds, 0 to 1.
fn told_by_others(lines: &[usize], cases: &[Case], restraint: f64) -> Vec<f32> {
    let mut told = vec![0.0; cases.len()];
    for fold in 0..FOLDS {
        let is_in = |line: usize| line % FOLDS == fold;
        let others = lines.iter().zip(cases).filter(|(line, _)| !is_in(**line));
        let others: Vec<Case> = others.map(|(_, case)| *case).collect();
        let learned = learn(&others, restraint);
        for ((told, line), case) in told.iter_mut().zip(lines).zip(cases) {
            if is_in(*line) {
                *told = learned.probability_beside(case.known, case.values);
            }
        }
    }
    told
}

/// What those that were heard, or not, were told to be and are.
fn pick(examples: &[Example], told: &[f32], is_heard: bool) -> Vec<(f32, bool)> {
    let picked = examples.iter().zip(told);
    let picked = picked.filter(|(example, _)| example.heard.is_some() == is_heard);
    picked.map(|(example, told)| (*told, example.is)).collect()
}

fn report(what: &str, told: &[(f32, bool)]) {
    let right = told.iter().filter(|(p, is)| (*p > 0.5) == *is).count();
    println!("{what}: {right} of {} right", told.len());
    for floor in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95] {
        let above = |is: bool| {
            let all = told.iter().filter(|case| case.1 == is);
            let above = all.clone().filter(|(p, _)| *p > floor).count();
            100.0 * above as f64 / all.count() as f64
        };
        let (found, mistaken) = (above(true), above(false));
        println!("  above {floor}: {found:.1} % of what is, {mistaken:.1} % of what is not");
    }
}
