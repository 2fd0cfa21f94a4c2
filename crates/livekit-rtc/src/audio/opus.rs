//! Opus that did not come by a track.

use super::codec::Decoder;

/// Decodes Opus packets that follow each other to mono sound at [`crate::SAMPLE_RATE`].
pub struct OpusDecoder(Decoder);

impl OpusDecoder {
    /// A decoder; `None` when there is no memory for one.
    pub fn new() -> Option<Self> {
        Decoder::new().ok().map(Self)
    }

    /// Appends the sound of the next packet. Says whether it is one.
    pub fn decode(&mut self, packet: &[u8], sound: &mut Vec<i16>) -> bool {
        let decoded = self.0.decode(packet);
        let Ok(samples) = decoded else { return false };
        sound.extend(samples.iter().map(|sample| sample.cast_signed()));
        true
    }
}
