//! Words: which of the assistant's were heard, and what the caller said.

use std::collections::VecDeque;

use super::{ItemId, Moment, Samples, SegmentId};

/// How much sound a character is taken to be until all of it is there: 15 characters a second.
const SAMPLES_PER_CHAR: u64 = Samples::RATE / 15;

/// Turns whose text may be waited for at a time.
const MAX_UNHEARD: usize = 16;

/// The words of `text` that were heard when `played` of its sound had been played.
///
/// Text and sound come in pieces of their own; the whole length is known when the sound is
/// `complete`, and guessed from the text before. Only whole words count.
pub(super) fn heard(text: &str, played: Samples, received: Samples, complete: bool) -> &str {
    if complete && played >= received && received.0 > 0 {
        return text;
    }
    let chars = text.chars().count() as u64;
    let expected = if complete {
        received.0
    } else {
        received.0.max(chars * SAMPLES_PER_CHAR)
    };
    if expected == 0 || played.0 == 0 {
        return "";
    }
    let budget = chars.saturating_mul(played.0) / expected;
    if budget >= chars {
        return text;
    }
    let mut end = 0;
    for (count, (index, character)) in text.char_indices().enumerate() {
        if count as u64 > budget {
            break;
        }
        if character.is_whitespace() {
            end = index;
        }
    }
    &text[..end]
}

/// The caller's turns whose text is not known yet, in order.
#[derive(Debug, Default)]
pub(super) struct CallerTexts {
    turns: VecDeque<CallerText>,
    /// Whether there is a session that can tell them.
    is_heard: bool,
}

#[derive(Debug)]
struct CallerText {
    segment: SegmentId,
    position: u32,
    started: Moment,
    deadline: Moment,
    item: Option<ItemId>,
    text: String,
}

/// What the caller said in a turn, as far as it is known.
#[derive(Debug)]
pub(super) struct CallerSaid {
    pub(super) segment: SegmentId,
    pub(super) position: u32,
    pub(super) started: Moment,
    /// The provider's item, if it got one.
    pub(super) item: Option<ItemId>,
    /// Empty when it could not be told.
    pub(super) text: String,
}

impl CallerTexts {
    /// A turn was committed. Gives the oldest up if too many are waited for.
    pub(super) fn push(
        &mut self,
        segment: SegmentId,
        position: u32,
        started: Moment,
        deadline: Moment,
    ) -> Option<CallerSaid> {
        let oldest = (self.turns.len() >= MAX_UNHEARD)
            .then(|| self.turns.pop_front())
            .flatten();
        self.turns.push_back(CallerText {
            segment,
            position,
            started,
            deadline,
            item: None,
            text: String::new(),
        });
        oldest.map(CallerText::finish)
    }

    /// The oldest turn without an item is this one. Says whether there is one.
    pub(super) fn committed(&mut self, item: &ItemId) -> bool {
        let Some(turn) = self.turns.iter_mut().find(|turn| turn.item.is_none()) else {
            return false;
        };
        turn.item = Some(item.clone());
        turn.text.clear();
        true
    }

    /// The oldest turn without an item was empty.
    pub(super) fn rejected(&mut self) -> Option<CallerSaid> {
        let index = self.turns.iter().position(|turn| turn.item.is_none())?;
        self.turns.remove(index).map(CallerText::finish)
    }

    /// More of what was said; gives the text so far.
    pub(super) fn append(&mut self, item: &ItemId, delta: &str) -> Option<(SegmentId, String)> {
        let turn = self
            .turns
            .iter_mut()
            .find(|turn| turn.item.as_ref() == Some(item))?;
        turn.text.push_str(delta);
        Some((turn.segment, turn.text.clone()))
    }

    /// All of what was said, or as much as was heard before it failed.
    pub(super) fn finish(&mut self, item: &ItemId, text: Option<String>) -> Option<CallerSaid> {
        let index = self
            .turns
            .iter()
            .position(|turn| turn.item.as_ref() == Some(item))?;
        let mut turn = self.turns.remove(index)?;
        if let Some(text) = text {
            turn.text = text;
        }
        Some(turn.finish())
    }

    /// The session is gone. All turns will be committed again, in their order.
    pub(super) fn lost(&mut self) {
        self.is_heard = false;
        for turn in &mut self.turns {
            turn.item = None;
        }
    }

    /// There is a session. What was said without one was not heard before.
    pub(super) fn found(&mut self, deadline: Moment) {
        self.is_heard = true;
        for turn in &mut self.turns {
            turn.deadline = turn.deadline.max(deadline);
        }
    }

    /// A turn whose text was waited for long enough; at `None`, any turn.
    pub(super) fn expire(&mut self, now: Option<Moment>) -> Option<CallerSaid> {
        let is_heard = self.is_heard;
        let is_due = |turn: &CallerText| now.is_none_or(|now| is_heard && now >= turn.deadline);
        let index = self.turns.iter().position(is_due)?;
        self.turns.remove(index).map(CallerText::finish)
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        let deadlines = self.turns.iter().map(|turn| turn.deadline);
        deadlines.min().filter(|_| self.is_heard)
    }
}

impl CallerText {
    fn finish(self) -> CallerSaid {
        CallerSaid {
            segment: self.segment,
            position: self.position,
            started: self.started,
            item: self.item,
            text: self.text.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn only_whole_words_that_were_played_count() {
        let second = Samples(24_000);
        let text = "one two three four five six";
        assert_eq!(heard(text, Samples(0), second, true), "");
        assert_eq!(heard(text, Samples(12_000), second, true), "one two three");
        assert_eq!(heard(text, second, second, true), text);
        assert_eq!(heard("", second, second, true), "");
        assert_eq!(
            heard("übermäßig groß", Samples(20_000), second, true),
            "übermäßig"
        );
    }

    #[test]
    fn before_the_sound_is_complete_its_length_is_guessed_from_the_text() {
        // 27 characters are taken for 1.8 s, though only 0.2 s of sound came so far.
        let text = "one two three four five six";
        assert_eq!(heard(text, Samples(1_200), Samples(4_800), false), "");
        assert_eq!(
            heard(text, Samples(12_000), Samples(12_000), false),
            "one two"
        );
    }
}
