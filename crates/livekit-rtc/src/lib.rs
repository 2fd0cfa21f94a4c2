//! A LiveKit participant: joins a room, speaks, listens, and exchanges text and data.
//!
//! Signalling is LiveKit's own protocol, media is WebRTC by a sans-I/O engine, speech is Opus.
//! A [`Shard`] is one thread that drives many participants; [`Shard::join`] gives a
//! [`Participant`] to command and [`Events`] to listen to, and calls an [`AudioHandler`] on the
//! shard's thread, in place, for sound in both directions.
//!
//! Only this crate knows WebRTC. It does not know what is said: no voice activity detection,
//! no models, no conversation.
//!
//! When only the signalling connection is lost, it is made again while sound and messages go on;
//! when more is lost, or the server has forgotten us, a new connection takes the place of the old.
//!
//! Left for later, with room kept for it: sending byte streams, TURN, end-to-end encryption.

mod audio;
mod collect;
mod connector;
mod core;
mod driver;
mod error;
mod event;
mod ids;
#[cfg(feature = "livekit-crate")]
mod livekit_crate;
mod options;
mod participant;
mod rpc;
mod shard;
mod signal;
mod statistics;

pub use audio::{
    AudioHandler, Content, FRAME_DURATION, FRAME_SAMPLES, Frame, NoAudio, OpusDecoder, Playout,
    Received, SAMPLE_RATE,
};
pub use collect::{ByteCollector, ByteMessage, TextCollector, TextMessage};
pub use connector::{Connector, Joining};
pub use error::{CommandError, DisconnectReason, JoinError, JoinStage};
pub use event::{
    Attributes, ByteStreamOpened, DataReceived, Event, Events, ParticipantKind, RemoteParticipant,
    RemoteTrack, StreamClosed, TextStreamOpened, TrackSource, Transcription, TranscriptionSegment,
};
pub use ids::{Identity, RpcId, StreamId, TrackSid};
#[cfg(feature = "livekit-crate")]
pub use livekit_crate::LivekitCrate;
pub use options::{DataOptions, JoinOptions, ShardConfig, TextOptions, TrackOptions};
pub use participant::{LocalParticipant, Participant, TextWriter};
pub use rpc::{MAX_RPC_PAYLOAD, RpcError, RpcFailure, RpcInvocation, RpcRequest};
pub use shard::Shard;
pub use statistics::{Quality, Statistics, TrackQuality};
