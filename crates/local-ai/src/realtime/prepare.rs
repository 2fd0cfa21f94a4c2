//! Answers that are prepared while the person pauses, so that they are ready when the turn ends.
//!
//! Nothing of them shows before that, and one is used only if what it was made from is exactly
//! what the response is made from; else it is thrown away. Only the dialogue of this server is
//! asked in advance: what a chat endpoint is asked may cost its owner money.

use openai_realtime::{ResponseParams, TurnDetection};
use tokio::sync::oneshot;
use tokio::task::Id;

use super::generate::{Step, Task};
use super::plan::Plan;
use super::responses::Started;
use super::session::Session;
use crate::dialogue::{Context, Turn};

/// An answer up to its first clause.
struct Prepared {
    /// What makes it.
    started: Started,
    basis: Basis,
    /// What it consists of so far.
    steps: Vec<Step>,
    go_on: oneshot::Sender<()>,
}

/// What an answer is made from.
struct Basis {
    context: Context,
    voice: Option<(String, f32)>,
}

impl Basis {
    fn of(task: &Task) -> Self {
        Self {
            context: task.context.clone(),
            voice: task.voice.clone(),
        }
    }
}

impl PartialEq for Basis {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.context, &other.context);
        self.voice == other.voice
            && ours.turns == theirs.turns
            && ours.instructions == theirs.instructions
            && ours.tools == theirs.tools
            && ours.tool_choice == theirs.tool_choice
    }
}

/// What is prepared for the turn that is going on.
#[derive(Default)]
pub(super) struct Preparation {
    prepared: Option<Prepared>,
    /// Where the last word was when one was begun, which is done once a pause.
    until: u64,
}

impl Session {
    /// Prepares an answer to what has been said, if that may be all.
    pub(super) fn prepare(&mut self) {
        let until = self.turns.input.voiced_until();
        if until <= self.preparation.until {
            return;
        }
        self.discard_prepared();
        let listening = &self.turns.listening;
        let is_understood = self.turns.input.is_pausing()
            && !listening.is_busy
            && listening.covered >= until
            && !listening.draft.text.is_empty()
            && self.turns.finishing.is_empty();
        let detection = self.settings.turn_detection();
        let is_answered = detection.is_none_or(TurnDetection::creates_response);
        let is_free = self.app.brain.chat().is_none();
        if !(is_understood && is_answered && is_free) || self.responses.has_active() {
            return;
        }
        self.preparation.until = until;
        let plan = Plan::new(
            &self.settings,
            &ResponseParams::default(),
            self.app.engine.voices(),
        );
        let mut turns = self.conversation.turns();
        turns.push(Turn::User(listening.draft.text.clone()));
        let serial = self.responses.next_serial();
        let mut task = self.new_task(serial, &plan, turns);
        let (go_on, gate) = oneshot::channel();
        task.gate = Some(gate);
        self.preparation.prepared = Some(Prepared {
            basis: Basis::of(&task),
            started: self.start(task),
            steps: Vec::new(),
            go_on,
        });
    }

    /// Takes a step of what is being prepared; gives it back if it is not part of that.
    pub(super) fn prepared_step(&mut self, serial: u64, step: Step) -> Option<Step> {
        let is_its = |prepared: &&mut Prepared| prepared.started.serial == serial;
        let Some(prepared) = self.preparation.prepared.as_mut().filter(is_its) else {
            return Some(step);
        };
        if let Step::Finished(Err(_)) = step {
            // It may do better when it is needed.
            self.discard_prepared();
        } else {
            prepared.steps.push(step);
        }
        None
    }

    /// What was prepared for exactly this, to be used now; anything else is thrown away.
    pub(super) fn take_prepared(&mut self, task: &Task) -> Option<(Started, Vec<Step>)> {
        let prepared = self.preparation.prepared.take()?;
        if prepared.basis != Basis::of(task) {
            prepared.started.task.abort();
            return None;
        }
        // It may have come to its end already.
        let _ = prepared.go_on.send(());
        Some((prepared.started, prepared.steps))
    }

    /// The task that was preparing something panicked.
    pub(super) fn preparation_lost(&mut self, task: Id) {
        let prepared = self.preparation.prepared.as_ref();
        if prepared.is_some_and(|prepared| prepared.started.task.id() == task) {
            self.discard_prepared();
        }
    }

    fn discard_prepared(&mut self) {
        if let Some(prepared) = self.preparation.prepared.take() {
            prepared.started.task.abort();
        }
    }
}
