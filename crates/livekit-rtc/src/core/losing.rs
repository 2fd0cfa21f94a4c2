//! How connections and sessions end, and what comes after.

use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::signal_request::Message as ToServer;
use tracing::warn;

use super::Output;
use super::connection::Connection;
use super::session::{Phase, Session};
use crate::{DisconnectReason, Event, JoinError, LocalParticipant};

/// Pauses between attempts to reconnect double from the first to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(7);

/// Why a connection is to be replaced or given up.
pub(super) enum Loss {
    /// Another connection may work.
    Broken(JoinError),
    /// It will not get better.
    Final(JoinError, DisconnectReason),
}

impl Session {
    pub(super) fn told_to_leave(&mut self, now: Instant, leave: &proto::LeaveRequest) {
        let reason = DisconnectReason::from_wire(leave.reason);
        let action = leave.action();
        let is_final = action == Action::Disconnect;
        let error = JoinError::Disconnected(reason);
        if is_final && !leave.can_reconnect {
            self.lose(now, Loss::Final(error, reason));
        } else if action == Action::Resume {
            self.signalling_lost(now, error);
        } else {
            self.lose(now, Loss::Broken(error));
        }
    }

    pub(super) fn dial_failed(&mut self, now: Instant, error: JoinError) {
        let reason = match &error {
            JoinError::Unauthorized(_) | JoinError::NotAllowed(_) | JoinError::InvalidUrl(_) => {
                DisconnectReason::JoinFailure
            }
            JoinError::RoomNotFound(_) => DisconnectReason::RoomDeleted,
            _ => return self.signalling_lost(now, error),
        };
        self.lose(now, Loss::Final(error, reason));
    }

    /// Ends this connection, and decides whether there is another.
    pub(super) fn lose(&mut self, now: Instant, loss: Loss) {
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
            _ => {
                let resuming = self
                    .connection
                    .entered()
                    .and_then(|entered| entered.resuming);
                let until = resuming.map(|resuming| resuming.until);
                (until.unwrap_or(now + self.options.reconnect_timeout), 0)
            }
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
    pub(super) fn connection_lost(&mut self) {
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
    pub(super) fn pause(&mut self, attempts: u32) -> Duration {
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
                action: Action::Disconnect.into(),
                ..Default::default()
            }));
        }
        self.outputs.push_back(Output::HangUp);
        self.end(reason);
    }

    pub(super) fn end(&mut self, reason: DisconnectReason) {
        self.phase = Phase::Ended;
        self.with_events(|session, events| {
            session.media.stop(events);
            session.incoming.connection_lost(events);
        });
        self.close();
        self.outputs.push_back(Output::Ended(reason));
    }

    pub(super) fn close(&mut self) {
        self.connection = Connection::Down { retry_at: None };
        self.outbox.close();
        self.calls.close();
        self.fail_metadata_requests();
    }
}
