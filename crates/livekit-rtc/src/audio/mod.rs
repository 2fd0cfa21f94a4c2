//! Sound in both directions: the handler's contract, and the machinery behind it.

mod arrival;
mod codec;
mod opus;
mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::{Identity, TrackSid};

pub use opus::OpusDecoder;
pub(crate) use receive::Receiver;
pub(crate) use send::{Packet, Sender};

/// Samples per second of all sound in this crate, mono.
pub const SAMPLE_RATE: u32 = 24_000;
/// Samples of one [`Frame`].
pub const FRAME_SAMPLES: usize = 240;
/// How long one [`Frame`] sounds.
pub const FRAME_DURATION: Duration = Duration::from_millis(10);

/// 10 ms of mono sound at [`SAMPLE_RATE`].
pub type Frame = [i16; FRAME_SAMPLES];

/// Where a participant's sound goes to and comes from.
///
/// Both methods are called on the shard's thread, which serves other participants too: they
/// must not block, and together should stay well below a millisecond.
pub trait AudioHandler: Send {
    /// Takes the next 10 ms of one subscribed track.
    ///
    /// Frames of a track come in order and without holes, as soon as they can be decoded: one
    /// per 10 ms on average, several in a burst when the network delivers late. Nothing is
    /// queued behind this call, so delay never grows. While a track sends nothing (muted,
    /// silence suppression), [`Content::Silent`] frames keep time going.
    fn received(&mut self, frame: Received<'_>);

    /// Asks for the next 10 ms to publish, and is the clock of playout.
    ///
    /// Called once per 10 ms while there is a published track and a connection to send it on;
    /// not called while reconnecting, so nothing is lost in the gap. While the track is muted
    /// it is called and what it gives is discarded. `frame` holds zeros on entry.
    fn playout(&mut self, now: Instant, frame: &mut Frame) -> Playout;
}

/// What [`AudioHandler::playout`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playout {
    /// The frame was filled.
    Frame,
    /// There is nothing to say. After a short tail nothing is encoded or sent.
    Silence,
}

/// 10 ms of somebody's track.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// When it was decoded.
    pub now: Instant,
    /// Whose track it is.
    pub participant: &'a Identity,
    /// Which track.
    pub track: &'a TrackSid,
    /// The sound.
    pub samples: &'a Frame,
    /// How it came about.
    pub content: Content,
}

/// How the samples of a [`Received`] frame came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Decoded from what was sent.
    Decoded,
    /// The packet was lost or too late; recovered from redundancy or extrapolated.
    Concealed,
    /// Nothing was sent for this time: zeros.
    Silent,
}

/// A handler for participants that neither speak nor listen.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAudio;

impl AudioHandler for NoAudio {
    fn received(&mut self, _: Received<'_>) {}

    fn playout(&mut self, _: Instant, _: &mut Frame) -> Playout {
        Playout::Silence
    }
}
