//! The caller's side of the floor: whether a turn goes on, and when it is over.

use std::time::Duration;

use super::endpointing::Endpointing;
use super::{Moment, PauseId};

/// The caller's turn, from their first voiced sound until they have been silent for long enough.
#[derive(Debug, Default)]
pub(super) struct CallerTurn {
    state: State,
    last_pause: u32,
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
        pause: Pause,
        limit: Moment,
    },
}

/// Silence in a turn, until the caller speaks on or has finished.
#[derive(Debug, Clone, Copy)]
struct Pause {
    id: PauseId,
    /// Last voiced sound.
    since: Moment,
    /// How probable it sounds that they have finished; `None` while that is not known.
    complete: Option<f32>,
    deadline: Moment,
}

/// A turn that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FinishedTurn {
    /// First voiced sound.
    pub(super) from: Moment,
    /// Last voiced sound.
    pub(super) until: Moment,
}

/// What the end of speech means for the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// A pause began, or the one that goes on is longer than was thought.
    Pause(PauseId),
    /// There is no turn: it was taken as it was when it became too long, or forgotten.
    NoTurn,
}

impl CallerTurn {
    /// The caller speaks, again or for the first time; a turn that paused goes on.
    pub(super) fn speech_started(
        &mut self,
        voiced_from: Moment,
        max_turn: Duration,
        endpointing: &mut Endpointing,
    ) {
        self.state = match self.state {
            State::Quiet => State::Speaking {
                from: voiced_from,
                limit: voiced_from + max_turn,
            },
            State::Pausing { from, limit, pause } => {
                endpointing.went_on(voiced_from.since(pause.since), pause.complete);
                State::Speaking { from, limit }
            }
            speaking @ State::Speaking { .. } => speaking,
        };
    }

    /// The caller is silent; the turn is over unless they go on in time.
    pub(super) fn speech_ended(
        &mut self,
        voiced_until: Moment,
        endpointing: &Endpointing,
    ) -> Silence {
        match self.state {
            State::Quiet => Silence::NoTurn,
            State::Pausing { pause, .. } => Silence::Pause(pause.id),
            State::Speaking { from, limit } => {
                self.last_pause += 1;
                let id = PauseId(self.last_pause);
                let pause = Pause {
                    id,
                    since: voiced_until,
                    complete: None,
                    deadline: voiced_until + endpointing.wait(None),
                };
                self.state = State::Pausing { from, pause, limit };
                Silence::Pause(id)
            }
        }
    }

    /// It is known how the turn before a pause sounds. An answer about another pause is late.
    pub(super) fn judged(
        &mut self,
        asked: PauseId,
        complete: Option<f32>,
        endpointing: &Endpointing,
    ) {
        if let State::Pausing { pause, .. } = &mut self.state
            && pause.id == asked
        {
            pause.complete = complete;
            pause.deadline = pause.since + endpointing.wait(complete);
        }
    }

    /// The caller wants to speak, and says themself when they have finished.
    pub(super) fn open(&mut self, now: Moment, max_turn: Duration) {
        self.state = match self.state {
            State::Quiet => State::Speaking {
                from: now,
                limit: now + max_turn,
            },
            State::Speaking { from, limit } | State::Pausing { from, limit, .. } => {
                State::Speaking { from, limit }
            }
        };
    }

    /// Somebody else decides when the turn that paused is over; at this moment at the latest.
    pub(super) fn wait_until(&mut self, deadline: Moment) {
        if let State::Pausing { pause, .. } = &mut self.state {
            pause.deadline = deadline;
        }
    }

    /// Nobody else decides any more.
    pub(super) fn wait_alone(&mut self, now: Moment, endpointing: &Endpointing) {
        self.wait_until(now + endpointing.wait(None));
    }

    /// Takes the turn: it is over.
    pub(super) fn finish(&mut self, now: Moment) -> FinishedTurn {
        let finished = match self.state {
            State::Quiet => FinishedTurn {
                from: now,
                until: now,
            },
            State::Speaking { from, .. } => FinishedTurn { from, until: now },
            State::Pausing { from, pause, .. } => FinishedTurn {
                from,
                until: pause.since,
            },
        };
        self.reset();
        finished
    }

    /// Takes the turn if it is over by now.
    pub(super) fn take_finished(&mut self, now: Moment) -> Option<FinishedTurn> {
        let is_over = self.deadline().is_some_and(|deadline| now >= deadline);
        is_over.then(|| self.finish(now))
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.state {
            State::Quiet => None,
            State::Speaking { limit, .. } => Some(limit),
            State::Pausing { pause, limit, .. } => Some(pause.deadline.min(limit)),
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
