//! Whole sessions in virtual time: scripted signalling, real media, a network that misbehaves.

mod joining;
mod messages;
mod reconnecting;
mod resuming;
mod rpc;
mod server;
mod sound;
mod statistics;
mod world;

use std::f64::consts::TAU;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::{Frame, SAMPLE_RATE};

/// A voice at `pitch`, as it sounds for 10 ms from `now` on.
fn voice(pitch: f64, now: Instant) -> Frame {
    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
    let from = now.saturating_duration_since(*BEGINNING).as_secs_f64();
    std::array::from_fn(|index| {
        let phase = TAU * pitch * (from + index as f64 / f64::from(SAMPLE_RATE));
        let sum: f64 = (1..6)
            .map(|n| (phase * f64::from(n)).sin() / f64::from(n))
            .sum();
        (sum * 5_000.0) as i16
    })
}

fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}
