//! The caller's side of the floor: whether a turn goes on, and when it is over.

use std::time::Duration;

use super::Moment;

/// The caller's turn, from their first voiced sound until they have been silent for long enough.
#[derive(Debug, Default)]
pub(super) struct CallerTurn {
    state: State,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Quiet,
    Speaking {
        from: Moment,
        limit: Moment,
    },
    Pausing {
        from: Moment,
        until: Moment,
        deadline: Moment,
        limit: Moment,
    },
}

/// A turn that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FinishedTurn {
    /// First voiced sound.
    pub(super) from: Moment,
    /// Last voiced sound.
    pub(super) until: Moment,
}

impl CallerTurn {
    /// The caller speaks, again or for the first time; a turn that paused goes on.
    pub(super) fn speech_started(&mut self, voiced_from: Moment, max_turn: Duration) {
        self.state = match self.state {
            State::Quiet => State::Speaking {
                from: voiced_from,
                limit: voiced_from + max_turn,
            },
            State::Pausing { from, limit, .. } => State::Speaking { from, limit },
            speaking @ State::Speaking { .. } => speaking,
        };
    }

    /// The caller is silent; the turn is over unless they go on within `delay`.
    ///
    /// Says whether there was a turn at all.
    pub(super) fn speech_ended(&mut self, voiced_until: Moment, delay: Duration) -> bool {
        if let State::Speaking { from, limit } = self.state {
            self.state = State::Pausing {
                from,
                until: voiced_until,
                deadline: voiced_until + delay,
                limit,
            };
        }
        !matches!(self.state, State::Quiet)
    }

    /// Takes the turn if it is over by now.
    pub(super) fn take_finished(&mut self, now: Moment) -> Option<FinishedTurn> {
        let finished = match self.state {
            State::Speaking { from, limit } if now >= limit => FinishedTurn { from, until: now },
            State::Pausing {
                from,
                until,
                deadline,
                limit,
            } if now >= deadline.min(limit) => FinishedTurn { from, until },
            _ => return None,
        };
        self.reset();
        Some(finished)
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.state {
            State::Quiet => None,
            State::Speaking { limit, .. } => Some(limit),
            State::Pausing {
                deadline, limit, ..
            } => Some(deadline.min(limit)),
        }
    }

    /// Forgets the turn.
    pub(super) fn reset(&mut self) {
        self.state = State::Quiet;
    }

    /// Whether a turn has begun and is not over.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Quiet)
    }
}

/// The assistant waits: the caller made a sound while it was speaking or thinking, and it is not
/// decided yet whether that is an interruption.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    /// First voiced sound.
    pub(super) from: Moment,
    /// When it counts as an interruption if it still goes on.
    pub(super) deadline: Moment,
    /// Whether the playout was told to pause.
    pub(super) paused: bool,
}
