//! The life of a participant: joining, being in the room, losing and regaining it, leaving.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use prost::Message as _;
use proto::data_packet::Value;
use proto::request_response::{Reason, Request as RefusedRequest};
use proto::signal_request::Message as ToServer;
use proto::signal_response::Message as FromServer;
use secrecy::SecretString;
use tracing::{debug, warn};

use super::commands::{MetadataRequest, refusal};
use super::connection::{self, Connection, Entered, Ping};
use super::link::{Link, Sockets};
use super::media::Media;
use super::outbox::Outbox;
use super::peer::PeerEvent;
use super::roster::{self, Roster};
use super::text::{Incoming, Outgoing};
use super::{Input, Output};
use crate::{
    Attributes, AudioHandler, DataReceived, DisconnectReason, Event, Identity, JoinError,
    JoinOptions, LocalParticipant, StreamId, TrackSid, Transcription, TranscriptionSegment,
};

/// How long a media path may be broken before the connection counts as lost.
const PATH_PATIENCE: Duration = Duration::from_secs(5);
/// Pauses between attempts to reconnect double from the first to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(7);

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
    phase: Phase,
    pub(super) connection: Connection,
    outputs: VecDeque<Output>,
    token: SecretString,
    pub(super) local: LocalParticipant,
    pub(super) permission: proto::ParticipantPermission,
    /// Our attributes, set again after every reconnect.
    pub(super) attributes: Attributes,
    roster: Roster,
    incoming: Incoming,
    pub(super) outgoing: HashMap<StreamId, Outgoing>,
    pub(super) outbox: Outbox,
    pub(super) metadata_requests: Vec<MetadataRequest>,
    pub(super) last_request_id: u32,
    pub(super) media: Media,
    connections: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
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

/// Why a connection is to be replaced or given up.
enum Loss {
    /// Another connection may work.
    Broken(JoinError),
    /// It will not get better.
    Final(JoinError, DisconnectReason),
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
                self.lose(now, Loss::Broken(JoinError::Unreachable(text)));
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
                let path = entered.link.down_since().map(|since| since + PATH_PATIENCE);
                let deadline = entered
                    .link
                    .next_deadline()
                    .min(entered.ping.next_deadline());
                Some(path.map_or(deadline, |path| path.min(deadline)))
            }
        };
        phase
            .into_iter()
            .chain(connection)
            .chain(self.media.next_deadline())
            .min()
    }

    pub(super) fn send(&mut self, message: ToServer) {
        self.outputs.push_back(Output::Signal(Box::new(message)));
    }

    pub(super) fn unix_ms(&self, now: Instant) -> i64 {
        let elapsed = now.saturating_duration_since(self.config.epoch).as_millis();
        self.config
            .epoch_unix_ms
            .saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    /// Lets time and the engine work until nothing more is to be done at this time.
    fn advance(&mut self, now: Instant) {
        self.check_deadlines(now);
        let now_ms = self.unix_ms(now);
        if let Some(entered) = self.connection.entered() {
            entered.link.handle_timeout(now);
            let ping = entered.ping.due(now, now_ms);
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
    }

    fn check_deadlines(&mut self, now: Instant) {
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
        if let Some(entered) = self.connection.entered() {
            let dead = entered.ping.is_dead(now);
            let down = entered
                .link
                .down_since()
                .is_some_and(|since| now >= since + PATH_PATIENCE);
            if dead || down {
                debug!(
                    signalling = dead,
                    media = down,
                    "The connection went silent"
                );
                let text = "the connection went silent".to_owned();
                self.lose(now, Loss::Broken(JoinError::Unreachable(text)));
            }
        }
    }

    fn check_link(&mut self, now: Instant) {
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

    fn take_from_link(&mut self, now: Instant) {
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
                    Ok(packet) => self.handle_packet(packet),
                    Err(_) => debug!("Ignored a data packet that is not one"),
                },
            }
        }
    }

    fn handle_packet(&mut self, packet: proto::DataPacket) {
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
            Some(Value::StreamHeader(header)) => session.incoming.header(&sender, header, events),
            Some(Value::StreamChunk(chunk)) => session.incoming.chunk(&chunk, events),
            Some(Value::StreamTrailer(trailer)) => session.incoming.trailer(trailer, events),
            // RPC, byte streams, DTMF and metrics are not spoken here yet.
            _ => {}
        });
    }

    fn handle_signal(&mut self, now: Instant, message: FromServer) {
        if let Some(entered) = self.connection.entered() {
            entered.ping.heard(now);
        }
        match message {
            FromServer::Join(join) => self.enter(now, join),
            FromServer::Leave(leave) => self.told_to_leave(now, &leave),
            FromServer::RefreshToken(token) => self.token = token.into(),
            FromServer::Offer(offer) => self.accept_offer(now, &offer),
            FromServer::Answer(answer) => {
                let accepted = self
                    .connection
                    .entered()
                    .map(|entered| entered.link.accept_answer(now, &answer));
                if let Some(Err(error)) = accepted {
                    let error = JoinError::Protocol(format!("the answer is unusable: {error}"));
                    self.lose(now, Loss::Broken(error));
                }
            }
            FromServer::Trickle(trickle) => {
                if let Some(entered) = self.connection.entered() {
                    entered.link.add_candidate(now, &trickle);
                }
            }
            FromServer::Update(update) => self.update_participants(update.participants),
            FromServer::TrackPublished(published) => self.track_published(published),
            FromServer::TrackUnpublished(unpublished) => self.track_unpublished(&unpublished),
            FromServer::TrackSubscribed(subscribed) => {
                let track = TrackSid::from(subscribed.track_sid);
                self.outputs
                    .push_back(Output::Event(Event::LocalTrackSubscribed { track }));
            }
            FromServer::Mute(mute) => self.muted_by_server(&mute),
            FromServer::PongResp(pong) => {
                let now_ms = self.unix_ms(now);
                if let Some(entered) = self.connection.entered() {
                    entered.ping.answered(now_ms, &pong);
                }
            }
            FromServer::RequestResponse(response) => self.handle_response(now, response),
            // Speakers, quality, video and data tracks are of no concern here.
            _ => {}
        }
    }

    /// The server has let us in.
    fn enter(&mut self, now: Instant, join: proto::JoinResponse) {
        let Connection::Entering(sockets) = self.connection else {
            return;
        };
        let Some(me) = join.participant.clone() else {
            let error = JoinError::Protocol("it let us in without saying who we are".into());
            return self.lose(now, Loss::Broken(error));
        };
        self.permission = me.permission.clone().unwrap_or_default();
        if self.options.publish.is_some()
            && let Some(missing) = connection::publishing_forbidden(&self.permission)
        {
            let error = JoinError::NotAllowed(missing.into());
            return self.lose(now, Loss::Final(error, DisconnectReason::JoinFailure));
        }
        self.set_local(LocalParticipant {
            identity: me.identity.into(),
            sid: me.sid,
            room: join
                .room
                .as_ref()
                .map(|room| room.name.clone())
                .unwrap_or_default(),
            track: None,
        });
        self.restore_attributes();
        if let Err(error) = self.connect_media(now, sockets, &join) {
            let error = JoinError::Local(format!("media could not be set up: {error}"));
            return self.lose(now, Loss::Broken(error));
        }
        self.with_events(|session, events| session.roster.reset(join.other_participants, events));
    }

    fn connect_media(
        &mut self,
        now: Instant,
        sockets: Sockets,
        join: &proto::JoinResponse,
    ) -> Result<(), super::peer::MediaError> {
        self.connections += 1;
        let cid = self.options.publish.as_ref().map(|track| {
            let cid = format!("TR_{:016x}_{}", self.config.seed, self.connections);
            (connection::add_track(&cid, track, self.media.muted), cid)
        });
        let (add_track, cid) = cid.unzip();
        let (link, offer) = Link::new(now, sockets, cid.as_deref(), join.subscriber_primary)?;
        for message in add_track.into_iter().chain([offer]) {
            self.send(message);
        }
        let ping = Ping::new(now, join);
        let entered = Entered {
            link,
            is_up: false,
            cid,
            track: None,
            ping,
        };
        self.connection = Connection::Entered(Box::new(entered));
        Ok(())
    }

    fn accept_offer(&mut self, now: Instant, offer: &proto::SessionDescription) {
        let Some(entered) = self.connection.entered() else {
            return;
        };
        match entered.link.accept_offer(now, offer) {
            Ok(answer) => self.send(answer),
            Err(error) => {
                let error = JoinError::Protocol(format!("the offer is unusable: {error}"));
                return self.lose(now, Loss::Broken(error));
            }
        }
        self.with_events(Self::sync_tracks);
    }

    fn sync_tracks(&mut self, events: &mut Vec<Event>) {
        if let Connection::Entered(entered) = &self.connection {
            self.media.sync(&entered.link, &self.roster, events);
        }
    }

    fn update_participants(&mut self, participants: Vec<proto::ParticipantInfo>) {
        self.with_events(|session, events| {
            for info in participants {
                if info.identity == session.local.identity.as_str() {
                    session.update_self(info, events);
                } else {
                    session.roster.update(info, events);
                }
            }
            let left: Vec<Identity> = events
                .iter()
                .filter_map(|event| match event {
                    Event::ParticipantDisconnected { identity, .. } => Some(identity.clone()),
                    _ => None,
                })
                .collect();
            for identity in left {
                session.incoming.sender_left(&identity, events);
            }
            session.sync_tracks(events);
        });
    }

    fn update_self(&mut self, info: proto::ParticipantInfo, events: &mut Vec<Event>) {
        if info.sid != self.local.sid {
            return;
        }
        let changed = roster::changes(&self.attributes, &info.attributes);
        if !changed.is_empty() {
            let identity = self.local.identity.clone();
            events.push(Event::AttributesChanged { identity, changed });
        }
        self.attributes = info.attributes;
        if let Some(permission) = info.permission {
            self.permission = permission;
        }
    }

    fn track_published(&mut self, published: proto::TrackPublishedResponse) {
        let Some(entered) = self.connection.entered() else {
            return;
        };
        let Some(info) = published
            .track
            .filter(|_| entered.cid.as_ref() == Some(&published.cid))
        else {
            return;
        };
        let track = TrackSid::from(info.sid);
        entered.track = Some(track.clone());
        self.set_local(LocalParticipant {
            track: Some(track),
            ..self.local.clone()
        });
    }

    /// A moderator took our track away. It comes back with the next connection only.
    fn track_unpublished(&mut self, unpublished: &proto::TrackUnpublishedResponse) {
        if self.local.track.as_ref().map(TrackSid::as_str) == Some(&*unpublished.track_sid) {
            self.set_local(LocalParticipant {
                track: None,
                ..self.local.clone()
            });
        }
    }

    fn muted_by_server(&mut self, mute: &proto::MuteTrackRequest) {
        let Some(track) = self
            .local
            .track
            .clone()
            .filter(|track| track.as_str() == mute.sid)
        else {
            return;
        };
        if self.media.muted != mute.muted {
            self.media.muted = mute.muted;
            let (participant, muted) = (self.local.identity.clone(), mute.muted);
            self.outputs.push_back(Output::Event(Event::TrackMuted {
                participant,
                track,
                muted,
            }));
        }
    }

    /// The server refused something that carries no id of ours.
    pub(super) fn handle_refusal(&mut self, now: Instant, response: &proto::RequestResponse) {
        let publishing = matches!(response.request, Some(RefusedRequest::AddTrack(_)));
        let reason = response.reason();
        if publishing && !matches!(reason, Reason::Ok | Reason::Queued) {
            let error = JoinError::NotAllowed(refusal(reason, &response.message));
            self.lose(now, Loss::Final(error, DisconnectReason::JoinFailure));
        }
    }

    fn set_local(&mut self, local: LocalParticipant) {
        self.local = local.clone();
        self.outputs.push_back(Output::Local(local));
    }

    fn with_events(&mut self, work: impl FnOnce(&mut Self, &mut Vec<Event>)) {
        let mut events = Vec::new();
        work(self, &mut events);
        self.outputs.extend(events.into_iter().map(Output::Event));
    }

    fn told_to_leave(&mut self, now: Instant, leave: &proto::LeaveRequest) {
        let reason = DisconnectReason::from_wire(leave.reason);
        let is_final = leave.action() == proto::leave_request::Action::Disconnect;
        let error = JoinError::Disconnected(reason);
        if is_final && !leave.can_reconnect {
            self.lose(now, Loss::Final(error, reason));
        } else {
            self.lose(now, Loss::Broken(error));
        }
    }

    fn dial_failed(&mut self, now: Instant, error: JoinError) {
        let reason = match &error {
            JoinError::Unauthorized(_) | JoinError::NotAllowed(_) | JoinError::InvalidUrl(_) => {
                DisconnectReason::JoinFailure
            }
            JoinError::RoomNotFound(_) => DisconnectReason::RoomDeleted,
            _ => return self.lose(now, Loss::Broken(error)),
        };
        self.lose(now, Loss::Final(error, reason));
    }

    /// Ends this connection, and decides whether there is another.
    fn lose(&mut self, now: Instant, loss: Loss) {
        self.outputs.push_back(Output::HangUp);
        let (error, reason) = match loss {
            Loss::Broken(error) => (error, None),
            Loss::Final(error, reason) => (error, Some(reason)),
        };
        if let Phase::Joining { .. } = self.phase {
            self.phase = Phase::Ended;
            self.close();
            return self.outputs.push_back(Output::Joined(Err(error)));
        }
        if let Some(reason) = reason {
            return self.end(reason);
        }
        let (until, attempts) = match self.phase {
            Phase::Reconnecting {
                until, attempts, ..
            } => (until, attempts + 1),
            _ => (now + self.options.reconnect_timeout, 0),
        };
        if attempts == 0 {
            warn!(%error, "The connection to the room is lost");
            self.connection_lost();
        }
        if now >= until {
            return self.end(DisconnectReason::ConnectionLost);
        }
        let retry_at = now + self.pause(attempts);
        self.connection = Connection::Down {
            retry_at: Some(retry_at),
        };
        let attempt_until = retry_at + self.options.timeout;
        self.phase = Phase::Reconnecting {
            until,
            attempts,
            attempt_until,
        };
    }

    /// What hung on the connection is gone.
    fn connection_lost(&mut self) {
        self.connection = Connection::Down { retry_at: None };
        self.outgoing.clear();
        self.outbox.connection_lost();
        self.with_events(|session, events| {
            events.push(Event::Reconnecting);
            session.media.stop(events);
            session.incoming.connection_lost(events);
        });
        self.set_local(LocalParticipant {
            track: None,
            ..self.local.clone()
        });
    }

    /// How long to wait before an attempt: random, so that not everybody comes at once.
    fn pause(&mut self, attempts: u32) -> Duration {
        // One step of a linear congruential generator is random enough to spread arrivals.
        let seed = self
            .config
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.config.seed = seed;
        let longest = FIRST_PAUSE
            .saturating_mul(1 << attempts.min(5))
            .min(LONGEST_PAUSE);
        let share = (seed >> 40) as f32 / (1 << 24) as f32;
        longest.mul_f32(share)
    }

    /// Leaves the room of our own will.
    pub(super) fn leave(&mut self, reason: DisconnectReason) {
        if let Connection::Entered(_) = self.connection {
            self.send(ToServer::Leave(proto::LeaveRequest {
                reason: reason.to_wire(),
                action: proto::leave_request::Action::Disconnect.into(),
                ..Default::default()
            }));
        }
        self.outputs.push_back(Output::HangUp);
        self.end(reason);
    }

    fn end(&mut self, reason: DisconnectReason) {
        self.phase = Phase::Ended;
        self.with_events(|session, events| {
            session.media.stop(events);
            session.incoming.connection_lost(events);
        });
        self.close();
        self.outputs.push_back(Output::Ended(reason));
    }

    fn close(&mut self) {
        self.connection = Connection::Down { retry_at: None };
        self.outbox.close();
        self.fail_metadata_requests();
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
