//! What voice activity detection costs beside the bare run of its model. Both take the same sound
//! in one process, by turns, and the quickest round of each counts, because whatever else the
//! machine does only adds to it.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use speech::resample::Resampler;
use speech::vad::{CONTEXT, STATE, Vad, VadStream, WINDOW};
use speech::{Error, Models};

/// Windows in a round, half a minute of sound.
const WINDOWS: usize = 1_000;
const ROUNDS: usize = 15;
/// Clients send 20 ms at 24 kHz, which no window is a multiple of.
const PIECE: usize = 480;
/// The most that our path may take of the bare run.
const GOAL: f64 = 1.1;

pub fn run(models_dir: &Path) -> Result<(), Error> {
    let mut vad = Models::open(models_dir, 1)?.vad()?;
    let (wire, sound) = (sound(24_000), sound(16_000));
    let [mut bare, mut path, mut whole] = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        bare = bare.min(timed(|| run_bare(&mut vad, &sound))?);
        path = path.min(timed(|| run_path(&mut vad, &sound))?);
        whole = whole.min(timed(|| run_whole(&mut vad, &wire))?);
    }
    let times = |took: Duration| took.as_secs_f64() / bare.as_secs_f64();
    println!(
        "\nvoice activity detection, a window of 32 ms: bare run of the model {:.1?}; our path \
         {:.2} times as much (goal: at most {GOAL}), {:.2} times with resampling from 24 kHz",
        bare / WINDOWS as u32,
        times(path),
        times(whole),
    );
    Ok(())
}

fn timed(run: impl FnOnce() -> Result<(), Error>) -> Result<Duration, Error> {
    let begun = Instant::now();
    run()?;
    Ok(begun.elapsed())
}

/// A tone that swells and fades: the model's cost does not depend on what it hears.
fn sound(rate: usize) -> Vec<f32> {
    let at = |n: usize| n as f32 / rate as f32;
    (0..WINDOWS * WINDOW * rate / 16_000)
        .map(|n| (at(n) * 220.0 * 6.3).sin() * (at(n) * 3.0).sin() * 0.3)
        .collect()
}

fn run_bare(vad: &mut Vad, sound: &[f32]) -> Result<(), Error> {
    let (mut input, mut state) = ([0.0; CONTEXT + WINDOW], [0.0; STATE]);
    for window in sound.chunks_exact(WINDOW) {
        input[CONTEXT..].copy_from_slice(window);
        black_box(vad.run(&input, &mut state)?);
        input.copy_within(WINDOW.., 0);
    }
    Ok(())
}

fn run_path(vad: &mut Vad, sound: &[f32]) -> Result<(), Error> {
    let mut stream = VadStream::default();
    for piece in sound.chunks(PIECE * 2 / 3) {
        stream.push(vad, piece, |probability| {
            black_box(probability);
        })?;
    }
    Ok(())
}

fn run_whole(vad: &mut Vad, wire: &[f32]) -> Result<(), Error> {
    let mut resampler = Resampler::new(24_000, 16_000)?;
    let (mut stream, mut sound) = (VadStream::default(), Vec::new());
    for piece in wire.chunks(PIECE) {
        sound.clear();
        resampler.process(piece, &mut sound)?;
        stream.push(vad, &sound, |probability| {
            black_box(probability);
        })?;
    }
    Ok(())
}
