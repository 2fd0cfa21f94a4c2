//! A participant: what it holds, and what each input and the passing of time lead to.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use livekit_protocol as proto;
use prost::Message as _;
use proto::data_packet::Value;
use proto::signal_request::Message as ToServer;
use secrecy::SecretString;
use tracing::debug;

use super::commands::MetadataRequest;
use super::connection::Connection;
use super::incoming::Incoming;
use super::losing::Loss;
use super::media::Media;
use super::outbox::Outbox;
use super::outgoing::Outgoing;
use super::peer::PeerEvent;
use super::roster::Roster;
use super::rpc::Calls;
use super::{Input, Output};
use crate::{
    Attributes, AudioHandler, DataReceived, DisconnectReason, Event, Identity, JoinError,
    JoinOptions, LocalParticipant, Statistics, StreamId, TrackQuality, Transcription,
    TranscriptionSegment,
};

/// What a session cannot know by itself.
#[derive(Debug)]
pub(crate) struct SessionConfig {
    /// Start of the clock that all participants of a shard share; not in the future.
    pub(crate) epoch: Instant,
    /// The wall clock at the epoch, in milliseconds since the Unix epoch.
    pub(crate) epoch_unix_ms: i64,
    /// Random, for names and pauses.
    pub(crate) seed: u64,
}

/// One participant.
pub(crate) struct Session {
    pub(super) config: SessionConfig,
    pub(super) options: JoinOptions,
    pub(super) phase: Phase,
    pub(super) connection: Connection,
    pub(super) outputs: VecDeque<Output>,
    pub(super) token: SecretString,
    pub(super) local: LocalParticipant,
    pub(super) permission: proto::ParticipantPermission,
    /// Our attributes, set again after every reconnect.
    pub(super) attributes: Attributes,
    pub(super) roster: Roster,
    pub(super) incoming: Incoming,
    pub(super) outgoing: HashMap<StreamId, Outgoing>,
    pub(super) outbox: Outbox,
    pub(super) calls: Calls,
    pub(super) metadata_requests: Vec<MetadataRequest>,
    pub(super) last_request_id: u32,
    pub(super) media: Media,
    pub(super) connections: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    Joining {
        until: Instant,
    },
    InRoom,
    /// `attempt_until` bounds the attempt that is under way.
    Reconnecting {
        until: Instant,
        attempts: u32,
        attempt_until: Instant,
    },
    Ended,
}

impl Session {
    pub(crate) fn new(
        now: Instant,
        config: SessionConfig,
        options: JoinOptions,
        audio: Box<dyn AudioHandler>,
    ) -> Self {
        let token = options.token.clone();
        let mut session = Self {
            phase: Phase::Joining {
                until: now + options.timeout,
            },
            connection: Connection::Dialing,
            outputs: VecDeque::new(),
            local: LocalParticipant {
                identity: "".into(),
                sid: String::new(),
                room: String::new(),
                track: None,
            },
            permission: proto::ParticipantPermission::default(),
            attributes: options.attributes.clone(),
            roster: Roster::default(),
            incoming: Incoming::default(),
            outgoing: HashMap::new(),
            outbox: Outbox::default(),
            calls: Calls::default(),
            metadata_requests: Vec::new(),
            last_request_id: 0,
            media: Media::new(audio, config.epoch),
            connections: 0,
            token,
            config,
            options,
        };
        session
            .outputs
            .push_back(Output::Dial(session.token.clone()));
        session
    }

    /// Takes an input. Everything it leads to is ready in [`Session::poll`] afterwards.
    pub(crate) fn handle(&mut self, now: Instant, input: Input<'_>) {
        if self.phase == Phase::Ended {
            return;
        }
        match input {
            Input::Opened(sockets) => {
                if matches!(self.connection, Connection::Dialing) {
                    self.connection = Connection::Entering(sockets);
                }
            }
            Input::DialFailed(error) => self.dial_failed(now, error),
            Input::Signal(message) => self.handle_signal(now, *message),
            Input::HungUp => {
                let text = "the server closed the signalling connection".to_owned();
                self.signalling_lost(now, JoinError::Unreachable(text));
            }
            Input::Datagram { role, from, bytes } => {
                if let Some(entered) = self.connection.entered() {
                    entered.link.receive(now, role, from, bytes);
                }
            }
            Input::Request(request) => self.handle_request(now, request),
            Input::Leave(reason) => self.leave(reason),
            Input::Timeout => {}
        }
        self.advance(now);
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due. Nothing is due once the session has ended.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let phase = match self.phase {
            Phase::Joining { until } => Some(until),
            Phase::InRoom => None,
            Phase::Reconnecting {
                until,
                attempt_until,
                ..
            } => Some(until.min(attempt_until)),
            Phase::Ended => return None,
        };
        let connection = match &self.connection {
            Connection::Down { retry_at } => *retry_at,
            Connection::Dialing | Connection::Entering(_) => None,
            Connection::Entered(entered) => {
                let path = entered.path_given_up_at();
                let deadline = entered
                    .link
                    .next_deadline()
                    .min(entered.signalling_deadline());
                Some(path.map_or(deadline, |path| path.min(deadline)))
            }
        };
        phase
            .into_iter()
            .chain(connection)
            .chain(self.media.next_deadline())
            .chain(self.calls.next_deadline())
            .chain(self.incoming.next_deadline())
            .min()
    }

    /// Tells the server something. Without signalling it is told when that is resumed what still
    /// matters then.
    pub(super) fn send(&mut self, message: ToServer) {
        let entered = self.connection.entered();
        if entered.is_some_and(|entered| entered.resuming.is_some()) {
            return;
        }
        self.outputs.push_back(Output::Signal(Box::new(message)));
    }

    pub(super) fn unix_ms(&self, now: Instant) -> i64 {
        let elapsed = now.saturating_duration_since(self.config.epoch).as_millis();
        self.config
            .epoch_unix_ms
            .saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    /// Lets time and the engine work until nothing more is to be done at this time.
    pub(super) fn advance(&mut self, now: Instant) {
        self.check_deadlines(now);
        let now_ms = self.unix_ms(now);
        if let Some(entered) = self.connection.entered() {
            entered.link.handle_timeout(now);
            let is_talking = entered.resuming.is_none();
            let ping = is_talking.then(|| entered.ping.due(now, now_ms)).flatten();
            self.outputs
                .extend(ping.map(|ping| Output::Signal(Box::new(ping))));
        }
        self.take_from_link(now);
        self.check_link(now);
        if let Connection::Entered(entered) = &mut self.connection {
            self.media.handle_timeout(now, &mut entered.link);
            if entered.is_up {
                let link = &mut entered.link;
                self.outbox
                    .flush(|reliable, bytes| link.write(now, reliable, bytes));
            }
        }
        self.take_from_link(now);
        self.tell_statistics();
    }

    fn tell_statistics(&mut self) {
        let Some((sending, receiving)) = self
            .connection
            .entered()
            .filter(|entered| entered.is_up)
            .and_then(|entered| entered.link.figures())
        else {
            return;
        };
        let received = receiving.received.iter().filter_map(|(mid, quality)| {
            let track = self.media.track(*mid)?;
            Some(TrackQuality {
                participant: track.participant.clone(),
                track: track.sid.clone(),
                quality: *quality,
            })
        });
        let statistics = Statistics {
            round_trip: sending.round_trip.or(receiving.round_trip),
            sent: sending.sent,
            received: received.collect(),
        };
        self.outputs
            .push_back(Output::Event(Event::Statistics(statistics)));
    }

    pub(super) fn check_deadlines(&mut self, now: Instant) {
        self.expire_rpc(now);
        self.with_events(|session, events| session.incoming.expire(now, events));
        match self.phase {
            Phase::Joining { until } if now >= until => {
                let (limit, stage) = (self.options.timeout, self.connection.stage());
                let error = JoinError::Timeout { limit, stage };
                self.lose(now, Loss::Broken(error));
            }
            Phase::Reconnecting {
                until,
                attempt_until,
                ..
            } if now >= until.min(attempt_until) => {
                let (limit, stage) = (self.options.timeout, self.connection.stage());
                let error = JoinError::Timeout { limit, stage };
                self.lose(now, Loss::Broken(error));
            }
            _ => {}
        }
        if let Connection::Down {
            retry_at: Some(retry_at),
        } = self.connection
            && now >= retry_at
        {
            self.connection = Connection::Dialing;
            self.outputs.push_back(Output::Dial(self.token.clone()));
        }
        self.check_resuming(now);
        if let Some(entered) = self.connection.entered() {
            let dead = entered.resuming.is_none() && entered.ping.is_dead(now);
            let down = entered.path_given_up_at().is_some_and(|at| now >= at);
            let error = || JoinError::Unreachable("the connection went silent".to_owned());
            if down {
                self.lose(now, Loss::Broken(error()));
            } else if dead {
                self.signalling_lost(now, error());
            }
        }
    }

    pub(super) fn check_link(&mut self, now: Instant) {
        let Some(entered) = self.connection.entered() else {
            return;
        };
        if let Some(error) = entered.link.take_failure() {
            let text = format!("media failed: {error}");
            return self.lose(now, Loss::Broken(JoinError::Protocol(text)));
        }
        if entered.is_up || !entered.link.is_up() || entered.lacks_track() {
            return;
        }
        entered.is_up = true;
        if let Some(track) = &self.options.publish
            && let Err(error) = self.media.start(now, track, self.config.seed)
        {
            let error = JoinError::Local(format!("the Opus encoder: {error}"));
            return self.lose(now, Loss::Final(error, DisconnectReason::MediaFailure));
        }
        match std::mem::replace(&mut self.phase, Phase::InRoom) {
            Phase::Joining { .. } => self.outputs.push_back(Output::Joined(Ok(()))),
            _ => {
                let track = self.local.track.clone();
                self.outputs
                    .push_back(Output::Event(Event::Reconnected { track }));
            }
        }
    }

    pub(super) fn take_from_link(&mut self, now: Instant) {
        while let Some((role, event)) = self
            .connection
            .entered()
            .and_then(|entered| entered.link.poll())
        {
            match event {
                PeerEvent::Transmit { to, bytes } => {
                    self.outputs.push_back(Output::Transmit { role, to, bytes });
                }
                PeerEvent::Rtp {
                    mid,
                    sequence,
                    time,
                    payload,
                } => {
                    self.media.receive(now, mid, sequence, time, payload);
                }
                PeerEvent::Data { bytes } => match proto::DataPacket::decode(&*bytes) {
                    Ok(packet) => self.handle_packet(now, packet),
                    Err(_) => debug!("Ignored a data packet that is not one"),
                },
            }
        }
    }

    pub(super) fn handle_packet(&mut self, now: Instant, packet: proto::DataPacket) {
        let sender = packet.participant_identity;
        self.with_events(|session, events| match packet.value {
            Some(Value::User(user)) => {
                let sender = (!sender.is_empty()).then(|| Identity::from(sender));
                let (topic, payload) = (user.topic, user.payload);
                events.push(Event::DataReceived(DataReceived {
                    sender,
                    topic,
                    payload,
                }));
            }
            Some(Value::Transcription(packet)) => {
                events.push(Event::Transcription(transcription(packet)));
            }
            Some(Value::StreamHeader(header)) => {
                session.incoming.header(now, &sender, header, events);
            }
            Some(Value::StreamChunk(chunk)) => {
                session.incoming.chunk(now, &sender, chunk, events);
            }
            Some(Value::StreamTrailer(trailer)) => {
                session.incoming.trailer(&sender, trailer, events);
            }
            Some(Value::RpcRequest(request)) => {
                session.rpc_requested(now, &sender, request, events);
            }
            Some(Value::RpcAck(ack)) => session.rpc_confirmed(&sender, &ack),
            Some(Value::RpcResponse(response)) => session.rpc_answered(&sender, response),
            // DTMF and metrics are of no concern here.
            _ => {}
        });
    }

    pub(super) fn set_local(&mut self, local: LocalParticipant) {
        self.local = local.clone();
        self.outputs.push_back(Output::Local(local));
    }

    pub(super) fn with_events(&mut self, work: impl FnOnce(&mut Self, &mut Vec<Event>)) {
        let mut events = Vec::new();
        work(self, &mut events);
        self.outputs.extend(events.into_iter().map(Output::Event));
    }
}

fn transcription(packet: proto::Transcription) -> Transcription {
    let segments = packet
        .segments
        .into_iter()
        .map(|segment| TranscriptionSegment {
            id: segment.id,
            text: segment.text,
            is_final: segment.r#final,
            language: segment.language,
        });
    Transcription {
        participant: packet.transcribed_participant_identity.into(),
        track: packet.track_id.into(),
        segments: segments.collect(),
    }
}
