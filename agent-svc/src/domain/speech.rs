//! What the assistant says: one speech at a time, others in a queue by priority.

use std::collections::VecDeque;

use super::transcript::heard;
use super::{ItemId, Line, Moment, Output, Samples, SegmentId, SpeechId, Ticket};

/// Something the assistant says.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) id: SpeechId,
    pub(super) segment: SegmentId,
    pub(super) kind: Kind,
    parts: Vec<Part>,
    /// Sound that was not handed to the playout yet.
    backlog: VecDeque<Vec<i16>>,
    received: Samples,
    /// Whether the playout knows that no more comes.
    pub(super) finish_sent: bool,
    /// No more sound comes.
    pub(super) complete: bool,
    /// And what came is not all that its words would sound.
    broke_off: bool,
    /// What was played.
    pub(super) played: Samples,
    /// What of that had reached the caller by then.
    reached: Samples,
    /// First sound played, and the place of the turn that it made.
    pub(super) started: Option<(Moment, u32)>,
    /// What of the sentences that never change it is.
    line: Option<Line>,
    /// Whether the dedicated voice was asked, where it is needed.
    synthesis: Synthesis,
    shown: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Synthesis {
    NotNeeded,
    Wanted,
    Asked,
}

/// Why something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first words of the call.
    Greeting,
    /// A text from outside.
    Say,
    /// Asks a caller who has been silent whether they are there.
    Prompt,
    /// Says that the call will have to end.
    Warning,
    /// An answer of the model.
    Reply(Ticket),
    /// Bridges a wait.
    Filler,
    /// Something went wrong, or the call ends.
    Notice,
}

impl Kind {
    /// Whether the caller may cut it short.
    pub(super) fn is_interruptible(self) -> bool {
        !matches!(self, Self::Notice | Self::Warning)
    }

    /// Whether it is part of the conversation, not about nobody saying anything or for how long.
    pub(super) fn breaks_silence(self) -> bool {
        !matches!(self, Self::Prompt | Self::Warning)
    }
}

/// The sound and the words of one item.
#[derive(Debug)]
struct Part {
    item: Option<ItemId>,
    received: Samples,
    text: String,
}

/// What is to be done to an item of which not everything was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Truncate(ItemId, u64),
    Delete(ItemId),
}

impl Speech {
    fn new(id: SpeechId, segment: SegmentId, kind: Kind, text: Option<String>) -> Self {
        let synthesis = match text {
            Some(_) => Synthesis::Wanted,
            None => Synthesis::NotNeeded,
        };
        let parts = text.map(|text| Part {
            item: None,
            received: Samples::default(),
            text,
        });
        Self {
            id,
            segment,
            kind,
            parts: parts.into_iter().collect(),
            backlog: VecDeque::new(),
            received: Samples::default(),
            finish_sent: false,
            complete: false,
            broke_off: false,
            played: Samples::default(),
            reached: Samples::default(),
            started: None,
            line: None,
            synthesis,
            shown: String::new(),
        }
    }

    /// Takes more sound. Sound for an item that another has followed has no place any more.
    pub(super) fn push_audio(&mut self, item: Option<ItemId>, audio: Vec<i16>) {
        let length = Samples::of(&audio);
        if self.complete || length == Samples::default() {
            return;
        }
        let last = self.parts.len().saturating_sub(1);
        let index = self.part(item);
        if index < last
            && self.parts[index + 1..]
                .iter()
                .any(|part| part.received.0 > 0)
        {
            return;
        }
        self.parts[index].received += length;
        self.received += length;
        self.backlog.push_back(audio);
    }

    /// Takes more words.
    pub(super) fn push_text(&mut self, item: Option<ItemId>, delta: &str) {
        let index = self.part(item);
        self.parts[index].text.push_str(delta);
    }

    fn part(&mut self, item: Option<ItemId>) -> usize {
        if let Some(index) = self.parts.iter().position(|part| part.item == item) {
            return index;
        }
        self.parts.push(Part {
            item,
            received: Samples::default(),
            text: String::new(),
        });
        self.parts.len() - 1
    }

    /// The sound that is to be played next.
    pub(super) fn take_backlog(&mut self) -> impl Iterator<Item = Vec<i16>> + '_ {
        self.backlog.drain(..)
    }

    /// So much was played, of which the last is still on its way. No report may claim more than was
    /// given to be played.
    pub(super) fn played(&mut self, played: Samples, on_its_way: Samples) {
        self.played = self.played.max(played.min(self.received));
        self.reached = self.reached.max(self.played - on_its_way);
    }

    /// No more sound comes, however many words it has.
    pub(super) fn break_off(&mut self) {
        self.broke_off |= !self.complete;
        self.complete = true;
    }

    /// Whether the caller heard anything of it.
    pub(super) fn was_heard(&self) -> bool {
        self.reached.0 > 0
    }

    pub(super) fn has_sound(&self) -> bool {
        self.received.0 > 0
    }

    /// How much of what is there has not been played.
    pub(super) fn remaining(&self) -> Samples {
        self.received - self.played
    }

    pub(super) fn received(&self) -> Samples {
        self.received
    }

    /// All the words it has so far, heard or not.
    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.parts.iter().map(|part| part.text.as_str()).collect();
        texts.join(" ")
    }

    /// The words that were heard so far: never fewer than were shown.
    pub(super) fn heard(&self) -> String {
        let mut words = String::new();
        let mut before = Samples::default();
        for (index, part) in self.parts.iter().enumerate() {
            let is_whole = self.complete && !self.broke_off;
            let ended = is_whole || self.parts[index + 1..].iter().any(|p| p.received.0 > 0);
            let played = self.reached.saturating_sub(before).min(part.received);
            let text = heard(&part.text, played, part.received, ended);
            if !words.is_empty() && !text.is_empty() && !words.ends_with(char::is_whitespace) {
                words.push(' ');
            }
            words.push_str(text);
            before += part.received;
        }
        if words.len() < self.shown.len() {
            return self.shown.clone();
        }
        words
    }

    /// The words heard so far, if they are more than at the last time.
    pub(super) fn newly_heard(&mut self) -> Option<String> {
        let words = self.heard();
        (words.len() > self.shown.len()).then(|| {
            self.shown.clone_from(&words);
            words
        })
    }

    /// What must be done so that the provider's history holds what was heard and no more.
    pub(super) fn cuts(&self) -> Vec<Cut> {
        let mut before = Samples::default();
        let mut cuts = Vec::new();
        for part in &self.parts {
            let played = self.reached.saturating_sub(before).min(part.received);
            before += part.received;
            let Some(item) = part.item.clone() else {
                continue;
            };
            let limit = part.received.as_millis();
            match played.as_millis() {
                0 => cuts.push(Cut::Delete(item)),
                millis if millis < limit || !self.complete => {
                    cuts.push(Cut::Truncate(item, millis.min(limit)));
                }
                _ => {}
            }
        }
        cuts
    }

    /// The provider's items that it is made of.
    pub(super) fn items(&self) -> Vec<ItemId> {
        let items = self.parts.iter().filter_map(|part| part.item.clone());
        items.collect()
    }

    fn priority(&self) -> u8 {
        match self.kind {
            Kind::Notice => 3,
            Kind::Filler => 2,
            Kind::Greeting | Kind::Say | Kind::Prompt | Kind::Reply(_) => 1,
            // No answer waits for it.
            Kind::Warning => 0,
        }
    }
}

/// The speech that is played, and those that wait.
#[derive(Debug, Default)]
pub(super) struct SpeechQueue {
    pub(super) current: Option<Speech>,
    waiting: VecDeque<Speech>,
    last_id: u32,
}

impl SpeechQueue {
    /// Adds a speech behind those of at least its priority. A text is for the dedicated voice;
    /// without one the sound comes from the model.
    pub(super) fn push(&mut self, kind: Kind, segment: SegmentId, text: Option<String>) {
        let speech = Speech::new(self.next_id(), segment, kind, text);
        self.insert(speech);
    }

    /// The same with a sentence that never changes.
    pub(super) fn push_line(&mut self, kind: Kind, segment: SegmentId, line: Line) {
        let text = Some(line.text().to_owned());
        let mut speech = Speech::new(self.next_id(), segment, kind, text);
        speech.line = Some(line);
        self.insert(speech);
    }

    fn next_id(&mut self) -> SpeechId {
        self.last_id += 1;
        SpeechId(self.last_id)
    }

    fn insert(&mut self, speech: Speech) {
        let place = self
            .waiting
            .iter()
            .position(|other| other.priority() < speech.priority())
            .unwrap_or(self.waiting.len());
        self.waiting.insert(place, speech);
    }

    /// Makes the next speech the current one if there is none and the next can be heard.
    /// `notices_only` keeps everything else waiting. Says whether there is a new one.
    pub(super) fn start_next(&mut self, notices_only: bool) -> bool {
        // A speech that ended without a sound is no speech.
        self.waiting
            .retain(|speech| !speech.complete || speech.has_sound());
        if self.current.is_some() {
            return false;
        }
        let can_start = self.waiting.front().is_some_and(|speech| {
            speech.has_sound() && (!notices_only || speech.kind == Kind::Notice)
        });
        if can_start {
            self.current = self.waiting.pop_front();
        }
        can_start
    }

    /// Asks for the sound of the speech that comes next, so that it is there in time and no more
    /// than one waits in memory.
    pub(super) fn synthesise_next(&mut self) -> Option<Output> {
        let next = self.waiting.front_mut()?;
        if next.synthesis != Synthesis::Wanted {
            return None;
        }
        next.synthesis = Synthesis::Asked;
        let text = next.parts.first().map(|part| part.text.clone())?;
        Some(Output::Synthesise {
            speech: next.id,
            text,
            line: next.line,
        })
    }

    pub(super) fn get_mut(&mut self, id: SpeechId) -> Option<&mut Speech> {
        self.current
            .iter_mut()
            .chain(self.waiting.iter_mut())
            .find(|speech| speech.id == id)
    }

    pub(super) fn reply_mut(&mut self, ticket: Ticket) -> Option<&mut Speech> {
        self.current
            .iter_mut()
            .chain(self.waiting.iter_mut())
            .find(|speech| speech.kind == Kind::Reply(ticket))
    }

    /// Takes the waiting speeches that an interruption makes pointless.
    pub(super) fn take_interrupted(&mut self) -> Vec<Speech> {
        let (dropped, kept) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|speech| {
                matches!(speech.kind, Kind::Reply(_) | Kind::Filler | Kind::Prompt)
            });
        self.waiting = kept;
        Vec::from_iter::<VecDeque<_>>(dropped)
    }

    /// Takes a reply of which nothing was played yet.
    pub(super) fn take_waiting_reply(&mut self, ticket: Ticket) -> Option<Speech> {
        let is_it = |speech: &Speech| speech.kind == Kind::Reply(ticket);
        let place = self.waiting.iter().position(is_it)?;
        self.waiting.remove(place)
    }

    /// Whether a reply waits of which nothing was heard yet.
    pub(super) fn has_waiting_reply(&self) -> bool {
        let is_reply =
            |speech: &Speech| matches!(speech.kind, Kind::Reply(_)) && speech.has_sound();
        self.waiting.iter().any(is_reply)
    }

    /// Drops everything that waits.
    pub(super) fn clear_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Texts that wait to be spoken.
    pub(super) fn queued_texts(&self) -> usize {
        self.waiting
            .iter()
            .filter(|speech| speech.kind == Kind::Say)
            .count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.current.is_none() && self.waiting.is_empty()
    }

    /// Whether anything can be heard now or at once.
    pub(super) fn has_sound(&self) -> bool {
        self.current.is_some() || self.waiting.front().is_some_and(Speech::has_sound)
    }
}
