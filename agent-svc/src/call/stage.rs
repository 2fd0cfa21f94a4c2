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
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::domain::{AgentState, Role, ToolRecord, TurnDetection};

const STATE: &str = "lk.agent.state";
/// Who ends the caller's turns: pages show a button where it is the caller.
const TURN_DETECTION: &str = "insta.turn_detection";
const TOPIC: &str = "lk.transcription";
/// Where the documents behind an answer are told: the contract says in which form.
const SOURCES: &str = "insta.sources";
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

/// Something that is shown in its turn.
enum Shown {
    Piece(Piece),
    /// JSON.
    Sources(String),
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
    pieces: mpsc::Sender<Shown>,
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
pub(crate) fn first_attributes(agent_name: &str, turn_detection: TurnDetection) -> Attributes {
    let state = state_text(AgentState::Initializing).to_owned();
    [
        (STATE.to_owned(), state),
        ("lk.agent.name".to_owned(), agent_name.to_owned()),
        (TURN_DETECTION.to_owned(), turn_detection.to_string()),
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
        self.show(Shown::Piece(piece));
    }

    /// Tells which documents the answer that is being made rests on.
    pub(crate) fn sources(&self, tool: &ToolRecord) {
        self.show(Shown::Sources(sources(tool)));
    }

    fn show(&self, shown: Shown) {
        if self.pieces.try_send(shown).is_err() {
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
    async fn run(mut self, mut queue: mpsc::Receiver<Shown>) {
        while let Some(shown) = queue.recv().await {
            let outcome = match &shown {
                Shown::Piece(piece) if piece.role == Role::Assistant => self.assistant(piece).await,
                Shown::Piece(piece) => self.caller(piece).await,
                Shown::Sources(text) => self.documents(text.clone()).await,
            };
            match outcome {
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

    async fn documents(&self, text: String) -> Result<(), CommandError> {
        let options = TextOptions::default();
        self.participant.send_text(SOURCES, text, options).await?;
        Ok(())
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

fn sources(tool: &ToolRecord) -> String {
    let told: Vec<_> = tool
        .sources
        .iter()
        .map(|source| json!({"document_id": source.document, "title": source.title}))
        .collect();
    json!({"tool_call_id": tool.call.as_str(), "sources": told}).to_string()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Source, ToolStatus};

    #[test]
    fn a_page_sees_at_once_who_the_assistant_is_and_who_ends_turns() {
        let attributes = first_attributes("Iris", TurnDetection::Manual);
        let attributes: std::collections::BTreeMap<_, _> = attributes.into_iter().collect();
        insta::assert_debug_snapshot!(attributes, @r#"
        {
            "insta.turn_detection": "manual",
            "lk.agent.name": "Iris",
            "lk.agent.state": "initializing",
        }
        "#);
    }

    #[test]
    fn the_documents_behind_an_answer_are_told_as_the_contract_says() {
        let tool = ToolRecord {
            call: "call_1".into(),
            name: "search_knowledge".into(),
            status: ToolStatus::Ok,
            took: Duration::ZERO,
            sources: vec![Source {
                document: "reset-password".into(),
                title: "Reset your \"password\"".into(),
            }],
        };
        insta::assert_snapshot!(sources(&tool), @r#"{"sources":[{"document_id":"reset-password","title":"Reset your \"password\""}],"tool_call_id":"call_1"}"#);
    }
}
