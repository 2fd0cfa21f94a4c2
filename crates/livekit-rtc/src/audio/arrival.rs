//! When a packet is due, learned from when packets came.

use std::time::{Duration, Instant};

/// How long the fastest packet of a stretch of time is remembered, at least and at most twice.
const WINDOW: Duration = Duration::from_millis(2_500);

/// Maps media time to the time a packet arrives when nothing delays it.
///
/// It follows the fastest packets of the last seconds, and with them the drift of the sender's
/// clock against ours.
#[derive(Debug, Default)]
pub(super) struct ArrivalClock {
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    /// An arrival and its media time, from which all others are counted.
    origin: (Instant, i64),
    window_start: Instant,
    /// Delay of the fastest packet against the origin in microseconds, of this window and the last.
    fastest: i64,
    fastest_before: i64,
}

impl ArrivalClock {
    /// Forgets everything but this packet.
    pub(super) fn restart(&mut self, now: Instant, time: i64) {
        self.state = Some(State {
            origin: (now, time),
            window_start: now,
            fastest: 0,
            fastest_before: 0,
        });
    }

    pub(super) fn observe(&mut self, now: Instant, time: i64) {
        let Some(state) = &mut self.state else {
            return self.restart(now, time);
        };
        let delay = micros_between(state.origin.0, now) - media_micros(time - state.origin.1);
        if now.saturating_duration_since(state.window_start) > WINDOW {
            state.fastest_before = state.fastest;
            state.fastest = delay;
            state.window_start = now;
        }
        state.fastest = state.fastest.min(delay);
    }

    /// When the packet of this media time arrives if it is a fast one.
    pub(super) fn expected(&self, time: i64) -> Option<Instant> {
        let state = self.state.as_ref()?;
        let delay = state.fastest.min(state.fastest_before);
        let offset = media_micros(time - state.origin.1) + delay;
        let distance = Duration::from_micros(offset.unsigned_abs());
        if offset < 0 {
            state.origin.0.checked_sub(distance)
        } else {
            state.origin.0.checked_add(distance)
        }
    }
}

fn media_micros(ticks: i64) -> i64 {
    ticks.saturating_mul(1_000) / 48
}

fn micros_between(earlier: Instant, later: Instant) -> i64 {
    let micros = later.saturating_duration_since(earlier).as_micros();
    i64::try_from(micros).unwrap_or(i64::MAX)
}
