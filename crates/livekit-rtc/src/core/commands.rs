//! What a participant is asked to do.

use std::time::Instant;

use livekit_protocol as proto;
use prost::Message as _;
use proto::data_packet::Value;
use proto::request_response::Reason;
use proto::signal_request::Message as ToServer;

use super::outbox::{self, Message};
use super::outgoing::Outgoing;
use super::session::Session;
use crate::participant::{Command, Reply, Request};
use crate::{
    Attributes, CommandError, DataOptions, Identity, StreamId, TextOptions, Transcription,
};

/// Bytes of a data packet's payload at most.
const MAX_PAYLOAD: usize = 15_000;
/// Bytes of one packet with everything around the payload: the largest message of SCTP peers.
const MAX_PACKET: usize = 60_000;
/// Text streams that may be open for writing.
const MAX_OUTGOING_STREAMS: usize = 256;
/// Changes of attributes the server may owe an answer for.
const MAX_METADATA_REQUESTS: usize = 64;

/// A change of our attributes that the server has not confirmed yet.
#[derive(Debug)]
pub(super) struct MetadataRequest {
    id: u32,
    attributes: Attributes,
    reply: Option<Reply>,
}

type Outcome = Result<(), CommandError>;

impl Session {
    pub(super) fn handle_request(&mut self, now: Instant, request: Request) {
        let Request { command, reply } = request;
        if reply.is_closed()
            && !matches!(
                command,
                Command::CloseText {
                    complete: false,
                    ..
                }
            )
        {
            // Whoever asked has stopped waiting.
            return;
        }
        match command {
            Command::SetAttributes(attributes) => self.set_attributes(attributes, reply),
            Command::SetMuted(muted) => respond(reply, self.set_muted(muted)),
            Command::PublishData { payload, options } => self.publish_data(payload, options, reply),
            Command::PublishTranscription(transcription) => {
                let packet = proto::DataPacket {
                    value: Some(Value::Transcription(to_wire(transcription))),
                    ..Default::default()
                };
                self.enqueue(&[packet], true, None, Some(reply));
            }
            Command::SendText {
                id,
                topic,
                text,
                options,
            } => {
                self.send_text(now, id, topic, &text, options, reply);
            }
            Command::OpenText { id, topic, options } => {
                self.open_text(now, id, topic, options, reply);
            }
            Command::WriteText { id, text } => match self.outgoing.get_mut(&id) {
                Some(stream) => {
                    let chunks = stream.chunks(&text);
                    self.enqueue(&chunks, true, Some(id), Some(reply));
                }
                None => respond(reply, Err(CommandError::StreamLost)),
            },
            Command::CloseText {
                id,
                attributes,
                complete,
            } => match self.outgoing.remove(&id) {
                Some(stream) => {
                    let trailer = stream.trailer(attributes, complete);
                    // Nobody waits for the end of a stream that was dropped.
                    self.enqueue(&[trailer], true, Some(id), complete.then_some(reply));
                }
                None => respond(reply, Err(CommandError::StreamLost)),
            },
            Command::PerformRpc {
                id,
                request,
                answer,
            } => {
                self.perform_rpc(now, id, request, answer, reply);
            }
            Command::RespondRpc { id, outcome } => self.respond_rpc(&id, outcome, reply),
            Command::Leave(reason) => {
                self.leave(reason);
                respond(reply, Ok(()));
            }
        }
    }

    fn set_muted(&mut self, muted: bool) -> Outcome {
        if self.options.publish.is_none() {
            return Err(CommandError::NoTrack);
        }
        self.media.muted = muted;
        // Without a connection the track is published muted or not when it comes back.
        if let Some(track) = &self.local.track {
            let sid = track.to_string();
            self.send(ToServer::Mute(proto::MuteTrackRequest { sid, muted }));
        }
        Ok(())
    }

    fn publish_data(&mut self, payload: Vec<u8>, options: DataOptions, reply: Reply) {
        if payload.len() > MAX_PAYLOAD {
            let error = CommandError::TooLarge {
                size: payload.len(),
                limit: MAX_PAYLOAD,
            };
            return respond(reply, Err(error));
        }
        let packet = proto::DataPacket {
            destination_identities: options
                .destinations
                .iter()
                .map(Identity::to_string)
                .collect(),
            value: Some(Value::User(proto::UserPacket {
                payload,
                topic: options.topic,
                ..Default::default()
            })),
            ..Default::default()
        };
        self.enqueue(&[packet], options.reliable, None, Some(reply));
    }

    fn send_text(
        &mut self,
        now: Instant,
        id: StreamId,
        topic: String,
        text: &str,
        options: TextOptions,
        reply: Reply,
    ) {
        let mut stream = Outgoing::new(id, options);
        let mut packets = vec![stream.header(topic, self.unix_ms(now), Some(text.len() as u64))];
        packets.extend(stream.chunks(text));
        packets.push(stream.trailer(Attributes::new(), true));
        self.enqueue(&packets, true, None, Some(reply));
    }

    fn open_text(
        &mut self,
        now: Instant,
        id: StreamId,
        topic: String,
        options: TextOptions,
        reply: Reply,
    ) {
        if self.outgoing.len() >= MAX_OUTGOING_STREAMS {
            return respond(reply, Err(CommandError::Backlogged));
        }
        let stream = Outgoing::new(id.clone(), options);
        let header = stream.header(topic, self.unix_ms(now), None);
        self.outgoing.insert(id.clone(), stream);
        self.enqueue(&[header], true, Some(id), Some(reply));
    }

    pub(super) fn enqueue(
        &mut self,
        packets: &[proto::DataPacket],
        reliable: bool,
        stream: Option<StreamId>,
        reply: Option<Reply>,
    ) {
        let packets: Vec<_> = packets
            .iter()
            .map(proto::DataPacket::encode_to_vec)
            .collect();
        let largest = packets.iter().map(Vec::len).max().unwrap_or_default();
        let total = packets.iter().map(Vec::len).sum::<usize>();
        let error = if !self.permission.can_publish_data && !self.local.sid.is_empty() {
            CommandError::NotAllowed("sending data (canPublishData)".into())
        } else if largest > MAX_PACKET {
            CommandError::TooLarge {
                size: largest,
                limit: MAX_PACKET,
            }
        } else if total > outbox::MAX_BYTES {
            CommandError::TooLarge {
                size: total,
                limit: outbox::MAX_BYTES,
            }
        } else {
            let packets = packets.into();
            let message = Message {
                packets,
                reliable,
                stream,
                started: false,
                reply,
            };
            return self.outbox.push(message);
        };
        if let Some(reply) = reply {
            respond(reply, Err(error));
        }
    }

    fn set_attributes(&mut self, attributes: Attributes, reply: Reply) {
        if !self.permission.can_update_metadata {
            let text = "changing one's own attributes (canUpdateOwnMetadata)";
            return respond(reply, Err(CommandError::NotAllowed(text.into())));
        }
        self.metadata_requests.retain(|request| {
            request
                .reply
                .as_ref()
                .is_none_or(|reply| !reply.is_closed())
        });
        if self.metadata_requests.len() >= MAX_METADATA_REQUESTS {
            return respond(reply, Err(CommandError::Backlogged));
        }
        self.request_attributes(attributes, Some(reply));
    }

    fn request_attributes(&mut self, attributes: Attributes, reply: Option<Reply>) {
        self.last_request_id = self.last_request_id.wrapping_add(1).max(1);
        let id = self.last_request_id;
        if self.connection.entered().is_some() || reply.is_none() {
            self.send(update_metadata(id, attributes.clone()));
        }
        self.metadata_requests.push(MetadataRequest {
            id,
            attributes,
            reply,
        });
    }

    /// Makes our attributes on a new connection what they were on the old one.
    pub(super) fn restore_attributes(&mut self) {
        let waiting = std::mem::take(&mut self.metadata_requests);
        let attributes = self.attributes.clone();
        if !attributes.is_empty() && self.permission.can_update_metadata {
            self.request_attributes(attributes, None);
        }
        for request in waiting
            .into_iter()
            .filter(|request| request.reply.is_some())
        {
            self.send(update_metadata(request.id, request.attributes.clone()));
            self.metadata_requests.push(request);
        }
    }

    pub(super) fn handle_response(&mut self, now: Instant, response: proto::RequestResponse) {
        let place = self
            .metadata_requests
            .iter()
            .position(|known| known.id == response.request_id);
        let Some(place) = place else {
            return self.handle_refusal(now, &response);
        };
        let request = self.metadata_requests.remove(place);
        let outcome = match response.reason() {
            Reason::Ok => {
                self.attributes.extend(request.attributes);
                self.attributes.retain(|_, value| !value.is_empty());
                Ok(())
            }
            Reason::Queued => {
                self.metadata_requests.push(request);
                return;
            }
            Reason::NotAllowed => Err(CommandError::NotAllowed(response.message)),
            reason => Err(CommandError::Refused(refusal(reason, &response.message))),
        };
        if let Some(reply) = request.reply {
            respond(reply, outcome);
        }
    }

    /// Asks again for what the server has not answered: it may not have heard of it.
    pub(super) fn repeat_metadata_requests(&mut self) {
        let unanswered: Vec<_> = self
            .metadata_requests
            .iter()
            .map(|request| update_metadata(request.id, request.attributes.clone()))
            .collect();
        for request in unanswered {
            self.send(request);
        }
    }

    pub(super) fn fail_metadata_requests(&mut self) {
        for request in self.metadata_requests.drain(..) {
            if let Some(reply) = request.reply {
                respond(reply, Err(CommandError::Disconnected));
            }
        }
    }
}

/// What the server says when it refuses.
pub(super) fn refusal(reason: Reason, message: &str) -> String {
    let reason = reason.as_str_name().to_ascii_lowercase();
    if message.is_empty() {
        reason
    } else {
        format!("{reason}: {message}")
    }
}

fn update_metadata(request_id: u32, attributes: Attributes) -> ToServer {
    ToServer::UpdateMetadata(proto::UpdateParticipantMetadata {
        attributes,
        request_id,
        ..Default::default()
    })
}

fn respond(reply: Reply, outcome: Outcome) {
    // The caller may have stopped waiting.
    let _ = reply.send(outcome);
}

fn to_wire(transcription: Transcription) -> proto::Transcription {
    let segments = transcription
        .segments
        .into_iter()
        .map(|segment| proto::TranscriptionSegment {
            id: segment.id,
            text: segment.text,
            r#final: segment.is_final,
            language: segment.language,
            ..Default::default()
        });
    proto::Transcription {
        transcribed_participant_identity: transcription.participant.to_string(),
        track_id: transcription.track.to_string(),
        segments: segments.collect(),
    }
}
