//! What the server says about us, the others and the tracks.

use std::time::Instant;

use livekit_protocol as proto;
use proto::request_response::{Reason, Request as RefusedRequest};
use proto::signal_response::Message as FromServer;

use super::Output;
use super::commands::refusal;
use super::connection::{self, Connection, Entered, Ping};
use super::link::{Link, Sockets};
use super::losing::Loss;
use super::peer::MediaError;
use super::roster;
use super::session::Session;
use crate::{DisconnectReason, Event, Identity, JoinError, LocalParticipant, TrackSid};

impl Session {
    pub(super) fn handle_signal(&mut self, now: Instant, message: FromServer) {
        if let Some(entered) = self.connection.entered() {
            entered.ping.heard(now);
        }
        match message {
            FromServer::Join(join) => self.enter(now, join),
            FromServer::Reconnect(_) => self.resumed(now),
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
    pub(super) fn enter(&mut self, now: Instant, join: proto::JoinResponse) {
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
        self.with_events(|session, events| {
            session.roster.reset(join.other_participants, events);
            session.forget_who_left(events);
        });
    }

    pub(super) fn connect_media(
        &mut self,
        now: Instant,
        sockets: Sockets,
        join: &proto::JoinResponse,
    ) -> Result<(), MediaError> {
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
            resuming: None,
        };
        self.connection = Connection::Entered(Box::new(entered));
        Ok(())
    }

    pub(super) fn accept_offer(&mut self, now: Instant, offer: &proto::SessionDescription) {
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

    pub(super) fn sync_tracks(&mut self, events: &mut Vec<Event>) {
        if let Connection::Entered(entered) = &self.connection {
            self.media.sync(&entered.link, &self.roster, events);
        }
    }

    pub(super) fn update_participants(&mut self, participants: Vec<proto::ParticipantInfo>) {
        self.with_events(|session, events| {
            for info in participants {
                if info.identity == session.local.identity.as_str() {
                    session.update_self(info, events);
                } else {
                    session.roster.update(info, events);
                }
            }
            session.forget_who_left(events);
            session.sync_tracks(events);
        });
    }

    /// Nothing more comes from those who have left by these events.
    fn forget_who_left(&mut self, events: &mut Vec<Event>) {
        let left: Vec<Identity> = events
            .iter()
            .filter_map(|event| match event {
                Event::ParticipantDisconnected { identity, .. } => Some(identity.clone()),
                _ => None,
            })
            .collect();
        for identity in left {
            self.incoming.sender_left(&identity, events);
            self.rpc_peer_left(&identity);
        }
    }

    pub(super) fn update_self(&mut self, info: proto::ParticipantInfo, events: &mut Vec<Event>) {
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

    pub(super) fn track_published(&mut self, published: proto::TrackPublishedResponse) {
        let Some(entered) = self.connection.entered() else {
            return;
        };
        let Some(info) = published
            .track
            .filter(|_| entered.cid.as_ref() == Some(&published.cid))
        else {
            return;
        };
        let track = TrackSid::from(&*info.sid);
        entered.track = Some(info);
        self.set_local(LocalParticipant {
            track: Some(track),
            ..self.local.clone()
        });
    }

    /// A moderator took our track away. It comes back with the next connection only.
    pub(super) fn track_unpublished(&mut self, unpublished: &proto::TrackUnpublishedResponse) {
        if self.local.track.as_ref().map(TrackSid::as_str) == Some(&*unpublished.track_sid) {
            self.set_local(LocalParticipant {
                track: None,
                ..self.local.clone()
            });
        }
    }

    pub(super) fn muted_by_server(&mut self, mute: &proto::MuteTrackRequest) {
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
}
