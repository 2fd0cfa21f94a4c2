//! Where a voice really ended.

/// Samples of a block, 8 ms at 16 kHz.
const BLOCK: usize = 128;
/// How far back is looked for the loudest block, 1 s.
const REMEMBERED: usize = 16_000;
/// How much quieter than that a block is in which nobody speaks: 26 dB.
const QUIET: f32 = 0.05;
/// The detector hears a voice for two windows after it has ended. More than that is none of its
/// doing: a soft last sound.
const LATE: usize = 2 * speech::vad::WINDOW;

/// How many samples at the end of `heard` are quiet although the detector still took them for
/// speech. In noise it is none: then the detector knows better.
pub(super) fn quiet_end(heard: &[f32]) -> usize {
    let power = |block: &[f32]| block.iter().map(|sample| sample * sample).sum::<f32>();
    let recent = &heard[heard.len().saturating_sub(REMEMBERED)..];
    let loudest = recent.rchunks_exact(BLOCK).map(power).fold(0.0, f32::max);
    let quiet = recent[recent.len().saturating_sub(LATE)..]
        .rchunks_exact(BLOCK)
        .take_while(|block| power(block) < loudest * QUIET * QUIET);
    quiet.count() * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn soft_sounds_and_noise_are_not_quiet() {
        assert_eq!(quiet_end(&heard(0.03, 640)), 0);
        assert_eq!(quiet_end(&heard(0.3, 640)), 0);
        assert_eq!(quiet_end(&[0.0; 640]), 0, "nothing was louder");
        assert_eq!(quiet_end(&[]), 0);
    }
}
