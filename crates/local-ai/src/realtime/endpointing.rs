//! How long a pause must last before the turn counts as over. Pure.

use std::time::Duration;

use openai_realtime::{Eagerness, ServerVad, TurnDetection};

/// Silence after which the sound of a turn tells whether it is complete.
pub(super) const JUDGED_AFTER: Duration = Duration::from_millis(200);

/// What ends a pause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Endpointing {
    /// So much silence.
    Silence(Duration),
    /// The less complete the turn sounds, the more silence.
    Judged(Eagerness),
}

impl Endpointing {
    pub(super) fn of(detection: &TurnDetection) -> Self {
        match detection {
            TurnDetection::ServerVad(ServerVad {
                silence_duration_ms,
                ..
            }) => Self::Silence(Duration::from_millis(
                silence_duration_ms.unwrap_or(500).into(),
            )),
            TurnDetection::SemanticVad(vad) => Self::Judged(vad.eagerness.unwrap_or_default()),
        }
    }

    pub(super) fn is_judged(self) -> bool {
        matches!(self, Self::Judged(_))
    }

    /// The wait in a pause that nothing is known about yet.
    pub(super) fn longest(self) -> Duration {
        match self {
            Self::Silence(wait) => wait,
            Self::Judged(eagerness) => bounds(eagerness).1,
        }
    }

    /// The wait in a pause before which the turn sounds complete with this probability; `None`
    /// when that could not be told.
    pub(super) fn wait(self, complete: Option<f32>) -> Duration {
        let eagerness = match self {
            Self::Silence(wait) => return wait,
            Self::Judged(eagerness) => eagerness,
        };
        let (shortest, longest) = bounds(eagerness);
        // Finished questions are often given no more than 0.3 and broken off sentences hardly
        // ever that much, so doubt counts little until it is great.
        let doubt = match complete {
            Some(complete) if !complete.is_nan() => (1.0 - complete.clamp(0.0, 1.0)).powi(4),
            _ => 0.1,
        };
        let longer = (longest - shortest).as_millis() as f32 * doubt;
        shortest + Duration::from_millis(longer.round() as u64)
    }
}

/// The shortest and the longest wait. The longest are the protocol's.
fn bounds(eagerness: Eagerness) -> (Duration, Duration) {
    let (shortest, longest) = match eagerness {
        Eagerness::Low => (700, 8_000),
        Eagerness::Medium | Eagerness::Auto => (400, 4_000),
        Eagerness::High => (250, 2_000),
    };
    (
        Duration::from_millis(shortest),
        Duration::from_millis(longest),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_doubt_up_to_what_eagerness_allows() {
        let wait = |eagerness, complete| {
            Endpointing::Judged(eagerness)
                .wait(complete)
                .as_millis()
                .to_string()
        };
        let row = |eagerness| {
            [Some(1.0), Some(0.7), Some(0.3), Some(0.05), Some(0.0), None]
                .map(|complete| wait(eagerness, complete))
                .join(" ")
        };
        insta::assert_snapshot!(row(Eagerness::Low), @"700 759 2453 6646 8000 1430");
        insta::assert_snapshot!(row(Eagerness::Auto), @"400 429 1264 3332 4000 760");
        insta::assert_snapshot!(row(Eagerness::High), @"250 264 670 1675 2000 425");
        let fixed = Endpointing::Silence(Duration::from_millis(500));
        assert_eq!(fixed.wait(Some(0.0)), Duration::from_millis(500));
    }
}
