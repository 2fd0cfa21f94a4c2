//! Opus at 24 kHz mono, in the shapes this crate needs: 20 ms out, whatever comes in.

use opusic_c::{
    Application, Bitrate, Channels, Decoder as OpusDecoder, Encoder as OpusEncoder, ErrorCode,
    InbandFec, SampleRate, Signal,
};

use crate::TrackOptions;

/// Samples of one encoded packet: 20 ms.
pub(crate) const PACKET_SAMPLES: usize = 480;
/// Samples of the longest packet Opus knows: 120 ms.
pub(crate) const MAX_PACKET_SAMPLES: usize = 2_880;
/// Opus' own limit for a packet of one frame.
const MAX_PACKET_BYTES: usize = 1_275;

/// Encodes 20 ms at a time, with redundancy for the packet before.
pub(crate) struct Encoder {
    opus: OpusEncoder,
    input: [u16; PACKET_SAMPLES],
    output: [u8; MAX_PACKET_BYTES],
}

impl Encoder {
    pub(crate) fn new(options: &TrackOptions) -> Result<Self, ErrorCode> {
        let mut opus = OpusEncoder::new(Channels::Mono, SampleRate::Hz24000, Application::Voip)?;
        opus.set_signal(Signal::Voice)?;
        opus.set_bitrate(Bitrate::Value(options.bitrate.clamp(6_000, 128_000)))?;
        opus.set_complexity(options.complexity.min(10))?;
        opus.set_inband_fec(InbandFec::Mode1)?;
        opus.set_packet_loss(options.expected_loss_percent.min(100))?;
        Ok(Self {
            opus,
            input: [0; PACKET_SAMPLES],
            output: [0; MAX_PACKET_BYTES],
        })
    }

    pub(crate) fn encode(&mut self, samples: &[i16; PACKET_SAMPLES]) -> Result<&[u8], ErrorCode> {
        for (input, sample) in self.input.iter_mut().zip(samples) {
            *input = sample.cast_unsigned();
        }
        let size = self.opus.encode_to_slice(&self.input, &mut self.output)?;
        Ok(&self.output[..size])
    }
}

/// Decodes packets of any length, or makes up for missing ones.
pub(crate) struct Decoder {
    opus: OpusDecoder,
    output: [u16; MAX_PACKET_SAMPLES],
}

impl Decoder {
    pub(crate) fn new() -> Result<Self, ErrorCode> {
        let opus = OpusDecoder::new(Channels::Mono, SampleRate::Hz24000)?;
        Ok(Self {
            opus,
            output: [0; MAX_PACKET_SAMPLES],
        })
    }

    /// Samples in a packet, without decoding it.
    pub(crate) fn samples_in(&self, packet: &[u8]) -> Result<usize, ErrorCode> {
        if packet.is_empty() {
            return Err(ErrorCode::InvalidPacket);
        }
        self.opus.get_nb_samples(packet)
    }

    pub(crate) fn decode(&mut self, packet: &[u8]) -> Result<&[u16], ErrorCode> {
        if packet.is_empty() {
            return Err(ErrorCode::InvalidPacket);
        }
        let count = self.opus.decode_to_slice(packet, &mut self.output, false)?;
        Ok(&self.output[..count])
    }

    /// The `samples` before `next`, from the redundancy in it, as far as it carries any.
    pub(crate) fn recover(&mut self, next: &[u8], samples: usize) -> Result<&[u16], ErrorCode> {
        let output = &mut self.output[..samples.min(MAX_PACKET_SAMPLES)];
        let count = self.opus.decode_to_slice(next, output, true)?;
        Ok(&self.output[..count])
    }

    /// `samples` extrapolated from what was decoded last.
    pub(crate) fn conceal(&mut self, samples: usize) -> Result<&[u16], ErrorCode> {
        let output = &mut self.output[..samples.min(MAX_PACKET_SAMPLES)];
        let count = self.opus.decode_to_slice(&[], output, false)?;
        Ok(&self.output[..count])
    }
}
