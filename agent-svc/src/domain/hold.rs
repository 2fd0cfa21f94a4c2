//! A sound of the caller over the assistant, until it is decided whether it is an interruption.
//!
//! The sound's words decide when they are known in time, else how long it lasts.

use std::time::Duration;

use super::words::Sense;
use super::{Moment, Settings, SoundId};

/// How long after its first voiced sound a sound is asked for its words first.
const FIRST_ASKED: Duration = Duration::from_millis(400);
/// How long after it was asked for the words of a sound that goes on they are asked for again.
const ASKED_EVERY: Duration = Duration::from_millis(150);

/// The caller made a sound while the assistant was speaking or thinking.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    /// First voiced sound.
    from: Moment,
    /// Last voiced sound, once it has ended.
    until: Option<Moment>,
    /// Whether the playout was told to pause.
    pub(super) paused: bool,
    /// When it was.
    paused_at: Option<Moment>,
    /// The assistant has hardly begun to speak and the caller's side may not cancel its echo yet.
    pub(super) echoes: bool,
    /// When its words were asked for last.
    asked: Option<(SoundId, Moment)>,
    /// What the words mean that were known last, and up to when they were heard.
    sense: Option<(Sense, Moment)>,
    /// Whether the words before meant the same. The last word of a sound that goes on is often
    /// heard as another.
    is_confirmed: bool,
    /// Whether its words have shown at any time that the caller follows.
    is_nod: bool,
}

/// What becomes of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not known before this moment, unless words come.
    Open(Moment),
    /// The caller takes the floor.
    Interruption,
    /// The assistant goes on.
    Dismissed,
}

impl Hold {
    pub(super) fn new(from: Moment, paused_at: Option<Moment>, echoes: bool) -> Self {
        Self {
            from,
            until: None,
            paused: paused_at.is_some(),
            paused_at,
            echoes,
            asked: None,
            sense: None,
            is_confirmed: false,
            is_nod: false,
        }
    }

    pub(super) fn from(&self) -> Moment {
        self.from
    }

    /// How long after its first voiced sound the assistant was silent, if it is cut off now.
    pub(super) fn silence(&self, now: Moment) -> Duration {
        self.paused_at.unwrap_or(now).since(self.from)
    }

    /// The sound goes on after a gap.
    pub(super) fn speech_started(&mut self) {
        self.until = None;
    }

    pub(super) fn speech_ended(&mut self, voiced_until: Moment) {
        self.until = Some(voiced_until);
    }

    /// Asks for the words when that is due: while it goes on, again as soon as those so far are known
    /// and tell too little, and of the whole at its end.
    pub(super) fn ask(&mut self, now: Moment, question: SoundId, settings: &Settings) -> bool {
        let is_due = match (self.until, self.asked) {
            (Some(until), Some((_, asked))) => asked < until,
            (Some(until), None) => until.since(self.from) >= settings.min_word,
            (None, _) => self.ask_at(settings).is_some_and(|at| now >= at),
        };
        if is_due {
            self.asked = Some((question, now));
        }
        is_due
    }

    /// When the words are asked for, although the sound goes on, unless an answer is waited for.
    fn ask_at(&self, settings: &Settings) -> Option<Moment> {
        let after = if self.echoes {
            settings.echo_interruption / 2
        } else {
            FIRST_ASKED
        };
        match (self.asked, self.sense) {
            (None, _) => Some(self.from + after),
            (Some((_, asked)), Some((_, heard))) if heard == asked => Some(asked + ASKED_EVERY),
            (Some(_), _) => None,
        }
    }

    /// Whether all of the sound is heard in this question.
    pub(super) fn is_whole(&self, question: SoundId) -> bool {
        let asked = self.asked.filter(|(asked, _)| *asked == question);
        let (until, asked) = (self.until, asked.map(|(_, at)| at));
        until
            .zip(asked)
            .is_some_and(|(until, asked)| asked >= until)
    }

    /// The words that were asked for last are known; `None` when they cannot be told.
    pub(super) fn recognised(&mut self, sound: SoundId, sense: Option<Sense>) {
        if let (Some(sense), Some((question, asked))) = (sense, self.asked)
            && sound == question
        {
            let before = self.sense.replace((sense, asked));
            self.is_confirmed = before.is_some_and(|(before, _)| before == sense);
            self.is_nod |= sense == Sense::Backchannel;
        }
    }

    pub(super) fn verdict(&self, now: Moment, settings: &Settings) -> Verdict {
        let verdict = match self.until {
            Some(until) => self.of_whole(until, settings),
            None => self.of_beginning(settings),
        };
        match verdict {
            Verdict::Open(deadline) if now >= deadline => self.by_length(now, settings),
            open_or_not => open_or_not,
        }
    }

    /// When the verdict, or a question for words, is due at the latest.
    pub(super) fn deadline(&self, now: Moment, settings: &Settings) -> Moment {
        match self.verdict(now, settings) {
            Verdict::Open(deadline) if self.until.is_none() => self
                .ask_at(settings)
                .map_or(deadline, |ask_at| deadline.min(ask_at)),
            Verdict::Open(deadline) => deadline,
            Verdict::Interruption | Verdict::Dismissed => now,
        }
    }

    fn of_whole(&self, until: Moment, settings: &Settings) -> Verdict {
        if until.since(self.from) < settings.min_word {
            return Verdict::Dismissed;
        }
        match self.sense {
            Some((sense, heard_until)) if heard_until >= until => match sense {
                Sense::Speech => Verdict::Interruption,
                // What was a nod and is not understood any more was said unclearly.
                Sense::Unclear if !self.is_nod && until.since(self.from) > settings.max_murmur => {
                    Verdict::Interruption
                }
                _ => Verdict::Dismissed,
            },
            _ => Verdict::Open(self.decided_by(settings)),
        }
    }

    fn of_beginning(&self, settings: &Settings) -> Verdict {
        match self.sense {
            // While echoes are told from speech the assistant speaks on: no more waiting.
            Some((Sense::Speech, _)) if self.is_confirmed || self.echoes => Verdict::Interruption,
            Some((Sense::Echo, _)) => Verdict::Dismissed,
            Some(_) | None => Verdict::Open(self.decided_by(settings)),
        }
    }

    fn decided_by(&self, settings: &Settings) -> Moment {
        let within = match self.sense {
            _ if self.echoes => settings.echo_interruption,
            // A word without a mark counts as none, and is often a nod that is not over.
            Some((Sense::Backchannel | Sense::Nothing, _)) => settings.max_backchannel,
            Some((Sense::Unclear, _)) if self.is_nod => settings.max_backchannel,
            Some((Sense::Unclear, _)) => settings.murmur_decision,
            _ => settings.interruption_decision,
        };
        self.from + within
    }

    /// The verdict when the time for words is over.
    fn by_length(&self, now: Moment, settings: &Settings) -> Verdict {
        let nods = match self.sense {
            Some((Sense::Backchannel, _)) => true,
            Some((Sense::Nothing | Sense::Unclear, _)) => self.is_nod,
            _ => false,
        };
        if self.until.is_some() && nods {
            // Nothing else was heard before its last few sounds.
            return Verdict::Dismissed;
        }
        let length = self.until.unwrap_or(now).since(self.from);
        let min = if self.echoes {
            settings.echo_interruption
        } else {
            settings.min_interruption
        };
        if length < min {
            Verdict::Dismissed
        } else {
            Verdict::Interruption
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    /// A sound that goes on, after these hearings, and when the last of them was asked for.
    fn heard_as(heard: &[Sense], settings: &Settings) -> (Hold, Moment) {
        let from = Moment::default();
        let mut hold = Hold::new(from, Some(from), false);
        let mut now = from;
        for (number, sense) in (1..).zip(heard) {
            now = hold.ask_at(settings).expect("nothing is being heard");
            assert!(hold.ask(now, SoundId(number), settings));
            hold.recognised(SoundId(number), Some(*sense));
        }
        (hold, now)
    }

    #[test]
    fn what_may_be_a_nod_has_the_time_of_one() {
        let settings = Settings::default();
        use Sense::{Backchannel, Nothing, Unclear};
        for (heard, due) in [
            (&[Unclear][..], settings.murmur_decision),
            (&[Nothing], settings.max_backchannel),
            (&[Backchannel], settings.max_backchannel),
            (&[Backchannel, Unclear], settings.max_backchannel),
            (&[Backchannel, Nothing], settings.max_backchannel),
        ] {
            let (hold, now) = heard_as(heard, &settings);
            let verdict = hold.verdict(now, &settings);
            assert_eq!(verdict, Verdict::Open(hold.from() + due), "{heard:?}");
        }
    }

    #[test]
    fn a_nod_whose_whole_is_not_heard_in_time_is_one() {
        let settings = Settings::default();
        use Sense::{Backchannel, Nothing};
        for (heard, verdict) in [
            (&[Backchannel, Nothing][..], Verdict::Dismissed),
            (&[Nothing], Verdict::Interruption),
        ] {
            let (mut hold, _) = heard_as(heard, &settings);
            hold.speech_ended(hold.from() + settings.min_interruption * 2);
            let due = hold.from() + settings.max_backchannel;
            assert_eq!(hold.verdict(due, &settings), verdict, "{heard:?}");
        }
    }
}
