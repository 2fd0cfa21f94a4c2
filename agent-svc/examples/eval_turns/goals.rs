//! What has to be reached.

use std::fmt;

use crate::figures::{Overs, Turns};
use crate::plan::{By, OverRow, OverSet, TurnRow, TurnSet};
use crate::sounds::Noise;

/// How much is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Whole,
    /// Other texts, in quiet.
    Further,
    /// Texts that were not looked at, in quiet.
    HeldOut,
    /// A few of everything: it shows that all is in place, which no percentage of so few can.
    Sample,
}

impl Size {
    pub(crate) fn is_in_quiet(self) -> bool {
        matches!(self, Self::Further | Self::HeldOut)
    }
}

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Under(f64),
    AtLeast(f64),
}

/// A figure and what is wanted of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Goal {
    what: &'static str,
    unit: &'static str,
    reached: f64,
    wanted: Bound,
    /// What it must be for the evaluation to succeed.
    floor: Bound,
}

impl Bound {
    /// What is no number is within no bound.
    fn holds(self, reached: f64) -> bool {
        match self {
            Self::Under(most) => reached < most,
            Self::AtLeast(least) => reached >= least,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Under(most) => write!(f, "under {most}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
        }
    }
}

impl Goal {
    fn is_met(&self) -> bool {
        self.wanted.holds(self.reached)
    }

    fn is_failed(&self) -> bool {
        !self.floor.holds(self.reached)
    }
}

/// Prints what was reached of what is wanted. Says whether all of it is within its limit.
pub(crate) fn check<'a>(
    size: Size,
    turns: impl Iterator<Item = (&'a TurnRow, &'a Turns)>,
    overs: impl Iterator<Item = (&'a OverRow, &'a Overs)>,
) -> bool {
    let (turns, overs): (Vec<_>, Vec<_>) = (turns.collect(), overs.collect());
    let goals = goals(size, &turns, &overs);
    println!("\n| | reached | wanted | must be | |\n|---|--:|--:|--:|---|");
    for goal in &goals {
        let Goal {
            what,
            unit,
            reached,
            wanted,
            floor,
        } = goal;
        let verdict = match (goal.is_met(), goal.is_failed()) {
            (true, false) => "met",
            (false, false) => "missed",
            (_, true) => "FAILED",
        };
        println!("| {what} | {reached:.1} {unit} | {wanted} {unit} | {floor} {unit} | {verdict} |");
    }
    !goals.iter().any(Goal::is_failed)
}

fn goals(size: Size, turns: &[(&TurnRow, &Turns)], overs: &[(&OverRow, &Overs)]) -> Vec<Goal> {
    let floor = |whole, held_out, sample| match size {
        Size::Whole => whole,
        Size::Further | Size::HeldOut => held_out,
        Size::Sample => sample,
    };
    let turn = |set| {
        let mut rows = turns
            .iter()
            .filter(move |(row, _)| row.set == set && row.by == By::Voices);
        rows.find(|(row, _)| row.is_judged_for_goals())
            .map(|(_, sums)| *sums)
    };
    let over = |is_in: fn(&OverRow) -> bool| {
        let rows = overs
            .iter()
            .filter(|(row, _)| row.is_judged_for_goals() && is_in(row));
        rows.fold(Overs::default(), |mut all, (_, sums)| {
            all += (*sums).clone();
            all
        })
    };
    let wait = turn(TurnSet::Finished).and_then(|sums| sums.wait(0.5));
    use Bound::{AtLeast, Under};
    let mut goals = vec![
        Goal {
            what: "unfinished sentences cut off after \"um\"",
            unit: "%",
            reached: turn(TurnSet::Hesitating).map_or(f64::NAN, Turns::cut_off),
            wanted: Under(5.0),
            floor: floor(Under(5.0), Under(5.0), Under(60.0)),
        },
        Goal {
            what: "unfinished sentences cut off after a word",
            unit: "%",
            reached: turn(TurnSet::Unfinished).map_or(f64::NAN, Turns::cut_off),
            wanted: Under(5.0),
            floor: floor(Under(10.0), Under(20.0), Under(60.0)),
        },
        Goal {
            what: "median wait after finished ones",
            unit: "ms",
            reached: wait.map_or(f64::NAN, |ms| ms as f64),
            wanted: Under(450.0),
            floor: floor(Under(450.0), Under(480.0), Under(700.0)),
        },
        Goal {
            what: "interruptions that cut the assistant",
            unit: "%",
            reached: over(|row| row.set == OverSet::Interruptions).stops(),
            wanted: AtLeast(95.0),
            floor: floor(AtLeast(95.0), AtLeast(95.0), AtLeast(50.0)),
        },
        Goal {
            what: "back-channels that it survives",
            unit: "%",
            reached: 100.0 - over(|row| row.set == OverSet::Backchannels).stops(),
            wanted: AtLeast(95.0),
            floor: floor(AtLeast(85.0), AtLeast(65.0), AtLeast(20.0)),
        },
    ];
    goals.extend((!size.is_in_quiet()).then(|| Goal {
        what: "coughs and keys that it survives",
        unit: "%",
        reached: 100.0 - over(is_wordless).stops(),
        wanted: AtLeast(95.0),
        floor: floor(AtLeast(95.0), AtLeast(95.0), AtLeast(50.0)),
    }));
    goals
}

/// Babble is people's words: who says them is not known, so nothing is promised.
fn is_wordless(row: &OverRow) -> bool {
    matches!(row.set, OverSet::Noise(Noise::Coughs | Noise::Keys))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::trials::{OverTrial, TurnTrial};

    /// What is missed when so many of twenty go wrong and every turn waits for so long.
    fn missed(wrong: usize, wait: u64) -> Vec<&'static str> {
        let (turn_rows, over_rows) = (TurnRow::all(Size::Whole), OverRow::all(Size::Whole));
        let (mut turns, mut overs) = (Turns::default(), Overs::default());
        let mut others = Overs::default();
        for index in 0..20 {
            let is_wrong = index < wrong;
            turns.add(&TurnTrial {
                cut: is_wrong,
                wait: Some(Duration::from_millis(wait)),
                ..TurnTrial::default()
            });
            let stopped = |stopped| OverTrial {
                stopped,
                ..OverTrial::default()
            };
            overs.add(&stopped(!is_wrong));
            others.add(&stopped(is_wrong));
        }
        let of = |row: &OverRow| match row.set {
            OverSet::Interruptions => &overs,
            OverSet::Backchannels | OverSet::Noise(_) => &others,
        };
        goals(
            Size::Whole,
            &turn_rows
                .iter()
                .map(|row| (row, &turns))
                .collect::<Vec<_>>(),
            &over_rows
                .iter()
                .map(|row| (row, of(row)))
                .collect::<Vec<_>>(),
        )
        .iter()
        .filter(|goal| !goal.is_met())
        .map(|goal| goal.what)
        .collect()
    }

    #[test]
    fn each_goal_is_missed_by_what_it_is_about() {
        assert_eq!(missed(0, 449), Vec::<&str>::new());
        assert_eq!(missed(0, 450), ["median wait after finished ones"]);
        // Five of a hundred are not under 5 %, and at least 95 % are right.
        assert_eq!(
            missed(1, 400),
            [
                "unfinished sentences cut off after \"um\"",
                "unfinished sentences cut off after a word"
            ]
        );
        assert_eq!(
            missed(2, 400),
            [
                "unfinished sentences cut off after \"um\"",
                "unfinished sentences cut off after a word",
                "interruptions that cut the assistant",
                "back-channels that it survives",
                "coughs and keys that it survives"
            ]
        );
    }

    #[test]
    fn what_was_not_measured_fails() {
        let none = goals(Size::Whole, &[], &[]);
        let failed: Vec<bool> = none.iter().map(Goal::is_failed).collect();
        assert_eq!(failed, [true; 6]);
    }
}
