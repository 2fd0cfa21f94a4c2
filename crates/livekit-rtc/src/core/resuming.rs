//! The signalling connection alone is lost: it is made again for the same stay, while media goes on.
//! Only when that does not work is everything made anew.

use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::signal_request::Message as ToServer;
use tracing::{debug, info};

use super::Output;
use super::connection::Connection;
use super::link::Link;
use super::losing::Loss;
use super::session::{Phase, Session};
use crate::{JoinError, JoinStage};

/// How long the server may take to take us back.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Media of a server that is there is never silent for longer: it reports and checks paths all the time.
const MEDIA_SILENCE: Duration = Duration::from_millis(2_500);
/// The same of one that cannot be dialled, which is hardly there.
const SHORT_MEDIA_SILENCE: Duration = Duration::from_millis(500);

/// A signalling connection that is being made again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resuming {
    /// When everything is given up.
    pub(super) until: Instant,
    /// When no further attempt is made; the rest of the time is for a new connection.
    tries_until: Instant,
    attempts: u32,
    /// Whether our track was muted when signalling was lost.
    was_muted: bool,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Until the next attempt.
    Pausing { until: Instant },
    /// Dialling, and waiting for the server's word.
    Attempting { until: Instant },
}

impl Resuming {
    pub(super) fn next_deadline(&self, media: &Link) -> Instant {
        let (Step::Pausing { until } | Step::Attempting { until }) = self.step;
        until.min(media.heard_at() + MEDIA_SILENCE)
    }
}

impl Session {
    /// The signalling connection is gone or useless: the stay goes on without it if media does.
    pub(super) fn signalling_lost(&mut self, now: Instant, error: JoinError) {
        let can_resume = self.can_resume();
        let patience = self.options.reconnect_timeout;
        let was_muted = self.media.muted;
        let Some(entered) = self.connection.entered().filter(|_| can_resume) else {
            return self.lose(now, Loss::Broken(error));
        };
        let mut resuming = entered.resuming.unwrap_or(Resuming {
            until: now + patience,
            tries_until: now + patience / 2,
            attempts: 0,
            was_muted,
            step: Step::Pausing { until: now },
        });
        let is_silent = now >= entered.link.heard_at() + SHORT_MEDIA_SILENCE;
        let next = now + self.pause(resuming.attempts);
        if next >= resuming.tries_until || resuming.attempts > 0 && is_silent {
            return self.lose(now, Loss::Broken(error));
        }
        debug!(%error, attempts = resuming.attempts, "Signalling is lost");
        resuming.attempts += 1;
        resuming.step = Step::Pausing { until: next };
        if let Some(entered) = self.connection.entered() {
            entered.resuming = Some(resuming);
        }
    }

    /// Whether there is something that is worth keeping.
    fn can_resume(&self) -> bool {
        let Connection::Entered(entered) = &self.connection else {
            return false;
        };
        self.phase == Phase::InRoom && entered.is_up && entered.link.down_since().is_none()
    }

    /// Does what is due while signalling is being made again.
    pub(super) fn check_resuming(&mut self, now: Instant) {
        let Some(entered) = self.connection.entered() else {
            return;
        };
        let is_silent = now >= entered.link.heard_at() + MEDIA_SILENCE;
        let Some(resuming) = &mut entered.resuming else {
            return;
        };
        match resuming.step {
            _ if is_silent => {
                let text = "media went silent with signalling".to_owned();
                self.lose(now, Loss::Broken(JoinError::Unreachable(text)));
            }
            Step::Pausing { until } if now >= until => {
                let until = now + ANSWER_LIMIT;
                resuming.step = Step::Attempting { until };
                let (token, sid) = (self.token.clone(), self.local.sid.clone());
                self.outputs.push_back(Output::Redial { token, sid });
            }
            Step::Attempting { until } if now >= until => {
                let (limit, stage) = (ANSWER_LIMIT, JoinStage::Admission);
                self.lose(now, Loss::Broken(JoinError::Timeout { limit, stage }));
            }
            _ => {}
        }
    }

    /// The server has taken us back: it is told what we have, and what it may have missed.
    pub(super) fn resumed(&mut self, now: Instant) {
        let Some(entered) = self.connection.entered() else {
            return;
        };
        let Some(resuming) = entered.resuming.take() else {
            return;
        };
        entered.ping.restart(now);
        info!("Signalling was resumed");
        if let Some(state) = self.sync_state() {
            self.send(ToServer::SyncState(state));
        }
        self.repeat_metadata_requests();
        let muted = self.media.muted;
        if let Some(track) = &self.local.track
            && muted != resuming.was_muted
        {
            let sid = track.to_string();
            self.send(ToServer::Mute(proto::MuteTrackRequest { sid, muted }));
        }
    }

    /// What we have of the stay, for the server to compare.
    fn sync_state(&self) -> Option<proto::SyncState> {
        let Connection::Entered(entered) = &self.connection else {
            return None;
        };
        let (offer, answer) = entered.link.subscription();
        let track = entered.track.clone().filter(|_| self.local.track.is_some());
        let published =
            track
                .zip(entered.cid.clone())
                .map(|(track, cid)| proto::TrackPublishedResponse {
                    cid,
                    track: Some(track),
                });
        Some(proto::SyncState {
            offer,
            answer,
            // The tracks that are not subscribed to as joining says: none.
            subscription: Some(proto::UpdateSubscription {
                subscribe: !self.options.auto_subscribe,
                ..Default::default()
            }),
            publish_tracks: published.into_iter().collect(),
            ..Default::default()
        })
    }
}
