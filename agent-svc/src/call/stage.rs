//! What others in the room see of the assistant: its state and the transcript.
//!
//! Two tasks per call, so that a slow server delays neither the conversation nor one the other. The
//! transcript goes out twice: as text streams, and as the packets that older clients read.

use std::collections::HashMap;
use std::time::Duration;

use livekit_rtc::{
    Attributes, CommandError, Identity, Participant, TextOptions, TextWriter, TrackSid,
    Transcription, TranscriptionSegment,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::domain::{AgentState, Role};

const STATE: &str = "lk.agent.state";
const TOPIC: &str = "lk.transcription";
const SEGMENT_ID: &str = "lk.segment_id";
const IS_FINAL: &str = "lk.transcription_final";
const TRACK_ID: &str = "lk.transcribed_track_id";
/// Pieces of transcript that may wait.
const CAPACITY: usize = 256;
/// How long the last words may take to go out.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A piece of transcript. Its text is all of the segment so far.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) segment: String,
    pub(crate) role: Role,
    pub(crate) text: String,
    pub(crate) is_final: bool,
}

/// The caller as the transcript names them.
#[derive(Debug, Clone)]
pub(crate) struct Speaker {
    pub(crate) identity: Identity,
    pub(crate) track: Option<TrackSid>,
}

/// The assistant's appearance in the room.
pub(crate) struct Stage {
    state: watch::Sender<AgentState>,
    pieces: mpsc::Sender<Piece>,
    speaker: watch::Sender<Option<Speaker>>,
    showing: JoinHandle<()>,
}

/// The state as clients know it.
pub(crate) fn state_text(state: AgentState) -> &'static str {
    match state {
        AgentState::Initializing => "initializing",
        AgentState::Idle => "idle",
        AgentState::Listening => "listening",
        AgentState::Thinking => "thinking",
        AgentState::Speaking => "speaking",
    }
}

/// The attributes that an assistant joins with.
pub(crate) fn first_attributes(agent_name: &str) -> Attributes {
    let state = state_text(AgentState::Initializing).to_owned();
    [
        (STATE.to_owned(), state),
        ("lk.agent.name".to_owned(), agent_name.to_owned()),
    ]
    .into()
}

impl Stage {
    pub(crate) fn enter(participant: &Participant) -> Self {
        let (state, states) = watch::channel(AgentState::Initializing);
        let (pieces, queue) = mpsc::channel(CAPACITY);
        let (speaker, speakers) = watch::channel(None);
        tokio::spawn(show_states(participant.clone(), states));
        let writer = Writer {
            participant: participant.clone(),
            speakers,
            open: HashMap::new(),
        };
        let showing = tokio::spawn(writer.run(queue));
        Self {
            state,
            pieces,
            speaker,
            showing,
        }
    }

    pub(crate) fn state(&self, state: AgentState) {
        self.state.send_replace(state);
    }

    pub(crate) fn speaker(&self, speaker: Speaker) {
        self.speaker.send_replace(Some(speaker));
    }

    pub(crate) fn transcript(&self, piece: Piece) {
        if self.pieces.try_send(piece).is_err() {
            tracing::warn!("A piece of transcript was not shown: the room does not keep up");
        }
    }

    /// Lets the last words go out.
    pub(crate) async fn leave(self) {
        drop(self.pieces);
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, self.showing).await;
    }
}

async fn show_states(participant: Participant, mut states: watch::Receiver<AgentState>) {
    while states.changed().await.is_ok() {
        let state = *states.borrow_and_update();
        let attributes = [(STATE.to_owned(), state_text(state).to_owned())].into();
        match participant.set_attributes(attributes).await {
            Ok(()) => {}
            Err(CommandError::Disconnected) => return,
            Err(error) => tracing::warn!(%error, "The assistant's state could not be shown"),
        }
    }
}

struct Writer {
    participant: Participant,
    speakers: watch::Receiver<Option<Speaker>>,
    /// Streams of the assistant's segments, with the text written so far.
    open: HashMap<String, (TextWriter, String)>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Piece>) {
        while let Some(piece) = queue.recv().await {
            let shown = match piece.role {
                Role::Assistant => self.assistant(&piece).await,
                Role::User => self.caller(&piece).await,
            };
            match shown {
                Ok(()) => {}
                Err(CommandError::Disconnected) => return,
                Err(error) => tracing::warn!(%error, "A piece of transcript could not be shown"),
            }
        }
    }

    /// One stream a segment, written as it is heard.
    async fn assistant(&mut self, piece: &Piece) -> Result<(), CommandError> {
        let local = self.participant.local();
        if let Some(track) = local.track.clone() {
            self.packet(piece, local.identity, track).await?;
        }
        match self.write(piece, local.track.as_ref()).await {
            // The connection was replaced: the segment begins anew in it.
            Err(CommandError::StreamLost) => {
                self.open.remove(&piece.segment);
                self.write(piece, local.track.as_ref()).await
            }
            outcome => outcome,
        }
    }

    async fn write(&mut self, piece: &Piece, track: Option<&TrackSid>) -> Result<(), CommandError> {
        if !self.open.contains_key(&piece.segment) {
            let options = TextOptions {
                attributes: attributes(&piece.segment, false, track),
                ..TextOptions::default()
            };
            let writer = self.participant.open_text_stream(TOPIC, options).await?;
            self.open
                .insert(piece.segment.clone(), (writer, String::new()));
        }
        if let Some((writer, written)) = self.open.get_mut(&piece.segment)
            && let Some(more) = piece.text.strip_prefix(written.as_str())
            && !more.is_empty()
        {
            writer.write(more).await?;
            written.push_str(more);
        }
        if piece.is_final
            && let Some((writer, _)) = self.open.remove(&piece.segment)
        {
            writer
                .close([(IS_FINAL.to_owned(), "true".to_owned())].into())
                .await?;
        }
        Ok(())
    }

    /// A stream for every state of the segment, in the caller's name.
    async fn caller(&self, piece: &Piece) -> Result<(), CommandError> {
        let Some(speaker) = self.speakers.borrow().clone() else {
            return Ok(());
        };
        let options = TextOptions {
            attributes: attributes(&piece.segment, piece.is_final, speaker.track.as_ref()),
            sender: Some(speaker.identity.clone()),
            ..TextOptions::default()
        };
        self.participant
            .send_text(TOPIC, piece.text.clone(), options)
            .await?;
        match speaker.track {
            Some(track) => self.packet(piece, speaker.identity, track).await,
            None => Ok(()),
        }
    }

    /// The packet that older clients read.
    async fn packet(
        &self,
        piece: &Piece,
        participant: Identity,
        track: TrackSid,
    ) -> Result<(), CommandError> {
        let segment = TranscriptionSegment {
            id: piece.segment.clone(),
            text: piece.text.clone(),
            is_final: piece.is_final,
            ..TranscriptionSegment::default()
        };
        let transcription = Transcription {
            participant,
            track,
            segments: vec![segment],
        };
        self.participant.publish_transcription(transcription).await
    }
}

fn attributes(segment: &str, is_final: bool, track: Option<&TrackSid>) -> Attributes {
    let mut attributes: Attributes = [
        (SEGMENT_ID.to_owned(), segment.to_owned()),
        (IS_FINAL.to_owned(), is_final.to_string()),
    ]
    .into();
    if let Some(track) = track {
        attributes.insert(TRACK_ID.to_owned(), track.as_str().to_owned());
    }
    attributes
}
