//! The conversation: its items, their order and their audio. Pure state.

use openai_realtime::{
    ContentPart, ErrorDetail, Item, ItemStatus, Message, Nullable, Role, audio, code,
};

use super::tokens::{self, Tokens};
use crate::dialogue::Turn;

/// More items than any call has; bounds memory.
const MAX_ITEMS: usize = 2_000;
/// Audio kept for `conversation.item.retrieve`: two minutes (5.8 MB), the oldest goes first.
const MAX_AUDIO: usize = 120 * audio::SAMPLE_RATE as usize;
/// The longest text of one item, in bytes.
const MAX_TEXT: usize = 256 * 1024;

/// A clause that was spoken.
#[derive(Debug)]
struct Span {
    text: String,
    samples: usize,
}

#[derive(Debug)]
struct Entry {
    item: Item,
    /// What was said in it, for as long as it is kept.
    audio: Vec<i16>,
    /// How long that is, kept or not, in samples.
    sound: usize,
    /// What we said in it, clause by clause.
    spans: Vec<Span>,
    /// After a truncation, the words that were heard. The protocol deletes the transcript, so
    /// only the context of responses has them.
    heard: Option<String>,
}

/// The items of one session.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    entries: Vec<Entry>,
}

impl Conversation {
    /// Adds an item that has an id, at the end or after `previous` (`root` is the front), and
    /// says which item is before it.
    pub(super) fn add(
        &mut self,
        item: Item,
        previous: Option<&str>,
    ) -> Result<Option<String>, ErrorDetail> {
        let id = item.id().unwrap_or_default();
        if self.position(id).is_some() {
            return Err(ErrorDetail::invalid(
                code::DUPLICATE_ITEM_ID,
                format!("An item with id '{id}' already exists in the conversation."),
            )
            .with_param("item.id"));
        }
        if self.entries.len() >= MAX_ITEMS || text_len(&item) > MAX_TEXT {
            return Err(ErrorDetail::invalid(
                code::INVALID_VALUE,
                format!("A conversation holds at most {MAX_ITEMS} items of {MAX_TEXT} bytes each."),
            )
            .with_param("item"));
        }
        let index = match previous {
            None => self.entries.len(),
            Some("root") => 0,
            Some(previous) => match self.position(previous) {
                Some(position) => position + 1,
                None => {
                    return Err(ErrorDetail::invalid(
                        code::CREATE_INVALID_PREVIOUS_ITEM,
                        format!("There is no item with id '{previous}' to insert after."),
                    )
                    .with_param("previous_item_id"));
                }
            },
        };
        let (item, audio) = without_audio(item);
        let sound = audio.len();
        self.entries.insert(
            index,
            Entry {
                item,
                audio,
                sound,
                spans: Vec::new(),
                heard: None,
            },
        );
        self.forget_old_audio();
        Ok(index.checked_sub(1).and_then(|before| self.id_at(before)))
    }

    /// The item before this one.
    pub(super) fn id_before(&self, id: &str) -> Option<String> {
        self.id_at(self.position(id)?.checked_sub(1)?)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Item> {
        Some(&self.entries[self.position(id)?].item)
    }

    /// What a response answers from, oldest first.
    pub(super) fn turns(&self) -> Vec<Turn> {
        self.entries.iter().filter_map(Entry::turn).collect()
    }

    /// One item of that.
    pub(super) fn turn(&self, id: &str) -> Option<Turn> {
        self.entries[self.position(id)?].turn()
    }

    /// What all of it costs to read.
    pub(super) fn tokens(&self) -> Tokens {
        self.entries.iter().map(Entry::tokens).sum()
    }

    /// The audio of a user's item, as far as it is kept.
    pub(super) fn audio(&self, id: &str) -> &[i16] {
        self.position(id)
            .map_or(&[], |position| &self.entries[position].audio)
    }

    /// The item with its audio, as far as that is kept.
    pub(super) fn retrieve(&self, id: &str) -> Result<Item, ErrorDetail> {
        let entry = &self.entries[self.existing(id, code::RETRIEVE_INVALID_ITEM_ID)?];
        let mut item = entry.item.clone();
        if let Item::Message(message) = &mut item
            && !entry.audio.is_empty()
        {
            let encoded = audio::encode(&entry.audio);
            for part in &mut message.content {
                if let ContentPart::InputAudio { audio, .. }
                | ContentPart::OutputAudio { audio, .. } = part
                {
                    *audio = Some(encoded);
                    break;
                }
            }
        }
        Ok(item)
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<(), ErrorDetail> {
        let position = self.existing(id, code::DELETE_INVALID_ITEM_ID)?;
        self.entries.remove(position);
        Ok(())
    }

    /// Cuts an assistant's audio to what was heard; words not heard leave the conversation.
    pub(super) fn truncate(
        &mut self,
        id: &str,
        content_index: u32,
        audio_end_ms: u64,
    ) -> Result<(), ErrorDetail> {
        let position = self.existing(id, code::TRUNCATE_INVALID_ITEM_ID)?;
        let entry = &mut self.entries[position];
        let spoken: usize = entry.spans.iter().map(|span| span.samples).sum();
        let is_spoken = spoken > 0 || entry.heard.is_some();
        let is_assistant =
            matches!(&entry.item, Item::Message(message) if message.role == Role::Assistant);
        if !is_assistant || !is_spoken {
            return Err(ErrorDetail::invalid(
                code::UNSUPPORTED_CONTENT_TYPE,
                "Only model output audio messages can be truncated.",
            )
            .with_param("item_id"));
        }
        if content_index != 0 {
            return Err(ErrorDetail::invalid(
                code::INVALID_VALUE,
                format!("There is no content part {content_index}; the audio is part 0."),
            )
            .with_param("content_index"));
        }
        let spoken_ms = audio::duration_ms(spoken);
        if audio_end_ms > spoken_ms {
            return Err(ErrorDetail::invalid(
                code::INVALID_VALUE,
                format!("Audio content of {spoken_ms}ms is already shorter than {audio_end_ms}ms."),
            )
            .with_param("audio_end_ms"));
        }
        entry.truncate((audio_end_ms * u64::from(audio::SAMPLE_RATE) / 1000) as usize);
        Ok(())
    }

    /// Fills in what the person said.
    pub(super) fn set_transcript(&mut self, id: &str, text: &str) {
        if let Some(position) = self.position(id)
            && let Item::Message(message) = &mut self.entries[position].item
        {
            for part in &mut message.content {
                if let ContentPart::InputAudio { transcript, .. } = part {
                    *transcript = Nullable::Value(text.to_owned());
                }
            }
        }
    }

    /// Keeps what the person said.
    pub(super) fn set_audio(&mut self, id: &str, wave: Vec<i16>) {
        if let Some(position) = self.position(id) {
            self.entries[position].sound = wave.len();
            self.entries[position].audio = wave;
            self.forget_old_audio();
        }
    }

    /// Keeps what we said.
    pub(super) fn spoke(&mut self, id: &str, text: &str, wave: &[i16]) {
        let Some(position) = self.position(id) else {
            return;
        };
        let entry = &mut self.entries[position];
        if entry.heard.is_some() {
            return;
        }
        entry.sound += wave.len();
        entry.spans.push(Span {
            text: text.to_owned(),
            samples: wave.len(),
        });
        entry.audio.extend_from_slice(wave);
        self.forget_old_audio();
    }

    /// Puts the final form of an item in its place; words already truncated stay out.
    pub(super) fn finish(&mut self, item: Item) {
        let Some(position) = item.id().and_then(|id| self.position(id)) else {
            return;
        };
        let entry = &mut self.entries[position];
        if entry.heard.is_some() {
            entry.item = entry.item.clone().with_status(ItemStatus::Incomplete);
        } else {
            entry.item = item;
        }
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.item.id() == Some(id))
    }

    fn existing(&self, id: &str, code: &str) -> Result<usize, ErrorDetail> {
        self.position(id).ok_or_else(|| {
            ErrorDetail::invalid(code, format!("There is no item with id '{id}'."))
                .with_param("item_id")
        })
    }

    fn id_at(&self, index: usize) -> Option<String> {
        self.entries.get(index)?.item.id().map(str::to_owned)
    }

    fn forget_old_audio(&mut self) {
        let mut kept: usize = self.entries.iter().map(|entry| entry.audio.len()).sum();
        for entry in &mut self.entries {
            if kept <= MAX_AUDIO {
                return;
            }
            kept -= entry.audio.len();
            entry.audio = Vec::new();
        }
    }
}

impl Entry {
    fn truncate(&mut self, samples: usize) {
        self.audio.truncate(samples);
        self.sound = samples;
        let mut left = samples;
        let mut heard = String::new();
        for span in &mut self.spans {
            let of_it = span.samples.min(left);
            let words = heard_words(&span.text, of_it, span.samples).len();
            span.text.truncate(words);
            heard.push_str(&span.text);
            span.samples = of_it;
            left -= of_it;
        }
        self.spans.retain(|span| span.samples > 0);
        self.heard = Some(heard.trim_end().to_owned());
        if let Item::Message(message) = &mut self.item {
            message.content = vec![ContentPart::OutputAudio {
                audio: None,
                transcript: None,
            }];
        }
    }

    fn turn(&self) -> Option<Turn> {
        match &self.heard {
            Some(heard) => Some(Turn::Assistant(heard.clone())),
            None => turn(&self.item),
        }
    }

    fn tokens(&self) -> Tokens {
        let is_users = matches!(&self.item, Item::Message(message) if message.role == Role::User);
        match self.sound {
            0 => Tokens::text(text_len(&self.item)),
            sound if is_users => Tokens::audio(tokens::of_heard(sound)),
            sound => Tokens::audio(tokens::of_spoken(sound)),
        }
    }
}

/// The words of a clause of which so much was heard; a word half heard does not count.
pub(super) fn heard_words(text: &str, heard: usize, all: usize) -> &str {
    if heard >= all {
        return text;
    }
    let limit = text.len() * heard / all.max(1);
    let end = text
        .char_indices()
        .filter(|(index, letter)| letter.is_whitespace() && *index <= limit)
        .map(|(index, _)| index)
        .next_back()
        .unwrap_or(0);
    &text[..end]
}

/// A client may hand in audio; it is kept beside the item, as ours is.
fn without_audio(mut item: Item) -> (Item, Vec<i16>) {
    let kept = sound(&item);
    if let Item::Message(message) = &mut item {
        for part in &mut message.content {
            match part {
                ContentPart::InputAudio { audio, transcript } => {
                    *audio = None;
                    if transcript.is_absent() {
                        *transcript = Nullable::Null;
                    }
                }
                ContentPart::OutputAudio { audio, .. } => *audio = None,
                _ => {}
            }
        }
    }
    (item, kept)
}

/// The audio in an item that a client sent.
pub(super) fn sound(item: &Item) -> Vec<i16> {
    let Item::Message(message) = item else {
        return Vec::new();
    };
    let text = message.content.iter().find_map(|part| match part {
        ContentPart::InputAudio { audio, .. } | ContentPart::OutputAudio { audio, .. } => {
            audio.as_deref()
        }
        _ => None,
    });
    // It was checked when the event came in.
    text.map(|text| audio::decode(text).unwrap_or_default())
        .unwrap_or_default()
}

/// The bytes of text in an item.
pub(super) fn text_len(item: &Item) -> usize {
    match item {
        Item::Message(message) => message
            .content
            .iter()
            .filter_map(ContentPart::words)
            .map(str::len)
            .sum(),
        Item::FunctionCall(call) => call.arguments.len() + call.name.len(),
        Item::FunctionCallOutput(output) => output.output.len(),
        Item::ItemReference(_) | Item::Unknown => 0,
    }
}

/// An item as the dialogue sees it.
pub(super) fn turn(item: &Item) -> Option<Turn> {
    match item {
        Item::Message(message) => Some(said(message)),
        Item::FunctionCall(call) => Some(Turn::Call {
            call_id: call.call_id.clone().unwrap_or_default(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        }),
        Item::FunctionCallOutput(output) => Some(Turn::Output {
            call_id: output.call_id.clone(),
            output: output.output.clone(),
        }),
        Item::ItemReference(_) | Item::Unknown => None,
    }
}

fn said(message: &Message) -> Turn {
    let words = message.words();
    match message.role {
        Role::User => Turn::User(words),
        Role::Assistant => Turn::Assistant(words),
        Role::System => Turn::System(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(ids: &[&str]) -> Conversation {
        let mut conversation = Conversation::default();
        for id in ids {
            conversation
                .add(Item::text(Role::User, *id).with_id(*id), None)
                .unwrap();
        }
        conversation
    }

    fn ids(conversation: &Conversation) -> Vec<&str> {
        let entries = conversation.entries.iter();
        entries.filter_map(|entry| entry.item.id()).collect()
    }

    #[test]
    fn items_go_where_the_client_says() {
        let mut conversation = conversation(&["a", "b"]);
        let mut add = |id: &str, previous: Option<&str>| {
            conversation.add(Item::text(Role::User, "x").with_id(id), previous)
        };
        assert_eq!(add("front", Some("root")).unwrap(), None);
        assert_eq!(add("middle", Some("a")).unwrap().as_deref(), Some("a"));
        assert_eq!(add("end", None).unwrap().as_deref(), Some("b"));
        let code = |outcome: Result<_, ErrorDetail>| outcome.unwrap_err().code.unwrap();
        assert_eq!(code(add("a", None)), code::DUPLICATE_ITEM_ID);
        assert_eq!(
            code(add("c", Some("nowhere"))),
            code::CREATE_INVALID_PREVIOUS_ITEM
        );
        assert_eq!(ids(&conversation), ["front", "a", "middle", "b", "end"]);
    }

    #[test]
    fn truncation_keeps_what_was_heard_and_refuses_what_was_never_said() {
        let mut conversation = conversation(&["user"]);
        let message = Message::new(Role::Assistant, Vec::new());
        conversation
            .add(Item::Message(message).with_id("a"), None)
            .unwrap();
        let refused = |conversation: &mut Conversation, id, at| {
            conversation.truncate(id, 0, at).unwrap_err().code.unwrap()
        };
        assert_eq!(
            refused(&mut conversation, "a", 0),
            code::UNSUPPORTED_CONTENT_TYPE
        );
        conversation.spoke("a", "One two three four. ", &[0; 24_000]);
        conversation.spoke("a", "Five six.", &[0; 12_000]);
        assert_eq!(refused(&mut conversation, "a", 1_501), code::INVALID_VALUE);
        assert_eq!(
            refused(&mut conversation, "user", 0),
            code::UNSUPPORTED_CONTENT_TYPE
        );
        assert_eq!(
            refused(&mut conversation, "gone", 0),
            code::TRUNCATE_INVALID_ITEM_ID
        );
        for (at, heard) in [
            (1_500, "One two three four. Five six."),
            (1_300, "One two three four. Five"),
            (1_000, "One two three four."),
            (500, "One two"),
            (0, ""),
        ] {
            conversation.truncate("a", 0, at).unwrap();
            assert_eq!(conversation.turn("a"), Some(Turn::Assistant(heard.into())));
        }
        let Some(Item::Message(message)) = conversation.get("a") else {
            panic!()
        };
        assert_eq!(message.words(), "", "the protocol deletes the transcript");
        // What the response says afterwards brings nothing unheard back.
        let full = Item::text(Role::Assistant, "One two three four. Five six.").with_id("a");
        conversation.finish(full);
        conversation.spoke("a", "Seven.", &[0; 12_000]);
        assert_eq!(conversation.turn("a"), Some(Turn::Assistant(String::new())));
    }

    #[test]
    fn old_audio_is_forgotten_and_items_are_not() {
        let mut conversation = conversation(&["a", "b"]);
        for id in ["a", "b"] {
            conversation.set_audio(id, vec![0; MAX_AUDIO * 2 / 3]);
        }
        assert!(conversation.entries[0].audio.is_empty());
        assert!(!conversation.entries[1].audio.is_empty());
        assert_eq!(ids(&conversation), ["a", "b"]);
    }
}
