//! Streams as whole messages, for those who do not need them piece by piece.

use std::collections::HashMap;

use crate::{Attributes, ByteStreamOpened, Event, StreamId, TextStreamOpened};

/// A text stream that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMessage {
    /// Its header.
    pub header: TextStreamOpened,
    /// Its text, cut at the collector's limit.
    pub text: String,
    /// Attributes of the header, overlaid with those of the trailer.
    pub attributes: Attributes,
    /// Whether this is all of it.
    pub complete: bool,
}

/// Makes whole messages of the pieces that [`Event`]s bring.
#[derive(Debug)]
pub struct TextCollector {
    max_bytes: usize,
    open: HashMap<StreamId, (TextStreamOpened, String, bool)>,
}

impl TextCollector {
    /// A collector that keeps at most `max_bytes` of each message.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            open: HashMap::new(),
        }
    }

    /// Takes an event and gives the message that it completes, if it does.
    ///
    /// Must see all events, to learn of the end of what it keeps.
    pub fn take(&mut self, event: &Event) -> Option<TextMessage> {
        match event {
            Event::TextStreamOpened(header) => {
                let entry = (header.clone(), String::new(), true);
                self.open.insert(header.id.clone(), entry);
                None
            }
            Event::TextStreamChunk { id, text } => {
                let (_, kept, fits) = self.open.get_mut(id)?;
                // What comes after a cut would not join up with what is kept.
                let room = if *fits {
                    self.max_bytes - kept.len()
                } else {
                    0
                };
                kept.push_str(&text[..text.floor_char_boundary(room)]);
                *fits &= text.len() <= room;
                None
            }
            Event::TextStreamClosed(closed) => {
                let (header, text, fits) = self.open.remove(&closed.id)?;
                let attributes = closed.attributes.clone();
                Some(TextMessage {
                    header,
                    text,
                    attributes,
                    complete: closed.complete && fits,
                })
            }
            Event::Lagged { .. } | Event::Disconnected { .. } => {
                // The end of an open stream may be among what was missed.
                self.open.clear();
                None
            }
            _ => None,
        }
    }
}

/// A byte stream that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteMessage {
    /// Its header.
    pub header: ByteStreamOpened,
    /// Its content; nothing when it is more than the collector takes.
    pub content: Vec<u8>,
    /// Whether this is all of it.
    pub complete: bool,
}

/// Makes whole messages of the byte streams of one topic.
#[derive(Debug)]
pub struct ByteCollector {
    topic: String,
    max_bytes: usize,
    open: HashMap<StreamId, (ByteStreamOpened, Vec<u8>, bool)>,
}

impl ByteCollector {
    /// Streams that are collected at a time; others are left out.
    const MAX_OPEN: usize = 4;

    /// A collector of streams of this topic, of at most `max_bytes` each.
    pub fn new(topic: impl Into<String>, max_bytes: usize) -> Self {
        Self {
            topic: topic.into(),
            max_bytes,
            open: HashMap::new(),
        }
    }

    /// Takes an event and gives the message that it completes, if it does.
    ///
    /// Must see all events, to learn of the end of what it keeps.
    pub fn take(&mut self, event: &Event) -> Option<ByteMessage> {
        match event {
            Event::ByteStreamOpened(header) => {
                if header.topic == self.topic && self.open.len() < Self::MAX_OPEN {
                    let entry = (header.clone(), Vec::new(), true);
                    self.open.insert(header.id.clone(), entry);
                }
                None
            }
            Event::ByteStreamChunk { id, content } => {
                let (_, kept, fits) = self.open.get_mut(id)?;
                *fits &= kept.len() + content.len() <= self.max_bytes;
                if *fits {
                    kept.extend_from_slice(content);
                } else {
                    *kept = Vec::new();
                }
                None
            }
            Event::ByteStreamClosed(closed) => {
                let (header, content, fits) = self.open.remove(&closed.id)?;
                Some(ByteMessage {
                    header,
                    content,
                    complete: closed.complete && fits,
                })
            }
            Event::Lagged { .. } | Event::Disconnected { .. } => {
                // The end of an open stream may be among what was missed.
                self.open.clear();
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StreamClosed;

    fn collect(pieces: &[&str], max_bytes: usize) -> Option<TextMessage> {
        let mut collector = TextCollector::new(max_bytes);
        let id = StreamId::from("s");
        let header = TextStreamOpened {
            id: id.clone(),
            topic: "lk.chat".into(),
            sender: "ann".into(),
            attributes: Attributes::new(),
            timestamp_ms: 0,
        };
        assert_eq!(collector.take(&Event::TextStreamOpened(header)), None);
        for text in pieces {
            let text = (*text).to_owned();
            assert_eq!(
                collector.take(&Event::TextStreamChunk {
                    id: id.clone(),
                    text
                }),
                None
            );
        }
        let end = StreamClosed {
            id,
            attributes: Attributes::new(),
            complete: true,
        };
        collector.take(&Event::TextStreamClosed(end))
    }

    #[test]
    fn pieces_become_one_message() {
        let message = collect(&["hel", "lo"], 100).unwrap();
        assert_eq!((&*message.text, message.complete), ("hello", true));
    }

    #[test]
    fn a_message_beyond_the_limit_is_cut_and_incomplete() {
        let message = collect(&["zwölf", " Euro"], 3).unwrap();
        assert_eq!((&*message.text, message.complete), ("zw", false));
    }

    fn collect_bytes(topic: &str, pieces: &[&[u8]]) -> Option<ByteMessage> {
        let mut collector = ByteCollector::new("files", 4);
        let id = StreamId::from("s");
        let header = ByteStreamOpened {
            id: id.clone(),
            topic: topic.into(),
            sender: "ann".into(),
            name: String::new(),
            mime_type: String::new(),
            attributes: Attributes::new(),
            total_bytes: None,
            timestamp_ms: 0,
        };
        collector.take(&Event::ByteStreamOpened(header));
        for content in pieces {
            let (id, content) = (id.clone(), content.to_vec());
            collector.take(&Event::ByteStreamChunk { id, content });
        }
        let end = StreamClosed {
            id,
            attributes: Attributes::new(),
            complete: true,
        };
        collector.take(&Event::ByteStreamClosed(end))
    }

    #[test]
    fn bytes_of_its_topic_become_one_message_within_the_limit() {
        let told = |topic, pieces: &[&[u8]]| {
            collect_bytes(topic, pieces).map(|message| (message.content, message.complete))
        };
        assert_eq!(
            told("files", &[b"ab", b"cd"]),
            Some((b"abcd".to_vec(), true))
        );
        assert_eq!(
            told("files", &[b"abc", b"de", b"f"]),
            Some((Vec::new(), false))
        );
        assert_eq!(told("other", &[b"ab"]), None);
    }
}
