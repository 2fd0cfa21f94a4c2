//! What is said; see `texts.toml`.

use serde::Deserialize;

const TEXTS: &str = include_str!("texts.toml");

/// The texts of all sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    pub(crate) finished: Vec<String>,
    /// The part before the pause and the part after it.
    pub(crate) unfinished: Vec<(String, String)>,
    pub(crate) backchannels: Vec<String>,
    pub(crate) interruptions: Vec<String>,
}

impl Texts {
    pub(crate) fn read() -> anyhow::Result<Self> {
        Ok(toml::from_str(TEXTS)?)
    }

    /// The first few of each set.
    pub(crate) fn sample(mut self, count: usize) -> Self {
        self.finished.truncate(count);
        self.unfinished.truncate(count);
        self.backchannels.truncate(count);
        self.interruptions.truncate(count);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_large_enough_to_tell_a_few_percent() {
        let texts = Texts::read().unwrap();
        let sizes = (
            texts.finished.len(),
            texts.unfinished.len(),
            texts.backchannels.len(),
            texts.interruptions.len(),
        );
        assert_eq!(sizes, (30, 30, 15, 20));
    }
}
