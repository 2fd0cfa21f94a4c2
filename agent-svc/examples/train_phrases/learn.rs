//! Logistic regression.

use agent_svc::learned::Linear;

const STEPS: usize = 600;
const MOMENTUM: f64 = 0.9;

/// What is known of something, and whether it is what is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) is: bool,
    /// What is added to the weighted sum.
    pub(crate) known: f32,
    /// How much it counts beside others.
    pub(crate) weight: f64,
}

/// Both kinds count the same. By gradient descent with momentum; `restraint` keeps the weights small, of which few
/// examples need more.
pub(crate) fn learn(cases: &[Case], restraint: f64) -> Linear {
    let scale = Scale::of(cases);
    let numbers = scale.mean.len();
    let scaled: Vec<Vec<f32>> = cases.iter().map(|case| scale.apply(case.values)).collect();
    let share = |is: bool| {
        let cases = cases.iter().filter(|case| case.is == is);
        cases.map(|case| case.weight).sum::<f64>()
    };
    let halves = [0.5 / share(false).max(1.0), 0.5 / share(true).max(1.0)];

    // The more numbers, the smaller the steps that do not overshoot; of few numbers these are small enough.
    let rate = 8.0 / numbers.max(40) as f64;
    let (mut weights, mut speed) = (vec![0.0f64; numbers], vec![0.0f64; numbers]);
    let (mut bias, mut bias_speed) = (0.0f64, 0.0f64);
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| weight * restraint).collect();
        let mut bias_gradient = 0.0;
        let current: Vec<f32> = weights.iter().map(|weight| *weight as f32).collect();
        for (values, case) in scaled.iter().zip(cases) {
            let sum: f32 = values.iter().zip(&current).map(|(a, b)| a * b).sum();
            let told = 1.0 / (1.0 + (-(f64::from(sum + case.known) + bias)).exp());
            let error = told - f64::from(u8::from(case.is));
            let error = error * case.weight * halves[usize::from(case.is)];
            bias_gradient += error;
            for (gradient, value) in gradient.iter_mut().zip(values) {
                *gradient += error * f64::from(*value);
            }
        }
        for ((weight, speed), gradient) in weights.iter_mut().zip(&mut speed).zip(&gradient) {
            *speed = *speed * MOMENTUM - rate * gradient;
            *weight += *speed;
        }
        bias_speed = bias_speed * MOMENTUM - rate * bias_gradient;
        bias += bias_speed;
    }
    scale.undo(&weights, bias)
}

/// What brings each number to mean 0 and variance 1.
struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    fn of(cases: &[Case]) -> Self {
        let numbers = cases.first().map_or(0, |case| case.values.len());
        let count = cases.len() as f64;
        let (mut mean, mut deviation) = (vec![0.0; numbers], vec![0.0; numbers]);
        for case in cases {
            for (mean, value) in mean.iter_mut().zip(case.values) {
                *mean += f64::from(*value) / count;
            }
        }
        for case in cases {
            for ((deviation, mean), value) in deviation.iter_mut().zip(&mean).zip(case.values) {
                *deviation += (f64::from(*value) - mean).powi(2) / count;
            }
        }
        for deviation in &mut deviation {
            *deviation = deviation.sqrt().max(1e-6);
        }
        Self { mean, deviation }
    }

    fn apply(&self, values: &[f32]) -> Vec<f32> {
        let values = values.iter().zip(&self.mean).zip(&self.deviation);
        let scaled = values.map(|((value, mean), by)| (f64::from(*value) - mean) / by);
        scaled.map(|value| value as f32).collect()
    }

    /// The same sum for numbers that were not brought there.
    fn undo(&self, weights: &[f64], bias: f64) -> Linear {
        let unscaled: Vec<f64> = weights
            .iter()
            .zip(&self.deviation)
            .map(|(a, b)| a / b)
            .collect();
        let moved: f64 = unscaled.iter().zip(&self.mean).map(|(a, b)| a * b).sum();
        Linear {
            bias: rounded(bias - moved),
            weights: unscaled.into_iter().map(rounded).collect(),
        }
    }
}

/// Four digits behind the point are enough, and keep the file small.
fn rounded(value: f64) -> f32 {
    ((value * 10_000.0).round() / 10_000.0) as f32
}
