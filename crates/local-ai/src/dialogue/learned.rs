//! What was learned from examples: how much each piece of evidence counts.
//!
//! The examples (`training/`) are questions to help centres of made-up companies that have nothing
//! to do with each other or with ours; `examples/train_dialogue` makes `weights.json` of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::engine::Embedding;

/// Evidence: what was measured, and how much of it there is.
pub type Evidence = Vec<(&'static str, f32)>;

/// Everything that was learned.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Weights {
    /// Above 0 for a question about the state of the asker's own account.
    pub own: Linear,
    /// What the meaning of the question adds to that.
    pub own_meaning: Vec<f32>,
    /// Which sentence of the passages answers best.
    pub sentence: Linear,
    /// Above 0 when the best sentence is an answer.
    pub sentence_answers: Linear,
    /// Which fact answers best.
    pub fact: Linear,
    /// Above 0 when the best fact is an answer.
    pub fact_answers: Linear,
}

/// A weighted sum.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Linear {
    /// Added to the sum.
    pub bias: f32,
    /// By the name of the evidence; what is not named does not count.
    pub weights: BTreeMap<String, f32>,
}

impl Weights {
    /// Those that were learned last.
    pub(super) fn current() -> &'static Self {
        static CURRENT: LazyLock<Weights> = LazyLock::new(|| {
            serde_json::from_str(include_str!("weights.json"))
                .expect("the file is written by train_dialogue and read by a test")
        });
        &CURRENT
    }

    /// Whether a question is about the asker's own account: above 0 it is.
    pub fn own(&self, evidence: &Evidence, meaning: &Embedding) -> f32 {
        let by_meaning = self.own_meaning.iter().zip(meaning);
        self.own.score(evidence)
            + by_meaning
                .map(|(weight, value)| weight * value)
                .sum::<f32>()
    }
}

impl Linear {
    /// The sum for this evidence.
    pub fn score(&self, evidence: &Evidence) -> f32 {
        let weighted = |(name, value): &(&str, f32)| {
            self.weights.get(*name).copied().unwrap_or_default() * value
        };
        self.bias + evidence.iter().map(weighted).sum::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_can_be_read_and_all_of_them_are_there() {
        let weights = Weights::current();
        assert_eq!(weights.own_meaning.len(), speech::embedding::DIMENSIONS);
        for linear in [
            &weights.own,
            &weights.sentence,
            &weights.sentence_answers,
            &weights.fact,
            &weights.fact_answers,
        ] {
            assert!(!linear.weights.is_empty());
        }
    }

    #[test]
    fn evidence_without_a_weight_does_not_count() {
        let linear = Linear {
            bias: 1.0,
            weights: [("known".to_owned(), 2.0)].into(),
        };
        assert_eq!(linear.score(&vec![("known", 3.0), ("unknown", 5.0)]), 7.0);
    }
}
