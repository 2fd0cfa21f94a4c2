//! The conversation as a session must know it, in order, so that another can go on where one ended.

use std::collections::HashSet;

use crate::domain::{self, ItemId, ToolCallId, ToolRequest};

/// Entries that are kept.
const MAX_ENTRIES: usize = 160;
/// Bytes of tool results that a new session is told; those of older calls are left out.
const MAX_RESULT_BYTES: usize = 64 * 1024;
/// Sound of a turn that is kept: a little more than the longest turn.
const MAX_SAMPLES: usize = 70 * 24_000;
/// Sound that is kept while nobody speaks: a second.
const PRE_ROLL: usize = 24_000;

/// The conversation as far as this end knows it.
#[derive(Debug, Default)]
pub struct History {
    entries: Vec<Entry>,
    last_id: u64,
    /// Sound since the last commit.
    input: Vec<i16>,
}

/// Names an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EntryId(u64);

#[derive(Debug)]
struct Entry {
    id: EntryId,
    /// Its place among the turns, once that is known.
    position: Option<u32>,
    what: What,
}

#[derive(Debug)]
enum What {
    Said {
        role: domain::Role,
        text: String,
        items: Vec<ItemId>,
    },
    /// A turn of the caller whose words are not known.
    Heard {
        item: Option<ItemId>,
        sound: Vec<i16>,
    },
    Called {
        request: ToolRequest,
        output: Option<String>,
    },
}

/// How an entry is told to a session that does not know it.
#[derive(Debug, PartialEq)]
pub(crate) enum Telling<'a> {
    Said(domain::Role, &'a str),
    /// Sound of a turn whose words are not known.
    Turn(&'a [i16]),
    /// A tool call and its result.
    Called(&'a ToolRequest, &'a str),
}

impl History {
    /// Sound of the caller.
    pub(crate) fn append(&mut self, audio: &[i16]) {
        let room = MAX_SAMPLES.saturating_sub(self.input.len());
        self.input
            .extend_from_slice(&audio[..audio.len().min(room)]);
    }

    pub(crate) fn clear(&mut self) {
        self.input.clear();
    }

    /// What the caller has said of the turn that goes on.
    pub(crate) fn input(&self) -> &[i16] {
        &self.input
    }

    /// The sound so far is a turn. Gives its entry.
    pub(crate) fn commit(&mut self) -> EntryId {
        let sound = std::mem::take(&mut self.input);
        self.push(None, What::Heard { item: None, sound })
    }

    /// Keeps no more of the sound than what a turn may begin with. For sound that the provider has
    /// heard, and in which it hears nobody speak.
    pub(crate) fn trim(&mut self) {
        let excess = self.input.len().saturating_sub(PRE_ROLL);
        // Not at every piece.
        if excess > PRE_ROLL {
            self.input.drain(..excess);
        }
    }

    /// The oldest turn without an item got this one. Says whether there is one.
    pub(crate) fn committed(&mut self, new: &ItemId) -> bool {
        let unnamed = self.unnamed();
        let is_ours = unnamed.is_some();
        if let Some(item) = unnamed {
            *item = Some(new.clone());
        }
        is_ours
    }

    /// The provider made a turn of the sound so far by itself. Gives its entry.
    pub(crate) fn committed_by_provider(&mut self, new: ItemId) -> EntryId {
        let sound = std::mem::take(&mut self.input);
        let item = Some(new);
        self.push(None, What::Heard { item, sound })
    }

    /// What the provider made a turn of was none, or nothing was heard of its answer.
    pub(crate) fn forget(&mut self, item: &ItemId) {
        self.entries.retain(|entry| match &entry.what {
            What::Heard { item: own, .. } => own.as_ref() != Some(item),
            // Its words came already, or it was an answer that nobody has heard.
            What::Said { items, .. } => entry.position.is_some() || !items.contains(item),
            What::Called { .. } => true,
        });
    }

    /// The oldest turn without an item was empty.
    pub(crate) fn commit_rejected(&mut self) {
        let unnamed = |entry: &Entry| matches!(entry.what, What::Heard { item: None, .. });
        if let Some(index) = self.entries.iter().position(unnamed) {
            self.entries.remove(index);
        }
    }

    fn unnamed(&mut self) -> Option<&mut Option<ItemId>> {
        let mut items = self
            .entries
            .iter_mut()
            .filter_map(|entry| match &mut entry.what {
                What::Heard { item, .. } => Some(item),
                _ => None,
            });
        items.find(|item| item.is_none())
    }

    /// The words of a turn are known.
    pub(crate) fn heard(&mut self, item: &ItemId, text: &str) {
        let is_it = |entry: &Entry| matches!(&entry.what, What::Heard { item: Some(own), .. } if own == item);
        if let Some(index) = self.entries.iter().position(is_it) {
            let said = (domain::Role::User, text.trim().to_owned());
            self.settle(index, said, vec![item.clone()]);
        }
    }

    /// A turn as the call keeps it. Gives its entry, if it says anything, and whether it is new here.
    pub(crate) fn remember(
        &mut self,
        position: u32,
        role: domain::Role,
        text: String,
        items: Vec<ItemId>,
    ) -> Option<(EntryId, bool)> {
        let known = match role {
            domain::Role::User => self.turn_of(&items),
            domain::Role::Assistant => self.answer_of(&items),
        };
        if let Some(index) = known {
            let id = self.entries[index].id;
            self.entries[index].position = Some(position);
            let stays = self.settle(index, (role, text), items);
            return stays.then_some((id, false));
        }
        if text.is_empty() {
            return None;
        }
        let said = What::Said { role, text, items };
        Some((self.push(Some(position), said), true))
    }

    /// The entry of a turn with one of these items; of one without, the oldest that has none either.
    fn turn_of(&self, items: &[ItemId]) -> Option<usize> {
        self.entries.iter().position(|entry| match &entry.what {
            What::Heard { item, .. } => match item {
                Some(item) => items.contains(item),
                None => items.is_empty(),
            },
            What::Said { items: own, .. } => own.iter().any(|item| items.contains(item)),
            What::Called { .. } => false,
        })
    }

    /// The entry of an answer with one of these items of which it was not known what was heard.
    fn answer_of(&self, items: &[ItemId]) -> Option<usize> {
        self.entries.iter().position(|entry| match &entry.what {
            What::Said { items: own, .. } => {
                entry.position.is_none() && own.iter().any(|item| items.contains(item))
            }
            _ => false,
        })
    }

    /// Gives an entry its words; without any it goes. Says whether it stays.
    fn settle(
        &mut self,
        index: usize,
        (role, text): (domain::Role, String),
        items: Vec<ItemId>,
    ) -> bool {
        if text.is_empty() {
            self.entries.remove(index);
            return false;
        }
        self.entries[index].what = What::Said { role, text, items };
        true
    }

    /// The assistant has begun to say this. What of it was heard is told later, or that nothing was:
    /// [`Self::remember`], [`Self::forget`].
    pub(crate) fn answered_with(&mut self, item: ItemId, text: String) {
        if !text.is_empty() {
            let (role, items) = (domain::Role::Assistant, vec![item]);
            self.push(None, What::Said { role, text, items });
        }
    }

    /// The oldest turn that has an item and no words, and its sound.
    pub(crate) fn unheard(&self) -> Option<(&ItemId, &[i16])> {
        self.entries.iter().find_map(|entry| match &entry.what {
            What::Heard {
                item: Some(item),
                sound,
            } => Some((item, sound.as_slice())),
            _ => None,
        })
    }

    pub(crate) fn called(&mut self, request: ToolRequest) -> EntryId {
        let output = None;
        self.push(None, What::Called { request, output })
    }

    /// A tool gave its result. Gives the entry of its call and what was asked.
    pub(crate) fn answered(
        &mut self,
        call: &ToolCallId,
        result: &str,
    ) -> Option<(EntryId, &ToolRequest)> {
        self.entries
            .iter_mut()
            .find_map(|entry| match &mut entry.what {
                What::Called { request, output } if request.call == *call => {
                    *output = Some(result.to_owned());
                    Some((entry.id, &*request))
                }
                _ => None,
            })
    }

    /// Whether a turn has no words yet, or a call no result.
    pub(crate) fn is_open(&self) -> bool {
        self.entries.iter().any(Entry::is_open)
    }

    /// The session with the items of the turns without words is gone; they are committed again.
    pub(crate) fn session_lost(&mut self) {
        for entry in &mut self.entries {
            if let What::Heard { item, .. } = &mut entry.what {
                *item = None;
            }
        }
    }

    /// What a session that knows the entries in `told` must be told, in order. A call without a result
    /// is left out: it is told with its result.
    pub(crate) fn untold(&self, told: &HashSet<EntryId>) -> Vec<(EntryId, Telling<'_>)> {
        self.telling(self.entries.iter(), told)
    }

    /// As [`Self::untold`], but only up to what is open: that may still change its words.
    pub(crate) fn settled(&self, told: &HashSet<EntryId>) -> Vec<(EntryId, Telling<'_>)> {
        let settled = self.entries.iter().take_while(|entry| !entry.is_open());
        self.telling(settled, told)
    }

    fn telling<'a>(
        &'a self,
        entries: impl Iterator<Item = &'a Entry>,
        told: &HashSet<EntryId>,
    ) -> Vec<(EntryId, Telling<'a>)> {
        let oldest_call = self.oldest_call_told();
        let untold = entries.filter(|entry| !told.contains(&entry.id));
        let telling = untold.filter_map(|entry| {
            let telling = match &entry.what {
                What::Said { role, text, .. } => Telling::Said(*role, text),
                What::Heard { sound, .. } => Telling::Turn(sound),
                What::Called { request, output } => {
                    let output = output.as_ref().filter(|_| entry.id.0 >= oldest_call)?;
                    Telling::Called(request, output)
                }
            };
            Some((entry.id, telling))
        });
        telling.collect()
    }

    /// The number of the oldest call whose result still has room. The newest always has.
    fn oldest_call_told(&self) -> u64 {
        let (mut bytes, mut oldest) = (0, 0);
        for entry in self.entries.iter().rev() {
            if let What::Called { output, .. } = &entry.what {
                bytes += output.as_ref().map_or(0, String::len);
                if bytes > MAX_RESULT_BYTES && oldest > 0 {
                    return oldest;
                }
                oldest = entry.id.0;
            }
        }
        0
    }

    fn push(&mut self, position: Option<u32>, what: What) -> EntryId {
        self.last_id += 1;
        let id = EntryId(self.last_id);
        let is_later = |entry: &Entry| entry.position.is_some() && entry.position > position;
        let place = match position {
            Some(_) => self.entries.iter().position(is_later),
            None => None,
        };
        let place = place.unwrap_or(self.entries.len());
        self.entries.insert(place, Entry { id, position, what });
        if self.entries.len() > MAX_ENTRIES
            && let Some(oldest) = self.entries.iter().position(|entry| !entry.is_open())
        {
            self.entries.remove(oldest);
        }
        id
    }
}

impl Entry {
    fn is_open(&self) -> bool {
        match &self.what {
            What::Said { .. } => false,
            What::Heard { .. } => true,
            What::Called { output, .. } => output.is_none(),
        }
    }
}

#[cfg(test)]
mod unit {
    use proptest::prelude::*;

    use super::*;

    fn texts(untold: &[(EntryId, Telling<'_>)]) -> Vec<String> {
        let told = untold.iter().map(|(_, telling)| match telling {
            Telling::Turn(sound) => format!("{} samples", sound.len()),
            Telling::Said(_, text) => (*text).to_owned(),
            Telling::Called(request, output) => format!("{} = {output}", request.name),
        });
        told.collect()
    }

    fn request(call: &str) -> ToolRequest {
        ToolRequest {
            call: call.into(),
            name: format!("tool_{call}"),
            arguments: "{}".into(),
        }
    }

    #[test]
    fn tools_stand_between_question_and_answer_and_what_is_open_is_not_told_in_advance() {
        let (user, assistant) = (domain::Role::User, domain::Role::Assistant);
        let mut history = History::default();
        history.append(&[0; 480]);
        history.commit();
        history.committed(&"item_1".into());
        history.called(request("a"));
        history.called(request("b"));
        history.answered(&"a".into(), "1");
        let nothing = HashSet::new();
        assert!(history.is_open());
        assert_eq!(
            texts(&history.untold(&nothing)),
            ["480 samples", "tool_a = 1"]
        );
        assert_eq!(texts(&history.settled(&nothing)), [""; 0]);
        // The answer is kept before the words of the question are known.
        history.answered(&"b".into(), "2");
        history.remember(2, assistant, "Yes.".into(), vec!["item_2".into()]);
        history.heard(&"item_1".into(), " Is it? ");
        history.remember(1, user, "Is it?".into(), vec!["item_1".into()]);
        assert!(!history.is_open());
        let all = ["Is it?", "tool_a = 1", "tool_b = 2", "Yes."];
        assert_eq!(texts(&history.settled(&nothing)), all);
    }

    #[test]
    fn only_the_results_of_the_newest_calls_are_told_when_they_are_long() {
        let mut history = History::default();
        for (call, size) in [("a", 10), ("b", 50_000), ("c", 20_000), ("d", 100_000)] {
            history.called(request(call));
            history.answered(&call.into(), &"x".repeat(size));
            let told = history.untold(&HashSet::new()).len();
            let expected = match call {
                "a" => 1,
                "b" => 2,
                // With the third the second is one too many, with the fourth the third.
                _ => 1,
            };
            assert_eq!(told, expected, "{call}");
        }
    }

    #[test]
    fn a_turn_of_the_providers_own_is_kept_until_it_is_said_to_be_none() {
        let mut history = History::default();
        history.append(&[0; 90_000]);
        history.trim();
        assert_eq!(history.input().len(), 24_000);
        history.append(&[0; 24_000]);
        history.committed_by_provider("turn".into());
        history.append(&[0; 480]);
        history.committed_by_provider("cough".into());
        history.heard(&"cough".into(), "Hm.");
        history.forget(&"cough".into());
        assert_eq!(texts(&history.untold(&HashSet::new())), ["48000 samples"]);
        history.heard(&"turn".into(), "Hello.");
        history.remember(1, domain::Role::User, "Hello.".into(), vec!["turn".into()]);
        // What the call keeps stays.
        history.forget(&"turn".into());
        assert_eq!(texts(&history.untold(&HashSet::new())), ["Hello."]);
    }

    proptest! {
        /// Whatever is lost and when, a new session is told every turn once and in order.
        #[test]
        fn every_turn_is_told_once_and_in_order(
            turns in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 1..40),
        ) {
            let mut history = History::default();
            let mut expected = Vec::new();
            for (index, (by_caller, late, lost)) in turns.into_iter().enumerate() {
                let position = index as u32 + 1;
                let (text, item) = (format!("turn {position}"), ItemId::from(format!("i{position}")));
                let role = if by_caller { domain::Role::User } else { domain::Role::Assistant };
                if by_caller {
                    history.append(&[0; 240]);
                    history.commit();
                    history.committed(&item);
                    if !late {
                        history.heard(&item, &text);
                    }
                }
                let item = if lost && by_caller && late {
                    // It is committed again, in another session.
                    history.session_lost();
                    let again = ItemId::from(format!("again{position}"));
                    history.committed(&again);
                    again
                } else {
                    item
                };
                history.remember(position, role, text.clone(), vec![item]);
                expected.push(text);
            }
            prop_assert_eq!(texts(&history.untold(&HashSet::new())), expected);
            prop_assert!(!history.is_open());
        }
    }
}
