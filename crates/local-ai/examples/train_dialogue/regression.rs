//! Weights of evidence, learned by logistic regression.

use local_ai::dialogue::training::{Evidence, Linear};
use local_ai::engine::Embedding;

/// What keeps weights small, for few and for many kinds of evidence.
const RESTRAINT: f32 = 8.0;
const OWN_RESTRAINT: f32 = 3.0;
/// Embeddings have length 1, other evidence is 0 or 1: this brings them to one scale.
const MEANING: f32 = 5.0;

/// Candidates with the ones that are right.
pub(crate) type Choice = Vec<(Evidence, bool)>;
/// Evidence, whether it was for something right, and how much that counts.
pub(crate) type Case = (Evidence, bool, f32);

/// Steps down a slope, each weight at its own pace (Adam).
struct Descent {
    weights: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    step: i32,
}

impl Descent {
    const STEPS: usize = 500;
    const PACE: f64 = 0.05;

    fn new(size: usize) -> Self {
        Self {
            weights: vec![0.0; size],
            mean: vec![0.0; size],
            square: vec![0.0; size],
            step: 0,
        }
    }

    fn down(&mut self, slope: &[f64]) {
        self.step += 1;
        for (index, slope) in slope.iter().enumerate() {
            self.mean[index] = 0.9 * self.mean[index] + 0.1 * slope;
            self.square[index] = 0.999 * self.square[index] + 0.001 * slope * slope;
            let mean = self.mean[index] / (1.0 - 0.9f64.powi(self.step));
            let square = self.square[index] / (1.0 - 0.999f64.powi(self.step));
            self.weights[index] -= Self::PACE * mean / (square.sqrt() + 1e-8);
        }
    }
}

/// Evidence as numbers of one scale, by name.
struct Scale {
    names: Vec<&'static str>,
    spread: Vec<f64>,
}

impl Scale {
    fn of<'e>(mut all: impl Iterator<Item = &'e Evidence> + Clone) -> Self {
        let every = all.clone();
        let names: Vec<&'static str> = all
            .next()
            .map(|evidence| evidence.iter().map(|(name, _)| *name).collect())
            .unwrap_or_default();
        let count = every.clone().count().max(1) as f64;
        let spread = (0..names.len())
            .map(|index| {
                let values = every.clone().map(|evidence| f64::from(evidence[index].1));
                let mean = values.clone().sum::<f64>() / count;
                let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
                variance.sqrt().max(1e-3)
            })
            .collect();
        Self { names, spread }
    }

    fn row(&self, evidence: &Evidence) -> Vec<f64> {
        let pairs = evidence.iter().zip(&self.spread);
        pairs
            .map(|((_, value), spread)| f64::from(*value) / spread)
            .collect()
    }

    fn linear(&self, weights: &[f64], bias: f64) -> Linear {
        let named = self.names.iter().zip(weights.iter().zip(&self.spread));
        Linear {
            bias: bias as f32,
            weights: named
                .map(|(name, (weight, spread))| ((*name).to_owned(), (weight / spread) as f32))
                .collect(),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Weights by which the right candidates come first: multinomial logistic regression.
pub(crate) fn ranking(choices: &[Choice]) -> Linear {
    let useful: Vec<&Choice> = choices
        .iter()
        .filter(|choice| choice.iter().any(|(_, right)| *right))
        .collect();
    let scale = Scale::of(
        useful
            .iter()
            .flat_map(|choice| choice.iter().map(|(e, _)| e)),
    );
    let rows: Vec<Vec<(Vec<f64>, bool)>> = useful
        .iter()
        .map(|choice| {
            choice
                .iter()
                .map(|(e, right)| (scale.row(e), *right))
                .collect()
        })
        .collect();
    let mut descent = Descent::new(scale.names.len());
    let count = rows.len().max(1) as f64;
    for _ in 0..Descent::STEPS {
        let mut slope: Vec<f64> = descent
            .weights
            .iter()
            .map(|weight| f64::from(RESTRAINT) * weight / count)
            .collect();
        for choice in &rows {
            let scores: Vec<f64> = choice
                .iter()
                .map(|(row, _)| dot(row, &descent.weights))
                .collect();
            let most = scores.iter().copied().fold(f64::MIN, f64::max);
            let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let sum: f64 = powers.iter().sum();
            let right: f64 = choice
                .iter()
                .zip(&powers)
                .filter(|((_, right), _)| *right)
                .map(|(_, p)| p)
                .sum();
            for ((row, is_right), power) in choice.iter().zip(&powers) {
                let wanted = if *is_right { power / right } else { 0.0 };
                let off = (power / sum - wanted) / count;
                for (slope, value) in slope.iter_mut().zip(row) {
                    *slope += off * value;
                }
            }
        }
        descent.down(&slope);
    }
    scale.linear(&descent.weights, 0.0)
}

/// Weights whose sum is above 0 for what is right, with a bias that declines this share of it.
pub(crate) fn deciding(cases: &[Case], may_decline: f32) -> Linear {
    let scale = Scale::of(cases.iter().map(|(evidence, ..)| evidence));
    let rows: Vec<(Vec<f64>, bool, f64)> = cases
        .iter()
        .map(|(evidence, right, weight)| (scale.row(evidence), *right, f64::from(*weight)))
        .collect();
    let weights = logistic(&rows, f64::from(RESTRAINT));
    let (weights, _) = weights.split_at(scale.names.len());
    let mut right: Vec<f64> = rows
        .iter()
        .filter(|(_, right, _)| *right)
        .map(|(row, ..)| dot(row, weights))
        .collect();
    right.sort_by(f64::total_cmp);
    let declined = (right.len() as f32 * may_decline) as usize;
    let floor = right.get(declined).copied().unwrap_or_default();
    scale.linear(weights, -floor)
}

/// Logistic regression; the last weight is the bias.
fn logistic(rows: &[(Vec<f64>, bool, f64)], restraint: f64) -> Vec<f64> {
    let size = rows.first().map_or(0, |(row, ..)| row.len());
    let total: f64 = rows
        .iter()
        .map(|(_, _, weight)| weight)
        .sum::<f64>()
        .max(1.0);
    let mut descent = Descent::new(size + 1);
    for _ in 0..Descent::STEPS {
        let mut slope: Vec<f64> = descent
            .weights
            .iter()
            .map(|weight| restraint * weight / rows.len().max(1) as f64)
            .collect();
        slope[size] = 0.0;
        for (row, right, weight) in rows {
            let score = dot(row, &descent.weights) + descent.weights[size];
            let off = (1.0 / (1.0 + (-score).exp()) - f64::from(u8::from(*right))) * weight / total;
            for (slope, value) in slope.iter_mut().zip(row.iter().chain([&1.0])) {
                *slope += off * value;
            }
        }
        descent.down(&slope);
    }
    descent.weights
}

/// Weights for a question being about the asker's own account.
pub(crate) fn own(cases: &[(Evidence, Embedding, bool)]) -> (Linear, Vec<f32>) {
    let count = |wanted: bool| cases.iter().filter(|(.., own)| *own == wanted).count() as f64;
    // Both kinds count the same, however many there are of each.
    let balance = count(false) / count(true).max(1.0);
    let rows: Vec<(Vec<f64>, bool, f64)> = cases
        .iter()
        .map(|(evidence, meaning, own)| {
            let meaning = meaning.iter().map(|value| f64::from(MEANING * value));
            let signs = evidence.iter().map(|(_, value)| f64::from(*value));
            let weight = if *own { balance } else { 1.0 };
            (meaning.chain(signs).collect(), *own, weight)
        })
        .collect();
    let weights = logistic(&rows, f64::from(OWN_RESTRAINT));
    let meaning = cases.first().map_or(0, |(_, meaning, _)| meaning.len());
    let named = cases
        .first()
        .map(|(evidence, ..)| evidence.clone())
        .unwrap_or_default();
    let signs = named.iter().zip(&weights[meaning..]);
    let linear = Linear {
        bias: weights.last().copied().unwrap_or_default() as f32,
        weights: signs
            .map(|((name, _), weight)| ((*name).to_owned(), *weight as f32))
            .collect(),
    };
    let by_meaning = weights[..meaning]
        .iter()
        .map(|weight| *weight as f32 * MEANING);
    (linear, by_meaning.collect())
}
