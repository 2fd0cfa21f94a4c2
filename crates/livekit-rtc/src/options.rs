//! What callers choose: for a shard, a join, a track, a message.

use std::net::IpAddr;
use std::time::Duration;

use secrecy::SecretString;

use crate::{Attributes, Identity, StreamId};

/// How a shard runs.
#[derive(Debug, Clone)]
pub struct ShardConfig {
    /// Name of the thread.
    pub name: String,
    /// Joins beyond this many participants are refused.
    pub max_participants: usize,
    /// Address the media sockets bind to. By default the address from which this machine
    /// reaches the signalling server; to be given only when media flows by another interface.
    pub media_address: Option<IpAddr>,
}

impl Default for ShardConfig {
    fn default() -> Self {
        Self {
            name: "livekit-shard".into(),
            max_participants: 100,
            media_address: None,
        }
    }
}

/// How to join a room.
#[derive(Debug, Clone)]
pub struct JoinOptions {
    /// The server, `ws://`, `wss://`, `http://` or `https://`.
    pub url: String,
    /// An access token that grants the room. Replaced by the server's fresher ones later.
    pub token: SecretString,
    /// Whether to subscribe to every audio track of the room.
    pub auto_subscribe: bool,
    /// The track to publish, if any.
    pub publish: Option<TrackOptions>,
    /// Attributes set as soon as the server has let us in, before media is up.
    pub attributes: Attributes,
    /// The methods that others may call; calls of any other are refused.
    pub rpc_methods: Vec<String>,
    /// How long joining may take in all.
    pub timeout: Duration,
    /// How long a command on the participant may take.
    pub command_timeout: Duration,
    /// How long a lost connection is tried again before the participant gives up.
    /// Zero gives up at once.
    pub reconnect_timeout: Duration,
    /// Capacity of the event queue.
    pub event_capacity: usize,
}

impl JoinOptions {
    /// Options to subscribe to everything and publish nothing.
    pub fn new(url: impl Into<String>, token: SecretString) -> Self {
        Self {
            url: url.into(),
            token,
            auto_subscribe: true,
            publish: None,
            attributes: Attributes::new(),
            rpc_methods: Vec::new(),
            timeout: Duration::from_secs(10),
            command_timeout: Duration::from_secs(5),
            reconnect_timeout: Duration::from_secs(60),
            event_capacity: 1024,
        }
    }

    /// The same with a track to publish.
    pub fn publishing(mut self, track: TrackOptions) -> Self {
        self.publish = Some(track);
        self
    }
}

/// An audio track to publish, with microphone as its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackOptions {
    /// Name that others see.
    pub name: String,
    /// Target bit rate in bits per second, 6,000 to 128,000.
    pub bitrate: u32,
    /// Encoder effort, 0 (least) to 10.
    pub complexity: u8,
    /// Packet loss to prepare for, in per cent: sets how much redundancy is sent.
    pub expected_loss_percent: u8,
}

impl TrackOptions {
    /// Settings for speech.
    pub fn speech(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bitrate: 32_000,
            complexity: 5,
            expected_loss_percent: 10,
        }
    }
}

/// How a text stream is sent.
#[derive(Debug, Clone, Default)]
pub struct TextOptions {
    /// Id of the stream, random when not given.
    pub stream_id: Option<StreamId>,
    /// Attributes of the header.
    pub attributes: Attributes,
    /// Who gets it; everybody when empty.
    pub destinations: Vec<Identity>,
    /// In whose name it is sent. Only agents may speak for others.
    pub sender: Option<Identity>,
}

/// How a data packet is sent.
#[derive(Debug, Clone)]
pub struct DataOptions {
    /// Topic that receivers see.
    pub topic: Option<String>,
    /// Who gets it; everybody when empty.
    pub destinations: Vec<Identity>,
    /// Whether it is sent again until it arrives, in order.
    pub reliable: bool,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            topic: None,
            destinations: Vec::new(),
            reliable: true,
        }
    }
}
