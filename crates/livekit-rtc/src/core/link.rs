//! One connection to a room: two peer connections and what is negotiated over them.

use std::net::SocketAddr;
use std::time::Instant;

use livekit_protocol as proto;
use proto::signal_request::Message as ToServer;
use str0m::change::SdpPendingOffer;
use str0m::media::Mid;

use super::peer::{Figures, MediaError, Peer, PeerEvent, Published, Role};
use super::sdp::{self, OfferedTrack};
use crate::audio::Packet;

/// A connection to a room, coming up or up.
pub(super) struct Link {
    publisher: Peer,
    subscriber: Peer,
    pending_offer: Option<SdpPendingOffer>,
    published: Published,
    needs_subscriber: bool,
    /// Tracks the server sends us, by its latest offer.
    offered: Vec<OfferedTrack>,
    /// That offer and our answer.
    subscription: Option<(proto::SessionDescription, proto::SessionDescription)>,
}

impl Link {
    /// Starts connecting; gives the offer to send to the server.
    ///
    /// `cid` is our own name for the track to publish.
    pub(super) fn new(
        now: Instant,
        sockets: Sockets,
        cid: Option<&str>,
        needs_subscriber: bool,
    ) -> Result<(Self, ToServer), MediaError> {
        let mut publisher = Peer::new(now, sockets.publisher)?;
        let subscriber = Peer::new(now, sockets.subscriber)?;
        let (offer, pending, published) = publisher.offer(now, cid)?;
        let link = Self {
            publisher,
            subscriber,
            pending_offer: Some(pending),
            published,
            needs_subscriber,
            offered: Vec::new(),
            subscription: None,
        };
        Ok((link, ToServer::Offer(offer)))
    }

    pub(super) fn accept_answer(
        &mut self,
        now: Instant,
        answer: &proto::SessionDescription,
    ) -> Result<(), MediaError> {
        // Only one offer is ever made, so a second answer is a repetition.
        let Some(pending) = self.pending_offer.take() else {
            return Ok(());
        };
        self.publisher.accept_answer(now, pending, answer)
    }

    /// Gives the answer to send to the server. [`Link::offered`] may have changed.
    pub(super) fn accept_offer(
        &mut self,
        now: Instant,
        offer: &proto::SessionDescription,
    ) -> Result<ToServer, MediaError> {
        let answer = self.subscriber.accept_offer(now, offer)?;
        self.offered = sdp::offered_audio(offer);
        self.subscription = Some((offer.clone(), answer.clone()));
        Ok(ToServer::Answer(answer))
    }

    pub(super) fn add_candidate(&mut self, now: Instant, trickle: &proto::TrickleRequest) {
        let role = match trickle.target() {
            proto::SignalTarget::Publisher => Role::Publisher,
            proto::SignalTarget::Subscriber => Role::Subscriber,
        };
        self.peer(role).add_candidate(now, &trickle.candidate_init);
    }

    pub(super) fn receive(&mut self, now: Instant, role: Role, from: SocketAddr, bytes: &[u8]) {
        self.peer(role).receive(now, from, bytes);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.publisher.handle_timeout(now);
        self.subscriber.handle_timeout(now);
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.publisher
            .next_deadline()
            .min(self.subscriber.next_deadline())
    }

    pub(super) fn poll(&mut self) -> Option<(Role, PeerEvent)> {
        let event = self.publisher.poll().map(|event| (Role::Publisher, event));
        event.or_else(|| {
            self.subscriber
                .poll()
                .map(|event| (Role::Subscriber, event))
        })
    }

    pub(super) fn take_failure(&mut self) -> Option<MediaError> {
        self.publisher
            .take_failure()
            .or_else(|| self.subscriber.take_failure())
    }

    /// Whether media and messages can flow both ways.
    pub(super) fn is_up(&self) -> bool {
        let ready = |peer: &Peer| peer.is_connected() && peer.is_open();
        ready(&self.publisher) && (!self.needs_subscriber || ready(&self.subscriber))
    }

    /// When anything of media came last.
    pub(super) fn heard_at(&self) -> Instant {
        self.publisher.heard_at().max(self.subscriber.heard_at())
    }

    /// Since when one of the paths is broken.
    pub(super) fn down_since(&self) -> Option<Instant> {
        [self.publisher.down_since(), self.subscriber.down_since()]
            .into_iter()
            .flatten()
            .min()
    }

    /// What was measured of what we send and of what we receive, if it is new.
    pub(super) fn figures(&mut self) -> Option<(&Figures, &Figures)> {
        let are_new = self.publisher.take_news();
        are_new.then(|| (self.publisher.figures(), self.subscriber.figures()))
    }

    /// The server's latest offer and our answer.
    pub(super) fn subscription(
        &self,
    ) -> (
        Option<proto::SessionDescription>,
        Option<proto::SessionDescription>,
    ) {
        self.subscription.clone().unzip()
    }

    /// The tracks the server sends us.
    pub(super) fn offered(&self) -> impl Iterator<Item = (Mid, &str)> {
        self.offered
            .iter()
            .map(|track| (Mid::from(&*track.mid), &*track.track))
    }

    /// Sends a message, or says that it has to wait.
    pub(super) fn write(&mut self, now: Instant, reliable: bool, bytes: &[u8]) -> bool {
        let Published {
            reliable: ordered,
            lossy,
            ..
        } = self.published;
        self.publisher
            .write(now, if reliable { ordered } else { lossy }, bytes)
    }

    /// Sends a packet of our track.
    pub(super) fn send(&mut self, now: Instant, packet: &Packet<'_>) {
        if let Some(mid) = self.published.audio {
            self.publisher.send(now, mid, packet);
        }
    }

    fn peer(&mut self, role: Role) -> &mut Peer {
        match role {
            Role::Publisher => &mut self.publisher,
            Role::Subscriber => &mut self.subscriber,
        }
    }
}

/// Our addresses for media, one socket each: the server tells peer connections apart by them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sockets {
    pub(crate) publisher: SocketAddr,
    pub(crate) subscriber: SocketAddr,
}
