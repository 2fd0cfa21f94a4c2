//! Two kinds of time: a moment of the call, and a length of sound.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A moment of the call, counted from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment this long after the beginning.
    pub const fn after(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// Time since the beginning of the call.
    pub fn since_start(self) -> Duration {
        self.0
    }

    /// Time since an earlier moment; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    /// No earlier than the beginning.
    fn sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(length))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length))
    }
}

/// A length of sound, in samples of 24 kHz mono.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Samples(pub u64);

impl Samples {
    /// Samples in a second.
    pub const RATE: u64 = 24_000;

    /// This many samples.
    pub fn of(audio: &[i16]) -> Self {
        Self(audio.len() as u64)
    }

    /// The sound that lasts this long.
    pub const fn lasting(length: Duration) -> Self {
        Self((length.as_micros() as u64).saturating_mul(Self::RATE) / 1_000_000)
    }

    /// Whole milliseconds, rounded down.
    pub fn as_millis(self) -> u64 {
        self.0.saturating_mul(1000) / Self::RATE
    }

    /// What is left after taking `other` away; zero if nothing is.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Samples {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Samples {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Samples {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}
