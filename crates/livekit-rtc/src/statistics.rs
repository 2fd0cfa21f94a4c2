//! How well the network carries sound, as far as this end can know.

use std::time::Duration;

use crate::{Identity, TrackSid};

/// What was measured, told every two seconds. What others lose on their own way to and from the
/// server is not in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// From here to the server and back; `None` until it was measured.
    pub round_trip: Option<Duration>,
    /// How our track comes to the server, as it reports; `None` without a track or a report.
    pub sent: Option<Quality>,
    /// How the tracks of others come here.
    pub received: Vec<TrackQuality>,
}

/// How one of the tracks that we hear comes here.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackQuality {
    /// Whose.
    pub participant: Identity,
    /// Which.
    pub track: TrackSid,
    /// How.
    pub quality: Quality,
}

/// How a stream of packets comes to its receiver.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Quality {
    /// How much the time between packets varies, smoothed (RFC 3550).
    pub jitter: Duration,
    /// The share that was lost lately, 0 to 1.
    pub loss: f32,
}
