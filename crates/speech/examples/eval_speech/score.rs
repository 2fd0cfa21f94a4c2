//! Counts errors in words.

use std::ops::AddAssign;

use speech::synthesis::normalise;

/// The sum over several utterances.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Score {
    pub(crate) words: usize,
    pub(crate) errors: usize,
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.words += other.words;
        self.errors += other.errors;
    }
}

impl Score {
    pub(crate) fn add(&mut self, said: &str, heard: &str) {
        let (said, heard) = (words(said), words(heard));
        self.words += said.len();
        self.errors += distance(&said, &heard);
    }

    /// Errors in a hundred words.
    pub(crate) fn rate(&self) -> f64 {
        100.0 * self.errors as f64 / self.words.max(1) as f64
    }
}

/// Words in lower case, numbers written out, because "14" and "fourteen" are the same word.
fn words(text: &str) -> Vec<String> {
    normalise(text)
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Words to insert, delete or replace to make one of the other.
fn distance(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in heard.iter().enumerate() {
            let replaced = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[heard.len()]
}
