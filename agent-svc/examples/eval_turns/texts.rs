//! What is said; see `texts.toml`, `further.toml` and `held_out.toml`.

use serde::Deserialize;

use crate::goals::Size;

const TEXTS: &str = include_str!("texts.toml");
const FURTHER: &str = include_str!("further.toml");
const HELD_OUT: &str = include_str!("held_out.toml");
/// Texts of a set in a sample.
const SAMPLE: usize = 9;

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
    pub(crate) fn read(size: Size) -> anyhow::Result<Self> {
        let texts = toml::from_str(match size {
            Size::Whole | Size::Sample => TEXTS,
            Size::Further => FURTHER,
            Size::HeldOut => HELD_OUT,
        });
        let mut texts: Self = texts?;
        if size == Size::Sample {
            texts.finished.truncate(SAMPLE);
            texts.unfinished.truncate(SAMPLE);
            texts.backchannels.truncate(SAMPLE);
            texts.interruptions.truncate(SAMPLE);
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_large_enough_to_tell_a_few_percent() {
        let sizes = |size| {
            let texts = Texts::read(size).unwrap();
            (
                texts.finished.len(),
                texts.unfinished.len(),
                texts.backchannels.len(),
                texts.interruptions.len(),
            )
        };
        assert_eq!(sizes(Size::Whole), (30, 30, 15, 20));
        assert_eq!(sizes(Size::Further), (40, 40, 20, 25));
        assert_eq!(sizes(Size::HeldOut), (60, 60, 30, 30));
        assert_eq!(sizes(Size::Sample), (9, 9, 9, 9));
    }
}
