//! The one back-off of a turn when the provider has no room for an answer.
//!
//! The conversation asks once more for a response that could not be made, and as soon as it is told of
//! that. So it is told when there may be room again, once in a turn.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Realtime;

/// How long a response that was refused is put off, unless the provider says how long. The most is less
/// than the conversation waits for a response to be confirmed.
const WAIT: Duration = Duration::from_millis(1_500);
const MIN_WAIT: Duration = Duration::from_millis(300);
const MAX_WAIT: Duration = Duration::from_millis(2_500);

/// Where the back-off of the present turn stands.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    /// What the conversation is told, and when.
    held: Option<(Instant, Realtime)>,
    /// Whether it was had in this turn.
    is_spent: bool,
    /// Until when the provider said that its limits are used up.
    used_up: Option<Instant>,
}

impl BackOff {
    /// Another turn begins, which has a back-off of its own.
    pub(super) fn renew(&mut self) {
        self.is_spent = false;
    }

    /// The provider says that its limits are used up for so long.
    pub(super) fn used_up(&mut self, wait: Duration) {
        self.used_up = Some(Instant::now() + wait);
    }

    /// Holds back that a response was refused; gives it back if it is to be told at once.
    pub(super) fn hold(&mut self, refusal: Realtime) -> Option<Realtime> {
        if std::mem::replace(&mut self.is_spent, true) {
            return Some(refusal);
        }
        let now = Instant::now();
        let told = self.used_up.take();
        let wait = told.map_or(WAIT, |until| until.saturating_duration_since(now));
        self.held = Some((now + wait.clamp(MIN_WAIT, MAX_WAIT), refusal));
        None
    }

    pub(super) fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// When what is held back is to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.as_ref().map(|(until, _)| *until)
    }

    /// What is held back.
    pub(super) fn release(&mut self) -> Option<Realtime> {
        self.held.take().map(|(_, refusal)| refusal)
    }
}
