//! The responses of a session: which may begin, how they go on, and that each ends once.

use std::time::Duration;

use openai_realtime::{
    ConversationMode, ErrorDetail, Item, ResponseParams, ResponseStatus, StatusDetails, audio,
    code, reason,
};
use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

use super::conversation::{self, text_len};
use super::generate::{Step, Task, Unheard};
use super::items::needs_words;
use super::plan::Plan;
use super::response::{ActiveResponse, LimitReached};
use super::session::Session;
use super::tokens::Tokens;
use super::{checks, recognition};
use crate::dialogue::{Context, Turn};

/// Out-of-band responses that may run beside the conversation's.
const MAX_OUT_OF_BAND: usize = 4;
/// A response of which nothing has been heard for so long is not going to end by itself.
const STALLED: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Responses {
    running: Vec<Running>,
    /// A turn ended while a response was active that speech does not interrupt.
    is_owed: bool,
    /// Whether any audio was sent, after which the voice is fixed.
    pub(super) has_spoken: bool,
    /// Tasks so far.
    tasks: u64,
}

struct Running {
    response: ActiveResponse,
    /// What it answers from, when it is not the conversation.
    input: Option<Vec<Item>>,
    /// `None` while it waits for what was said to be recognised.
    started: Option<Started>,
    /// When it last went on.
    moved: Instant,
}

/// The task that makes a response.
pub(super) struct Started {
    pub(super) serial: u64,
    pub(super) task: AbortHandle,
}

impl Responses {
    /// The active response of the conversation.
    fn active(&self) -> Option<usize> {
        let is_active = |running: &Running| running.response.is_in_conversation();
        self.running.iter().position(is_active)
    }

    /// The one whose task it is.
    fn started(&self, is_it: impl Fn(&Started) -> bool) -> Option<usize> {
        self.running
            .iter()
            .position(|running| running.started.as_ref().is_some_and(&is_it))
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.tasks += 1;
        self.tasks
    }

    pub(super) fn has_active(&self) -> bool {
        self.active().is_some()
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.running
            .iter()
            .position(|running| running.response.id == id)
    }

    /// When the first of them will have stalled.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let ends = self.running.iter().map(|running| running.moved + STALLED);
        ends.min()
    }
}

impl Session {
    pub(super) fn create_response(&mut self, params: ResponseParams) -> Result<(), ErrorDetail> {
        checks::response(&params, &self.settings, self.app.engine.voices())?;
        if let Some(input) = &params.input {
            self.check_input(input)?;
        }
        let responses = &self.responses;
        match (params.conversation.unwrap_or_default(), responses.active()) {
            (ConversationMode::Auto, Some(active)) => {
                let id = &responses.running[active].response.id;
                return Err(ErrorDetail::invalid(
                    code::ALREADY_HAS_ACTIVE_RESPONSE,
                    format!(
                        "Conversation already has an active response in progress: {id}. Wait until the response is finished before creating a new one."
                    ),
                ));
            }
            (ConversationMode::None, active) => {
                let beside = responses.running.len() - usize::from(active.is_some());
                if beside >= MAX_OUT_OF_BAND {
                    return Err(ErrorDetail::invalid(
                        code::BAD_RESPONSE_CREATE,
                        format!(
                            "At most {MAX_OUT_OF_BAND} out-of-band responses may be in progress."
                        ),
                    ));
                }
            }
            (ConversationMode::Auto, None) => {}
        }
        self.begin_response(params);
        Ok(())
    }

    fn check_input(&self, input: &[Item]) -> Result<(), ErrorDetail> {
        for (index, item) in input.iter().enumerate() {
            let param = format!("response.input[{index}]");
            match item {
                Item::ItemReference(reference) => {
                    if self.conversation.get(&reference.id).is_none() {
                        let id = &reference.id;
                        return Err(ErrorDetail::invalid(
                            code::BAD_RESPONSE_CREATE,
                            format!("There is no item with id '{id}'."),
                        )
                        .with_param(format!("{param}.id")));
                    }
                }
                item => checks::item(&param, item)?,
            }
        }
        Ok(())
    }

    /// Answers a turn that has just ended, now or after the response that is still active.
    pub(super) fn answer(&mut self) {
        if self.responses.active().is_some() {
            self.responses.is_owed = true;
        } else {
            self.begin_response(ResponseParams::default());
        }
    }

    pub(super) fn begin_response(&mut self, mut params: ResponseParams) {
        let input = params.input.take();
        let plan = Plan::new(&self.settings, &params, self.app.engine.voices());
        let response = ActiveResponse::new(plan, &self.conversation_id);
        if response.is_in_conversation() {
            self.stop_waiting_for_person();
        }
        self.emit(response.created());
        self.responses.running.push(Running {
            response,
            input,
            started: None,
            moved: Instant::now(),
        });
        self.start_waiting();
    }

    /// Starts the responses that waited for what was said, once that is known.
    pub(super) fn start_waiting(&mut self) {
        let is_known = self.turns.finishing.is_empty();
        let mut steps = Vec::new();
        for index in 0..self.responses.running.len() {
            let running = &self.responses.running[index];
            let is_reference = |item: &Item| matches!(item, Item::ItemReference(_));
            let is_ready = is_known
                || running
                    .input
                    .as_ref()
                    .is_some_and(|input| !input.iter().any(is_reference));
            if running.started.is_some() || !is_ready {
                continue;
            }
            let (task, input_tokens) = self.task(index);
            let (started, prepared) = match self.take_prepared(&task) {
                Some(prepared) => prepared,
                None => (self.start(task), Vec::new()),
            };
            let running = &mut self.responses.running[index];
            running.response.input_tokens = input_tokens;
            running.moved = Instant::now();
            steps.extend(prepared.into_iter().map(|step| (started.serial, step)));
            running.started = Some(started);
        }
        for (serial, step) in steps {
            self.step(serial, step);
        }
    }

    pub(super) fn start(&mut self, task: Task) -> Started {
        Started {
            serial: task.serial,
            task: self.tasks.spawn(task.run()),
        }
    }

    /// What makes a response, and what it costs to read what that goes by.
    fn task(&mut self, index: usize) -> (Task, Tokens) {
        let mut tokens = Tokens::default();
        let mut unheard = Vec::new();
        let turns = match &self.responses.running[index].input {
            None => {
                tokens += self.conversation.tokens();
                self.conversation.turns()
            }
            Some(input) => {
                let mut turns = Vec::with_capacity(input.len());
                for item in input {
                    tokens += Tokens::text(text_len(item));
                    if needs_words(item) {
                        unheard.push(Unheard {
                            turn: turns.len(),
                            pcm: recognition::at_16k(&conversation::sound(item)),
                        });
                    }
                    turns.extend(self.input_turn(item));
                }
                turns
            }
        };
        let serial = self.responses.next_serial();
        let plan = &self.responses.running[index].response.plan;
        tokens += Tokens::text(plan.instructions.len());
        let task = Task {
            unheard,
            ..self.new_task(serial, plan, turns)
        };
        (task, tokens)
    }

    /// A task that has not started.
    pub(super) fn new_task(&self, serial: u64, plan: &Plan, turns: Vec<Turn>) -> Task {
        Task {
            serial,
            context: Context {
                instructions: plan.instructions.clone(),
                turns,
                tools: plan.tools.clone(),
                tool_choice: plan.tool_choice.clone(),
            },
            unheard: Vec::new(),
            voice: plan.is_audio.then(|| (plan.speaker.clone(), plan.speed)),
            engine: self.app.engine.clone(),
            brain: self.app.brain.clone(),
            steps: self.internal.clone(),
            gate: None,
        }
    }

    fn input_turn(&self, item: &Item) -> Option<Turn> {
        match item {
            Item::ItemReference(reference) => self.conversation.turn(&reference.id),
            item => conversation::turn(item),
        }
    }

    pub(super) fn cancel_response(&mut self, id: Option<&str>) -> Result<(), ErrorDetail> {
        let index = match id {
            Some(id) => self.responses.position(id),
            None => self.responses.active(),
        };
        let Some(index) = index else {
            return Err(ErrorDetail::invalid(
                code::RESPONSE_CANCEL_NOT_ACTIVE,
                "Cancellation failed: no active response found",
            ));
        };
        self.end(
            index,
            ResponseStatus::Cancelled,
            Some(reason::CLIENT_CANCELLED),
        );
        Ok(())
    }

    /// Ends the active response of the conversation, if there is one.
    pub(super) fn end_active(&mut self, status: ResponseStatus, reason: &str) {
        if let Some(index) = self.responses.active() {
            self.end(index, status, Some(reason));
        }
    }

    /// A step of a response's task; what a cancelled response still had to say is dropped here.
    pub(super) fn step(&mut self, serial: u64, step: Step) {
        let is_its = |started: &Started| started.serial == serial;
        let Some(index) = self.responses.started(is_its) else {
            return;
        };
        let running = &mut self.responses.running[index];
        running.moved = Instant::now();
        let response = &mut running.response;
        let outcome = match step {
            Step::Message => {
                response.begin_message(&mut self.conversation, &mut self.events);
                Ok(())
            }
            Step::Say { text, wave } => {
                self.responses.has_spoken |= !wave.is_empty();
                response.say(&text, &wave, &mut self.conversation, &mut self.events)
            }
            Step::Call { name, arguments } => {
                response.call(&name, &arguments, &mut self.conversation, &mut self.events)
            }
            Step::Finished(Ok(())) => return self.end(index, ResponseStatus::Completed, None),
            Step::Finished(Err(error)) => {
                tracing::warn!(%error, "A response failed");
                return self.end(index, ResponseStatus::Failed, None);
            }
        };
        if let Err(LimitReached) = outcome {
            self.end(
                index,
                ResponseStatus::Incomplete,
                Some(reason::MAX_OUTPUT_TOKENS),
            );
        }
    }

    /// Ends a response: stops its task and says what is due, `response.done` last.
    fn end(&mut self, index: usize, status: ResponseStatus, reason: Option<&str>) {
        let details = (status != ResponseStatus::Completed).then(|| StatusDetails {
            kind: Some(status),
            reason: reason.map(str::to_owned),
            error: (status == ResponseStatus::Failed)
                .then(|| ErrorDetail::server("model_failed", "The models failed.")),
        });
        let Running {
            response, started, ..
        } = self.responses.running.remove(index);
        if let Some(started) = started {
            started.task.abort();
        }
        let is_in_conversation = response.is_in_conversation();
        let playing = Duration::from_millis(audio::duration_ms(response.spoken));
        response.done(status, details, &mut self.conversation, &mut self.events);
        if is_in_conversation {
            if std::mem::take(&mut self.responses.is_owed) {
                self.begin_response(ResponseParams::default());
            } else {
                self.wait_for_person(playing);
            }
        }
    }

    /// The task of a response panicked.
    pub(super) fn response_lost(&mut self, task: Id) {
        let is_its = |started: &Started| started.task.id() == task;
        if let Some(index) = self.responses.started(is_its) {
            self.end(index, ResponseStatus::Failed, None);
        }
    }

    /// Ends what has not gone on for too long.
    pub(super) fn fail_stalled(&mut self, now: Instant) {
        let is_stalled = |running: &Running| running.moved + STALLED <= now;
        while let Some(index) = self.responses.running.iter().position(is_stalled) {
            tracing::error!("A response stalled");
            self.end(index, ResponseStatus::Failed, None);
        }
    }
}
