//! Speaks a text into a WAV file: `say VOICE SAMPLE_RATE FILE TEXT…`, with MODELS_DIR set.

use std::path::Path;

use anyhow::{Context, bail};
use speech::Models;
use speech::synthesis::{self, clauses};

fn main() -> anyhow::Result<()> {
    let dir = std::env::var_os("MODELS_DIR").context("set MODELS_DIR to the models folder")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [voice, rate, file, text @ ..] = arguments.as_slice() else {
        bail!("usage: say VOICE SAMPLE_RATE FILE TEXT…");
    };
    let rate: u32 = rate.parse().context("SAMPLE_RATE is a number of Hz")?;
    let synthesizer = Models::open(Path::new(&dir), 2)?.synthesizer(1)?;
    let voice = synthesizer.voice(voice)?;
    let mut speech = Vec::new();
    for clause in clauses(&text.join(" ")) {
        speech.extend(synthesizer.synthesize(&clause, &voice, 1.0)?);
    }
    let speech = speech::resample::resample(synthesis::SAMPLE_RATE, rate, &speech)?;
    let mut samples = Vec::new();
    speech::resample::extend_i16(&speech, &mut samples);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(file, spec)?;
    for sample in samples {
        wav.write_sample(sample)?;
    }
    wav.finalize()?;
    Ok(())
}
