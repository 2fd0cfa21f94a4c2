//! One session: its socket, what it knows, and what in it is not finished.

use std::collections::HashSet;
use std::time::Duration;

use openai_realtime::client::{Closed, Connection, SendError};
use openai_realtime::{
    AudioInput, ClientEvent, ClientMessage, ConversationItemCreate, ConversationItemTruncate,
    InputAudioBufferAppend, Item, Metadata, NoFields, Nullable, ResponseCancel, ResponseCreate,
    ResponseParams, Role, ServerEvent, Session, SessionAudio, SessionUpdate, ToolChoice,
    ToolChoiceMode, TurnDetection, audio,
};
use tokio::time::Instant;

use super::translate::{COMMIT, CREATE, SETUP, TELL, TICKET, call_items, said};
use crate::domain::{ItemId, Outcome, Realtime, ResponseId, Ticket, ToolCallId};
use crate::provider::{EntryId, History, Telling};

/// Sound that is told again goes in pieces of a second.
const REPLAY_PIECE: usize = 24_000;
const SAMPLE_RATE: u64 = 24_000;

/// A session that is set up.
#[derive(Debug)]
pub(super) struct Live {
    connection: Connection,
    since: Instant,
    /// What of the history it knows.
    told: HashSet<EntryId>,
    calls: HashSet<ToolCallId>,
    /// The items that it made.
    items: HashSet<ItemId>,
    /// Those of the assistant whose fate is open: they may still be played.
    unheard: HashSet<ItemId>,
    requested: Option<Ticket>,
    running: HashSet<ResponseId>,
    commits: u32,
    /// How it decides about turns once it is in use, if it does.
    turn_detection: Option<TurnDetection>,
    /// The turn that it hears at the moment.
    hearing: Option<ItemId>,
    /// Samples that it was given.
    appended: u64,
}

impl Live {
    pub(super) fn new(connection: Connection, turn_detection: Option<TurnDetection>) -> Self {
        Self {
            connection,
            since: Instant::now(),
            told: HashSet::new(),
            calls: HashSet::new(),
            items: HashSet::new(),
            unheard: HashSet::new(),
            requested: None,
            running: HashSet::new(),
            commits: 0,
            turn_detection,
            hearing: None,
            appended: 0,
        }
    }

    /// How long it has stood.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The next event. Safe to cancel.
    pub(super) async fn recv(&mut self) -> Result<ServerEvent, Closed> {
        self.connection.recv().await
    }

    /// Whether a response is asked for or being made.
    pub(super) fn is_responding(&self) -> bool {
        self.requested.is_some() || !self.running.is_empty()
    }

    /// Whether anything would be missed if another session took over.
    pub(super) fn is_open(&self) -> bool {
        self.is_responding() || !self.unheard.is_empty() || self.hearing.is_some()
    }

    /// The response that an error without a cause is about, if there can be no doubt.
    pub(super) fn requested(&self) -> Option<Ticket> {
        self.requested
    }

    /// Whether it decides about turns and hears nobody speak.
    pub(super) fn hears_silence(&self) -> bool {
        self.turn_detection.is_some() && self.hearing.is_none()
    }

    /// How long ago a place in its sound was, if sound comes as it is made.
    pub(super) fn ago(&self, audio_ms: u64) -> Duration {
        let total_ms = self.appended * 1_000 / SAMPLE_RATE;
        Duration::from_millis(total_ms.saturating_sub(audio_ms))
    }

    /// Takes note of what the provider says.
    pub(super) fn note(&mut self, event: &Realtime, history: &mut History) {
        match event {
            Realtime::SpeechStarted { item, .. } => self.hearing = Some(item.clone()),
            Realtime::Committed(item) => {
                self.hearing.take_if(|hearing| hearing == item);
                if !history.committed(item) && self.turn_detection.is_some() {
                    self.told
                        .insert(history.committed_by_provider(item.clone()));
                    self.items.insert(item.clone());
                }
            }
            Realtime::CommitRejected => history.commit_rejected(),
            Realtime::CallerText {
                item,
                text: Some(text),
            } => history.heard(item, text),
            Realtime::ResponseCreated { response, .. } => {
                self.requested = None;
                self.running.insert(response.clone());
            }
            Realtime::ResponseRejected(ticket) => {
                self.requested.take_if(|requested| *requested == *ticket);
            }
            Realtime::Audio { item, .. } if !self.items.contains(item) => {
                self.items.insert(item.clone());
                self.unheard.insert(item.clone());
            }
            Realtime::ToolCall { request, .. } if !self.calls.contains(&request.call) => {
                self.calls.insert(request.call.clone());
                self.told.insert(history.called(request.clone()));
            }
            Realtime::ResponseDone {
                response,
                ticket,
                outcome,
            } => {
                self.running.remove(response);
                self.requested
                    .take_if(|requested| Some(*requested) == *ticket);
                if *outcome != Outcome::Completed {
                    // What came of it is dropped, or cut at once.
                    self.unheard.clear();
                }
            }
            _ => {}
        }
    }

    /// Tells it all that it does not know, and the sound of the turn that goes on. Only from then on it
    /// may make turns: those before have ended.
    pub(super) async fn take_over(&mut self, history: &History) -> Result<(), SendError> {
        self.tell(history.untold(&self.told)).await?;
        if let Some(turn_detection) = self.turn_detection.clone() {
            self.detect_turns(turn_detection).await?;
        }
        self.append_all(history.input()).await
    }

    async fn detect_turns(&self, turn_detection: TurnDetection) -> Result<(), SendError> {
        let input = AudioInput {
            turn_detection: Nullable::Value(turn_detection),
            ..AudioInput::default()
        };
        let session = Box::new(Session {
            audio: Some(SessionAudio {
                input: Some(input),
                output: None,
            }),
            ..Session::default()
        });
        // Without it there would be no turns, so a refusal is one of the whole session.
        let message = ClientMessage {
            event_id: Some(SETUP.to_owned()),
            event: ClientEvent::SessionUpdate(SessionUpdate { session }),
        };
        self.connection.send(message).await
    }

    /// Tells it what will not change any more, in advance.
    pub(super) async fn prepare(&mut self, history: &History) -> Result<(), SendError> {
        self.tell(history.settled(&self.told)).await
    }

    /// Tells it what came to the history from elsewhere.
    pub(super) async fn catch_up(&mut self, history: &History) -> Result<(), SendError> {
        self.tell(history.untold(&self.told)).await
    }

    async fn tell(&mut self, untold: Vec<(EntryId, Telling<'_>)>) -> Result<(), SendError> {
        for (entry, telling) in untold {
            match telling {
                Telling::Said(role, text) => self.create_item(said(role, text)).await?,
                Telling::Called(request, output) => {
                    for item in call_items(request, output) {
                        self.create_item(item).await?;
                    }
                }
                Telling::Turn(sound) => {
                    self.append_all(sound).await?;
                    self.send_commit().await?;
                }
            }
            self.told.insert(entry);
        }
        Ok(())
    }

    async fn append_all(&mut self, samples: &[i16]) -> Result<(), SendError> {
        for piece in samples.chunks(REPLAY_PIECE) {
            self.append(piece).await?;
        }
        Ok(())
    }

    pub(super) async fn append(&mut self, samples: &[i16]) -> Result<(), SendError> {
        self.appended += samples.len() as u64;
        let audio = audio::encode(samples);
        let event = ClientEvent::InputAudioBufferAppend(InputAudioBufferAppend { audio });
        self.connection.send(event).await
    }

    /// Makes a turn of the sound so far, which is this entry.
    pub(super) async fn commit(&mut self, entry: EntryId) -> Result<(), SendError> {
        self.hearing = None;
        self.told.insert(entry);
        self.send_commit().await
    }

    async fn send_commit(&mut self) -> Result<(), SendError> {
        self.commits += 1;
        let message = ClientMessage {
            event_id: Some(format!("{COMMIT}{}", self.commits)),
            event: ClientEvent::InputAudioBufferCommit(NoFields {}),
        };
        self.connection.send(message).await
    }

    pub(super) async fn clear(&self) -> Result<(), SendError> {
        let event = ClientEvent::InputAudioBufferClear(NoFields {});
        self.connection.send(event).await
    }

    pub(super) async fn create_response(
        &mut self,
        ticket: Ticket,
        tools: bool,
    ) -> Result<(), SendError> {
        self.requested = Some(ticket);
        let text = ticket.0.to_string();
        let response = ResponseParams {
            metadata: Some(Metadata::from_iter([(TICKET.to_owned(), text.into())])),
            tool_choice: (!tools).then_some(ToolChoice::Mode(ToolChoiceMode::None)),
            ..ResponseParams::default()
        };
        let message = ClientMessage {
            event_id: Some(format!("{CREATE}{}", ticket.0)),
            event: ClientEvent::ResponseCreate(ResponseCreate {
                response: Some(Box::new(response)),
            }),
        };
        self.connection.send(message).await
    }

    /// Stops a response, unless it is over or was another session's.
    pub(super) async fn cancel(&self, response: &ResponseId) -> Result<(), SendError> {
        if !self.running.contains(response) {
            return Ok(());
        }
        let response_id = Some(response.as_str().to_owned());
        let event = ClientEvent::ResponseCancel(ResponseCancel { response_id });
        self.connection.send(event).await
    }

    /// Cuts an item, unless it was another session's.
    pub(super) async fn truncate(&self, item: &ItemId, audio_end_ms: u64) -> Result<(), SendError> {
        if !self.items.contains(item) {
            return Ok(());
        }
        let event = ClientEvent::ConversationItemTruncate(ConversationItemTruncate {
            item_id: item.as_str().to_owned(),
            content_index: 0,
            audio_end_ms,
        });
        self.connection.send(event).await
    }

    /// Removes an item, unless it was another session's.
    pub(super) async fn delete(&mut self, item: &ItemId) -> Result<(), SendError> {
        self.unheard.remove(item);
        if !self.items.remove(item) {
            return Ok(());
        }
        let item_id = item.as_str().to_owned();
        let event = ClientEvent::ConversationItemDelete(openai_realtime::ItemId { item_id });
        self.connection.send(event).await
    }

    /// Changes what it goes by.
    pub(super) async fn instruct(&self, instructions: String) -> Result<(), SendError> {
        let session = Box::new(Session {
            instructions: Some(instructions),
            ..Session::default()
        });
        let event = ClientEvent::SessionUpdate(SessionUpdate { session });
        self.connection.send(event).await
    }

    /// Adds what the dedicated voice said.
    pub(super) async fn add_assistant_text(&self, text: String) -> Result<(), SendError> {
        self.create_item(Item::text(Role::Assistant, text)).await
    }

    /// Tells the result of a call; one that it never saw is told with it.
    pub(super) async fn answer(
        &mut self,
        history: &mut History,
        call: &ToolCallId,
        output: String,
    ) -> Result<(), SendError> {
        let Some((entry, request)) = history.answered(call, &output) else {
            // It was called so long ago that nobody remembers it.
            return Ok(());
        };
        if self.calls.contains(call) {
            let item = Item::function_call_output(call.as_str(), output);
            return self.create_item(item).await;
        }
        for item in call_items(request, &output) {
            self.create_item(item).await?;
        }
        self.calls.insert(call.clone());
        self.told.insert(entry);
        Ok(())
    }

    /// A turn was remembered that this session may have made itself, or heard.
    pub(super) fn remembered(&mut self, entry: Option<EntryId>, items: &[ItemId]) {
        for item in items {
            self.unheard.remove(item);
        }
        self.told.extend(entry);
    }

    /// Whether one of these items is its own.
    pub(super) fn made(&self, items: &[ItemId]) -> bool {
        items.iter().any(|item| self.items.contains(item))
    }

    async fn create_item(&self, item: Item) -> Result<(), SendError> {
        let previous_item_id = None;
        let message = ClientMessage {
            event_id: Some(TELL.to_owned()),
            event: ClientEvent::ConversationItemCreate(ConversationItemCreate {
                previous_item_id,
                item,
            }),
        };
        self.connection.send(message).await
    }
}
