//! The session's state and what each event does to it.
//!
//! It does no I/O: what it has to say is collected, and [`super::run`] sends it. It alone begins
//! and ends responses, so that each has exactly one `response.created` and one `response.done`,
//! whatever becomes of the task that makes it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openai_realtime::{
    ClientDecodeError, ClientEvent, ClientMessage, DecodeError, ErrorDetail, ErrorEvent, NoFields,
    ServerEvent, SessionEvent, code,
};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::conversation::Conversation;
use super::prepare::Preparation;
use super::responses::Responses;
use super::settings;
use super::turns::Turns;
use super::{Internal, new_id};
use crate::server::App;

/// The longest id of a client event that an error about it echoes.
const MAX_EVENT_ID: usize = 512;

pub(super) struct Session {
    pub(super) app: App,
    pub(super) internal: mpsc::Sender<Internal>,
    /// Everything that runs for this session; it ends with it.
    pub(super) tasks: JoinSet<()>,
    /// What the client is still to be told.
    pub(super) events: Vec<ServerEvent>,
    pub(super) settings: openai_realtime::Session,
    pub(super) conversation_id: String,
    pub(super) conversation: Conversation,
    pub(super) turns: Turns,
    pub(super) responses: Responses,
    pub(super) preparation: Preparation,
}

impl Session {
    pub(super) fn new(
        app: App,
        model: Option<String>,
        longest: Duration,
        internal: mpsc::Sender<Internal>,
    ) -> Result<Self, speech::Error> {
        let voice = app.engine.voices().first().cloned().unwrap_or_default();
        let model = model.unwrap_or_else(|| "local-realtime".to_owned());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let ends = now.unwrap_or_default() + longest;
        let ends = ends.as_secs().try_into().unwrap_or(i64::MAX);
        let settings = settings::defaults(new_id("sess"), &model, ends, &voice);
        let detector = app.engine.models().detector();
        let created = SessionEvent {
            session: Box::new(settings.clone()),
        };
        Ok(Self {
            app,
            internal,
            tasks: JoinSet::new(),
            events: vec![ServerEvent::SessionCreated(created)],
            turns: Turns::new(detector, settings.turn_detection())?,
            settings,
            conversation_id: new_id("conv"),
            conversation: Conversation::default(),
            responses: Responses::default(),
            preparation: Preparation::default(),
        })
    }

    /// What there is to say, oldest first.
    pub(super) fn take_events(&mut self) -> Vec<ServerEvent> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn emit(&mut self, event: ServerEvent) {
        self.events.push(event);
    }

    /// Says that something went wrong.
    pub(super) fn error(&mut self, error: ErrorDetail) {
        self.emit(ServerEvent::Error(ErrorEvent { error }));
    }

    /// A frame: an event, or one error for one that is none.
    pub(super) fn frame(&mut self, message: Result<ClientMessage, ClientDecodeError>) {
        let (event_id, outcome) = match message {
            Ok(ClientMessage { event_id, event }) => {
                let outcome = check_event_id(event_id.as_deref()).and_then(|()| self.event(event));
                (event_id, outcome)
            }
            Err(ClientDecodeError { event_id, error }) => (event_id, Err(decode_error(&error))),
        };
        if let Err(error) = outcome {
            let event_id = event_id.filter(|id| id.len() <= MAX_EVENT_ID);
            self.error(ErrorDetail { event_id, ..error });
        }
    }

    fn event(&mut self, event: ClientEvent) -> Result<(), ErrorDetail> {
        match event {
            ClientEvent::SessionUpdate(update) => self.update(*update.session),
            ClientEvent::InputAudioBufferAppend(append) => self.append(&append.audio),
            ClientEvent::InputAudioBufferCommit(_) => self.commit_by_client(),
            ClientEvent::InputAudioBufferClear(_) => {
                self.clear();
                Ok(())
            }
            ClientEvent::ConversationItemCreate(create) => self.create_item(create),
            ClientEvent::ConversationItemRetrieve(item) => self.retrieve_item(&item.item_id),
            ClientEvent::ConversationItemTruncate(truncate) => self.truncate_item(truncate),
            ClientEvent::ConversationItemDelete(item) => self.delete_item(item.item_id),
            ClientEvent::ResponseCreate(create) => {
                self.create_response(create.response.map(|params| *params).unwrap_or_default())
            }
            ClientEvent::ResponseCancel(cancel) => {
                self.cancel_response(cancel.response_id.as_deref())
            }
            ClientEvent::OutputAudioBufferClear(NoFields {}) => Err(ErrorDetail::invalid(
                code::INVALID_VALUE,
                "'output_audio_buffer.clear' is only for WebRTC and SIP sessions.",
            )
            .with_param("type")),
        }
    }

    fn update(&mut self, update: openai_realtime::Session) -> Result<(), ErrorDetail> {
        let detection = self.settings.turn_detection().cloned();
        settings::update(
            &mut self.settings,
            update,
            self.responses.has_spoken,
            self.app.engine.voices(),
        )?;
        let session = Box::new(self.settings.clone());
        self.emit(ServerEvent::SessionUpdated(SessionEvent { session }));
        if self.settings.turn_detection() != detection.as_ref() {
            self.detect_turns();
        }
        Ok(())
    }

    /// News from the session's own tasks.
    pub(super) fn internal(&mut self, event: Internal) {
        match event {
            Internal::Heard {
                serial,
                covered,
                outcome,
            } => self.heard(serial, covered, outcome),
            Internal::Judged { since, complete } => self.judged(since, complete),
            Internal::Response { serial, step } => {
                if let Some(step) = self.prepared_step(serial, step) {
                    self.step(serial, step);
                }
            }
        }
    }

    /// A task that panicked never says that it finished.
    pub(super) fn task_ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        if let Err(error) = ended {
            self.preparation_lost(error.id());
            self.response_lost(error.id());
        }
    }

    /// When [`Session::deadline_passed`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let idle = self.turns.idle_deadline();
        idle.into_iter().chain(self.responses.deadline()).min()
    }

    pub(super) fn deadline_passed(&mut self, now: Instant) {
        if self.turns.idle_deadline().is_some_and(|at| at <= now) {
            self.idle_timeout();
        }
        self.fail_stalled(now);
    }
}

fn check_event_id(event_id: Option<&str>) -> Result<(), ErrorDetail> {
    match event_id {
        Some(id) if id.len() > MAX_EVENT_ID => {
            let message = "Invalid 'event_id': at most 512 bytes are allowed.";
            Err(ErrorDetail::invalid(code::INVALID_VALUE, message).with_param("event_id"))
        }
        _ => Ok(()),
    }
}

fn decode_error(error: &DecodeError) -> ErrorDetail {
    match error {
        DecodeError::Json(_) => ErrorDetail::invalid(code::INVALID_JSON, error.to_string()),
        DecodeError::NoType | DecodeError::UnknownType(_) => {
            ErrorDetail::invalid(code::UNKNOWN_EVENT, error.to_string()).with_param("type")
        }
        DecodeError::Missing { param, .. } => ErrorDetail::invalid(
            code::MISSING_PARAMETER,
            format!("Missing required parameter: '{param}'."),
        )
        .with_param(param),
        DecodeError::Payload { param, .. } => {
            let detail = ErrorDetail::invalid(code::INVALID_VALUE, error.to_string());
            match param.as_str() {
                "" => detail,
                param => detail.with_param(param),
            }
        }
    }
}
