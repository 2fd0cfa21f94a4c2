//! Records the sentences that never change, in the project's own voice: `cargo xtask gen --recordings`.
//!
//! A new sentence needs an empty file of its name first, because the service holds them all.

use std::fs;
use std::path::Path;

use agent_svc::recordings;
use anyhow::Context as _;
use opusic_c::{Application, Bitrate, Channels, Encoder, SampleRate, Signal};
use speech::Models;
use speech::resample::extend_i16;
use speech::synthesis::{Synthesizer, Voice, clauses};

const VOICE: &str = "af_heart";
const BITS_A_SECOND: u32 = 24_000;
/// What the encoder is ahead of the sound, in samples of 48 kHz, as it has to be told in the file.
const PRE_SKIP: u16 = 312;
/// Samples of a packet: 20 ms.
const PACKET: usize = 480;
/// Below this a sample is silence.
const SILENCE: f32 = 0.01;
/// What is kept around the voice: 20 ms before it, 60 ms after it.
const BEFORE: usize = PACKET;
const AFTER: usize = 3 * PACKET;

fn main() -> anyhow::Result<()> {
    let dir = std::env::var_os("MODELS_DIR").context("set MODELS_DIR to the models folder")?;
    let synthesizer = Models::open(Path::new(&dir), 2)?.synthesizer(1)?;
    let voice = synthesizer.voice(VOICE)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    for (name, text) in recordings::texts() {
        let sound = spoken(&synthesizer, &voice, text)?;
        let file = webm(&packets(&sound)?);
        println!("{name}: {} ms, {} bytes", sound.len() / 24, file.len());
        fs::write(folder.join(name), file)?;
    }
    Ok(())
}

/// A text, from its first sound to its last.
fn spoken(synthesizer: &Synthesizer, voice: &Voice, text: &str) -> anyhow::Result<Vec<i16>> {
    let mut sound = Vec::new();
    for clause in clauses(text) {
        sound.extend(synthesizer.synthesize(&clause, voice, 1.0)?);
    }
    let is_heard = |sample: &f32| sample.abs() > SILENCE;
    let from = sound.iter().position(is_heard).context("it is silent")?;
    let until = sound.iter().rposition(is_heard).context("it is silent")?;
    sound.resize((until + AFTER).max(sound.len()), 0.0);
    let mut samples = Vec::new();
    extend_i16(
        &sound[from.saturating_sub(BEFORE)..until + AFTER],
        &mut samples,
    );
    Ok(samples)
}

fn packets(sound: &[i16]) -> anyhow::Result<Vec<Vec<u8>>> {
    let failed = |error| anyhow::anyhow!("Opus: {error:?}");
    let rate = SampleRate::Hz24000;
    let mut encoder = Encoder::new(Channels::Mono, rate, Application::Voip).map_err(failed)?;
    encoder.set_signal(Signal::Voice).map_err(failed)?;
    encoder
        .set_bitrate(Bitrate::Value(BITS_A_SECOND))
        .map_err(failed)?;
    encoder.set_complexity(10).map_err(failed)?;
    let packet = |samples: &[i16]| {
        let mut input: Vec<u16> = samples.iter().map(|s| s.cast_unsigned()).collect();
        input.resize(PACKET, 0);
        let mut output = [0; 1_275];
        let size = encoder
            .encode_to_slice(&input, &mut output)
            .map_err(failed)?;
        Ok(output[..size].to_vec())
    };
    sound.chunks(PACKET).map(packet).collect()
}

/// The packets in a WebM file that every player knows.
fn webm(packets: &[Vec<u8>]) -> Vec<u8> {
    let head = [
        element(&[0x42, 0x86], &[1]),
        element(&[0x42, 0xf7], &[1]),
        element(&[0x42, 0xf2], &[4]),
        element(&[0x42, 0xf3], &[8]),
        element(&[0x42, 0x82], b"webm"),
        element(&[0x42, 0x87], &[4]),
        element(&[0x42, 0x85], &[2]),
    ];
    let milliseconds = packets.len() as f32 * 20.0;
    let info = [
        element(&[0x2a, 0xd7, 0xb1], &1_000_000_u32.to_be_bytes()),
        element(&[0x44, 0x89], &milliseconds.to_be_bytes()),
        element(&[0x4d, 0x80], b"record_lines"),
        element(&[0x57, 0x41], b"record_lines"),
    ];
    let audio = [
        element(&[0xb5], &48_000_f32.to_be_bytes()),
        element(&[0x9f], &[1]),
    ];
    let opus_head = [
        &b"OpusHead\x01\x01"[..],
        &PRE_SKIP.to_le_bytes(),
        &24_000_u32.to_le_bytes(),
        &[0, 0, 0],
    ];
    let track = [
        element(&[0xd7], &[1]),
        element(&[0x73, 0xc5], &[1]),
        element(&[0x83], &[2]),
        element(&[0x86], b"A_OPUS"),
        element(&[0x63, 0xa2], &opus_head.concat()),
        element(&[0xe1], &audio.concat()),
    ];
    let mut cluster = element(&[0xe7], &[0]);
    for (number, packet) in packets.iter().enumerate() {
        let time = (number as u16 * 20).to_be_bytes();
        let block = [&[0x81], &time[..], &[0x80], packet];
        cluster.extend(element(&[0xa3], &block.concat()));
    }
    let segment = [
        element(&[0x15, 0x49, 0xa9, 0x66], &info.concat()),
        element(
            &[0x16, 0x54, 0xae, 0x6b],
            &element(&[0xae], &track.concat()),
        ),
        element(&[0x1f, 0x43, 0xb6, 0x75], &cluster),
    ];
    let head = element(&[0x1a, 0x45, 0xdf, 0xa3], &head.concat());
    let segment = element(&[0x18, 0x53, 0x80, 0x67], &segment.concat());
    [head, segment].concat()
}

/// An element with its size: two bytes where they hold it, else eight.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    match u16::try_from(content.len()) {
        Ok(size @ 0..0x3fff) => [id, &(size | 0x4000).to_be_bytes(), content].concat(),
        _ => {
            let size = (content.len() as u64 | 1 << 56).to_be_bytes();
            [id, &size, content].concat()
        }
    }
}
