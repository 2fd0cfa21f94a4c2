//! The session loop's state and what each event does to it.
//!
//! It alone sends `response.created` and `response.done`, so that each response has exactly one
//! of each, whatever becomes of the task that makes it.

use std::time::Duration;

use openai_realtime::{
    AudioInput, BufferCommitted, ClientDecodeError, ClientEvent, ClientMessage, ContentPart,
    ConversationItemCreate, ConversationItemTruncate, DecodeError, ErrorDetail, Item, ItemEvent,
    ItemId, ItemRetrieved, ItemStatus, ItemTruncated, Message, NoFields, Nullable, ResponseParams,
    ResponseStatus, Role, ServerEvent, SessionEvent, SpeechStarted, SpeechStopped, StatusDetails,
    TranscriptionCompleted, TranscriptionDelta, TranscriptionFailed, TranscriptionUsage, audio,
    code, reason,
};
use speech::recognition::Transcript;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::conversation::{self, Conversation};
use super::generate::{Step, Task};
use super::input_audio::{Change, InputAudio, STEP, Utterance};
use super::listening::Listening;
use super::response::ActiveResponse;
use super::settings::{self, Plan};
use super::writer::{Gone, Outgoing};
use super::{Internal, new_id};
use crate::dialogue::Context;
use crate::engine::EngineError;
use crate::server::App;

/// Out-of-band responses that may run beside the conversation's.
const MAX_OUT_OF_BAND: usize = 4;

pub(super) struct Session<'a> {
    app: App,
    out: &'a mut Outgoing,
    internal: mpsc::Sender<Internal>,
    /// Everything that runs for this session; it ends with it.
    pub(super) tasks: JoinSet<()>,
    settings: openai_realtime::Session,
    conversation_id: String,
    conversation: Conversation,
    input: InputAudio,
    /// What is being said.
    listening: Listening,
    /// What was said and is still being recognised.
    finishing: Vec<Finishing>,
    responses: Vec<Running>,
    /// A turn ended while a response was active that speech does not interrupt.
    owes_response: bool,
    has_spoken: bool,
    utterances: u64,
}

/// A committed utterance without its final text.
struct Finishing {
    listening: Listening,
    utterance: Utterance,
    item_id: String,
    seconds: f64,
}

struct Running {
    response: ActiveResponse,
    /// What it answers from, when it is not the conversation.
    input: Option<Vec<Item>>,
    /// `None` while it waits for what was said to be recognised.
    task: Option<AbortHandle>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        app: App,
        model: Option<String>,
        out: &'a mut Outgoing,
        internal: mpsc::Sender<Internal>,
    ) -> Result<Self, speech::Error> {
        let voice = app.engine.voices().first().cloned().unwrap_or_default();
        let model = model.unwrap_or_else(|| "local-realtime".to_owned());
        let settings = settings::defaults(new_id("sess"), &model, 0, &voice);
        let detector = app.engine.models().detector();
        let input = InputAudio::new(detector, settings.turn_detection())?;
        Ok(Self {
            app,
            out,
            internal,
            tasks: JoinSet::new(),
            settings,
            conversation_id: new_id("conv"),
            conversation: Conversation::default(),
            input,
            listening: Listening::new(0),
            finishing: Vec::new(),
            responses: Vec::new(),
            owes_response: false,
            has_spoken: false,
            utterances: 0,
        })
    }

    /// Sends `session.created`.
    pub(super) async fn open(&mut self, longest: Duration) -> Result<(), Gone> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let ends = now.unwrap_or_default() + longest;
        self.settings.expires_at = i64::try_from(ends.as_secs()).ok();
        let session = Box::new(self.settings.clone());
        self.emit(ServerEvent::SessionCreated(SessionEvent { session }))
            .await
    }

    /// Ends the session from this side.
    pub(super) async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        self.out.close(code, reason).await
    }

    async fn emit(&mut self, event: ServerEvent) -> Result<(), Gone> {
        self.out.event(event).await
    }

    async fn emit_all(&mut self, events: Vec<ServerEvent>) -> Result<(), Gone> {
        for event in events {
            self.emit(event).await?;
        }
        Ok(())
    }

    /// A text frame: an event, or one error for one that is none.
    pub(super) async fn frame(
        &mut self,
        message: Result<ClientMessage, ClientDecodeError>,
    ) -> Result<(), Gone> {
        let (event_id, error) = match message {
            Ok(ClientMessage { event_id, event }) => match self.event(event).await {
                Ok(()) => return Ok(()),
                Err(Refused::Gone) => return Err(Gone),
                Err(Refused::Error(error)) => (event_id, *error),
            },
            Err(ClientDecodeError { event_id, error }) => (event_id, decode_error(&error)),
        };
        self.out.error(ErrorDetail { event_id, ..error }).await
    }

    /// The protocol has no binary frames.
    pub(super) async fn binary_frame(&mut self) -> Result<(), Gone> {
        let message = "Binary frames are not part of the protocol; send JSON as text.";
        self.out
            .error(ErrorDetail::invalid(code::INVALID_JSON, message))
            .await
    }

    async fn event(&mut self, event: ClientEvent) -> Result<(), Refused> {
        match event {
            ClientEvent::SessionUpdate(update) => self.update(*update.session).await,
            ClientEvent::InputAudioBufferAppend(append) => self.append(&append.audio).await,
            ClientEvent::InputAudioBufferCommit(_) => {
                if !self.input.can_commit() {
                    return Err(commit_empty().into());
                }
                Ok(self.commit().await?)
            }
            ClientEvent::InputAudioBufferClear(_) => {
                self.input.take();
                self.next_utterance();
                Ok(self
                    .emit(ServerEvent::InputAudioBufferCleared(NoFields {}))
                    .await?)
            }
            ClientEvent::ConversationItemCreate(create) => self.create_item(create).await,
            ClientEvent::ConversationItemRetrieve(ItemId { item_id }) => {
                let item = self.conversation.retrieve(&item_id)?;
                let event = ServerEvent::ConversationItemRetrieved(ItemRetrieved { item });
                Ok(self.emit(event).await?)
            }
            ClientEvent::ConversationItemTruncate(truncate) => self.truncate(truncate).await,
            ClientEvent::ConversationItemDelete(ItemId { item_id }) => {
                self.conversation.delete(&item_id)?;
                Ok(self
                    .emit(ServerEvent::ConversationItemDeleted(ItemId { item_id }))
                    .await?)
            }
            ClientEvent::ResponseCreate(create) => {
                self.create_response(create.response.map(|params| *params).unwrap_or_default())
                    .await
            }
            ClientEvent::ResponseCancel(cancel) => self.cancel(cancel.response_id.as_deref()).await,
            ClientEvent::OutputAudioBufferClear(_) => Err(ErrorDetail::invalid(
                code::INVALID_VALUE,
                "'output_audio_buffer.clear' is only for WebRTC and SIP sessions.",
            )
            .into()),
        }
    }

    async fn update(&mut self, update: openai_realtime::Session) -> Result<(), Refused> {
        let detection = self.settings.turn_detection().cloned();
        settings::update(
            &mut self.settings,
            update,
            self.has_spoken,
            self.app.engine.voices(),
        )?;
        if self.settings.turn_detection() != detection.as_ref() {
            self.input.detect(self.settings.turn_detection());
        }
        let session = Box::new(self.settings.clone());
        Ok(self
            .emit(ServerEvent::SessionUpdated(SessionEvent { session }))
            .await?)
    }

    // What the person says.

    async fn append(&mut self, text: &str) -> Result<(), Refused> {
        let samples = audio::decode(text).map_err(|error| {
            ErrorDetail::invalid(code::INVALID_VALUE, format!("Invalid 'audio': {error}."))
                .with_param("audio")
        })?;
        if samples.len() * 2 > audio::MAX_APPEND_BYTES {
            let message = "Invalid 'audio': at most 15 MiB may be appended at once.";
            return Err(ErrorDetail::invalid(code::INVALID_VALUE, message)
                .with_param("audio")
                .into());
        }
        for (index, step) in samples.chunks(STEP).enumerate() {
            let change = self
                .input
                .push(step)
                .map_err(|error| model_failed(&error))?;
            if let Some(change) = change {
                self.changed(change).await?;
            }
            self.recognise();
            if index % 32 == 31 {
                // A second of audio costs a few milliseconds; others have their turn in between.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn changed(&mut self, change: Change) -> Result<(), Refused> {
        match change {
            Change::Started { at_ms } => Ok(self.speech_started(at_ms).await?),
            Change::Stopped { at_ms } => Ok(self.speech_stopped(at_ms).await?),
            Change::Full => Err(ErrorDetail::invalid(
                code::INVALID_VALUE,
                "The input audio buffer holds at most two minutes; its oldest audio was dropped.",
            )
            .into()),
        }
    }

    async fn speech_started(&mut self, audio_start_ms: u64) -> Result<(), Gone> {
        let item_id = new_id("item");
        self.listening.item_id = Some(item_id.clone());
        self.emit(ServerEvent::SpeechStarted(SpeechStarted {
            item_id,
            audio_start_ms,
        }))
        .await?;
        let interrupts = self
            .settings
            .turn_detection()
            .is_some_and(|vad| vad.interrupts_response());
        if interrupts && let Some(index) = self.active() {
            self.end(
                index,
                ResponseStatus::Cancelled,
                Some(reason::TURN_DETECTED),
            )
            .await?;
        }
        Ok(())
    }

    async fn speech_stopped(&mut self, audio_end_ms: u64) -> Result<(), Gone> {
        let item_id = self.listening.item_id.clone().unwrap_or_default();
        self.emit(ServerEvent::SpeechStopped(SpeechStopped {
            item_id,
            audio_end_ms,
        }))
        .await?;
        self.commit().await?;
        if self
            .settings
            .turn_detection()
            .is_some_and(|vad| vad.creates_response())
        {
            if self.active().is_some() {
                self.owes_response = true;
            } else {
                self.begin_response(ResponseParams::default()).await?;
            }
        }
        Ok(())
    }

    /// Makes a user item of the buffer.
    async fn commit(&mut self) -> Result<(), Gone> {
        let mut utterance = self.input.take();
        let listening = self.next_utterance();
        let item_id = listening.item_id.clone().unwrap_or_else(|| new_id("item"));
        let part = ContentPart::InputAudio {
            audio: None,
            transcript: Nullable::Null,
        };
        let item = Item::Message(Message::new(Role::User, vec![part]))
            .with_id(&item_id)
            .with_status(ItemStatus::Completed);
        let Ok(previous_item_id) = self.conversation.add(item.clone(), None) else {
            let message = "The conversation is full.";
            return self
                .out
                .error(ErrorDetail::invalid(code::INVALID_VALUE, message))
                .await;
        };
        let seconds = utterance.wave.len() as f64 / f64::from(audio::SAMPLE_RATE);
        self.conversation
            .set_audio(&item_id, std::mem::take(&mut utterance.wave));
        let committed = BufferCommitted {
            item_id: item_id.clone(),
            previous_item_id: previous_item_id.clone(),
        };
        self.emit(ServerEvent::InputAudioBufferCommitted(committed))
            .await?;
        self.item_added(previous_item_id, item).await?;
        self.finishing.push(Finishing {
            listening,
            utterance,
            item_id,
            seconds,
        });
        self.finish_recognising(self.finishing.len() - 1).await
    }

    async fn item_added(&mut self, previous: Option<String>, item: Item) -> Result<(), Gone> {
        let event = ItemEvent {
            previous_item_id: previous,
            item,
        };
        self.emit(ServerEvent::ConversationItemAdded(event.clone()))
            .await?;
        self.emit(ServerEvent::ConversationItemDone(event)).await
    }

    // Recognition.

    /// Begins with another utterance and gives the recognition of the one before.
    fn next_utterance(&mut self) -> Listening {
        self.utterances += 1;
        std::mem::replace(&mut self.listening, Listening::new(self.utterances))
    }

    /// Recognises what has been said so far, when that pays.
    fn recognise(&mut self) {
        if self.listening.is_busy {
            return;
        }
        if let Some((pcm, covered)) = self.input.to_recognise(self.listening.covered) {
            self.listening.is_busy = true;
            let (serial, draft) = (self.listening.serial, self.listening.draft.clone());
            self.start_recognising(serial, pcm, covered, draft);
        }
    }

    fn start_recognising(&mut self, serial: u64, pcm: Vec<f32>, covered: u64, draft: Transcript) {
        let (engine, internal) = (self.app.engine.clone(), self.internal.clone());
        self.tasks.spawn(async move {
            let outcome = engine.transcribe(pcm, draft).await;
            // A session that is gone needs no words.
            let _ = internal
                .send(Internal::Heard {
                    serial,
                    covered,
                    outcome,
                })
                .await;
        });
    }

    /// Ends the recognition of a committed utterance, or lets it go on.
    async fn finish_recognising(&mut self, index: usize) -> Result<(), Gone> {
        let finishing = &mut self.finishing[index];
        if finishing.listening.is_busy {
            return Ok(());
        }
        let is_known = finishing.listening.covered >= finishing.utterance.voiced_until;
        if !finishing.utterance.has_speech || is_known {
            let finished = self.finishing.remove(index);
            return self.recognised(finished).await;
        }
        finishing.listening.is_busy = true;
        let pcm = std::mem::take(&mut finishing.utterance.pcm);
        let covered = finishing.utterance.voiced_until;
        let (serial, draft) = (
            finishing.listening.serial,
            finishing.listening.draft.clone(),
        );
        self.start_recognising(serial, pcm, covered, draft);
        Ok(())
    }

    async fn heard(
        &mut self,
        serial: u64,
        covered: u64,
        outcome: Result<Transcript, EngineError>,
    ) -> Result<(), Gone> {
        if serial == self.listening.serial {
            self.listening.is_busy = false;
            // A failed draft costs nothing: the next one begins anew.
            let Ok(transcript) = outcome else {
                return Ok(());
            };
            let delta = self.listening.heard(transcript, covered);
            let item_id = self.listening.item_id.clone();
            if let (Some(delta), Some(item_id)) = (delta, item_id) {
                self.transcription_delta(item_id, delta).await?;
            }
            return Ok(());
        }
        let Some(index) = self
            .finishing
            .iter()
            .position(|f| f.listening.serial == serial)
        else {
            return Ok(());
        };
        let finishing = &mut self.finishing[index];
        finishing.listening.is_busy = false;
        match outcome {
            Ok(transcript) => {
                let delta = finishing.listening.heard(transcript, covered);
                let item_id = finishing.item_id.clone();
                if let Some(delta) = delta {
                    self.transcription_delta(item_id, delta).await?;
                }
                self.finish_recognising(index).await
            }
            Err(error) => {
                tracing::warn!(%error, "Recognition failed");
                let finished = self.finishing.remove(index);
                self.not_recognised(finished).await
            }
        }
    }

    fn transcribes(&self) -> bool {
        let transcription = |input: &AudioInput| input.transcription.value().is_some();
        self.settings.audio_input().is_some_and(transcription)
    }

    async fn transcription_delta(&mut self, item_id: String, delta: String) -> Result<(), Gone> {
        if !self.transcribes() {
            return Ok(());
        }
        let event = TranscriptionDelta {
            item_id,
            content_index: 0,
            delta,
            logprobs: None,
        };
        self.emit(ServerEvent::TranscriptionDelta(event)).await
    }

    async fn recognised(&mut self, finished: Finishing) -> Result<(), Gone> {
        let Finishing {
            listening,
            item_id,
            seconds,
            ..
        } = finished;
        self.conversation
            .set_transcript(&item_id, &listening.draft.text);
        if let Some(rest) = listening.rest() {
            self.transcription_delta(item_id.clone(), rest.to_owned())
                .await?;
        }
        if self.transcribes() {
            let completed = TranscriptionCompleted {
                item_id,
                content_index: 0,
                transcript: listening.draft.text,
                usage: Some(TranscriptionUsage::Duration { seconds }),
                logprobs: None,
            };
            self.emit(ServerEvent::TranscriptionCompleted(completed))
                .await?;
        }
        self.start_waiting();
        Ok(())
    }

    async fn not_recognised(&mut self, finished: Finishing) -> Result<(), Gone> {
        self.conversation.set_transcript(&finished.item_id, "");
        if self.transcribes() {
            let failed = TranscriptionFailed {
                item_id: finished.item_id,
                content_index: 0,
                error: ErrorDetail::server("transcription_failed", "The audio was not recognised."),
            };
            self.emit(ServerEvent::TranscriptionFailed(failed)).await?;
        }
        self.start_waiting();
        Ok(())
    }

    // Items.

    async fn create_item(&mut self, create: ConversationItemCreate) -> Result<(), Refused> {
        let ConversationItemCreate {
            previous_item_id,
            item,
        } = create;
        check_item(&item)?;
        let id = item.id().map_or_else(|| new_id("item"), str::to_owned);
        let item = item.with_id(id).with_status(ItemStatus::Completed);
        let previous = self
            .conversation
            .add(item.clone(), previous_item_id.as_deref())?;
        let shown = item
            .id()
            .and_then(|id| self.conversation.get(id))
            .cloned()
            .unwrap_or(item);
        Ok(self.item_added(previous, shown).await?)
    }

    async fn truncate(&mut self, truncate: ConversationItemTruncate) -> Result<(), Refused> {
        let ConversationItemTruncate {
            item_id,
            content_index,
            audio_end_ms,
        } = truncate;
        self.conversation
            .truncate(&item_id, content_index, audio_end_ms)?;
        let event = ItemTruncated {
            item_id,
            content_index,
            audio_end_ms,
        };
        Ok(self
            .emit(ServerEvent::ConversationItemTruncated(event))
            .await?)
    }

    // Responses.

    /// The active response of the conversation.
    fn active(&self) -> Option<usize> {
        self.responses
            .iter()
            .position(|running| running.response.is_in_conversation())
    }

    async fn create_response(&mut self, params: ResponseParams) -> Result<(), Refused> {
        settings::check_response(&params, self.app.engine.voices())?;
        if params.conversation.unwrap_or_default() == openai_realtime::ConversationMode::Auto {
            if let Some(active) = self.active() {
                let id = &self.responses[active].response.id;
                return Err(ErrorDetail::invalid(
                    code::ALREADY_HAS_ACTIVE_RESPONSE,
                    format!("Conversation already has an active response in progress: {id}."),
                )
                .into());
            }
        } else if self.responses.len() > MAX_OUT_OF_BAND {
            return Err(ErrorDetail::invalid(
                code::BAD_RESPONSE_CREATE,
                "Too many out-of-band responses are in progress.",
            )
            .into());
        }
        if let Some(input) = &params.input {
            self.check_input(input)?;
        }
        Ok(self.begin_response(params).await?)
    }

    fn check_input(&self, input: &[Item]) -> Result<(), ErrorDetail> {
        for (index, item) in input.iter().enumerate() {
            match item {
                Item::ItemReference(reference) => {
                    if self.conversation.get(&reference.id).is_none() {
                        let id = &reference.id;
                        return Err(ErrorDetail::invalid(
                            code::BAD_RESPONSE_CREATE,
                            format!("There is no item with id '{id}'."),
                        )
                        .with_param(format!("response.input[{index}].id")));
                    }
                }
                item => check_item(item)?,
            }
        }
        Ok(())
    }

    async fn begin_response(&mut self, mut params: ResponseParams) -> Result<(), Gone> {
        let input = params.input.take();
        let plan = Plan::new(&self.settings, &params, self.app.engine.voices());
        let response = ActiveResponse::new(plan, &self.conversation_id);
        self.emit(response.created()).await?;
        self.responses.push(Running {
            response,
            input,
            task: None,
        });
        self.start_waiting();
        Ok(())
    }

    /// Starts the responses that waited for what was said, once that is known.
    fn start_waiting(&mut self) {
        for index in 0..self.responses.len() {
            let running = &self.responses[index];
            let needs_words = running.input.is_none() && !self.finishing.is_empty();
            if running.task.is_some() || needs_words {
                continue;
            }
            let task = self.task(running);
            self.responses[index].task = Some(self.tasks.spawn(task.run()));
        }
    }

    fn task(&self, running: &Running) -> Task {
        let plan = &running.response.plan;
        let resolve = |item: &Item| match item {
            Item::ItemReference(reference) => self.conversation.get(&reference.id).cloned(),
            item => Some(item.clone()),
        };
        let turns = match &running.input {
            Some(input) => input
                .iter()
                .filter_map(resolve)
                .filter_map(|item| conversation::turn(&item))
                .collect(),
            None => self
                .conversation
                .items()
                .filter_map(conversation::turn)
                .collect(),
        };
        Task {
            response_id: running.response.id.clone(),
            context: Context {
                instructions: plan.instructions.clone(),
                turns,
                tools: plan.tools.clone(),
                tool_choice: plan.tool_choice.clone(),
            },
            voice: plan.is_audio.then(|| (plan.speaker.clone(), plan.speed)),
            engine: self.app.engine.clone(),
            brain: self.app.brain.clone(),
            steps: self.internal.clone(),
        }
    }

    async fn cancel(&mut self, id: Option<&str>) -> Result<(), Refused> {
        let index = match id {
            Some(id) => self
                .responses
                .iter()
                .position(|running| running.response.id == id),
            None => self.active(),
        };
        let Some(index) = index else {
            return Err(ErrorDetail::invalid(
                code::RESPONSE_CANCEL_NOT_ACTIVE,
                "Cancellation failed: no active response found",
            )
            .into());
        };
        Ok(self
            .end(
                index,
                ResponseStatus::Cancelled,
                Some(reason::CLIENT_CANCELLED),
            )
            .await?)
    }

    /// Ends a response: stops its task and sends what is due, `response.done` last.
    async fn end(
        &mut self,
        index: usize,
        status: ResponseStatus,
        reason: Option<&str>,
    ) -> Result<(), Gone> {
        let details = (status != ResponseStatus::Completed).then(|| StatusDetails {
            kind: Some(status),
            reason: reason.map(str::to_owned),
            error: (status == ResponseStatus::Failed)
                .then(|| ErrorDetail::server("model_failed", "The models failed.")),
        });
        let running = self.responses.remove(index);
        if let Some(task) = &running.task {
            task.abort();
        }
        let events = running
            .response
            .done(status, details, &mut self.conversation);
        self.emit_all(events).await?;
        if std::mem::take(&mut self.owes_response) && self.active().is_none() {
            // Boxed because ending and beginning call each other.
            Box::pin(self.begin_response(ResponseParams::default())).await?;
        }
        Ok(())
    }

    /// News from the session's own tasks.
    pub(super) async fn internal(&mut self, event: Internal) -> Result<(), Gone> {
        match event {
            Internal::Heard {
                serial,
                covered,
                outcome,
            } => self.heard(serial, covered, outcome).await,
            Internal::Response { id, step } => {
                let found = self
                    .responses
                    .iter()
                    .position(|running| running.response.id == id);
                // What a cancelled response still had to say is dropped here.
                let Some(index) = found else { return Ok(()) };
                self.step(index, step).await
            }
        }
    }

    async fn step(&mut self, index: usize, step: Step) -> Result<(), Gone> {
        let response = &mut self.responses[index].response;
        let events = match step {
            Step::Say { text, wave } => {
                self.has_spoken |= !wave.is_empty();
                response.say(&text, &wave, &mut self.conversation)
            }
            Step::Call { name, arguments } => {
                response.call(&name, &arguments, &mut self.conversation)
            }
            Step::Finished(Ok(())) => {
                return self.end(index, ResponseStatus::Completed, None).await;
            }
            Step::Finished(Err(error)) => {
                tracing::warn!(%error, "A response failed");
                return self.end(index, ResponseStatus::Failed, None).await;
            }
        };
        self.emit_all(events).await
    }

    /// A task that panicked never says that it finished.
    pub(super) async fn task_ended(
        &mut self,
        ended: Result<(Id, ()), JoinError>,
    ) -> Result<(), Gone> {
        let Err(error) = ended else { return Ok(()) };
        let is_its =
            |running: &Running| running.task.as_ref().map(AbortHandle::id) == Some(error.id());
        match self.responses.iter().position(is_its) {
            Some(index) => self.end(index, ResponseStatus::Failed, None).await,
            None => Ok(()),
        }
    }
}

/// Why an event was not carried out.
enum Refused {
    Error(Box<ErrorDetail>),
    Gone,
}

impl From<ErrorDetail> for Refused {
    fn from(error: ErrorDetail) -> Self {
        Self::Error(Box::new(error))
    }
}

impl From<Gone> for Refused {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

fn decode_error(error: &DecodeError) -> ErrorDetail {
    let message = error.to_string();
    match error {
        DecodeError::Json(_) => ErrorDetail::invalid(code::INVALID_JSON, message),
        DecodeError::NoType | DecodeError::UnknownType(_) => {
            ErrorDetail::invalid(code::UNKNOWN_EVENT, message).with_param("type")
        }
        DecodeError::Payload { param, .. } => {
            ErrorDetail::invalid(code::INVALID_VALUE, message).with_param(param)
        }
    }
}

fn commit_empty() -> ErrorDetail {
    let least = audio::MIN_COMMIT_MS;
    ErrorDetail::invalid(
        code::COMMIT_EMPTY,
        format!(
            "Error committing input audio buffer: buffer too small. Expected at least {least}ms of audio."
        ),
    )
}

fn model_failed(error: &speech::Error) -> ErrorDetail {
    tracing::error!(%error, "Speech detection failed");
    ErrorDetail::server("model_failed", "Speech detection failed.")
}

/// Whether an item can be part of a conversation.
fn check_item(item: &Item) -> Result<(), ErrorDetail> {
    let refuse = |param: &str, message: &str| {
        Err(ErrorDetail::invalid(code::INVALID_VALUE, message).with_param(param))
    };
    let parts = match item {
        Item::Message(message) => &message.content,
        Item::FunctionCall(_) | Item::FunctionCallOutput(_) => return Ok(()),
        Item::ItemReference(_) => {
            return refuse(
                "item.type",
                "An item_reference is only for response.create input.",
            );
        }
        Item::Unknown => return refuse("item.type", "Items of this type are not supported."),
    };
    for part in parts {
        match part {
            ContentPart::InputAudio {
                audio: Some(text), ..
            }
            | ContentPart::OutputAudio {
                audio: Some(text), ..
            } => {
                if let Err(error) = audio::decode(text) {
                    return refuse("item.content.audio", &format!("Invalid audio: {error}."));
                }
            }
            ContentPart::InputImage { .. } => {
                return refuse("item.content.type", "Images are not supported.");
            }
            ContentPart::Unknown => {
                return refuse(
                    "item.content.type",
                    "Content of this type is not supported.",
                );
            }
            _ => {}
        }
    }
    Ok(())
}
