//! Prints how long each part takes on this machine: `figures [THREADS]`, with MODELS_DIR set.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use speech::recognition::Transcript;
use speech::resample::{Resampler, resample};
use speech::synthesis::clauses;
use speech::{Models, synthesis, vad};

const ANSWER: &str = "You are on the Pro plan, which costs $29.99 a month and renews on March 3. \
                      Would you like to change it?";

fn main() -> anyhow::Result<()> {
    let dir = std::env::var_os("MODELS_DIR").context("set MODELS_DIR to the models folder")?;
    let threads = match std::env::args().nth(1) {
        Some(threads) => threads.parse().context("THREADS is a number")?,
        None => 2,
    };
    let models = Models::open(Path::new(&dir), threads)?;
    println!("{threads} threads; the best of 5 runs");
    let speech = figures_of_synthesis(&models)?;
    let pcm = resample(synthesis::SAMPLE_RATE, vad::SAMPLE_RATE, &speech)?;
    figures_of_recognition(&models, &pcm)?;
    figures_of_detection(&models, &pcm)?;
    figures_of_embedding(&models)?;
    figures_of_resampling()
}

fn figures_of_synthesis(models: &Models) -> anyhow::Result<Vec<f32>> {
    let (synthesizer, took) = timed(|| models.synthesizer(1))?;
    println!("synthesis: loaded in {took:.0?}");
    let voice = synthesizer.voice("af_heart")?;
    let mut speech = Vec::new();
    for (index, clause) in ["Sure."]
        .into_iter()
        .map(str::to_owned)
        .chain(clauses(ANSWER))
        .enumerate()
    {
        let (samples, took) = best(|| synthesizer.synthesize(&clause, &voice, 1.0))?;
        let length = samples.len() as f64 / f64::from(synthesis::SAMPLE_RATE);
        let factor = took.as_secs_f64() / length;
        println!("  {took:.0?} for {length:.2} s, real time factor {factor:.2}: {clause}");
        if index > 0 {
            speech.extend(samples);
        }
    }
    Ok(speech)
}

fn figures_of_recognition(models: &Models, pcm: &[f32]) -> anyhow::Result<()> {
    let (recognizer, took) = timed(|| models.recognizer(1))?;
    println!("recognition: loaded in {took:.0?}");
    let mut grown = Transcript::default();
    let step = vad::SAMPLE_RATE as usize / 2;
    for end in (step..pcm.len()).step_by(step).chain([pcm.len()]) {
        let pcm = &pcm[..end];
        let (_, alone) = best(|| recognizer.transcribe(pcm))?;
        let (now, after) = best(|| recognizer.transcribe_grown(pcm, &grown))?;
        grown = now;
        let length = end as f64 / f64::from(vad::SAMPLE_RATE);
        println!(
            "  {alone:.0?} for {length:.2} s, {after:.0?} if grown: {}",
            grown.text
        );
    }
    Ok(())
}

fn figures_of_detection(models: &Models, pcm: &[f32]) -> anyhow::Result<()> {
    let (mut vad, took) = timed(|| models.vad())?;
    println!("voice activity: loaded in {took:.0?}");
    let (_, took) = best(|| vad.stream().push(&mut vad, pcm, |_| ()))?;
    println!(
        "  {:.1?} for a window of 32 ms",
        took / (pcm.len() / vad::WINDOW) as u32
    );
    Ok(())
}

fn figures_of_embedding(models: &Models) -> anyhow::Result<()> {
    let (embedder, took) = timed(|| models.embedder(1))?;
    println!("embedding: loaded in {took:.0?}");
    let passage = ANSWER.repeat(8);
    for (name, texts) in [
        ("a question", vec!["How do I reset my password?"]),
        ("a passage of 200 words", vec![passage.as_str()]),
        ("16 such passages", vec![passage.as_str(); 16]),
    ] {
        let (_, took) = best(|| embedder.embed(&texts))?;
        println!("  {took:.1?} for {name}");
    }
    Ok(())
}

fn figures_of_resampling() -> anyhow::Result<()> {
    println!("resampling");
    for (from, to) in [(24_000, 16_000), (48_000, 16_000), (48_000, 24_000)] {
        let mut resampler = Resampler::new(from, to)?;
        let frame = vec![0.1; from as usize / 100];
        let mut output = Vec::with_capacity(from as usize);
        let (_, took) = best(|| {
            output.clear();
            (0..100).try_for_each(|_| resampler.process(&frame, &mut output))
        })?;
        println!("  {:.1?} for 10 ms from {from} Hz to {to} Hz", took / 100);
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> Result<T, speech::Error>) -> anyhow::Result<(T, Duration)> {
    let start = Instant::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}

fn best<T>(mut work: impl FnMut() -> Result<T, speech::Error>) -> anyhow::Result<(T, Duration)> {
    let mut best = timed(&mut work)?;
    for _ in 1..5 {
        let run = timed(&mut work)?;
        if run.1 < best.1 {
            best = run;
        }
    }
    Ok(best)
}
