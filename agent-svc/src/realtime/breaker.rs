//! What all calls of this process know of the provider together: whether it is worth beginning one.
//!
//! It opens when the provider refuses us, when five attempts in a row fail, or when most of many do.
//! Then no call begins for a while; after that one tries, and the others wait for what becomes of it.
//! Calls that are held feed it as well, and it never holds up one of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::provider::{Failure, Trouble};

/// So many attempts that fail in a row are no accident.
const IN_A_ROW: u32 = 5;
/// Of so many attempts in so short a time, more than half must succeed.
const WINDOW: Duration = Duration::from_secs(10);
const MANY: usize = 20;
/// Attempts that are remembered.
const MAX_RECENT: usize = 256;
/// How long it is open at first, and at most. The time doubles with each trial that fails.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const MAX_WAIT: Duration = Duration::from_secs(60);
/// How long it is open when only somebody who looks after the account can mend it.
const ACCOUNT_WAIT: Duration = Duration::from_secs(5 * 60);
/// How long a trial may take before another is made.
const TRIAL: Duration = Duration::from_secs(10);

/// The knowledge. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Breaker(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Attempts that failed since the last that did not.
    failed_in_a_row: u32,
    /// When attempts were made lately, and whether they succeeded.
    recent: VecDeque<(Instant, bool)>,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    failure: Failure,
    until: Instant,
    wait: Duration,
    /// A call has begun to find out.
    on_trial: bool,
}

/// No call should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the speech provider takes no calls at the moment")]
pub struct Unavailable {
    /// Why.
    pub failure: Failure,
    /// When it may be different.
    pub retry_after: Duration,
}

impl Breaker {
    /// Asks for a new call. When it is time for a trial, whoever asks first makes it.
    ///
    /// # Errors
    /// [`Unavailable`] while the call could only apologise.
    pub fn admit(&self) -> Result<(), Unavailable> {
        let now = Instant::now();
        let mut state = self.lock();
        let Some(open) = &mut state.open else {
            return Ok(());
        };
        let retry_after = open.until.saturating_duration_since(now);
        if !retry_after.is_zero() {
            let failure = open.failure;
            return Err(Unavailable {
                failure,
                retry_after,
            });
        }
        open.until = now + TRIAL;
        open.on_trial = true;
        Ok(())
    }

    /// Why no calls begin; `None` while they do.
    pub fn failure(&self) -> Option<Failure> {
        self.lock().open.map(|open| open.failure)
    }

    /// A session was set up.
    pub(super) fn connected(&self) {
        let mut state = self.lock();
        state.count(Instant::now(), true);
        // An account without quota is often told so only when it asks for an answer.
        if state
            .open
            .is_some_and(|open| !open.failure.spares_sessions())
        {
            state.close();
        }
    }

    /// An answer was made to its end.
    pub(super) fn answered(&self) {
        self.lock().close();
    }

    /// No session could be made.
    pub(crate) fn not_connected(&self, failure: Failure) {
        let now = Instant::now();
        let mut state = self.lock();
        state.count(now, false);
        match state.open {
            _ if failure.needs_operator() => state.open(now, failure, ACCOUNT_WAIT),
            // That calls which began before go on failing is no news.
            Some(open) if !open.on_trial => {}
            Some(open) => state.open(now, failure, (open.wait * 2).min(MAX_WAIT)),
            None if failure == Failure::Refused || state.fails_often() => {
                state.open(now, failure, FIRST_WAIT);
            }
            None => {}
        }
    }

    /// The provider ended a session. What is wrong with one session only does not count.
    pub(super) fn refused(&self, failure: Failure) {
        if failure.needs_operator() {
            self.lock().open(Instant::now(), failure, ACCOUNT_WAIT);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, now: Instant, success: bool) {
        let old = |(at, _): &mut (Instant, bool)| now.duration_since(*at) > WINDOW;
        while self.recent.pop_front_if(old).is_some() {}
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((now, success));
        self.failed_in_a_row = if success { 0 } else { self.failed_in_a_row + 1 };
    }

    fn fails_often(&self) -> bool {
        let failures = self.recent.iter().filter(|(_, success)| !success).count();
        let often = self.recent.len() >= MANY && failures * 2 > self.recent.len();
        often || self.failed_in_a_row >= IN_A_ROW
    }

    fn open(&mut self, now: Instant, failure: Failure, wait: Duration) {
        if self.open.map(|open| open.failure) != Some(failure) {
            let reason = Trouble::Failed(failure).reason();
            tracing::error!(
                reason,
                "The speech provider fails: new calls are refused, or go to the fallback"
            );
        }
        metrics::gauge!("insta_agent_realtime_breaker_open").set(1.0);
        self.open = Some(Open {
            failure,
            until: now + wait,
            wait,
            on_trial: false,
        });
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            tracing::info!("The speech provider works: it gets new calls again");
            metrics::gauge!("insta_agent_realtime_breaker_open").set(0.0);
            self.recent.clear();
        }
    }
}
