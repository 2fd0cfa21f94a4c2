//! Judges how well speech is understood: word error rates on people reading and on synthesised
//! questions, each as it is, in noise and over the telephone; and whether sounds without words
//! stay without words. `cargo xtask eval speech` runs it; `--sample` takes a small part.
//!
//! Sound goes through the detector and the recogniser as a server uses them: cut at pauses, with
//! something kept before and after, and what is too short for a word left out.

mod cases;
mod degrade;
mod ear;
mod score;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use speech::Models;

use cases::Kind;
use degrade::Condition;
use ear::Ear;
use score::Score;

/// Most errors in a hundred words, over all who speak. These tell a broken chain from a working one:
/// what is measured is about half of it.
fn ceiling(kind: Kind, condition: Condition) -> f64 {
    match (kind, condition) {
        (Kind::Recording, Condition::Clean | Condition::Telephone) => 14.0,
        (Kind::Recording, Condition::Noise) => 30.0,
        (Kind::Voice, Condition::Clean) => 4.0,
        (Kind::Voice, Condition::Noise | Condition::Telephone) => 10.0,
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let dir = std::env::var_os("MODELS_DIR").context("set MODELS_DIR to the models folder")?;
    let dir = Path::new(&dir);
    let is_sample = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--sample") => true,
        Some(other) => anyhow::bail!("unknown argument {other:?}: only --sample is known"),
    };
    let models = Models::open(dir, 2)?;
    let mut ear = Ear::new(&models)?;
    let mut failures = understanding(&models, dir, &mut ear, is_sample)?;
    failures.extend(silence(&mut ear, is_sample)?);
    for failure in &failures {
        eprintln!("FAILED: {failure}");
    }
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints a row for each speaker and each condition, then the sums, and gives those of the sums that
/// are above the ceiling.
fn understanding(
    models: &Models,
    dir: &Path,
    ear: &mut Ear,
    is_sample: bool,
) -> anyhow::Result<Vec<String>> {
    println!("| spoken by | condition | words | errors | word error rate |\n|---|---|--:|--:|--:|");
    let row = |name: &str, condition: Condition, score: &Score| {
        let Score { words, errors } = score;
        println!(
            "| {name} | {condition} | {words} | {errors} | {:.1} % |",
            score.rate()
        );
    };
    let mut sums = [Kind::Recording, Kind::Voice].map(|kind| (kind, [Score::default(); 3]));
    for case in cases::all(models, dir, is_sample)? {
        let utterances = case.utterances(models, is_sample)?;
        for (index, condition) in Condition::ALL.into_iter().enumerate() {
            let mut score = Score::default();
            for utterance in &utterances {
                let heard = ear.listen(&condition.apply(&utterance.pcm)?)?;
                score.add(&utterance.text, &heard);
            }
            row(&case.name(), condition, &score);
            for (_, sums) in sums.iter_mut().filter(|(kind, _)| *kind == case.kind()) {
                sums[index] += score;
            }
        }
    }
    let mut failures = Vec::new();
    for (kind, sums) in sums {
        for (condition, sum) in Condition::ALL.into_iter().zip(sums) {
            row(&format!("**{kind}**"), condition, &sum);
            let (rate, most) = (sum.rate(), ceiling(kind, condition));
            if rate > most {
                failures.push(format!(
                    "{kind}, {condition}: {rate:.1} % is above {most} %"
                ));
            }
        }
    }
    Ok(failures)
}

/// Prints what was made of sounds without words, and gives those that were taken for some.
fn silence(ear: &mut Ear, is_sample: bool) -> anyhow::Result<Vec<String>> {
    println!("\n| sound without words, 10 s | heard |\n|---|---|");
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, pcm) in degrade::sounds_without_words() {
        if is_sample && count == 4 {
            break;
        }
        count += 1;
        let heard = ear.listen(&pcm)?;
        println!(
            "| {name} | {} |",
            if heard.is_empty() { "nothing" } else { &heard }
        );
        if !heard.is_empty() {
            failures.push(format!("words were heard in {name}"));
        }
    }
    println!(
        "\nWords in {} of {count} sounds without words.",
        failures.len()
    );
    Ok(failures)
}
