//! What comes between a speaker and the recogniser, and sounds that nobody speaks. All of it is
//! the same at each run.

use std::f32::consts::TAU;
use std::fmt;

use realfft::RealFftPlanner;
use speech::recognition::SAMPLE_RATE;
use speech::resample::resample;

const RATE: usize = SAMPLE_RATE as usize;
/// The telephone's sample rate.
const TELEPHONE_RATE: u32 = 8_000;
/// Power of speech over that of the noise: 10 dB.
const SIGNAL_TO_NOISE: f32 = 10.0;

/// How speech arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Clean,
    /// Pink noise 10 dB below the speech.
    Noise,
    /// 300 to 3400 Hz, 8000 samples a second, mu-law.
    Telephone,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::Noise => "pink noise, 10 dB",
            Self::Telephone => "telephone, mu-law",
        })
    }
}

impl Condition {
    pub(crate) const ALL: [Self; 3] = [Self::Clean, Self::Noise, Self::Telephone];

    /// What arrives of 16 kHz speech: with half a second before it and one second after it, in
    /// which the noise goes on.
    pub(crate) fn apply(self, speech: &[f32]) -> anyhow::Result<Vec<f32>> {
        let mut pcm = vec![0.0; RATE / 2];
        pcm.extend_from_slice(speech);
        pcm.resize(pcm.len() + RATE, 0.0);
        match self {
            Self::Clean => {}
            Self::Noise => {
                let gain = (power(speech) / SIGNAL_TO_NOISE).sqrt();
                for (sample, noise) in pcm.iter_mut().zip(pink(speech.len() + RATE * 3 / 2)) {
                    *sample += gain * noise;
                }
            }
            Self::Telephone => {
                let narrow = resample(SAMPLE_RATE, TELEPHONE_RATE, &pcm)?;
                let in_band = |hertz: f32| f32::from((300.0..=3_400.0).contains(&hertz));
                let mut line = filtered(&narrow, TELEPHONE_RATE, in_band);
                line.iter_mut().for_each(|sample| *sample = mu_law(*sample));
                pcm = resample(TELEPHONE_RATE, SAMPLE_RATE, &line)?;
            }
        }
        Ok(pcm)
    }
}

/// Ten seconds each of what may be heard in a call when nobody speaks.
pub(crate) fn sounds_without_words() -> Vec<(String, Vec<f32>)> {
    const LENGTH: usize = 10 * RATE;
    let scaled = |sound: &[f32], gain: f32| sound.iter().map(|s| gain * s).collect::<Vec<_>>();
    let tones = |hertz: &[f32], gain: f32| -> Vec<f32> {
        let at = |n: usize| {
            hertz
                .iter()
                .map(move |hz| (TAU * hz * n as f32 / RATE as f32).sin())
        };
        (0..LENGTH).map(|n| gain * at(n).sum::<f32>()).collect()
    };
    let chords: [&[f32]; 4] = [
        &[261.6, 329.6, 392.0],
        &[220.0, 261.6, 329.6],
        &[174.6, 220.0, 261.6],
        &[196.0, 246.9, 293.7],
    ];
    // A chord a second that fades, with an overtone: what plays while one is on hold.
    let music = (0..LENGTH).map(|n| {
        let (chord, since) = (chords[n / RATE % 4], (n % RATE) as f32 / RATE as f32);
        let voice = |hz: &f32| (TAU * hz * since).sin() + 0.4 * (TAU * 2.0 * hz * since).sin();
        0.1 * (-1.5 * since).exp() * chord.iter().map(voice).sum::<f32>()
    });
    let clicks = (0..LENGTH).map(|n| if n % (RATE / 3) < 16 { 0.8 } else { 0.0 });
    // Air that comes and goes, every three seconds.
    let hiss = filtered(&white(LENGTH), SAMPLE_RATE, |hertz| {
        f32::from((400.0..3_000.0).contains(&hertz))
    });
    let breath = hiss.iter().enumerate().map(|(n, sample)| {
        let phase = TAU * n as f32 / (3.0 * RATE as f32);
        0.1 * sample * phase.sin().max(0.0)
    });
    let ringing: Vec<f32> = tones(&[440.0, 480.0], 0.1)
        .into_iter()
        .enumerate()
        .map(|(n, sample)| if n / RATE % 6 < 2 { sample } else { 0.0 })
        .collect();

    let mut sounds = vec![
        ("silence".to_owned(), vec![0.0; LENGTH]),
        ("a tone of 440 Hz".to_owned(), tones(&[440.0], 0.3)),
        ("music of chords".to_owned(), music.collect()),
        ("clicks".to_owned(), clicks.collect()),
        ("breath".to_owned(), breath.collect()),
        ("a ringing line".to_owned(), ringing),
        (
            "hum of 100 Hz".to_owned(),
            tones(&[100.0, 200.0, 300.0], 0.05),
        ),
        ("a dialled 5".to_owned(), tones(&[770.0, 1_336.0], 0.1)),
    ];
    for decibels in [-60, -40, -30, -20, -10] {
        let gain = 10.0f32.powf(decibels as f32 / 20.0);
        sounds.push((
            format!("white noise at {decibels} dB"),
            scaled(&white(LENGTH), gain),
        ));
        sounds.push((
            format!("pink noise at {decibels} dB"),
            scaled(&pink(LENGTH), gain),
        ));
    }
    sounds
}

/// Noise of power 1 that holds all frequencies alike.
fn white(length: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let uniform = std::iter::repeat_with(|| {
        // Knuth's linear congruential generator, of which the high bits are random enough to hiss.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    });
    uniform
        .take(length)
        .map(|sample| sample * 3.0f32.sqrt())
        .collect()
}

/// Noise of power 1 with as much of it in each octave, as traffic, fans and crowds have.
fn pink(length: usize) -> Vec<f32> {
    let noise = filtered(&white(length), SAMPLE_RATE, |hertz| {
        1.0 / hertz.max(20.0).sqrt()
    });
    let level = power(&noise).sqrt().max(f32::MIN_POSITIVE);
    noise.iter().map(|sample| sample / level).collect()
}

fn power(sound: &[f32]) -> f32 {
    sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len().max(1) as f32
}

/// The sound with each frequency scaled.
fn filtered(sound: &[f32], rate: u32, gain: impl Fn(f32) -> f32) -> Vec<f32> {
    let mut planner = RealFftPlanner::<f32>::new();
    let (there, back) = (
        planner.plan_fft_forward(sound.len()),
        planner.plan_fft_inverse(sound.len()),
    );
    let mut input = sound.to_vec();
    let mut spectrum = there.make_output_vec();
    there
        .process(&mut input, &mut spectrum)
        .expect("the buffers are the transform's own");
    let last = spectrum.len() - 1;
    for (bin, value) in spectrum.iter_mut().enumerate() {
        *value *= gain(bin as f32 * rate as f32 / sound.len() as f32);
        // What the inverse of a real signal wants to be real.
        if bin == 0 || (bin == last && sound.len().is_multiple_of(2)) {
            value.im = 0.0;
        }
    }
    let mut output = back.make_output_vec();
    back.process(&mut spectrum, &mut output)
        .expect("the buffers are the transform's own");
    let scale = 1.0 / sound.len() as f32;
    output.iter().map(|sample| sample * scale).collect()
}

/// A sample after eight bits of mu-law.
fn mu_law(sample: f32) -> f32 {
    const MU: f32 = 255.0;
    let squeezed = (1.0 + MU * sample.abs().min(1.0)).ln() / (1.0 + MU).ln();
    let step = (squeezed * 127.0).round() / 127.0;
    sample.signum() * ((1.0 + MU).powf(step) - 1.0) / MU
}
