//! Integer sums of a convolution, made numbers.

use pulp::{Arch, Simd, WithSimd};

/// Writes `(sums + bias) * scale + before` for each sum, as many as all have room for.
pub fn scale_sums(sums: &[i32], bias: i32, scale: f32, before: Option<&[f32]>, result: &mut [f32]) {
    Arch::new().dispatch(ScaleSums {
        sums,
        bias,
        scale,
        before,
        result,
    });
}

struct ScaleSums<'a> {
    sums: &'a [i32],
    bias: i32,
    scale: f32,
    before: Option<&'a [f32]>,
    result: &'a mut [f32],
}

impl WithSimd for ScaleSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            sums,
            bias,
            scale,
            before,
            result,
        } = self;
        let pairs = result.iter_mut().zip(sums);
        match before {
            Some(before) => {
                for ((result, &sum), &before) in pairs.zip(before) {
                    *result = sum.wrapping_add(bias) as f32 * scale + before;
                }
            }
            None => {
                for (result, &sum) in pairs {
                    *result = sum.wrapping_add(bias) as f32 * scale;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_biased_scaled_and_added() {
        let sums: Vec<i32> = (-50..50).collect();
        let before: Vec<f32> = (0..100).map(|n| n as f32).collect();
        let mut result = vec![0.0; 100];
        scale_sums(&sums, 10, 0.5, None, &mut result);
        assert_eq!([result[0], result[99]], [-20.0, 29.5]);
        scale_sums(&sums, 10, 0.5, Some(&before), &mut result);
        assert_eq!([result[0], result[1], result[99]], [-20.0, -18.5, 128.5]);
    }

    #[test]
    fn the_shortest_says_how_many() {
        let mut result = [0.0; 3];
        scale_sums(&[2, 4], 0, 1.0, Some(&[1.0]), &mut result);
        assert_eq!(result, [3.0, 0.0, 0.0]);
        scale_sums(&[i32::MAX], 1, 1.0, None, &mut result);
        assert!(result[0] < 0.0, "wraps as the processor does");
    }
}
