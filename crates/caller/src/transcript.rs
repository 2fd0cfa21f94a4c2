//! What was said, as the room's text streams tell it.

use std::collections::HashMap;

use livekit_rtc::{Event, Identity, StreamId};

const TOPIC: &str = "lk.transcription";
const SEGMENT: &str = "lk.segment_id";
const FINAL: &str = "lk.transcription_final";

/// The segments of a call in the order in which they were first seen.
#[derive(Debug)]
pub(crate) struct Transcript {
    caller: Identity,
    streams: HashMap<StreamId, (usize, String)>,
    segments: Vec<Segment>,
}

/// One utterance.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    id: String,
    /// Whether the caller said it, or else the assistant.
    pub(crate) by_caller: bool,
    pub(crate) text: String,
    pub(crate) is_final: bool,
}

impl Transcript {
    /// An empty transcript of a call that `caller` makes.
    pub(crate) fn new(caller: Identity) -> Self {
        Self {
            caller,
            streams: HashMap::new(),
            segments: Vec::new(),
        }
    }

    /// All segments so far.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Takes over what an event says of the transcript.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::TextStreamOpened(stream) if stream.topic == TOPIC => {
                let id = stream
                    .attributes
                    .get(SEGMENT)
                    .map_or(stream.id.as_str(), String::as_str);
                let index = self.segment(id, stream.sender == self.caller);
                self.streams
                    .insert(stream.id.clone(), (index, String::new()));
            }
            Event::TextStreamChunk { id, text } => {
                if let Some((index, so_far)) = self.streams.get_mut(id) {
                    so_far.push_str(text);
                    self.segments[*index].text.clone_from(so_far);
                }
            }
            Event::TextStreamClosed(stream) => {
                if let Some((index, text)) = self.streams.remove(&stream.id) {
                    let segment = &mut self.segments[index];
                    segment.text = text;
                    segment.is_final |= stream
                        .attributes
                        .get(FINAL)
                        .is_some_and(|value| value == "true");
                }
            }
            _ => {}
        }
    }

    fn segment(&mut self, id: &str, by_caller: bool) -> usize {
        if let Some(index) = self.segments.iter().position(|segment| segment.id == id) {
            return index;
        }
        let id = id.to_owned();
        self.segments.push(Segment {
            id,
            by_caller,
            text: String::new(),
            is_final: false,
        });
        self.segments.len() - 1
    }
}

/// The texts of one side, joined.
pub(crate) fn text(segments: &[Segment], by_caller: bool) -> String {
    let texts: Vec<_> = segments
        .iter()
        .filter(|segment| segment.by_caller == by_caller && !segment.text.trim().is_empty())
        .map(|segment| segment.text.trim())
        .collect();
    texts.join(" ")
}
