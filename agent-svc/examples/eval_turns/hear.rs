//! Has the training examples spoken by voices that the evaluation does not have, and writes down what a call hears of
//! them: what is learned from is then what will be judged.

use std::fmt::Write as _;
use std::path::Path;

use agent_svc::by_sound::{Ending, Judging, LastWords, Senses};
use speech::Models;

use crate::cast::{self, Said};
use crate::parallel::{self, in_parallel};
use crate::trials::Surroundings;

/// Women and men, American and British.
const VOICES: [&str; 8] = [
    "af_alloy",
    "am_echo",
    "bf_isabella",
    "bm_daniel",
    "af_bella",
    "am_eric",
    "af_sarah",
    "bm_fable",
];
/// Of longer sentences only the end would be heard.
const MAX_WORDS: usize = 12;
/// Of so many lines of `turns.txt` one is spoken.
const TURNS: usize = 2;
/// Voices that say each overlap. There are few nods, and each voice's are taken for other words.
const NODS: usize = VOICES.len();
const STOPS: usize = 2;

/// Something to say.
struct Line<'a> {
    /// Its number in the file.
    number: usize,
    kind: &'a str,
    text: String,
    voice: &'static str,
}

/// Writes `heard_turns.tsv` and `heard_overlaps.tsv` into the folder that `turns.txt` and `overlaps.txt` are in.
pub(crate) fn hear(models: &Models, training: &Path) -> anyhow::Result<()> {
    let read = |name: &str| std::fs::read_to_string(training.join(name));
    let (turns, overlaps) = (read("turns.txt")?, read("overlaps.txt")?);
    let overlaps = said(models, &overlap_lines(&overlaps), overlap)?;
    std::fs::write(training.join("heard_overlaps.tsv"), overlaps)?;
    let turns = said(models, &turn_lines(&turns), turn)?;
    std::fs::write(training.join("heard_turns.tsv"), turns)?;
    Ok(())
}

/// The last sentence of a turn, and a beginning of it.
fn turn_lines(turns: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for (number, turn) in turns.lines().enumerate().step_by(TURNS) {
        let from = turn[..turn.len().saturating_sub(1)].rfind(['.', '?', '!']);
        let sentence = turn[from.map_or(0, |at| at + 1)..].trim();
        let parts: Vec<&str> = sentence.split(" | ").collect();
        let whole = parts.join(" ");
        if whole.split_whitespace().count() > MAX_WORDS {
            continue;
        }
        let turn_of = number / TURNS;
        let voice = VOICES[turn_of % VOICES.len()];
        lines.push(Line {
            number,
            kind: "whole",
            text: whole,
            voice,
        });
        if parts.len() > 1 {
            let beginning = parts[..=turn_of % (parts.len() - 1)].join(" ");
            lines.push(Line {
                number,
                kind: "open",
                text: cast::broken_off(&beginning),
                voice,
            });
        }
    }
    lines
}

fn overlap_lines(overlaps: &str) -> Vec<Line<'_>> {
    let lines = overlaps.lines().enumerate();
    let lines = lines.filter_map(|(number, line)| Some((number, line.split_once(": ")?)));
    lines
        .flat_map(|(number, (kind, text))| {
            let voices = if kind == "nod" { NODS } else { STOPS };
            (0..voices).map(move |turn| Line {
                number,
                kind,
                text: text.to_owned(),
                voice: VOICES[(number + 3 * turn) % VOICES.len()],
            })
        })
        .collect()
}

/// A row for each time that something was heard of a line.
type Hear = fn(&Senses, &Said) -> anyhow::Result<Vec<String>>;

fn said(models: &Models, lines: &[Line], hear: Hear) -> anyhow::Result<String> {
    let synthesizer = models.synthesizer(parallel::threads())?;
    let heard = in_parallel(
        lines,
        || Ok((synthesizer.clone(), Senses::load(models.clone())?)),
        |(synthesizer, senses), line| {
            let voice = synthesizer.voice(line.voice)?;
            hear(senses, &Said::synthesised(synthesizer, &line.text, &voice)?)
        },
    )?;
    let mut file = String::new();
    for (line, heard) in lines.iter().zip(heard) {
        for heard in heard {
            writeln!(file, "{}\t{}\t{heard}", line.number, line.kind)?;
        }
    }
    Ok(file)
}

/// Melody, the recogniser's certainty of the last word, and the words, as the turn ended.
fn turn(senses: &Senses, said: &Said) -> anyhow::Result<Vec<String>> {
    let trial = Surroundings::quiet().turn((senses, JUDGING), &[&said.sound], 0, (None, 0))?;
    let last = trial.endings.into_iter().next_back();
    let Some(Ending {
        melody,
        words: Some(words),
    }) = last
    else {
        return Ok(Vec::new());
    };
    let LastWords {
        text,
        last_confidence,
        ..
    } = words;
    Ok(vec![format!("{melody:.3}\t{last_confidence:.3}\t{text}")])
}

/// Nothing of the melody, the recogniser's certainty and the words, each time that they were asked for.
fn overlap(senses: &Senses, said: &Said) -> anyhow::Result<Vec<String>> {
    let trial = Surroundings::quiet().over((senses, JUDGING), &said.sound, (None, 0))?;
    let heard = trial.heard.into_iter();
    let heard = heard.filter(|heard| !heard.text.is_empty());
    Ok(heard
        .map(|heard| format!("0\t{:.3}\t{}", heard.last_confidence, heard.text))
        .collect())
}

const JUDGING: Judging = Judging {
    fixed_delay: None,
    words: true,
};

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[Line]) -> String {
        let row = |line: &Line| {
            format!(
                "{} {} {}: {}",
                line.number, line.voice, line.kind, line.text
            )
        };
        lines.iter().map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_last_sentence_and_a_beginning_of_it_are_said() {
        let turns = "Hi there. I need to | change my | plan.\nNot said.\nThanks a lot!\n";
        insta::assert_snapshot!(rows(&turn_lines(turns)), @r"
        0 af_alloy whole: I need to change my plan.
        0 af_alloy open: I need to,
        2 am_echo whole: Thanks a lot!
        ");
    }

    #[test]
    fn nods_are_said_by_every_voice() {
        insta::assert_snapshot!(rows(&overlap_lines("nod: mhm\nstop: no wait\n")), @r"
        0 af_alloy nod: mhm
        0 bm_daniel nod: mhm
        0 af_sarah nod: mhm
        0 am_echo nod: mhm
        0 af_bella nod: mhm
        0 bm_fable nod: mhm
        0 bf_isabella nod: mhm
        0 am_eric nod: mhm
        1 am_echo stop: no wait
        1 af_bella stop: no wait
        ");
    }
}
