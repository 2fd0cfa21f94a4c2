//! Text streams that we write: a header, numbered chunks, a trailer.

use livekit_protocol as proto;
use proto::data_packet::Value;
use proto::data_stream::header::ContentHeader;
use proto::data_stream::{Chunk, Header, OperationType, TextHeader, Trailer};

use crate::{Attributes, Identity, StreamId, TextOptions};

/// Bytes of text in one chunk at most.
pub(super) const CHUNK_BYTES: usize = 15_000;

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
