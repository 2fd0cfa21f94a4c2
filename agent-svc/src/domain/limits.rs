//! Limits of the call: who is there, how long nobody spoke, how long it lasts.

use super::{EndReason, Moment, Settings};

/// What the limits go by.
#[derive(Debug)]
pub(super) struct Limits {
    /// Since when the caller is away, and whether they were here before.
    away: Option<Away>,
    here_since: Option<Moment>,
    last_activity: Moment,
    began: Option<Moment>,
}

#[derive(Debug, Clone, Copy)]
struct Away {
    since: Moment,
    was_here: bool,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self {
            away: Some(Away {
                since: Moment::default(),
                was_here: false,
            }),
            here_since: None,
            last_activity: Moment::default(),
            began: None,
        }
    }

    pub(super) fn caller_joined(&mut self, now: Moment) {
        self.away = None;
        self.here_since = Some(now);
        self.began.get_or_insert(now);
        self.active(now);
    }

    pub(super) fn caller_left(&mut self, now: Moment) {
        self.away.get_or_insert(Away {
            since: now,
            was_here: true,
        });
    }

    /// Somebody speaks or is about to.
    pub(super) fn active(&mut self, now: Moment) {
        self.last_activity = self.last_activity.max(now);
    }

    pub(super) fn is_caller_here(&self) -> bool {
        self.away.is_none()
    }

    /// Since when the caller has been here; `None` while they are away.
    pub(super) fn here_since(&self) -> Option<Moment> {
        self.here_since.filter(|_| self.away.is_none())
    }

    /// The limit that comes first, and when.
    pub(super) fn next(&self, settings: &Settings) -> (Moment, EndReason) {
        let presence = match self.away {
            Some(Away {
                since,
                was_here: true,
            }) => (since + settings.caller_return, EndReason::ParticipantLost),
            Some(Away { since, .. }) => (since + settings.caller_wait, EndReason::ParticipantLost),
            None => (
                self.last_activity + settings.max_silence,
                EndReason::Silence,
            ),
        };
        match self.began {
            Some(began) if began + settings.max_call < presence.0 => {
                (began + settings.max_call, EndReason::TimeLimit)
            }
            _ => presence,
        }
    }
}
