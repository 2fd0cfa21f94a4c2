//! Where a voice really ended.

use super::{SAMPLE_RATE, WINDOW};

/// A part of a second, 8 ms, in which it is quiet or not.
const BLOCKS_A_SECOND: usize = 125;
/// How much quieter than the loudest block a block is in which nobody speaks: 26 dB.
const QUIET: f32 = 0.05;
/// The detector hears a voice for two windows after it has ended. More than that is none of its
/// doing: a soft last sound.
const LATE_WINDOWS: usize = 2;

/// How many samples at the end of `heard` are quiet although the detector still took them for
/// speech: at most two windows. `heard` has this many samples a second, of which the last second
/// is looked at. In noise it is none: then the detector knows better.
pub fn quiet_end(heard: &[f32], sample_rate: u32) -> usize {
    let power = |block: &[f32]| block.iter().map(|sample| sample * sample).sum::<f32>();
    let second = sample_rate as usize;
    let (block, late) = (
        (second / BLOCKS_A_SECOND).max(1),
        LATE_WINDOWS * WINDOW * second / SAMPLE_RATE as usize,
    );
    let last = |samples: usize| heard[heard.len().saturating_sub(samples)..].rchunks_exact(block);
    let loudest = last(second).map(power).fold(0.0, f32::max);
    let quiet = last(late).take_while(|block| power(block) < loudest * QUIET * QUIET);
    quiet.count() * block
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: usize = LATE_WINDOWS * WINDOW;

    fn quiet_end(heard: &[f32]) -> usize {
        super::quiet_end(heard, SAMPLE_RATE)
    }

    /// Half a second of voice, and then so many samples of this level.
    fn heard(level: f32, samples: usize) -> Vec<f32> {
        let wave = |level: f32| move |n: usize| level * (n as f32 * 0.3).sin();
        let voice = (0..8_000).map(wave(0.3));
        voice.chain((0..samples).map(wave(level))).collect()
    }

    #[test]
    fn quiet_blocks_after_a_voice_are_counted() {
        assert_eq!(quiet_end(&heard(0.0, 640)), 640);
        assert_eq!(quiet_end(&heard(0.01, 640)), 640, "the hiss of a room");
        assert_eq!(quiet_end(&heard(0.0, 700)), 640, "only whole blocks");
    }

    #[test]
    fn at_most_two_windows_are() {
        assert_eq!(quiet_end(&heard(0.0, 4_000)), LATE);
    }

    #[test]
    fn other_rates_have_more_samples_in_the_same_time() {
        let heard = |samples| [vec![0.3; 12_000], vec![0.0; samples]].concat();
        assert_eq!(super::quiet_end(&heard(700), 24_000), 576, "three blocks");
        assert_eq!(super::quiet_end(&heard(9_000), 24_000), LATE * 3 / 2);
        assert_eq!(super::quiet_end(&heard(10), 0), 0);
    }

    #[test]
    fn soft_sounds_and_noise_are_not_quiet() {
        assert_eq!(quiet_end(&heard(0.03, 640)), 0);
        assert_eq!(quiet_end(&heard(0.3, 640)), 0);
        assert_eq!(quiet_end(&[0.0; 640]), 0, "nothing was louder");
        assert_eq!(quiet_end(&[]), 0);
    }
}
