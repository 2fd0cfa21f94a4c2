//! How long a pause must last before the caller's turn counts as over.

use std::time::Duration;

use super::Settings;

/// How much a pause that the caller spoke on after changes what is expected of the next.
const LEARNING_RATE: f32 = 0.25;

/// The wait in a pause: between a short and a long delay, the longer the less complete the turn
/// sounds. The short one follows the caller's own pauses.
#[derive(Debug)]
pub(super) struct Endpointing {
    shortest: Duration,
    longest: Duration,
    /// An exponential average of the pauses in which the caller had not finished.
    usual_pause: Duration,
}

impl Endpointing {
    pub(super) fn new(settings: &Settings) -> Self {
        let shortest = settings.min_endpointing_delay;
        Self {
            shortest,
            longest: settings.max_endpointing_delay.max(shortest),
            usual_pause: shortest,
        }
    }

    /// Whether it makes a difference how a pause sounds.
    pub(super) fn is_judged(&self) -> bool {
        self.shortest < self.longest
    }

    /// The wait in a pause before which the turn sounds complete with this probability; `None`
    /// while that is not known.
    pub(super) fn wait(&self, complete: Option<f32>) -> Duration {
        let shortest = self.usual_pause.clamp(self.shortest, self.longest);
        shortest + part_of(self.longest - shortest, doubt(complete))
    }

    /// The caller spoke on after a pause. What the pause sounded like explains some of it: one
    /// that sounded unfinished tells little about how long they are silent otherwise. After more
    /// than the longest delay it was no pause.
    pub(super) fn went_on(&mut self, pause: Duration, complete: Option<f32>) {
        if pause > self.longest {
            return;
        }
        let pause = pause.max(self.shortest);
        let rate = LEARNING_RATE * (1.0 - doubt(complete));
        self.usual_pause = part_of(self.usual_pause, 1.0 - rate) + part_of(pause, rate);
    }
}

/// In whole milliseconds.
fn part_of(length: Duration, part: f32) -> Duration {
    Duration::from_millis((length.as_millis() as f32 * part).round() as u64)
}

/// The part of the longest wait for a probability that the turn is complete, between which it runs straight; none above
/// the last. Whoever has likely finished is answered soon; others get the second and a half in which somebody who
/// thinks goes on; and the whole of it only who has certainly not finished.
const DOUBT: [(f32, f32); 4] = [(0.0, 1.0), (0.1, 0.5), (0.6, 0.4), (0.65, 0.0)];
/// The same where nothing is known.
const UNKNOWN: f32 = 0.1;

fn doubt(complete: Option<f32>) -> f32 {
    let Some(complete) = complete.filter(|complete| !complete.is_nan()) else {
        return UNKNOWN;
    };
    let complete = complete.clamp(0.0, 1.0);
    let pairs = DOUBT.iter().zip(&DOUBT[1..]);
    for (&(from, first), &(to, last)) in pairs {
        if complete <= to {
            return first + (last - first) * (complete - from) / (to - from);
        }
    }
    0.0
}

#[cfg(test)]
mod unit {
    use proptest::prelude::*;

    use super::*;

    fn endpointing() -> Endpointing {
        Endpointing::new(&Settings::default())
    }

    fn row(endpointing: &Endpointing) -> String {
        [Some(1.0), Some(0.7), Some(0.3), Some(0.05), Some(0.0), None]
            .map(|complete| endpointing.wait(complete).as_millis().to_string())
            .join(" ")
    }

    #[test]
    fn the_wait_grows_with_doubt_and_with_the_pauses_of_the_caller() {
        let mut endpointing = endpointing();
        insta::assert_snapshot!(row(&endpointing), @"430 430 1612 2358 3000 687");
        for _ in 0..4 {
            endpointing.went_on(Duration::from_millis(900), Some(0.9));
        }
        insta::assert_snapshot!(row(&endpointing), @"752 752 1786 2438 3000 977");
        // They were heard to be unfinished: no reason to answer later when they are finished.
        for _ in 0..4 {
            endpointing.went_on(Duration::from_millis(2900), Some(0.0));
        }
        insta::assert_snapshot!(row(&endpointing), @"752 752 1786 2438 3000 977");
        for _ in 0..8 {
            endpointing.went_on(Duration::from_millis(250), Some(0.9));
        }
        insta::assert_snapshot!(row(&endpointing), @"464 464 1631 2366 3000 718");
    }

    #[test]
    fn two_equal_delays_are_a_fixed_one() {
        let delay = Duration::from_millis(700);
        let mut fixed = Endpointing::new(&Settings {
            min_endpointing_delay: delay,
            max_endpointing_delay: Duration::ZERO,
            ..Settings::default()
        });
        assert!(!fixed.is_judged());
        fixed.went_on(Duration::from_secs(2), None);
        assert_eq!([fixed.wait(None), fixed.wait(Some(0.0))], [delay, delay]);
    }

    proptest! {
        #[test]
        fn the_wait_never_leaves_its_bounds(
            pauses in prop::collection::vec((0..100_000_u64, prop::option::of(any::<f32>())), 0..50),
            complete in prop::option::of(any::<f32>()),
        ) {
            let mut endpointing = endpointing();
            for (pause, complete) in pauses {
                endpointing.went_on(Duration::from_millis(pause), complete);
            }
            let settings = Settings::default();
            let bounds = settings.min_endpointing_delay..=settings.max_endpointing_delay;
            prop_assert!(bounds.contains(&endpointing.wait(complete)));
        }
    }
}
