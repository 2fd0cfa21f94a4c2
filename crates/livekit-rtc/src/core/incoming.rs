//! Streams that others write, text and bytes: a header, numbered chunks, a trailer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::data_stream::header::ContentHeader;
use proto::data_stream::{Chunk, CompressionType, Header, Trailer};

use crate::{
    Attributes, ByteStreamOpened, Event, Identity, StreamClosed, StreamId, TextStreamOpened,
};

/// Streams that may be open at a time; beyond it the oldest is given up.
const MAX_OPEN_STREAMS: usize = 256;
/// A stream of which nothing comes for so long is given up.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The streams that others write.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    streams: HashMap<StreamId, Stream>,
    opened: u64,
}

#[derive(Debug)]
struct Stream {
    /// Counts streams, to find the oldest.
    number: u64,
    sender: Identity,
    attributes: Attributes,
    kind: Kind,
    chunks: u64,
    bytes: u64,
    total_bytes: Option<u64>,
    /// When it is given up if nothing more comes.
    until: Instant,
}

#[derive(Debug)]
enum Kind {
    Text {
        /// The beginning of a character whose end has not come yet.
        partial: Vec<u8>,
    },
    Bytes,
}

impl Incoming {
    pub(super) fn header(
        &mut self,
        now: Instant,
        sender: &str,
        header: Header,
        events: &mut Vec<Event>,
    ) {
        // Nobody was told that we could read it.
        let is_compressed = header.compression() != CompressionType::None;
        let Some(content) = header.content_header.filter(|_| !is_compressed) else {
            return;
        };
        let (id, sender) = (StreamId::from(header.stream_id), Identity::from(sender));
        self.close(&id, false, None, events);
        if self.streams.len() >= MAX_OPEN_STREAMS {
            let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.number);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.close(&oldest, false, None, events);
            }
        }
        let (topic, attributes, timestamp_ms) =
            (header.topic, header.attributes.clone(), header.timestamp);
        let (kind, opened) = match content {
            ContentHeader::TextHeader(_) => {
                let partial = Vec::new();
                let opened = TextStreamOpened {
                    id: id.clone(),
                    topic,
                    sender: sender.clone(),
                    attributes,
                    timestamp_ms,
                };
                (Kind::Text { partial }, Event::TextStreamOpened(opened))
            }
            ContentHeader::ByteHeader(content) => {
                let opened = ByteStreamOpened {
                    id: id.clone(),
                    topic,
                    sender: sender.clone(),
                    name: content.name,
                    mime_type: header.mime_type,
                    attributes,
                    total_bytes: header.total_length,
                    timestamp_ms,
                };
                (Kind::Bytes, Event::ByteStreamOpened(opened))
            }
        };
        self.opened += 1;
        let stream = Stream {
            number: self.opened,
            sender,
            attributes: header.attributes,
            kind,
            chunks: 0,
            bytes: 0,
            total_bytes: header.total_length,
            until: now + MAX_PAUSE,
        };
        self.streams.insert(id, stream);
        events.push(opened);
    }

    pub(super) fn chunk(
        &mut self,
        now: Instant,
        sender: &str,
        chunk: Chunk,
        events: &mut Vec<Event>,
    ) {
        let id = StreamId::from(chunk.stream_id);
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        // One that came before comes again.
        if chunk.chunk_index < stream.chunks || !stream.is_of(sender) {
            return;
        }
        // The channel keeps the order, so a chunk that was passed over will not come.
        let in_order = chunk.chunk_index == stream.chunks;
        stream.chunks += 1;
        stream.until = now + MAX_PAUSE;
        match in_order
            .then(|| stream.append(&id, chunk.content))
            .flatten()
        {
            None => self.close(&id, false, None, events),
            Some(event) => events.extend(event),
        }
    }

    pub(super) fn trailer(&mut self, sender: &str, trailer: Trailer, events: &mut Vec<Event>) {
        let id = StreamId::from(trailer.stream_id);
        let is_theirs = |stream: &Stream| stream.is_of(sender);
        if self.streams.get(&id).is_some_and(is_theirs) {
            let complete = trailer.reason.is_empty();
            self.close(&id, complete, Some(trailer.attributes), events);
        }
    }

    /// Gives up the streams of somebody who has left.
    pub(super) fn sender_left(&mut self, sender: &Identity, events: &mut Vec<Event>) {
        self.close_where(|stream| stream.sender == *sender, events);
    }

    /// Gives up all streams.
    pub(super) fn connection_lost(&mut self, events: &mut Vec<Event>) {
        self.close_where(|_| true, events);
    }

    /// Gives up the streams of which nothing came for too long.
    pub(super) fn expire(&mut self, now: Instant, events: &mut Vec<Event>) {
        self.close_where(|stream| now >= stream.until, events);
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.streams.values().map(|stream| stream.until).min()
    }

    fn close_where(&mut self, matches: impl Fn(&Stream) -> bool, events: &mut Vec<Event>) {
        let found = self.streams.iter().filter(|(_, stream)| matches(stream));
        let mut found: Vec<_> = found
            .map(|(id, stream)| (stream.number, id.clone()))
            .collect();
        found.sort_unstable_by_key(|(number, _)| *number);
        for (_, id) in found {
            self.close(&id, false, None, events);
        }
    }

    fn close(
        &mut self,
        id: &StreamId,
        complete: bool,
        trailer: Option<Attributes>,
        events: &mut Vec<Event>,
    ) {
        let Some(stream) = self.streams.remove(id) else {
            return;
        };
        let is_whole = stream.total_bytes.is_none_or(|total| total == stream.bytes);
        let mut attributes = stream.attributes;
        attributes.extend(trailer.unwrap_or_default());
        let closed = |complete| StreamClosed {
            id: id.clone(),
            attributes,
            complete,
        };
        events.push(match stream.kind {
            Kind::Text { partial } => {
                let complete = complete && is_whole && partial.is_empty();
                Event::TextStreamClosed(closed(complete))
            }
            Kind::Bytes => Event::ByteStreamClosed(closed(complete && is_whole)),
        });
    }
}

impl Stream {
    /// Whether a packet of this sender can belong to it. An agent may write text in somebody's name,
    /// which only the header then bears.
    fn is_of(&self, sender: &str) -> bool {
        match self.kind {
            Kind::Text { .. } => true,
            Kind::Bytes => self.sender.as_str() == sender,
        }
    }

    /// What is new by this content; `None` when it breaks the stream.
    fn append(&mut self, id: &StreamId, content: Vec<u8>) -> Option<Option<Event>> {
        self.bytes += content.len() as u64;
        if self.total_bytes.is_some_and(|total| self.bytes > total) {
            return None;
        }
        let id = id.clone();
        let event = match &mut self.kind {
            Kind::Text { partial } => {
                let text = whole_characters(partial, &content)?;
                (!text.is_empty()).then_some(Event::TextStreamChunk { id, text })
            }
            Kind::Bytes => (!content.is_empty()).then_some(Event::ByteStreamChunk { id, content }),
        };
        Some(event)
    }
}

/// The characters that are whole now; `None` when this is not text.
fn whole_characters(partial: &mut Vec<u8>, content: &[u8]) -> Option<String> {
    partial.extend_from_slice(content);
    let whole = match std::str::from_utf8(partial) {
        Ok(_) => partial.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return None,
    };
    let rest = partial.split_off(whole);
    String::from_utf8(std::mem::replace(partial, rest)).ok()
}

#[cfg(test)]
mod tests {
    use livekit_protocol::data_packet::Value;

    use super::super::outgoing::{CHUNK_BYTES, Outgoing};
    use super::*;
    use crate::TextOptions;

    fn outgoing(id: &str) -> Outgoing {
        Outgoing::new(id.into(), TextOptions::default())
    }

    fn feed(incoming: &mut Incoming, packet: proto::DataPacket) -> Vec<Event> {
        let mut events = Vec::new();
        let (now, sender) = (Instant::now(), "sender");
        match packet.value {
            Some(Value::StreamHeader(header)) => incoming.header(now, sender, header, &mut events),
            Some(Value::StreamChunk(chunk)) => incoming.chunk(now, sender, chunk, &mut events),
            Some(Value::StreamTrailer(trailer)) => incoming.trailer(sender, trailer, &mut events),
            other => panic!("unexpected {other:?}"),
        }
        events
    }

    fn ends(events: &[Event]) -> Vec<(&str, bool)> {
        events
            .iter()
            .filter_map(|event| match event {
                Event::TextStreamClosed(closed) => Some((closed.id.as_str(), closed.complete)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn long_text_is_cut_between_characters_and_comes_out_whole() {
        let text = "für 0 €. ".repeat(8_000);
        let mut out = outgoing("s");
        let mut incoming = Incoming::default();
        feed(
            &mut incoming,
            out.header("t".into(), 0, Some(text.len() as u64)),
        );
        let mut received = String::new();
        let chunks = out.chunks(&text);
        assert!(chunks.len() > 5);
        for chunk in chunks {
            let Some(Value::StreamChunk(content)) = &chunk.value else {
                panic!()
            };
            assert!(content.content.len() <= CHUNK_BYTES);
            assert!(std::str::from_utf8(&content.content).is_ok());
            for event in feed(&mut incoming, chunk) {
                if let Event::TextStreamChunk { text, .. } = event {
                    received.push_str(&text);
                }
            }
        }
        let end = feed(&mut incoming, out.trailer(Attributes::new(), true));
        assert_eq!(ends(&end), [("s", true)]);
        assert_eq!(received, text);
    }

    #[test]
    fn characters_cut_by_others_are_joined() {
        let mut incoming = Incoming::default();
        feed(&mut incoming, outgoing("s").header("t".into(), 0, None));
        let mut texts = Vec::new();
        for (index, bytes) in "a€b".as_bytes().chunks(2).enumerate() {
            let chunk = Chunk {
                stream_id: "s".into(),
                chunk_index: index as u64,
                content: bytes.to_vec(),
                ..Chunk::default()
            };
            let mut events = Vec::new();
            incoming.chunk(Instant::now(), "sender", chunk, &mut events);
            for event in events {
                let Event::TextStreamChunk { text, .. } = event else {
                    panic!("{event:?}")
                };
                texts.push(text);
            }
        }
        assert_eq!(texts, ["a", "€", "b"]);
    }

    #[test]
    fn a_trailers_attributes_overlay_the_headers() {
        let mut incoming = Incoming::default();
        let attributes = [("a".into(), "1".into()), ("b".into(), "1".into())].into();
        let out = Outgoing::new(
            "s".into(),
            TextOptions {
                attributes,
                ..Default::default()
            },
        );
        feed(&mut incoming, out.header("t".into(), 0, None));
        let events = feed(
            &mut incoming,
            out.trailer([("b".into(), "2".into())].into(), true),
        );
        let Event::TextStreamClosed(closed) = &events[0] else {
            panic!()
        };
        let expected = [("a".into(), "1".into()), ("b".into(), "2".into())].into();
        assert_eq!((&closed.attributes, closed.complete), (&expected, true));
    }

    #[test]
    fn a_missing_chunk_ends_the_stream_as_incomplete() {
        let mut incoming = Incoming::default();
        let mut out = outgoing("s");
        feed(&mut incoming, out.header("t".into(), 0, None));
        out.chunks("lost");
        let events = feed(&mut incoming, out.chunks("comes").remove(0));
        assert_eq!(ends(&events), [("s", false)]);
        assert_eq!(
            feed(&mut incoming, out.trailer(Attributes::new(), true)),
            []
        );
    }

    #[test]
    fn text_shorter_than_announced_is_incomplete() {
        let mut incoming = Incoming::default();
        let out = outgoing("s");
        feed(&mut incoming, out.header("t".into(), 0, Some(5)));
        let events = feed(&mut incoming, out.trailer(Attributes::new(), true));
        assert_eq!(ends(&events), [("s", false)]);
    }

    #[test]
    fn streams_that_never_end_are_given_up_oldest_first() {
        let mut incoming = Incoming::default();
        for number in 0..MAX_OPEN_STREAMS {
            feed(
                &mut incoming,
                outgoing(&number.to_string()).header("t".into(), 0, None),
            );
        }
        let events = feed(
            &mut incoming,
            outgoing("one more").header("t".into(), 0, None),
        );
        assert_eq!(ends(&events), [("0", false)]);
    }

    /// What comes of these steps of a byte stream whose header says this length.
    fn bytes(total: Option<u64>, steps: &[(u64, &[u8])], end: Option<&str>) -> Vec<String> {
        let (start, mut incoming, mut events) = (Instant::now(), Incoming::default(), Vec::new());
        let header = Header {
            stream_id: "s".into(),
            topic: "t".into(),
            total_length: total,
            content_header: Some(ContentHeader::ByteHeader(proto::data_stream::ByteHeader {
                name: "n".into(),
            })),
            ..Header::default()
        };
        incoming.header(start, "ann", header, &mut events);
        for (index, content) in steps {
            let chunk = Chunk {
                stream_id: "s".into(),
                chunk_index: *index,
                content: content.to_vec(),
                ..Chunk::default()
            };
            // Somebody else cannot put something in between, or end it.
            let other = Chunk {
                content: b"!".to_vec(),
                ..chunk.clone()
            };
            incoming.chunk(start, "eve", other, &mut events);
            let trailer = Trailer {
                stream_id: "s".into(),
                ..Trailer::default()
            };
            incoming.trailer("eve", trailer, &mut events);
            incoming.chunk(start, "ann", chunk, &mut events);
        }
        match end {
            Some(reason) => {
                let trailer = Trailer {
                    stream_id: "s".into(),
                    reason: reason.into(),
                    ..Trailer::default()
                };
                incoming.trailer("ann", trailer, &mut events);
            }
            None => {
                incoming.expire(start + MAX_PAUSE - Duration::from_millis(1), &mut events);
                events.push(Event::Lagged { missed: 0 });
                if let Some(deadline) = incoming.next_deadline() {
                    incoming.expire(deadline, &mut events);
                }
            }
        }
        let told = events.into_iter().map(|event| match event {
            Event::ByteStreamOpened(opened) => format!("{} of {}", opened.name, opened.sender),
            Event::ByteStreamChunk { content, .. } => String::from_utf8(content).unwrap(),
            Event::ByteStreamClosed(closed) if closed.complete => "whole".into(),
            Event::ByteStreamClosed(_) => "not whole".into(),
            Event::Lagged { .. } => "a pause".into(),
            other => panic!("unexpected {other:?}"),
        });
        told.collect()
    }

    #[test]
    fn bytes_come_in_order_once_and_say_whether_they_are_whole() {
        let (first, second, third): ((u64, &[u8]), _, _) =
            ((0, b"ab"), (1, &b"cd"[..]), (2, &b"ef"[..]));
        let opened = "n of ann";
        for (total, steps, end, expected) in [
            (
                Some(4),
                vec![first, second],
                Some(""),
                vec!["ab", "cd", "whole"],
            ),
            (
                None,
                vec![first, first, second],
                Some(""),
                vec!["ab", "cd", "whole"],
            ),
            (
                None,
                vec![first, third, second],
                Some(""),
                vec!["ab", "not whole"],
            ),
            (
                Some(5),
                vec![first, second],
                Some(""),
                vec!["ab", "cd", "not whole"],
            ),
            (
                Some(3),
                vec![first, second],
                Some(""),
                vec!["ab", "not whole"],
            ),
            (None, vec![first], Some("error"), vec!["ab", "not whole"]),
            (None, vec![first], None, vec!["ab", "a pause", "not whole"]),
        ] {
            let mut told = bytes(total, &steps, end);
            assert_eq!(told.remove(0), opened);
            assert_eq!(told, expected, "{total:?} {steps:?} {end:?}");
        }
    }
}
