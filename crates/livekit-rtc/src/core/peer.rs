//! One peer connection: the media engine, fed with datagrams and time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use serde::Deserialize;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc};
use str0m::stats::PeerStats;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};
use tracing::debug;

use crate::Quality;
use crate::audio::Packet;

/// Which of the two peer connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Carries what we send. We make its offers.
    Publisher,
    /// Carries what we receive. The server makes its offers.
    Subscriber,
}

/// What came out of a peer connection.
#[derive(Debug)]
pub(super) enum PeerEvent {
    Transmit {
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    Data {
        bytes: Vec<u8>,
    },
    Rtp {
        mid: Mid,
        sequence: u64,
        time: i64,
        payload: Arc<[u8]>,
    },
}

/// Media broke; the text is for logs and holds no personal data.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct MediaError(String);

/// The ids of what the publishing side offers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published {
    pub(super) reliable: ChannelId,
    pub(super) lossy: ChannelId,
    pub(super) audio: Option<Mid>,
}

pub(super) struct Peer {
    rtc: Rtc,
    local: SocketAddr,
    deadline: Instant,
    /// Candidates that came before the description they belong to.
    early_candidates: Vec<Candidate>,
    described: bool,
    connected: bool,
    /// When the server's media end was heard of last.
    heard_at: Instant,
    /// Since when there is no path to the server.
    down_since: Option<Instant>,
    sources: Vec<(Ssrc, Mid)>,
    figures: Figures,
    open_channels: Vec<(ChannelId, String)>,
    events: VecDeque<PeerEvent>,
    failed: Option<MediaError>,
}

/// What the engine has measured.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) round_trip: Option<Duration>,
    /// Of the track that we send, as the server reports.
    pub(super) sent: Option<Quality>,
    pub(super) received: Vec<(Mid, Quality)>,
    are_new: bool,
}

/// How often it measures.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(2);
/// Ticks in a second of the clock that all sound of WebRTC has.
const CLOCK: f64 = 48_000.0;

/// A path is checked again this often, with pauses that double, before it counts as broken.
/// The first is short because the server settles on a path when it is asked a second time, and by
/// itself only every 200 ms.
const CHECK_REPEATS: usize = 10;
const FIRST_CHECK_PAUSE: Duration = Duration::from_millis(30);
const LONGEST_CHECK_PAUSE: Duration = Duration::from_secs(1);
/// Label of the channel for reliable messages, in both directions.
const RELIABLE: &str = "_reliable";
/// Candidates kept until the description comes.
const MAX_EARLY_CANDIDATES: usize = 32;

impl Peer {
    pub(super) fn new(now: Instant, local: SocketAddr) -> Result<Self, MediaError> {
        let mut config = RtcConfig::new()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false);
        config = config.set_stats_interval(Some(STATISTICS_INTERVAL));
        config.set_initial_stun_rto(FIRST_CHECK_PAUSE);
        config.set_max_stun_rto(LONGEST_CHECK_PAUSE);
        config.set_max_stun_retransmits(CHECK_REPEATS);
        let mut rtc = config.build(now);
        let candidate = Candidate::host(local, Protocol::Udp).map_err(broken)?;
        rtc.add_local_candidate(candidate);
        Ok(Self {
            rtc,
            local,
            deadline: now,
            early_candidates: Vec::new(),
            described: false,
            connected: false,
            heard_at: now,
            down_since: None,
            sources: Vec::new(),
            figures: Figures::default(),
            open_channels: Vec::new(),
            events: VecDeque::new(),
            failed: None,
        })
    }

    /// Makes the one offer of the publishing side: data channels, and a track called `cid`.
    pub(super) fn offer(
        &mut self,
        now: Instant,
        cid: Option<&str>,
    ) -> Result<(proto::SessionDescription, SdpPendingOffer, Published), MediaError> {
        let mut change = self.rtc.sdp_api();
        let reliable = change.add_channel(RELIABLE.into());
        let lossy = change.add_channel_with_config(ChannelConfig {
            label: "_lossy".into(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            ..ChannelConfig::default()
        });
        let audio = cid.map(|cid| {
            let id = Some(cid.to_owned());
            change.add_media(MediaKind::Audio, Direction::SendOnly, id.clone(), id, None)
        });
        let (offer, pending) = change
            .apply()
            .ok_or_else(|| MediaError("there was nothing to offer".into()))?;
        self.settle(now);
        let mid_to_track_id = audio
            .iter()
            .zip(cid)
            .map(|(mid, cid)| (mid.to_string(), cid.to_owned()))
            .collect();
        let description = proto::SessionDescription {
            r#type: "offer".into(),
            sdp: offer.to_sdp_string(),
            id: 1,
            mid_to_track_id,
        };
        Ok((
            description,
            pending,
            Published {
                reliable,
                lossy,
                audio,
            },
        ))
    }

    pub(super) fn accept_answer(
        &mut self,
        now: Instant,
        pending: SdpPendingOffer,
        answer: &proto::SessionDescription,
    ) -> Result<(), MediaError> {
        let answer = SdpAnswer::from_sdp_string(&answer.sdp).map_err(broken)?;
        self.rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .map_err(broken)?;
        self.settle(now);
        self.add_early_candidates(now);
        Ok(())
    }

    pub(super) fn accept_offer(
        &mut self,
        now: Instant,
        offer: &proto::SessionDescription,
    ) -> Result<proto::SessionDescription, MediaError> {
        let sdp = SdpOffer::from_sdp_string(&offer.sdp).map_err(broken)?;
        let answer = self.rtc.sdp_api().accept_offer(sdp).map_err(broken)?;
        self.sources.clear();
        self.settle(now);
        self.add_early_candidates(now);
        Ok(proto::SessionDescription {
            r#type: "answer".into(),
            sdp: answer.to_sdp_string(),
            id: offer.id,
            ..Default::default()
        })
    }

    /// Takes a candidate in the JSON form of browsers. One that makes no sense is ignored.
    pub(super) fn add_candidate(&mut self, now: Instant, json: &str) {
        #[derive(Deserialize)]
        struct CandidateInit {
            candidate: String,
        }
        let parsed = serde_json::from_str::<CandidateInit>(json)
            .ok()
            .and_then(|init| Candidate::from_sdp_string(&init.candidate).ok());
        // Only UDP is spoken here, so others would only cost checks.
        let Some(candidate) = parsed.filter(|candidate| candidate.proto() == Protocol::Udp) else {
            return;
        };
        if self.described {
            self.rtc.add_remote_candidate(candidate);
            self.settle(now);
        } else if self.early_candidates.len() < MAX_EARLY_CANDIDATES {
            self.early_candidates.push(candidate);
        }
    }

    fn add_early_candidates(&mut self, now: Instant) {
        self.described = true;
        for candidate in std::mem::take(&mut self.early_candidates) {
            self.rtc.add_remote_candidate(candidate);
            self.settle(now);
        }
    }

    /// Takes a datagram. One that makes no sense, or comes from a stranger, is ignored.
    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, bytes) else {
            return;
        };
        let input = Input::Receive(now, receive);
        if !self.rtc.accepts(&input) {
            return;
        }
        self.heard_at = now;
        if let Err(error) = self.rtc.handle_input(input) {
            debug!(%error, "Ignored a datagram");
        }
        self.drain(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline <= now {
            self.settle(now);
        }
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.deadline
    }

    /// What came out since the last call, one at a time.
    pub(super) fn poll(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// What broke it for good, if anything did.
    pub(super) fn take_failure(&mut self) -> Option<MediaError> {
        self.failed.take()
    }

    /// Whether the media path has come up.
    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    pub(super) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    pub(super) fn down_since(&self) -> Option<Instant> {
        self.down_since
    }

    /// What has been measured so far.
    pub(super) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Whether that has become more since the last time it was asked.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.figures.are_new)
    }

    /// Whether the channel for reliable messages is open.
    pub(super) fn is_open(&self) -> bool {
        self.open_channels
            .iter()
            .any(|(_, label)| label == RELIABLE)
    }

    /// Hands a message to the channel, or says that it has to wait.
    pub(super) fn write(&mut self, now: Instant, channel: ChannelId, bytes: &[u8]) -> bool {
        let Some(mut channel) = self.rtc.channel(channel) else {
            return false;
        };
        let written = channel.write(true, bytes);
        self.settle(now);
        match written {
            Ok(written) => written,
            Err(error) => {
                self.failed = Some(broken(error));
                false
            }
        }
    }

    /// Sends a packet of our track. Nothing happens before the answer has come.
    pub(super) fn send(&mut self, now: Instant, mid: Mid, packet: &Packet<'_>) {
        let Some(pt) = self.payload_type(mid) else {
            return;
        };
        let mut direct = self.rtc.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(mid, None) else {
            return;
        };
        let extensions = ExtensionValues {
            audio_level: Some(-packet.level.cast_signed()),
            voice_activity: Some(packet.voiced),
            ..ExtensionValues::default()
        };
        let rtp = RtpWrite::new(
            pt,
            packet.sequence.into(),
            packet.time,
            now,
            packet.payload.to_vec(),
        )
        .marker(packet.marker)
        .ext_vals(extensions);
        stream.write_rtp(rtp);
        self.settle(now);
    }

    fn payload_type(&self, mid: Mid) -> Option<Pt> {
        self.rtc.media(mid)?.remote_pts().first().copied()
    }

    /// Lets a change take effect at once.
    fn settle(&mut self, now: Instant) {
        if let Err(error) = self.rtc.handle_input(Input::Timeout(now)) {
            self.failed = Some(broken(error));
        }
        self.drain(now);
    }

    /// The engine's rule: after every change, take all it has to say.
    fn drain(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(deadline)) => {
                    self.deadline = deadline;
                    return;
                }
                Ok(Output::Transmit(transmit)) => {
                    let (to, bytes) = (transmit.destination, transmit.contents.into());
                    self.events.push_back(PeerEvent::Transmit { to, bytes });
                }
                Ok(Output::Event(event)) => self.handle_event(now, event),
                Err(error) => {
                    self.failed = Some(broken(error));
                    return;
                }
            }
        }
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.down_since.get_or_insert(now);
            }
            Event::IceConnectionStateChange(state) if state.is_connected() => {
                self.down_since = None;
            }
            Event::Closed => self.down_since = Some(self.down_since.unwrap_or(now)),
            Event::ChannelOpen(channel, label) => self.open_channels.push((channel, label)),
            Event::ChannelClose(channel) => self.open_channels.retain(|(open, _)| *open != channel),
            Event::ChannelData(data) => self.events.push_back(PeerEvent::Data { bytes: data.data }),
            Event::PeerStats(stats) => self.figures.measured(&stats),
            Event::MediaEgressStats(stats) => {
                self.figures.round_trip = stats.rtt.or(self.figures.round_trip);
                if let Some(remote) = stats.remote {
                    let before = self.figures.sent.map(|quality| quality.loss);
                    self.figures.sent = Some(quality(remote.jitter, stats.loss.or(before)));
                }
            }
            Event::MediaIngressStats(stats) => {
                let quality = quality(stats.jitter, stats.loss);
                self.figures.received.push((stats.mid, quality));
            }
            Event::RtpPacket(packet) => {
                if let Some(mid) = self.mid_of(packet.header.ssrc) {
                    let sequence = *packet.seq_no;
                    let time = packet.time.numer().cast_signed();
                    let payload = packet.payload;
                    self.events.push_back(PeerEvent::Rtp {
                        mid,
                        sequence,
                        time,
                        payload,
                    });
                }
            }
            _ => {}
        }
    }

    fn mid_of(&mut self, source: Ssrc) -> Option<Mid> {
        if let Some((_, mid)) = self.sources.iter().find(|(known, _)| *known == source) {
            return Some(*mid);
        }
        let mid = self.rtc.direct_api().stream_rx(&source)?.mid();
        self.sources.push((source, mid));
        Some(mid)
    }
}

impl Figures {
    /// A new round has begun; what was measured of the tracks follows.
    fn measured(&mut self, stats: &PeerStats) {
        let path = stats.selected_candidate_pair.as_ref();
        self.round_trip = path.and_then(|path| path.current_round_trip_time);
        self.received.clear();
        self.are_new = true;
    }
}

fn quality(jitter: u32, loss: Option<f32>) -> Quality {
    Quality {
        jitter: Duration::from_secs_f64(f64::from(jitter) / CLOCK),
        loss: loss.unwrap_or_default().clamp(0.0, 1.0),
    }
}

fn broken(error: impl std::fmt::Display) -> MediaError {
    MediaError(error.to_string())
}
