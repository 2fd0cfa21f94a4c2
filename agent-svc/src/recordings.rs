//! The sentences that never change, recorded in the project's own voice: for when the dedicated voice
//! fails or is late.
//!
//! They lie in `recordings/`, one WebM file a sentence, and are made anew by
//! `cargo xtask gen --recordings` (`examples/record_lines`). A test hears whether they still say what
//! their sentence says.

use crate::domain::Line;
use crate::media::webm::{self, WebmError};

/// The longest of them.
const MAX_SECONDS: usize = 15;

/// The sentences that are recorded, each with the name of its file.
pub fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    Line::ALL
        .into_iter()
        .map(|line| (file(line).0, line.text()))
}

/// The sound of a sentence, 24 kHz.
pub(crate) fn sound(line: Line) -> Result<Vec<i16>, WebmError> {
    webm::decode(file(line).1, MAX_SECONDS)
}

fn file(line: Line) -> (&'static str, &'static [u8]) {
    macro_rules! file {
        ($name:literal) => {
            ($name, include_bytes!(concat!("../recordings/", $name)))
        };
    }
    match line {
        Line::Filler => file!("filler.webm"),
        Line::Apology => file!("apology.webm"),
        Line::Reconnecting => file!("reconnecting.webm"),
        Line::BrokenOff => file!("broken_off.webm"),
        Line::Repeat => file!("repeat.webm"),
        Line::AreYouThere => file!("are_you_there.webm"),
        Line::NoMicrophone => file!("no_microphone.webm"),
        Line::StillNoMicrophone => file!("still_no_microphone.webm"),
        Line::TimeWarning => file!("time_warning.webm"),
        Line::ToolLimit => file!("tool_limit.webm"),
        Line::TechnicalProblem => file!("technical_problem.webm"),
        Line::Silence => file!("silence.webm"),
        Line::TimeLimit => file!("time_limit.webm"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use speech::Models;

    use super::*;
    use crate::judge::Judge;
    use crate::tts::same_words;

    #[test]
    fn every_recording_says_its_sentence_and_begins_at_once() {
        let dir = std::env::var("MODELS_DIR")
            .expect("MODELS_DIR names the models folder: run `cargo xtask test`");
        let judge = Judge::load(&Models::open(Path::new(&dir), 1).unwrap()).unwrap();
        for line in Line::ALL {
            let sound = sound(line).unwrap();
            let heard = judge.words_here(&sound).unwrap().text;
            // After the last word it may have heard one in the silence.
            let count = line.text().split_whitespace().count();
            let words: Vec<&str> = heard.split_whitespace().take(count).collect();
            let words = words.join(" ");
            assert!(same_words(line.text(), &words), "{line:?}: {heard}");
            // A voice within a tenth of a second, and no click at the end.
            let loud = |sample: &i16| sample.unsigned_abs() > 300;
            let from = sound.iter().position(loud).unwrap();
            assert!(from < 2_400, "{line:?} begins after {from} samples");
            assert!(!sound.iter().rev().take(240).any(loud), "{line:?}");
        }
    }

    #[test]
    fn all_of_them_are_small() {
        let bytes: usize = Line::ALL.map(|line| file(line).1.len()).iter().sum();
        assert!(bytes < 300_000, "{bytes}");
    }
}
