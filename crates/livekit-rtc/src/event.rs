//! What happens in a room, as a bounded stream of [`Event`]s.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

use crate::{DisconnectReason, Identity, RpcInvocation, Statistics, StreamId, TrackSid};

/// Named text values: of a participant, or of a stream.
pub type Attributes = HashMap<String, String>;

/// Something that happened in the room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody is in the room. Whoever was there before us comes first, in one event each.
    ParticipantConnected(RemoteParticipant),
    /// Somebody can receive messages from now on; what is sent to them before is lost.
    ParticipantActive {
        /// Who.
        identity: Identity,
    },
    /// Somebody has left.
    ParticipantDisconnected {
        /// Who.
        identity: Identity,
        /// Why, as far as the server says.
        reason: DisconnectReason,
    },
    /// Somebody's attributes changed; ours only when somebody else changed them.
    AttributesChanged {
        /// Whose.
        identity: Identity,
        /// What is new or different; a removed one has an empty value.
        changed: Attributes,
    },
    /// Sound of this track comes from now on.
    TrackSubscribed(RemoteTrack),
    /// No more sound of this track comes.
    TrackUnsubscribed {
        /// Whose track.
        participant: Identity,
        /// Which track.
        track: TrackSid,
    },
    /// A track was muted or unmuted: somebody else's, or ours by a moderator.
    TrackMuted {
        /// Whose track.
        participant: Identity,
        /// Which track.
        track: TrackSid,
        /// Whether it is muted now.
        muted: bool,
    },
    /// Somebody listens to our track.
    LocalTrackSubscribed {
        /// Our track.
        track: TrackSid,
    },
    /// A text stream begins.
    TextStreamOpened(TextStreamOpened),
    /// Text of an open stream, never cut inside a character.
    TextStreamChunk {
        /// Which stream.
        id: StreamId,
        /// The text.
        text: String,
    },
    /// A text stream ended. No more text of it comes.
    TextStreamClosed(StreamClosed),
    /// A byte stream begins.
    ByteStreamOpened(ByteStreamOpened),
    /// Content of an open byte stream, in order.
    ByteStreamChunk {
        /// Which stream.
        id: StreamId,
        /// The content.
        content: Vec<u8>,
    },
    /// A byte stream ended. No more content of it comes.
    ByteStreamClosed(StreamClosed),
    /// A data packet came.
    DataReceived(DataReceived),
    /// A legacy transcription packet came.
    Transcription(Transcription),
    /// Somebody calls a method of ours, and waits for [`crate::Participant::respond_rpc`].
    RpcInvoked(RpcInvocation),
    /// How well the network carries sound.
    Statistics(Statistics),
    /// The connection is lost and being made again. Subscribed tracks are gone until
    /// `TrackSubscribed` comes again; open streams have ended.
    Reconnecting,
    /// There is a new connection.
    Reconnected {
        /// The new id of our track, if one is published.
        track: Option<TrackSid>,
    },
    /// Events were missed because they were not taken out of the queue fast enough.
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The participant is no longer in the room. Always the last event, never missed.
    Disconnected {
        /// Why.
        reason: DisconnectReason,
    },
}

/// Somebody else in the room.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteParticipant {
    /// Unique in the room.
    pub identity: Identity,
    /// The server's id of this stay.
    pub sid: String,
    /// Name for display.
    pub name: String,
    /// What it is.
    pub kind: ParticipantKind,
    /// Free text set with the token.
    pub metadata: String,
    /// Its attributes.
    pub attributes: Attributes,
}

/// What a participant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParticipantKind {
    /// A person with a client.
    Standard,
    /// A media source.
    Ingress,
    /// A recorder.
    Egress,
    /// A telephone.
    Sip,
    /// An agent.
    Agent,
    /// A bridge to another calling service.
    Connector,
    /// Something this crate does not know.
    Other,
}

/// An audio track of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTrack {
    /// Whose.
    pub participant: Identity,
    /// The server's id.
    pub sid: TrackSid,
    /// Its name.
    pub name: String,
    /// Where its sound comes from.
    pub source: TrackSource,
    /// Whether it is muted.
    pub muted: bool,
    /// Whether a byte stream brings what was said on it before anybody listened.
    pub has_preconnect_buffer: bool,
}

/// Where a track's sound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackSource {
    /// A microphone, or an agent's voice.
    Microphone,
    /// Sound of a shared screen.
    ScreenShareAudio,
    /// Not said.
    Other,
}

/// The header of a text stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextStreamOpened {
    /// Its id.
    pub id: StreamId,
    /// Its topic.
    pub topic: String,
    /// Who sends it, or in whose name an agent does.
    pub sender: Identity,
    /// Attributes of the header.
    pub attributes: Attributes,
    /// Milliseconds since the Unix epoch, by the sender's clock.
    pub timestamp_ms: i64,
}

/// The header of a byte stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteStreamOpened {
    /// Its id.
    pub id: StreamId,
    /// Its topic.
    pub topic: String,
    /// Who sends it.
    pub sender: Identity,
    /// A name for its content, of a file for instance.
    pub name: String,
    /// What its content is.
    pub mime_type: String,
    /// Attributes of the header.
    pub attributes: Attributes,
    /// How many bytes will come, if the sender knows.
    pub total_bytes: Option<u64>,
    /// Milliseconds since the Unix epoch, by the sender's clock.
    pub timestamp_ms: i64,
}

/// The end of a text or byte stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamClosed {
    /// Which stream.
    pub id: StreamId,
    /// Attributes of the header, overlaid with those of the trailer.
    pub attributes: Attributes,
    /// Whether all of it came. False when the sender said otherwise, left, or broke the rules.
    pub complete: bool,
}

/// A data packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataReceived {
    /// Who sent it; `None` when the server did.
    pub sender: Option<Identity>,
    /// Its topic.
    pub topic: Option<String>,
    /// Its content.
    pub payload: Vec<u8>,
}

/// A legacy transcription packet: what was said on a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcription {
    /// Who spoke.
    pub participant: Identity,
    /// On which track.
    pub track: TrackSid,
    /// What.
    pub segments: Vec<TranscriptionSegment>,
}

/// A piece of what was said; a later one with the same id replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TranscriptionSegment {
    /// Its id.
    pub id: String,
    /// The text so far.
    pub text: String,
    /// Whether the text will not change any more.
    pub is_final: bool,
    /// Language tag, may be empty.
    pub language: String,
}

/// The events of one participant, in order.
///
/// When the queue is full, events are dropped and one [`Event::Lagged`] tells how many.
/// Dropping this does not end the participant.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Event>,
    end: Option<oneshot::Receiver<DisconnectReason>>,
}

impl Events {
    /// Waits for the next event. `None` after [`Event::Disconnected`].
    ///
    /// Dropping the future loses no event.
    pub async fn recv(&mut self) -> Option<Event> {
        if let Some(event) = self.queue.recv().await {
            return Some(event);
        }
        let reason = self.end.as_mut()?.await;
        self.end = None;
        // Only a panic, of an audio handler for instance, ends a participant without a word.
        let reason = reason.unwrap_or(DisconnectReason::UnknownReason);
        Some(Event::Disconnected { reason })
    }
}

/// The other end of [`Events`].
#[derive(Debug)]
pub(crate) struct EventSender {
    queue: mpsc::Sender<Event>,
    end: oneshot::Sender<DisconnectReason>,
    missed: u64,
}

impl EventSender {
    pub(crate) fn new(capacity: usize) -> (Self, Events) {
        let (queue, receiver) = mpsc::channel(capacity.max(1));
        let (end, end_receiver) = oneshot::channel();
        let events = Events {
            queue: receiver,
            end: Some(end_receiver),
        };
        (
            Self {
                queue,
                end,
                missed: 0,
            },
            events,
        )
    }

    /// Queues an event, or counts it as missed.
    pub(crate) fn send(&mut self, event: Event) {
        if self.missed > 0 {
            let lagged = Event::Lagged {
                missed: self.missed,
            };
            if self.queue.try_send(lagged).is_ok() {
                self.missed = 0;
            }
        }
        if self.missed > 0 || self.queue.try_send(event).is_err() {
            self.missed += 1;
        }
    }

    /// Ends the stream: what is queued still arrives, then the reason.
    pub(crate) fn finish(self, reason: DisconnectReason) {
        // Nobody may be listening any more, which is fine.
        let _ = self.end.send(reason);
    }
}
