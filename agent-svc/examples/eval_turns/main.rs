//! Judges how well the assistant takes turns: whether unfinished sentences are cut off, how long
//! finished ones wait, and which sounds over it stop it. `cargo xtask eval turns` runs it with the
//! texts that were in view from the beginning, with `--further` ones that were not at first, and with `--held-out`;
//! `--sample` takes a small part. `--hear` judges nothing: it has the training examples spoken.
//!
//! Each trial is a call in virtual time: the detector, the conversation and the judge's models are
//! those of a call, with their latencies; provider and room are stand-ins.

mod cast;
mod figures;
mod goals;
mod hear;
mod parallel;
mod plan;
mod sounds;
mod texts;
mod trials;

use std::path::Path;
use std::process::ExitCode;

use agent_svc::by_sound::{Senses, VOTE_LATENCY, WORDS_LATENCY};
use anyhow::Context as _;
use speech::Models;

use cast::{Speaker, VOICES};
use figures::{Overs, Turns};
use goals::Size;
use parallel::in_parallel;
use plan::{OverRow, TurnRow};
use sounds::RATE;
use texts::Texts;
use trials::Surroundings;

/// How much babble is made for each speaker.
const BABBLE: usize = 30 * RATE;
/// Who says the texts of a sample.
const SAMPLE_VOICES: usize = 2;

fn main() -> anyhow::Result<ExitCode> {
    let dir = std::env::var_os("MODELS_DIR").context("set MODELS_DIR to the models folder")?;
    let dir = Path::new(&dir);
    let models = Models::open(dir, 1)?;
    let size = match std::env::args().nth(1).as_deref() {
        Some("--hear") => {
            let training = Path::new(env!("CARGO_MANIFEST_DIR")).join("training");
            hear::hear(&models, &training)?;
            return Ok(ExitCode::SUCCESS);
        }
        None => Size::Whole,
        Some("--further") => Size::Further,
        Some("--held-out") => Size::HeldOut,
        Some("--sample") => Size::Sample,
        Some(other) => {
            anyhow::bail!(
                "unknown argument {other:?}: --further, --held-out, --sample and --hear are known"
            )
        }
    };
    let scene = Scene::set(&models, &dir.join("recordings"), size)?;
    let (turns, overs) = (TurnRow::all(size), OverRow::all(size));
    let (turn_sums, overs_sums) = (
        scene.judge(&models, &turns, TurnRow::run)?,
        scene.judge(&models, &overs, OverRow::run)?,
    );
    print_turns(&turns, &turn_sums);
    print_overs(&overs, &overs_sums);
    let (turn_sums, overs_sums) = (counts(turn_sums), counts(overs_sums));
    let are_met = goals::check(
        size,
        turns.iter().zip(&turn_sums),
        overs.iter().zip(&overs_sums),
    );
    Ok(if are_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everybody who speaks, and what is heard around them.
struct Scene {
    speakers: Vec<(Speaker, Surroundings)>,
}

/// What came of a row, and in words what went wrong in it.
type Outcome<T> = (T, Vec<String>);

/// How a row goes with one speaker.
type Run<Row, Sums> = fn(&Row, &Senses, &(Speaker, Surroundings)) -> anyhow::Result<Outcome<Sums>>;

impl Scene {
    fn set(models: &Models, recordings: &Path, size: Size) -> anyhow::Result<Self> {
        let texts = Texts::read(size)?;
        let voices = match size {
            Size::Whole | Size::Further | Size::HeldOut => VOICES.len(),
            Size::Sample => SAMPLE_VOICES,
        };
        let synthesizer = models.synthesizer(parallel::threads())?;
        let names: Vec<_> = VOICES.iter().take(voices).enumerate().collect();
        let mut speakers = in_parallel(
            &names,
            || Ok(synthesizer.clone()),
            |synthesizer, (turn, name)| Speaker::synthesised(synthesizer, &texts, name, *turn),
        )?;
        if matches!(size, Size::Whole) {
            speakers.push(Speaker::dickens(recordings)?);
        }
        if !size.is_in_quiet() {
            speakers.push(Speaker::beckett(recordings)?);
        }
        let babble = |listener: usize| {
            let others = speakers.iter().enumerate();
            let others = others.filter(|(index, speaker)| *index != listener && !speaker.is_read);
            let said: Vec<Vec<&[f32]>> = others
                .map(|(_, other)| other.finished.iter().map(|said| &said.sound[..]).collect())
                .collect();
            sounds::babble(&said, BABBLE, listener as u64)
        };
        let surroundings: Vec<Surroundings> = (0..speakers.len())
            .map(|listener| Surroundings {
                babble: babble(listener),
                seed: listener as u64,
            })
            .collect();
        Ok(Self {
            speakers: speakers.into_iter().zip(surroundings).collect(),
        })
    }

    /// Runs every row with every speaker, and sums up each row.
    fn judge<Row: Sync, Sums: Default + std::ops::AddAssign + Send>(
        &self,
        models: &Models,
        rows: &[Row],
        run: Run<Row, Sums>,
    ) -> anyhow::Result<Vec<Outcome<Sums>>> {
        let pairs: Vec<_> = (0..rows.len())
            .flat_map(|row| (0..self.speakers.len()).map(move |speaker| (row, speaker)))
            .collect();
        let outcomes = in_parallel(
            &pairs,
            || Ok(Senses::load(models.clone())?),
            |senses, (row, speaker)| run(&rows[*row], senses, &self.speakers[*speaker]),
        )?;
        let mut sums: Vec<Outcome<Sums>> = Vec::new();
        sums.resize_with(rows.len(), Default::default);
        for ((row, _), (counted, wrong)) in pairs.into_iter().zip(outcomes) {
            sums[row].0 += counted;
            sums[row].1.extend(wrong);
        }
        Ok(sums)
    }
}

fn counts<T>(outcomes: Vec<Outcome<T>>) -> Vec<T> {
    outcomes.into_iter().map(|(counted, _)| counted).collect()
}

fn print_turns(rows: &[TurnRow], outcomes: &[Outcome<Turns>]) {
    println!(
        "Said to a silent assistant; a vote is there after {} ms.\n",
        VOTE_LATENCY.as_millis()
    );
    println!(
        "| set | spoken by | background | ended by | turns | cut off | never taken | wait, median | wait, 90 % |"
    );
    println!("|---|---|---|---|--:|--:|--:|--:|--:|");
    for (row, (sums, _)) in rows
        .iter()
        .zip(outcomes)
        .filter(|(_, (sums, _))| sums.count > 0)
    {
        println!(
            "| {row} | {} | {:.1} % | {} | {} | {} |",
            sums.count,
            sums.cut_off(),
            sums.never_taken,
            ms(sums.wait(0.5)),
            ms(sums.wait(0.9)),
        );
    }
    print_wrong(rows.iter().map(TurnRow::is_judged_for_goals), outcomes);
}

fn print_overs(rows: &[OverRow], outcomes: &[Outcome<Overs>]) {
    println!(
        "\nSounds while the assistant speaks; their words are there after {} ms. Smart Turn has no part \
         in what becomes of them.\n",
        WORDS_LATENCY.as_millis()
    );
    println!(
        "| set | spoken by | background | told by | sounds | stopped it | paused it | paused after, median | decided after, median | decided after, 90 % |"
    );
    println!("|---|---|---|---|--:|--:|--:|--:|--:|--:|");
    for (row, (sums, _)) in rows
        .iter()
        .zip(outcomes)
        .filter(|(_, (sums, _))| sums.count > 0)
    {
        println!(
            "| {row} | {} | {:.1} % | {} | {} | {} | {} |",
            sums.count,
            sums.stops(),
            sums.paused(),
            ms(sums.pause(0.5)),
            ms(sums.decision(0.5)),
            ms(sums.decision(0.9)),
        );
    }
    print_wrong(rows.iter().map(OverRow::is_judged_for_goals), outcomes);
}

/// Says what went wrong in the rows that goals are about.
fn print_wrong<T>(is_shown: impl Iterator<Item = bool>, outcomes: &[Outcome<T>]) {
    let shown = outcomes
        .iter()
        .zip(is_shown)
        .filter(|(_, is_shown)| *is_shown);
    for line in shown.flat_map(|((_, wrong), _)| wrong) {
        println!("  {line}");
    }
}

fn ms(length: Option<u128>) -> String {
    length.map_or("-".into(), |ms| format!("{ms} ms"))
}
