//! Sound out: 10 ms frames become Opus packets of 20 ms, and silence becomes nothing.

use opusic_c::ErrorCode;

use super::codec::{Encoder, PACKET_SAMPLES};
use super::{FRAME_SAMPLES, Frame};
use crate::TrackOptions;

/// Silent packets sent after speech, so that receivers hear an end and not a hole.
const TAIL_PACKETS: u8 = 5;
/// Silent packets sent first: the server makes the track known to others by its first packets.
const PRIMER_PACKETS: u8 = 10;
/// RTP ticks (at 48 kHz) of a 10 ms frame.
const FRAME_TICKS: u32 = 480;

/// The sending side of our track.
pub(crate) struct Sender {
    encoder: Encoder,
    samples: [i16; PACKET_SAMPLES],
    filled: usize,
    voiced: bool,
    silent_packets_left: u8,
    paused: bool,
    sequence: u64,
    /// RTP time of the next frame; goes on while nothing is sent.
    time: u32,
}

/// A packet to send.
#[derive(Debug, PartialEq)]
pub(crate) struct Packet<'a> {
    pub(crate) sequence: u64,
    pub(crate) time: u32,
    /// The first after a pause.
    pub(crate) marker: bool,
    pub(crate) voiced: bool,
    /// Loudness in decibels below full scale, 0 to 127.
    pub(crate) level: u8,
    pub(crate) payload: &'a [u8],
}

impl Sender {
    /// `seed` sets where sequence numbers and times start.
    pub(crate) fn new(options: &TrackOptions, seed: u64) -> Result<Self, ErrorCode> {
        Ok(Self {
            encoder: Encoder::new(options)?,
            samples: [0; PACKET_SAMPLES],
            filled: 0,
            voiced: false,
            silent_packets_left: PRIMER_PACKETS,
            paused: true,
            sequence: seed & 0x7fff,
            time: (seed >> 16) as u32,
        })
    }

    /// Starts over on a new connection: the next packets make the track known.
    pub(crate) fn restart(&mut self) {
        self.filled = 0;
        self.voiced = false;
        self.silent_packets_left = PRIMER_PACKETS;
        self.paused = true;
        self.sequence &= 0xffff;
    }

    /// Lets time pass for which there was no chance to send.
    pub(crate) fn skip(&mut self, frames: u32) {
        self.time = self.time.wrapping_add(frames.wrapping_mul(FRAME_TICKS));
    }

    /// Takes 10 ms, `None` for silence, and gives a packet when one is full.
    pub(crate) fn push(&mut self, frame: Option<&Frame>) -> Result<Option<Packet<'_>>, ErrorCode> {
        let start = self.time.wrapping_sub(self.filled as u32 * 2);
        self.time = self.time.wrapping_add(FRAME_TICKS);
        if frame.is_none() && self.filled == 0 && self.silent_packets_left == 0 {
            self.paused = true;
            return Ok(None);
        }
        let slot = &mut self.samples[self.filled..self.filled + FRAME_SAMPLES];
        match frame {
            Some(frame) => slot.copy_from_slice(frame),
            None => slot.fill(0),
        }
        self.voiced |= frame.is_some();
        self.filled += FRAME_SAMPLES;
        if self.filled < PACKET_SAMPLES {
            return Ok(None);
        }
        self.finish_packet(start).map(Some)
    }

    fn finish_packet(&mut self, time: u32) -> Result<Packet<'_>, ErrorCode> {
        let voiced = std::mem::take(&mut self.voiced);
        self.filled = 0;
        self.silent_packets_left = if voiced {
            TAIL_PACKETS.max(self.silent_packets_left)
        } else {
            self.silent_packets_left.saturating_sub(1)
        };
        let marker = std::mem::take(&mut self.paused);
        let sequence = self.sequence;
        self.sequence += 1;
        let level = level(&self.samples);
        let payload = self.encoder.encode(&self.samples)?;
        Ok(Packet {
            sequence,
            time,
            marker,
            voiced,
            level,
            payload,
        })
    }
}

/// Loudness in decibels below full scale, 0 (loudest) to 127 (silence).
fn level(samples: &[i16]) -> u8 {
    let energy: f32 = samples
        .iter()
        .map(|&sample| f32::from(sample).powi(2))
        .sum();
    let rms = (energy / samples.len() as f32).sqrt() / f32::from(i16::MAX);
    if rms <= 0.0 {
        return 127;
    }
    (-20.0 * rms.log10()).clamp(0.0, 127.0) as u8
}
