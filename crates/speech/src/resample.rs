//! Changing the sample rate of mono sound, a stream or a whole clip, and between `i16` and `f32`.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use crate::Error;

/// Lowest sample rate taken, in Hz.
pub const MIN_RATE: u32 = 8_000;
/// Highest sample rate taken, in Hz.
pub const MAX_RATE: u32 = 192_000;

/// Changes the sample rate of one mono stream.
///
/// Works in blocks of 10 ms; what does not fill one waits for the next call. The output lags by
/// [`Resampler::delay`]. A block costs a few microseconds, and nothing is allocated after
/// construction but what the output grows by.
pub struct Resampler {
    /// `None` when both rates are the same.
    inner: Option<Inner>,
}

struct Inner {
    fft: Fft<f32>,
    /// Input that waits for its block to be full: the first `filled` samples.
    pending: Box<[f32]>,
    filled: usize,
    block: Box<[f32]>,
    from: u64,
    to: u64,
    /// Samples taken and given since the start or the last flush.
    taken: u64,
    given: u64,
}

impl Resampler {
    /// A resampler between two rates in Hz.
    ///
    /// # Errors
    /// [`Error::SampleRate`] when a rate is outside [`MIN_RATE`] to [`MAX_RATE`].
    pub fn new(from: u32, to: u32) -> Result<Self, Error> {
        let refused = Error::SampleRate {
            from,
            to,
            min: MIN_RATE,
            max: MAX_RATE,
        };
        let allowed = MIN_RATE..=MAX_RATE;
        if !allowed.contains(&from) || !allowed.contains(&to) {
            return Err(refused);
        }
        if from == to {
            return Ok(Self { inner: None });
        }
        let chunk = (from / 100) as usize;
        let fft = Fft::new(from as usize, to as usize, chunk, 1, FixedSync::Input)
            .map_err(|_| refused)?;
        Ok(Self {
            inner: Some(Inner {
                pending: vec![0.0; fft.input_frames_max()].into(),
                filled: 0,
                block: vec![0.0; fft.output_frames_max()].into(),
                from: from.into(),
                to: to.into(),
                taken: 0,
                given: 0,
                fft,
            }),
        })
    }

    /// Samples of silence at the start of the output, before the first sample of the input.
    pub fn delay(&self) -> usize {
        self.inner
            .as_ref()
            .map_or(0, |inner| inner.fft.output_delay())
    }

    /// Takes samples, as many as there are, and appends what they give to `output`.
    ///
    /// # Errors
    /// [`Error::Resample`], which would be a fault of this crate.
    pub fn process(&mut self, input: &[f32], output: &mut Vec<f32>) -> Result<(), Error> {
        match &mut self.inner {
            None => output.extend_from_slice(input),
            Some(inner) => inner.process(input, output)?,
        }
        Ok(())
    }

    /// Ends the stream: appends what still waits and what the delay held back, so that the whole
    /// output has the input's length (and [`Resampler::delay`] before it). The next sample begins
    /// a new stream.
    ///
    /// # Errors
    /// As [`Resampler::process`].
    pub fn flush(&mut self, output: &mut Vec<f32>) -> Result<(), Error> {
        self.inner
            .as_mut()
            .map_or(Ok(()), |inner| inner.flush(output))
    }
}

impl Inner {
    fn process(&mut self, mut input: &[f32], output: &mut Vec<f32>) -> Result<(), Error> {
        self.taken += input.len() as u64;
        while !input.is_empty() {
            let wanted = self.fft.input_frames_next();
            let (now, later) = input.split_at((wanted - self.filled).min(input.len()));
            self.pending[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            input = later;
            if self.filled == wanted {
                let given = self.run()?;
                output.extend_from_slice(&self.block[..given]);
                self.given += given as u64;
            }
        }
        Ok(())
    }

    fn flush(&mut self, output: &mut Vec<f32>) -> Result<(), Error> {
        let length = (self.taken * self.to).div_ceil(self.from);
        let wanted = length + self.fft.output_delay() as u64;
        while self.given < wanted {
            let next = self.fft.input_frames_next();
            self.pending[self.filled..next].fill(0.0);
            let given = self.run()?.min((wanted - self.given) as usize);
            output.extend_from_slice(&self.block[..given]);
            self.given += given as u64;
        }
        self.fft.reset();
        (self.filled, self.taken, self.given) = (0, 0, 0);
        Ok(())
    }

    /// Resamples the full pending block into `block` and says how much that gave.
    fn run(&mut self) -> Result<usize, Error> {
        let failed = |reason: String| Error::Resample(reason);
        let input = InterleavedSlice::new(&self.pending, 1, self.pending.len())
            .map_err(|error| failed(error.to_string()))?;
        let frames = self.block.len();
        let mut output = InterleavedSlice::new_mut(&mut self.block, 1, frames)
            .map_err(|error| failed(error.to_string()))?;
        let (_, given) = self
            .fft
            .process_into_buffer(&input, &mut output, None)
            .map_err(|error| failed(error.to_string()))?;
        self.filled = 0;
        Ok(given)
    }
}

/// A whole clip at another rate, without the delay.
///
/// # Errors
/// As [`Resampler::new`].
pub fn resample(from: u32, to: u32, input: &[f32]) -> Result<Vec<f32>, Error> {
    let mut resampler = Resampler::new(from, to)?;
    let mut output = Vec::with_capacity(input.len() * to as usize / from as usize + 4_096);
    resampler.process(input, &mut output)?;
    resampler.flush(&mut output)?;
    output.drain(..resampler.delay().min(output.len()));
    Ok(output)
}

/// Appends 16-bit samples to `output` as numbers between -1 and 1.
pub fn extend_f32(input: &[i16], output: &mut Vec<f32>) {
    output.extend(input.iter().map(|&sample| f32::from(sample) / 32_768.0));
}

/// Appends samples to `output` as 16 bit. Louder than full scale is cut off; NaN becomes 0.
pub fn extend_i16(input: &[f32], output: &mut Vec<i16>) {
    // The cast saturates.
    output.extend(
        input
            .iter()
            .map(|&sample| (sample * 32_768.0).round() as i16),
    );
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    fn tone(rate: u32, hertz: f32, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| 0.5 * (TAU * hertz * n as f32 / rate as f32).sin())
            .collect()
    }

    /// Root mean square of what is left after subtracting the tone that was expected, without the
    /// edges, where the filter sees silence.
    fn error(output: &[f32], expected: &[f32]) -> f32 {
        let inside = 500..output.len().min(expected.len()) - 500;
        let squares: f32 = inside
            .clone()
            .map(|n| (output[n] - expected[n]).powi(2))
            .sum();
        (squares / inside.len() as f32).sqrt()
    }

    #[test]
    fn a_tone_stays_itself_at_every_rate_in_use() {
        for (from, to) in [
            (24_000, 16_000),
            (16_000, 24_000),
            (48_000, 16_000),
            (48_000, 24_000),
            (24_000, 48_000),
            (44_100, 16_000),
            (8_000, 16_000),
            (22_050, 24_000),
            (16_000, 16_000),
        ] {
            let output = resample(from, to, &tone(from, 1_000.0, from as usize)).unwrap();
            assert_eq!(output.len(), to as usize, "{from} to {to}");
            let error = error(&output, &tone(to, 1_000.0, to as usize));
            // A block of an odd length has no middle sample, which shifts the output by a part of
            // a sample; nobody hears that.
            let allowed = if from % 8_000 == 0 { 0.001 } else { 0.05 };
            assert!(error < allowed, "{from} to {to}: off by {error}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_removed() {
        let output = resample(48_000, 16_000, &tone(48_000, 11_000.0, 48_000)).unwrap();
        let silence = vec![0.0; output.len()];
        assert!(error(&output, &silence) < 0.001);
    }

    #[test]
    fn a_rate_that_makes_no_sense_is_refused() {
        for (from, to) in [(0, 16_000), (16_000, 0), (7_999, 16_000), (16_000, 192_001)] {
            let error = Resampler::new(from, to).err().unwrap();
            assert!(
                error.to_string().contains("between 8000 and 192000 Hz"),
                "{error}"
            );
        }
    }

    #[test]
    fn samples_survive_the_way_to_16_bit_and_back() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let (mut floats, mut back) = (Vec::new(), Vec::new());
        extend_f32(&all, &mut floats);
        extend_i16(&floats, &mut back);
        assert_eq!(back, all);
        back.clear();
        extend_i16(&[2.0, -2.0, f32::NAN], &mut back);
        assert_eq!(back, [i16::MAX, i16::MIN, 0]);
    }

    proptest! {
        #[test]
        fn how_the_input_is_cut_does_not_matter(
            pieces in prop::collection::vec(0usize..700, 0..20),
            rates in prop::sample::select(vec![(24_000, 16_000), (16_000, 24_000), (44_100, 16_000), (48_000, 48_000)]),
        ) {
            let (from, to) = rates;
            let input = tone(from, 700.0, pieces.iter().sum());
            let mut resampler = Resampler::new(from, to).unwrap();
            for _ in 0..2 {
                let mut output = Vec::new();
                let mut rest = input.as_slice();
                for piece in &pieces {
                    let (now, later) = rest.split_at(*piece);
                    resampler.process(now, &mut output).unwrap();
                    rest = later;
                }
                resampler.flush(&mut output).unwrap();
                output.drain(..resampler.delay().min(output.len()));
                prop_assert_eq!(&output, &resample(from, to, &input).unwrap());
            }
        }
    }
}
