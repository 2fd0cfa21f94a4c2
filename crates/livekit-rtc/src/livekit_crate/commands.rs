//! Commands, each on a task of its own, so that sound does not wait for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use livekit::prelude::*;
use livekit::{StreamTextOptions, StreamWriter, TextStreamWriter};
use livekit_protocol as proto;

use super::calls::{self, Calls};
use super::convert;
use super::session::Session;
use crate::participant::{Command, Request};
use crate::{CommandError, Identity, StreamId, TextOptions, Transcription as Transcript};

type Writers = Arc<Mutex<HashMap<StreamId, TextStreamWriter>>>;
type Outcome = Result<(), CommandError>;

impl Session {
    pub(super) fn carry_out(&mut self, request: Request) {
        let Request { command, reply } = request;
        if let Command::SetMuted(muted) = command {
            match &self.publication {
                Some(publication) if muted => publication.mute(),
                Some(publication) => publication.unmute(),
                None => {}
            }
            let published = self.publication.as_ref().map(|_| ());
            // The caller may have stopped waiting.
            let _ = reply.send(published.ok_or(CommandError::NoTrack));
            return;
        }
        let (room, writers, calls) = (self.room.clone(), self.writers.clone(), self.calls.clone());
        tokio::spawn(async move {
            let _ = reply.send(carry_out(&room, &writers, &calls, command).await);
        });
    }
}

async fn carry_out(room: &Room, writers: &Writers, calls: &Calls, command: Command) -> Outcome {
    let me = room.local_participant();
    match command {
        Command::SetAttributes(attributes) => me
            .set_attributes(attributes)
            .await
            .map_err(|error| convert::command_error(&error)),
        // Done where the track is.
        Command::SetMuted(_) => Ok(()),
        Command::PublishData { payload, options } => {
            let packet = DataPacket {
                payload,
                topic: options.topic,
                reliable: options.reliable,
                destination_identities: identities(&options.destinations),
            };
            me.publish_data(packet)
                .await
                .map_err(|error| convert::command_error(&error))
        }
        Command::PublishTranscription(transcript) => me
            .publish_transcription(transcription(transcript))
            .await
            .map_err(|error| convert::command_error(&error)),
        Command::SendText {
            id,
            topic,
            text,
            options,
        } => {
            let length = Some(text.len() as u64);
            let writer = open(&me, &id, topic, options, length).await?;
            writer
                .write(&text)
                .await
                .map_err(|error| convert::command_error(&error))?;
            writer
                .close()
                .await
                .map_err(|error| convert::command_error(&error))
        }
        Command::OpenText { id, topic, options } => {
            let writer = open(&me, &id, topic, options, None).await?;
            writers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id, writer);
            Ok(())
        }
        Command::WriteText { id, text } => {
            let writer = writers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&id)
                .cloned();
            let writer = writer.ok_or(CommandError::StreamLost)?;
            writer
                .write(&text)
                .await
                .map_err(|_| CommandError::StreamLost)
        }
        Command::CloseText {
            id,
            attributes,
            complete,
        } => {
            let writer = writers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
            let writer = writer.ok_or(CommandError::StreamLost)?;
            let reason = (!complete).then_some("interrupted");
            let closed = writer.close_with_options(reason, Some(attributes)).await;
            closed.map_err(|_| CommandError::StreamLost)
        }
        Command::PerformRpc {
            request, answer, ..
        } => {
            // Whoever asked may have gone.
            let _ = answer.send(calls::perform(&me, request).await);
            Ok(())
        }
        Command::RespondRpc { id, outcome } => calls.respond(&id, outcome),
        Command::Leave(reason) => {
            let reason = proto::DisconnectReason::try_from(reason.to_wire()).unwrap_or_default();
            let closed = room.close_with_reason(reason).await;
            closed.map_err(|error| convert::command_error(&error))
        }
    }
}

async fn open(
    me: &LocalParticipant,
    id: &StreamId,
    topic: String,
    options: TextOptions,
    total_length: Option<u64>,
) -> Result<TextStreamWriter, CommandError> {
    let mut wanted = StreamTextOptions::new_with_topic(topic);
    wanted.attributes = options.attributes;
    wanted.destination_identities = identities(&options.destinations);
    wanted.id = Some(id.to_string());
    wanted.sender_identity = options.sender.map(|sender| sender.to_string().into());
    wanted.total_length = total_length;
    me.stream_text(wanted)
        .await
        .map_err(|error| convert::command_error(&error))
}

fn identities(identities: &[Identity]) -> Vec<ParticipantIdentity> {
    identities
        .iter()
        .map(|identity| identity.to_string().into())
        .collect()
}

fn transcription(transcript: Transcript) -> Transcription {
    let segments = transcript
        .segments
        .into_iter()
        .map(|segment| TranscriptionSegment {
            id: segment.id,
            text: segment.text,
            r#final: segment.is_final,
            language: segment.language,
            ..TranscriptionSegment::default()
        });
    Transcription {
        participant_identity: transcript.participant.to_string(),
        track_id: transcript.track.to_string(),
        segments: segments.collect(),
    }
}
