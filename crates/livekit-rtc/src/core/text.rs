//! Text streams on the wire: a header, numbered chunks, a trailer.

use std::collections::HashMap;

use livekit_protocol as proto;
use proto::data_packet::Value;
use proto::data_stream::header::ContentHeader;
use proto::data_stream::{Chunk, Header, OperationType, TextHeader, Trailer};

use crate::{
    Attributes, Event, Identity, StreamId, TextOptions, TextStreamClosed, TextStreamOpened,
};

/// Bytes of text in one chunk at most.
const CHUNK_BYTES: usize = 15_000;
/// Incoming streams that may be open at a time; beyond it the oldest is given up.
const MAX_OPEN_STREAMS: usize = 256;

/// A stream that we write.
#[derive(Debug)]
pub(super) struct Outgoing {
    id: StreamId,
    options: TextOptions,
    chunks: u64,
}

impl Outgoing {
    pub(super) fn new(id: StreamId, options: TextOptions) -> Self {
        Self {
            id,
            options,
            chunks: 0,
        }
    }

    pub(super) fn header(
        &self,
        topic: String,
        timestamp_ms: i64,
        total_bytes: Option<u64>,
    ) -> proto::DataPacket {
        self.packet(Value::StreamHeader(Header {
            stream_id: self.id.to_string(),
            timestamp: timestamp_ms,
            topic,
            mime_type: "text/plain".into(),
            total_length: total_bytes,
            attributes: self.options.attributes.clone(),
            content_header: Some(ContentHeader::TextHeader(TextHeader {
                operation_type: OperationType::Create.into(),
                ..TextHeader::default()
            })),
            ..Header::default()
        }))
    }

    pub(super) fn chunks(&mut self, text: &str) -> Vec<proto::DataPacket> {
        let pieces = split(text);
        let chunks = pieces.into_iter().map(|piece| {
            let index = self.chunks;
            self.chunks += 1;
            self.packet(Value::StreamChunk(Chunk {
                stream_id: self.id.to_string(),
                chunk_index: index,
                content: piece.as_bytes().to_vec(),
                ..Chunk::default()
            }))
        });
        chunks.collect()
    }

    pub(super) fn trailer(&self, attributes: Attributes, complete: bool) -> proto::DataPacket {
        self.packet(Value::StreamTrailer(Trailer {
            stream_id: self.id.to_string(),
            reason: if complete {
                String::new()
            } else {
                "interrupted".into()
            },
            attributes,
        }))
    }

    fn packet(&self, value: Value) -> proto::DataPacket {
        let sender = self.options.sender.as_ref();
        proto::DataPacket {
            participant_identity: sender.map(Identity::to_string).unwrap_or_default(),
            destination_identities: self
                .options
                .destinations
                .iter()
                .map(Identity::to_string)
                .collect(),
            value: Some(value),
            ..Default::default()
        }
    }
}

/// Cuts text into chunks, between characters.
fn split(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(CHUNK_BYTES));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

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
    chunks: u64,
    bytes: u64,
    total_bytes: Option<u64>,
    /// The beginning of a character whose end has not come yet.
    partial: Vec<u8>,
}

impl Incoming {
    pub(super) fn header(&mut self, sender: &str, header: Header, events: &mut Vec<Event>) {
        if !matches!(header.content_header, Some(ContentHeader::TextHeader(_))) {
            return;
        }
        let id = StreamId::from(header.stream_id);
        self.close(&id, false, None, events);
        if self.streams.len() >= MAX_OPEN_STREAMS {
            let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.number);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.close(&oldest, false, None, events);
            }
        }
        let sender = Identity::from(sender);
        self.opened += 1;
        let stream = Stream {
            number: self.opened,
            sender: sender.clone(),
            attributes: header.attributes.clone(),
            chunks: 0,
            bytes: 0,
            total_bytes: header.total_length,
            partial: Vec::new(),
        };
        self.streams.insert(id.clone(), stream);
        events.push(Event::TextStreamOpened(TextStreamOpened {
            id,
            topic: header.topic,
            sender,
            attributes: header.attributes,
            timestamp_ms: header.timestamp,
        }));
    }

    pub(super) fn chunk(&mut self, chunk: &Chunk, events: &mut Vec<Event>) {
        let id = StreamId::from(&*chunk.stream_id);
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if chunk.chunk_index < stream.chunks {
            return;
        }
        let in_order = chunk.chunk_index == stream.chunks;
        stream.chunks += 1;
        match in_order.then(|| stream.append(&chunk.content)).flatten() {
            None => self.close(&id, false, None, events),
            Some(text) if text.is_empty() => {}
            Some(text) => events.push(Event::TextStreamChunk { id, text }),
        }
    }

    pub(super) fn trailer(&mut self, trailer: Trailer, events: &mut Vec<Event>) {
        let complete = trailer.reason.is_empty();
        let id = StreamId::from(trailer.stream_id);
        self.close(&id, complete, Some(trailer.attributes), events);
    }

    /// Gives up the streams of somebody who has left.
    pub(super) fn sender_left(&mut self, sender: &Identity, events: &mut Vec<Event>) {
        self.close_where(|stream| stream.sender == *sender, events);
    }

    /// Gives up all streams.
    pub(super) fn connection_lost(&mut self, events: &mut Vec<Event>) {
        self.close_where(|_| true, events);
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
        let all = stream.partial.is_empty()
            && stream.total_bytes.is_none_or(|total| total == stream.bytes);
        let mut attributes = stream.attributes;
        attributes.extend(trailer.unwrap_or_default());
        let complete = complete && all;
        events.push(Event::TextStreamClosed(TextStreamClosed {
            id: id.clone(),
            attributes,
            complete,
        }));
    }
}

impl Stream {
    /// The characters that are whole now; `None` when this is not text.
    fn append(&mut self, content: &[u8]) -> Option<String> {
        self.bytes += content.len() as u64;
        self.partial.extend_from_slice(content);
        let whole = match std::str::from_utf8(&self.partial) {
            Ok(_) => self.partial.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return None,
        };
        let rest = self.partial.split_off(whole);
        String::from_utf8(std::mem::replace(&mut self.partial, rest)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(id: &str) -> Outgoing {
        Outgoing::new(id.into(), TextOptions::default())
    }

    fn feed(incoming: &mut Incoming, packet: proto::DataPacket) -> Vec<Event> {
        let mut events = Vec::new();
        match packet.value {
            Some(Value::StreamHeader(header)) => incoming.header("sender", header, &mut events),
            Some(Value::StreamChunk(chunk)) => incoming.chunk(&chunk, &mut events),
            Some(Value::StreamTrailer(trailer)) => incoming.trailer(trailer, &mut events),
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
            incoming.chunk(&chunk, &mut events);
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
}
