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
    /// Whether the caller's microphone was ever there, and whether its lack was told.
    microphone: bool,
    hinted: bool,
    /// Whether the caller was asked for in this silence.
    prompted: bool,
    /// Whether it was said that the call will have to end.
    warned: bool,
}

/// Something to be said or told before a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reminder {
    /// The caller cannot be heard.
    NoMicrophone,
    /// Nobody has spoken for long.
    AreYouThere,
    /// The longest call is nearly over.
    TimeWarning,
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
            microphone: false,
            hinted: false,
            prompted: false,
            warned: false,
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
        self.prompted = false;
    }

    pub(super) fn microphone_opened(&mut self, now: Moment) {
        if !std::mem::replace(&mut self.microphone, true) {
            self.active(now);
        }
    }

    /// Whether the caller could ever be heard.
    pub(super) fn has_microphone(&self) -> bool {
        self.microphone
    }

    /// What is to be said or told next, and when.
    pub(super) fn next_reminder(&self, settings: &Settings) -> Option<(Moment, Reminder)> {
        if self.away.is_some() {
            return None;
        }
        let silent_for = |length| self.last_activity + length;
        let hint = (!self.microphone && !self.hinted)
            .then(|| (silent_for(settings.microphone_hint), Reminder::NoMicrophone));
        let prompt = (!self.prompted && settings.away_prompt < settings.max_silence)
            .then(|| (silent_for(settings.away_prompt), Reminder::AreYouThere));
        // In a short call there is no time for a warning.
        let has_time = !self.warned && settings.max_call > settings.call_warning * 2;
        let warning = self.began.filter(|_| has_time).map(|began| {
            let at = began + (settings.max_call - settings.call_warning);
            (at, Reminder::TimeWarning)
        });
        let reminders = [hint, prompt, warning].into_iter().flatten();
        reminders.min_by_key(|(at, _)| *at)
    }

    /// A reminder was given, or there was a reason not to.
    pub(super) fn reminded(&mut self, reminder: Reminder) {
        match reminder {
            Reminder::NoMicrophone => self.hinted = true,
            Reminder::AreYouThere => self.prompted = true,
            Reminder::TimeWarning => self.warned = true,
        }
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
            None => {
                let reason = if self.microphone {
                    EndReason::Silence
                } else {
                    EndReason::MicrophoneMissing
                };
                (self.last_activity + settings.max_silence, reason)
            }
        };
        match self.began {
            Some(began) if began + settings.max_call < presence.0 => {
                (began + settings.max_call, EndReason::TimeLimit)
            }
            _ => presence,
        }
    }
}
