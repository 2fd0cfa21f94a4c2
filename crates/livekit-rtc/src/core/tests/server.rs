//! A LiveKit server for one participant, as far as a script needs it: the signalling is simple,
//! media is real.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message as ToServer;
use proto::signal_response::Message as FromServer;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use crate::audio::{Receiver, Sender};
use crate::core::Role;
use crate::{Content, FRAME_DURATION, Frame, TrackOptions};

/// What the server does not do, to be scripted.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Script {
    pub(super) never_lets_in: bool,
    pub(super) never_publishes: bool,
    pub(super) never_answers_pings: bool,
    pub(super) never_answers_metadata: bool,
    pub(super) refuses_metadata: bool,
    pub(super) sends_broken_offer: bool,
    pub(super) refuses_track: bool,
    /// It takes nobody back, and says nothing either.
    pub(super) never_takes_back: bool,
}

/// The server's end of one connection of the participant.
pub(super) struct Server {
    pub(super) script: Script,
    number: u32,
    pub(super) publisher: End,
    pub(super) subscriber: End,
    pending: Option<SdpPendingOffer>,
    /// What the participant said, in order.
    pub(super) said: Vec<ToServer>,
    /// Data packets the participant sent.
    pub(super) packets: Vec<proto::DataPacket>,
    /// The participant's voice as the server hears it.
    pub(super) heard: Vec<(Content, Frame)>,
    receiver: Receiver,
    /// The other participant's voice.
    voice: Option<(Sender, Instant)>,
    reliable: Option<ChannelId>,
    track: Option<Mid>,
}

/// The server's end of a peer connection.
pub(super) struct End {
    rtc: Rtc,
    address: SocketAddr,
    pub(super) deadline: Instant,
    pub(super) datagrams: Vec<Vec<u8>>,
    events: Vec<Event>,
}

pub(super) const OTHER: &str = "other";
pub(super) const OTHER_TRACK: &str = "TR_other";

impl Server {
    /// The `number`th connection of the participant is to be served.
    pub(super) fn new(now: Instant, script: Script, number: u32) -> Self {
        let [publisher, subscriber] = [address(Role::Publisher), address(Role::Subscriber)];
        Self {
            script,
            number,
            publisher: End::new(now, publisher),
            subscriber: End::new(now, subscriber),
            pending: None,
            said: Vec::new(),
            packets: Vec::new(),
            heard: Vec::new(),
            receiver: Receiver::new().unwrap(),
            voice: None,
            reliable: None,
            track: None,
        }
    }

    /// What the server says first.
    pub(super) fn greet(&mut self, now: Instant) -> Vec<FromServer> {
        if self.script.never_lets_in {
            return Vec::new();
        }
        let join = proto::JoinResponse {
            room: Some(proto::Room {
                name: "room".into(),
                ..Default::default()
            }),
            participant: Some(self.me()),
            other_participants: vec![other()],
            subscriber_primary: true,
            ping_interval: 5,
            ping_timeout: 15,
            ..Default::default()
        };
        let token = FromServer::RefreshToken(format!("token {}", self.number));
        vec![
            FromServer::Join(join),
            token,
            FromServer::Offer(self.offer(now)),
        ]
    }

    /// What the server says first when signalling is back: as the real one it checks the path to us anew.
    pub(super) fn take_back(&mut self, now: Instant) -> Vec<FromServer> {
        if self.script.never_takes_back {
            return Vec::new();
        }
        let mut change = self.subscriber.rtc.sdp_api();
        change.ice_restart(true);
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some(pending);
        self.subscriber.settle(now);
        vec![
            FromServer::Reconnect(proto::ReconnectResponse::default()),
            FromServer::Update(proto::ParticipantUpdate {
                participants: vec![self.me(), other()],
            }),
            FromServer::Offer(proto::SessionDescription {
                r#type: "offer".into(),
                sdp: offer.to_sdp_string(),
                id: 8,
                ..Default::default()
            }),
        ]
    }

    fn me(&self) -> proto::ParticipantInfo {
        proto::ParticipantInfo {
            identity: "me".into(),
            sid: format!("PA_me_{}", self.number),
            permission: Some(proto::ParticipantPermission {
                can_publish: true,
                can_subscribe: true,
                can_publish_data: true,
                can_update_metadata: true,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn offer(&mut self, now: Instant) -> proto::SessionDescription {
        if self.script.sends_broken_offer {
            return proto::SessionDescription {
                sdp: "v=0\r\n".into(),
                ..Default::default()
            };
        }
        let mut change = self.subscriber.rtc.sdp_api();
        self.reliable = Some(change.add_channel("_reliable".into()));
        let stream = Some("PA_other|camera".to_owned());
        let track = Some(OTHER_TRACK.to_owned());
        self.track =
            Some(change.add_media(MediaKind::Audio, Direction::SendOnly, stream, track, None));
        let (offer, pending) = change.apply().unwrap();
        self.pending = Some(pending);
        self.subscriber.settle(now);
        proto::SessionDescription {
            r#type: "offer".into(),
            sdp: offer.to_sdp_string(),
            id: 7,
            ..Default::default()
        }
    }

    /// Hears the participant and gives the answers.
    pub(super) fn hear(&mut self, now: Instant, message: ToServer) -> Vec<FromServer> {
        self.said.push(message.clone());
        match message {
            ToServer::AddTrack(request) if self.script.refuses_track => {
                vec![FromServer::RequestResponse(proto::RequestResponse {
                    reason: proto::request_response::Reason::NotAllowed.into(),
                    request: Some(proto::request_response::Request::AddTrack(request)),
                    ..Default::default()
                })]
            }
            ToServer::AddTrack(request) if !self.script.never_publishes => {
                let sid = format!("TR_me_{}", self.number);
                let track = Some(proto::TrackInfo {
                    sid,
                    ..Default::default()
                });
                let published = proto::TrackPublishedResponse {
                    cid: request.cid,
                    track,
                };
                vec![FromServer::TrackPublished(published)]
            }
            ToServer::Offer(offer) => vec![FromServer::Answer(self.answer(now, &offer))],
            ToServer::Answer(answer) => {
                let answer = SdpAnswer::from_sdp_string(&answer.sdp).unwrap();
                let pending = self.pending.take().unwrap();
                self.subscriber
                    .rtc
                    .sdp_api()
                    .accept_answer(pending, answer)
                    .unwrap();
                self.subscriber.settle(now);
                Vec::new()
            }
            ToServer::PingReq(ping) if !self.script.never_answers_pings => {
                let pong = proto::Pong {
                    last_ping_timestamp: ping.timestamp,
                    timestamp: 0,
                };
                vec![FromServer::PongResp(pong)]
            }
            ToServer::UpdateMetadata(update) if !self.script.never_answers_metadata => {
                let reason = if self.script.refuses_metadata {
                    proto::request_response::Reason::LimitExceeded
                } else {
                    proto::request_response::Reason::Ok
                };
                vec![FromServer::RequestResponse(proto::RequestResponse {
                    request_id: update.request_id,
                    reason: reason.into(),
                    ..Default::default()
                })]
            }
            _ => Vec::new(),
        }
    }

    fn answer(
        &mut self,
        now: Instant,
        offer: &proto::SessionDescription,
    ) -> proto::SessionDescription {
        let offer = SdpOffer::from_sdp_string(&offer.sdp).unwrap();
        let answer = self.publisher.rtc.sdp_api().accept_offer(offer).unwrap();
        self.publisher.settle(now);
        proto::SessionDescription {
            r#type: "answer".into(),
            sdp: answer.to_sdp_string(),
            ..Default::default()
        }
    }

    /// Lets the other participant speak from now on.
    pub(super) fn speak(&mut self, now: Instant) {
        let sender = Sender::new(&TrackOptions::speech("other"), 3).unwrap();
        self.voice = Some((sender, now));
    }

    /// Sends an encoded data packet, if the channel is open.
    pub(super) fn send(&mut self, now: Instant, packet: &[u8]) -> bool {
        let Some(mut channel) = self.reliable.and_then(|id| self.subscriber.rtc.channel(id)) else {
            return false;
        };
        let sent = channel.write(true, packet).unwrap();
        self.subscriber.settle(now);
        sent
    }

    pub(super) fn receive(&mut self, now: Instant, role: Role, from: SocketAddr, bytes: &[u8]) {
        let end = self.end(role);
        let input = Input::Receive(
            now,
            Receive::new(Protocol::Udp, from, end.address, bytes).unwrap(),
        );
        if end.rtc.accepts(&input) {
            end.rtc.handle_input(input).unwrap();
            end.drain();
        }
    }

    pub(super) fn next_deadline(&self) -> Instant {
        let voice = self.voice.as_ref().map(|(_, next)| *next);
        let media = self.receiver.next_deadline();
        let ends = [self.publisher.deadline, self.subscriber.deadline];
        ends.into_iter().chain(voice).chain(media).min().unwrap()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for end in [&mut self.publisher, &mut self.subscriber] {
            if end.deadline <= now {
                end.settle(now);
            }
        }
        while let Some((sender, next)) = self.voice.as_mut().filter(|(_, next)| *next <= now) {
            *next += FRAME_DURATION;
            let packet = sender.push(Some(&super::voice(300.0, now))).unwrap();
            let (Some(packet), Some(mid)) = (packet, self.track) else {
                continue;
            };
            let mut direct = self.subscriber.rtc.direct_api();
            let Some(stream) = direct.stream_tx_by_mid(mid, None) else {
                continue;
            };
            let payload = packet.payload.to_vec();
            stream.write_rtp(RtpWrite::new(
                111.into(),
                packet.sequence.into(),
                packet.time,
                now,
                payload,
            ));
            self.subscriber.settle(now);
        }
        for event in std::mem::take(&mut self.publisher.events) {
            match event {
                Event::ChannelData(data) => {
                    self.packets
                        .push(proto::DataPacket::decode(&*data.data).unwrap());
                }
                Event::RtpPacket(packet) => {
                    let time = packet.time.numer().cast_signed();
                    self.receiver
                        .push(now, *packet.seq_no, time, packet.payload);
                }
                _ => {}
            }
        }
        self.subscriber.events.clear();
        while let Some(step) = self.receiver.poll(now) {
            self.heard.push((step.content, step.frame));
        }
    }

    pub(super) fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Publisher => &mut self.publisher,
            Role::Subscriber => &mut self.subscriber,
        }
    }
}

impl End {
    fn new(now: Instant, address: SocketAddr) -> Self {
        let config = RtcConfig::new()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false);
        let mut rtc = config.build(now);
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).unwrap());
        let mut end = Self {
            rtc,
            address,
            deadline: now,
            datagrams: Vec::new(),
            events: Vec::new(),
        };
        end.drain();
        end
    }

    fn settle(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(deadline)) => {
                    self.deadline = deadline;
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.datagrams.push(transmit.contents.into()),
                Ok(Output::Event(event)) => self.events.push(event),
                // A handshake that has sent again too often is given up; nothing comes after that.
                Err(RtcError::Dtls(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Where the server's end of a peer connection is.
pub(super) fn address(role: Role) -> SocketAddr {
    let port = if role == Role::Publisher {
        2_001
    } else {
        2_002
    };
    ([10, 0, 0, 2], port).into()
}

/// The other participant in the room.
pub(super) fn other() -> proto::ParticipantInfo {
    proto::ParticipantInfo {
        identity: OTHER.into(),
        sid: "PA_other".into(),
        state: proto::participant_info::State::Active.into(),
        tracks: vec![proto::TrackInfo {
            sid: OTHER_TRACK.into(),
            r#type: proto::TrackType::Audio.into(),
            source: proto::TrackSource::Microphone.into(),
            ..Default::default()
        }],
        attributes: HashMap::new(),
        ..Default::default()
    }
}

/// How long a message takes one way.
pub(super) const LATENCY: Duration = Duration::from_millis(10);
