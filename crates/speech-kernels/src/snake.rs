//! A channel of a vocoder, normalised, bent by the snake activation, and quantised.
//!
//! Snake is `v + sin²(alpha v) / alpha`, after Ziyin and others, "Neural networks fail to learn
//! periodic functions and how to fix it".

use std::f32::consts::FRAC_1_PI;

use pulp::{Arch, Scalar, Simd, WithSimd};

/// So many sums are kept at once, so that none waits for the one before.
const AT_ONCE: usize = 4;

/// One channel, and what becomes of each of its samples.
#[derive(Debug, Clone, Copy)]
pub struct Channel<'a> {
    samples: &'a [f32],
    /// A sample is scaled and moved to be normalised.
    scale: f32,
    offset: f32,
    alpha: f32,
    reciprocal: f32,
}

/// The values between which all samples lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The smallest, at most 0.
    pub min: f32,
    /// The largest, at least 0.
    pub max: f32,
}

/// How values become bytes: those of ONNX's `DynamicQuantizeLinear`, moved down by 128.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantisation {
    /// What a step of one stands for.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero_point: i8,
}

impl<'a> Channel<'a> {
    /// `samples` are brought to mean 0 and variance 1, times `gain`, plus `shift`, before the
    /// activation with `alpha`, of which `reciprocal` is 1. `epsilon` is added to the variance.
    pub fn new(
        samples: &'a [f32],
        gain: f32,
        shift: f32,
        alpha: f32,
        reciprocal: f32,
        epsilon: f32,
    ) -> Self {
        let Moments { mean, variance } = Arch::new().dispatch(Measure(samples));
        let scale = gain / (variance + epsilon).sqrt();
        Self {
            samples,
            scale,
            offset: shift - mean * scale,
            alpha,
            reciprocal,
        }
    }

    /// Where the results lie.
    pub fn range(&self) -> Range {
        Arch::new().dispatch(FindRange(self))
    }

    /// Writes the results as bytes, as many as both have room for.
    pub fn quantise(&self, quantisation: Quantisation, bytes: &mut [i8]) {
        Arch::new().dispatch(Quantise {
            channel: self,
            quantisation,
            bytes,
        });
    }

    /// What becomes of these samples.
    #[inline(always)]
    fn values<S: Simd>(&self, simd: S, samples: S::f32s) -> S::f32s {
        let all = |number| simd.splat_f32s(number);
        let values = simd.mul_add_f32s(samples, all(self.scale), all(self.offset));
        let angles = simd.mul_f32s(values, all(self.alpha));
        simd.mul_add_f32s(sines_squared(simd, angles), all(self.reciprocal), values)
    }
}

// The loops are types, because a closure is not sure to be compiled for the wider instructions.
// What fills no whole vector goes the same way one by one.

struct Measure<'a>(&'a [f32]);

struct Moments {
    mean: f32,
    variance: f32,
}

impl WithSimd for Measure<'_> {
    type Output = Moments;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Moments {
        let Self(samples) = self;
        let count = samples.len().max(1) as f32;
        let mean = sum(simd, samples, Identity) / count;
        let squares = sum(simd, samples, SquareFrom(mean));
        Moments {
            mean,
            variance: squares / count,
        }
    }
}

trait Summand: Copy {
    fn of<S: Simd>(self, simd: S, samples: S::f32s) -> S::f32s;
}

#[derive(Clone, Copy)]
struct Identity;

impl Summand for Identity {
    #[inline(always)]
    fn of<S: Simd>(self, _: S, samples: S::f32s) -> S::f32s {
        samples
    }
}

#[derive(Clone, Copy)]
struct SquareFrom(f32);

impl Summand for SquareFrom {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, samples: S::f32s) -> S::f32s {
        let distance = simd.sub_f32s(samples, simd.splat_f32s(self.0));
        simd.mul_f32s(distance, distance)
    }
}

#[inline(always)]
fn sum<S: Simd>(simd: S, samples: &[f32], summand: impl Summand) -> f32 {
    let (whole, rest) = S::as_simd_f32s(samples);
    let mut sums = [simd.splat_f32s(0.0); AT_ONCE];
    let (rounds, last) = whole.as_chunks::<AT_ONCE>();
    for samples in rounds {
        for (sum, &samples) in sums.iter_mut().zip(samples) {
            *sum = simd.add_f32s(*sum, summand.of(simd, samples));
        }
    }
    for (sum, &samples) in sums.iter_mut().zip(last) {
        *sum = simd.add_f32s(*sum, summand.of(simd, samples));
    }
    let rest = rest.iter().map(|&sample| summand.of(Scalar::new(), sample));
    let sums = sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum));
    sums.sum::<f32>() + rest.sum::<f32>()
}

struct FindRange<'a>(&'a Channel<'a>);

impl WithSimd for FindRange<'_> {
    type Output = Range;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Range {
        let Self(channel) = self;
        let (whole, rest) = S::as_simd_f32s(channel.samples);
        let mut min = simd.splat_f32s(0.0);
        let mut max = min;
        for &samples in whole {
            let values = channel.values(simd, samples);
            min = simd.min_f32s(min, values);
            max = simd.max_f32s(max, values);
        }
        let range = Range {
            min: simd.reduce_min_f32s(min),
            max: simd.reduce_max_f32s(max),
        };
        rest.iter().fold(range, |range, &sample| {
            let value = channel.values(Scalar::new(), sample);
            Range {
                min: range.min.min(value),
                max: range.max.max(value),
            }
        })
    }
}

struct Quantise<'a> {
    channel: &'a Channel<'a>,
    quantisation: Quantisation,
    bytes: &'a mut [i8],
}

impl WithSimd for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            channel,
            quantisation,
            bytes,
        } = self;
        let mut words = [0.0; 512];
        let bytes = bytes.chunks_mut(words.len());
        for (bytes, samples) in bytes.zip(channel.samples.chunks(words.len())) {
            let (whole, rest) = S::as_simd_f32s(samples);
            let (whole_words, rest_words) = S::as_mut_simd_f32s(&mut words[..samples.len()]);
            for (word, &samples) in whole_words.iter_mut().zip(whole) {
                *word = quantisation.words(simd, channel.values(simd, samples));
            }
            for (word, &sample) in rest_words.iter_mut().zip(rest) {
                let simd = Scalar::new();
                *word = quantisation.words(simd, channel.values(simd, sample));
            }
            for (byte, word) in bytes.iter_mut().zip(words) {
                *byte = word.to_bits() as i8;
            }
        }
    }
}

impl Range {
    /// What is 0 lies in every range.
    pub const EMPTY: Self = Self { min: 0.0, max: 0.0 };

    /// The smallest range that holds both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

impl Quantisation {
    /// Spreads all bytes over a range.
    pub fn of(range: Range) -> Self {
        let scale = (range.max - range.min) / 255.0;
        if scale <= 0.0 || !scale.is_finite() {
            return Self {
                scale: 1.0,
                zero_point: -128,
            };
        }
        let zero_point = (-range.min / scale).round_ties_even().clamp(0.0, 255.0);
        Self {
            scale,
            zero_point: (zero_point - 128.0) as i8,
        }
    }

    /// Numbers whose last bytes stand for these values.
    #[inline(always)]
    fn words<S: Simd>(self, simd: S, values: S::f32s) -> S::f32s {
        let all = |number| simd.splat_f32s(number);
        // Rounded before the zero point is added, as the standard says.
        let steps = simd.mul_add_f32s(values, all(1.0 / self.scale), all(WHOLE));
        let steps = simd.sub_f32s(steps, all(WHOLE - f32::from(self.zero_point)));
        let bytes = simd.max_f32s(simd.min_f32s(steps, all(127.0)), all(-128.0));
        simd.add_f32s(bytes, all(WHOLE))
    }
}

/// To 3e-7, for angles up to some millions.
#[inline(always)]
fn sines_squared<S: Simd>(simd: S, angles: S::f32s) -> S::f32s {
    // They repeat every half turn. A polynomial through Chebyshev's nodes, in the square of the
    // part of a half turn that is left, at most 1/4.
    let all = |number| simd.splat_f32s(number);
    let halves = simd.mul_f32s(angles, all(FRAC_1_PI));
    let whole = simd.sub_f32s(simd.add_f32s(halves, all(WHOLE)), all(WHOLE));
    let left = simd.sub_f32s(halves, whole);
    let squares = simd.mul_f32s(left, left);
    let mut sums = all(-3.356_592_7);
    for coefficient in [13.050_099, -30.101_465, 42.727_196, -32.469_67, 9.869_604] {
        sums = simd.mul_add_f32s(sums, squares, all(coefficient));
    }
    simd.mul_f32s(sums, squares)
}

/// Added to a number of up to some millions, this takes away what lies behind its point, and the
/// last byte of the sum is the last byte of the whole number.
const WHOLE: f32 = 12_582_912.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by the book.
    fn expected(samples: &[f32], gain: f64, shift: f64, alpha: f64) -> Vec<f64> {
        let count = samples.len() as f64;
        let wide = || samples.iter().map(|&sample| f64::from(sample));
        let mean = wide().sum::<f64>() / count;
        let variance = wide().map(|sample| (sample - mean).powi(2)).sum::<f64>() / count;
        wide()
            .map(|sample| (sample - mean) / (variance + 1e-5).sqrt() * gain + shift)
            .map(|value| value + (alpha * value).sin().powi(2) / alpha)
            .collect()
    }

    proptest! {
        #[test]
        fn bytes_stand_for_the_values(
            noise in prop::collection::vec(-1.0f32..1.0, 1..200),
            spread in prop_oneof![Just(0.0f32), 1e-3f32..1.0, 1.0f32..50.0],
            common in -50.0f32..50.0,
            gain in -3.0f32..3.0,
            shift in -2.0f32..2.0,
            alpha in 0.05f32..20.0,
        ) {
            let samples: Vec<f32> = noise.iter().map(|noise| noise * spread + common).collect();
            let channel = Channel::new(&samples, gain, shift, alpha, 1.0 / alpha, 1e-5);
            let range = channel.range();
            let quantisation = Quantisation::of(range);
            let mut bytes = vec![0; samples.len()];
            channel.quantise(quantisation, &mut bytes);
            let expected = expected(&samples, gain.into(), shift.into(), alpha.into());
            // Where the samples hardly differ, what sets them apart is lost in the rounding of
            // what they have in common, as in the standard's own kernel.
            let loudest = samples.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
            let rounding = f64::from(4.0 * f32::EPSILON * loudest * channel.scale.abs());
            let largest = expected.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            for (byte, expected) in bytes.into_iter().zip(expected) {
                let steps = f32::from(byte) - f32::from(quantisation.zero_point);
                let error = (f64::from(steps * quantisation.scale) - expected).abs();
                let allowed = f64::from(quantisation.scale) * 0.51 + 1e-4 * largest.max(1.0) + rounding;
                prop_assert!(error <= allowed, "{error} of {expected}");
            }
        }

        #[test]
        fn anything_becomes_bytes(
            samples in prop::collection::vec(prop::num::f32::ANY, 0..100),
            gain in prop::num::f32::ANY,
        ) {
            let channel = Channel::new(&samples, gain, 0.0, 1.0, 1.0, 1e-5);
            let mut bytes = vec![0; samples.len()];
            channel.quantise(Quantisation::of(channel.range()), &mut bytes);
        }
    }

    #[test]
    fn sines_are_close() {
        for n in -100_000i32..100_000 {
            let angle = n as f32 * 0.001;
            let error =
                f64::from(sines_squared(Scalar::new(), angle)) - f64::from(angle).sin().powi(2);
            assert!(error.abs() < 3e-5, "{error} at {angle}");
        }
    }

    #[test]
    fn zero_is_exact_and_ends_are_bytes() {
        let quantisation = Quantisation::of(Range {
            min: -1.0,
            max: 3.0,
        });
        assert_eq!(quantisation.zero_point, -64);
        assert_eq!(Quantisation::of(Range::EMPTY).zero_point, -128);
        let range = Range {
            min: -1.0,
            max: 0.5,
        }
        .and(Range {
            min: -0.5,
            max: 2.0,
        });
        assert_eq!(
            range,
            Range {
                min: -1.0,
                max: 2.0
            }
        );
    }
}
