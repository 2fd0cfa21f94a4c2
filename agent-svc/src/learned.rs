//! What was learned from examples (`training/`): `examples/train_phrases` makes `learned/weights.json` of them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What was learned.
#[derive(Debug, Serialize, Deserialize)]
pub struct Weights {
    /// Of a [`speech::phrase::Phrase`]: above 0 for a whole one.
    pub whole: Linear,
    /// Of a [`speech::phrase::Phrase`]: above 0 for a back-channel.
    pub nod: Linear,
    /// Of the signs of [`LastWords`](crate::by_sound::LastWords), beside the melody: above 0 for an end that nothing
    /// follows.
    pub end: Linear,
}

/// A weighted sum.
#[derive(Debug, Serialize, Deserialize)]
pub struct Linear {
    /// Added to the sum.
    pub bias: f32,
    /// One for each number.
    pub weights: Vec<f32>,
}

impl Weights {
    pub(crate) fn current() -> &'static Self {
        static CURRENT: LazyLock<Weights> = LazyLock::new(|| {
            serde_json::from_str(include_str!("learned/weights.json"))
                .expect("the file is written by train_phrases and read by a test")
        });
        &CURRENT
    }
}

impl Linear {
    /// 0 to 1: the logistic function of the sum.
    pub fn probability(&self, values: &[f32]) -> f32 {
        self.probability_beside(0.0, values)
    }

    /// The same where `known` is added to the sum.
    pub fn probability_beside(&self, known: f32, values: &[f32]) -> f32 {
        let terms = self.weights.iter().zip(values);
        let sum = known + self.bias + terms.map(|(weight, value)| weight * value).sum::<f32>();
        1.0 / (1.0 + (-sum).exp())
    }
}

#[cfg(test)]
mod tests {
    use speech::phrase::FEATURES;

    use super::*;
    use crate::judge::ending::SIGNS;

    #[test]
    fn there_is_a_weight_for_each_number() {
        let Weights { whole, nod, end } = Weights::current();
        let counts = [whole, nod, end].map(|linear| linear.weights.len());
        assert_eq!(counts, [FEATURES, FEATURES, SIGNS]);
    }
}
