//! Counting what came of trials.

use std::ops::AddAssign;
use std::time::Duration;

use crate::trials::{OverTrial, TurnTrial};

/// Sums over things said to a silent assistant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Turns {
    pub(crate) count: usize,
    pub(crate) cut: usize,
    pub(crate) never_taken: usize,
    waits: Vec<Duration>,
}

/// Sums over sounds made while the assistant spoke.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overs {
    pub(crate) count: usize,
    pub(crate) stopped: usize,
    pauses: Vec<Duration>,
    decisions: Vec<Duration>,
}

impl Turns {
    pub(crate) fn add(&mut self, trial: &TurnTrial) {
        self.count += 1;
        self.cut += usize::from(trial.cut);
        self.never_taken += usize::from(trial.wait.is_none());
        self.waits.extend(trial.wait);
    }

    /// Of a hundred, how many were cut off.
    pub(crate) fn cut_off(&self) -> f64 {
        percent(self.cut, self.count)
    }

    /// The wait that this part, 0 to 1, was not longer than; in ms.
    pub(crate) fn wait(&self, part: f64) -> Option<u128> {
        quantile(&self.waits, part)
    }
}

impl Overs {
    pub(crate) fn add(&mut self, trial: &OverTrial) {
        self.count += 1;
        self.stopped += usize::from(trial.stopped);
        self.pauses.extend(trial.paused);
        self.decisions.extend(trial.decided);
    }

    /// Of a hundred, how many stopped the assistant.
    pub(crate) fn stops(&self) -> f64 {
        percent(self.stopped, self.count)
    }

    /// How many paused it, for however short.
    pub(crate) fn paused(&self) -> usize {
        self.pauses.len()
    }

    /// From the first sound to the pause that this part was not later than; in ms.
    pub(crate) fn pause(&self, part: f64) -> Option<u128> {
        quantile(&self.pauses, part)
    }

    /// The same to the decision.
    pub(crate) fn decision(&self, part: f64) -> Option<u128> {
        quantile(&self.decisions, part)
    }
}

impl AddAssign for Turns {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.cut += other.cut;
        self.never_taken += other.never_taken;
        self.waits.extend(other.waits);
    }
}

impl AddAssign for Overs {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.stopped += other.stopped;
        self.pauses.extend(other.pauses);
        self.decisions.extend(other.decisions);
    }
}

/// No number where nothing was counted.
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole as f64
}

fn quantile(lengths: &[Duration], part: f64) -> Option<u128> {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let index = (part * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(index).map(Duration::as_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }

    #[test]
    fn cut_and_lost_turns_are_counted_and_waits_ordered() {
        let mut turns = Turns::default();
        for (cut, wait) in [
            (false, ms(900)),
            (true, ms(400)),
            (false, None),
            (false, ms(500)),
        ] {
            let endings = Vec::new();
            turns.add(&TurnTrial { cut, wait, endings });
        }
        let mut both = turns.clone();
        both += turns;
        assert_eq!((both.count, both.cut, both.never_taken), (8, 2, 2));
        assert!((both.cut_off() - 25.0).abs() < 1e-9);
        assert_eq!(
            [0.0, 0.5, 1.0].map(|part| both.wait(part)),
            [Some(400), Some(500), Some(900)]
        );
        assert_eq!(Turns::default().wait(0.5), None);
    }

    #[test]
    fn sounds_that_stop_the_assistant_are_told_from_those_that_pause_it() {
        let mut overs = Overs::default();
        for (stopped, paused, decided) in [
            (true, ms(100), ms(600)),
            (false, ms(80), ms(400)),
            (false, None, None),
            (false, None, None),
        ] {
            let heard = Vec::new();
            overs.add(&OverTrial {
                stopped,
                paused,
                decided,
                heard,
            });
        }
        assert!((overs.stops() - 25.0).abs() < 1e-9);
        assert_eq!(
            (overs.paused(), overs.pause(0.0), overs.decision(1.0)),
            (2, Some(80), Some(600))
        );
    }
}
