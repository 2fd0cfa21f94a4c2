//! The signalling side of one connection: admission, publication, pings.

use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::signal_request::Message as ToServer;

use super::link::{Link, Sockets};
use super::resuming::Resuming;
use crate::{JoinStage, TrackOptions};

/// How long a media path may be broken before the connection counts as lost.
const PATH_PATIENCE: Duration = Duration::from_secs(2);

/// How far a connection has come.
pub(super) enum Connection {
    /// There is none, and a new one is tried at this time.
    Down { retry_at: Option<Instant> },
    /// The signalling connection is being opened.
    Dialing,
    /// It is open, and the server has not let us in yet.
    Entering(Sockets),
    /// We are in the room.
    Entered(Box<Entered>),
}

/// A connection on which we are in the room.
pub(super) struct Entered {
    pub(super) link: Link,
    /// Whether media and messages flow, which is the end of connecting.
    pub(super) is_up: bool,
    /// Our own name for the track to publish.
    pub(super) cid: Option<String>,
    /// The track as the server has published it.
    pub(super) track: Option<proto::TrackInfo>,
    pub(super) ping: Ping,
    /// Set while there is no signalling.
    pub(super) resuming: Option<Resuming>,
}

impl Connection {
    /// What is being waited for.
    pub(super) fn stage(&self) -> JoinStage {
        match self {
            Self::Down { .. } | Self::Dialing => JoinStage::Signalling,
            Self::Entering(_) => JoinStage::Admission,
            Self::Entered(entered) if entered.lacks_track() => JoinStage::Publication,
            Self::Entered(_) => JoinStage::Media,
        }
    }

    pub(super) fn entered(&mut self) -> Option<&mut Entered> {
        match self {
            Self::Entered(entered) => Some(entered),
            _ => None,
        }
    }
}

impl Entered {
    /// When a broken media path counts as lost. Before it was up, patience is the joiner's.
    pub(super) fn path_given_up_at(&self) -> Option<Instant> {
        let since = self.is_up.then(|| self.link.down_since()).flatten();
        since.map(|since| since + PATH_PATIENCE)
    }

    /// When signalling needs something done.
    pub(super) fn signalling_deadline(&self) -> Instant {
        match &self.resuming {
            Some(resuming) => resuming.next_deadline(&self.link),
            None => self.ping.next_deadline(),
        }
    }

    /// Whether the track to publish is not known to the server yet.
    pub(super) fn lacks_track(&self) -> bool {
        self.cid.is_some() && self.track.is_none()
    }
}

/// Keeps the signalling connection alive, and notices when it is not.
#[derive(Debug)]
pub(super) struct Ping {
    interval: Duration,
    timeout: Duration,
    next: Instant,
    heard: Instant,
    round_trip_ms: i64,
}

impl Ping {
    pub(super) fn new(now: Instant, join: &proto::JoinResponse) -> Self {
        let seconds = |value: i32, default| {
            Duration::from_secs(
                u64::try_from(value)
                    .ok()
                    .filter(|&v| v > 0)
                    .unwrap_or(default),
            )
        };
        let interval = seconds(join.ping_interval, 5);
        let timeout = seconds(join.ping_timeout, 15);
        Self {
            interval,
            timeout,
            next: now + interval,
            heard: now,
            round_trip_ms: 0,
        }
    }

    /// Begins again on a new signalling connection.
    pub(super) fn restart(&mut self, now: Instant) {
        self.next = now + self.interval;
        self.heard = now;
    }

    /// Whatever the server says shows that it is there.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(super) fn answered(&mut self, now_ms: i64, pong: &proto::Pong) {
        self.round_trip_ms = (now_ms - pong.last_ping_timestamp).max(0);
    }

    pub(super) fn is_dead(&self, now: Instant) -> bool {
        now >= self.heard + self.timeout
    }

    /// The ping that is due, if one is.
    pub(super) fn due(&mut self, now: Instant, now_ms: i64) -> Option<ToServer> {
        if now < self.next {
            return None;
        }
        self.next = now + self.interval;
        Some(ToServer::PingReq(proto::Ping {
            timestamp: now_ms,
            rtt: self.round_trip_ms,
        }))
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.next.min(self.heard + self.timeout)
    }
}

/// The request to publish our track.
pub(super) fn add_track(cid: &str, track: &TrackOptions, muted: bool) -> ToServer {
    ToServer::AddTrack(proto::AddTrackRequest {
        cid: cid.into(),
        name: track.name.clone(),
        r#type: proto::TrackType::Audio.into(),
        source: proto::TrackSource::Microphone.into(),
        muted,
        // Redundancy is inside our Opus packets already.
        disable_red: true,
        ..Default::default()
    })
}

/// Why the token does not let us publish, if it does not.
pub(super) fn publishing_forbidden(
    permission: &proto::ParticipantPermission,
) -> Option<&'static str> {
    let microphone = i32::from(proto::TrackSource::Microphone);
    let sources = &permission.can_publish_sources;
    if !permission.can_publish {
        Some("publishing (canPublish)")
    } else if !sources.is_empty() && !sources.contains(&microphone) {
        Some("publishing a microphone (canPublishSources)")
    } else {
        None
    }
}
