//! What a session owes its client: every response that was created is done once, and every
//! utterance that was begun is ended, committed and transcribed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openai_realtime::{Item, ServerEvent, code};
use tokio::time::Instant;

/// Errors that come of the client's own haste: the response ended, or began, in that moment.
const HASTE: [&str; 2] = [
    code::RESPONSE_CANCEL_NOT_ACTIVE,
    code::ALREADY_HAS_ACTIVE_RESPONSE,
];
/// What is owed must be given within this time.
const BOUND: Duration = Duration::from_mins(1);

/// What one session owes, and what it did wrong.
#[derive(Debug, Default)]
pub struct Ledger {
    responses: BTreeMap<String, Instant>,
    utterances: BTreeMap<String, Utterance>,
    deletions: BTreeMap<String, Instant>,
    done: BTreeSet<String>,
    /// Items of the conversation.
    pub items: Vec<String>,
    pub counts: Counts,
    pub faults: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub created: usize,
    pub done: usize,
    pub utterances: usize,
    pub calls: usize,
    /// Responses and utterances that a line that was cut took with it.
    pub cut: usize,
}

/// How far an utterance is.
#[derive(Debug, Clone, Copy)]
struct Utterance {
    since: Instant,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Started,
    Stopped,
    Committed,
    Added,
}

impl Ledger {
    /// Takes an event of the server.
    pub fn take(&mut self, event: &ServerEvent) {
        match event {
            ServerEvent::ResponseCreated(created) => {
                self.counts.created += 1;
                let id = created.response.id.clone();
                if self.done.contains(&id) || self.responses.contains_key(&id) {
                    self.faults.push(format!("{id} was created twice"));
                }
                self.responses.insert(id, Instant::now());
            }
            ServerEvent::ResponseDone(done) => {
                self.counts.done += 1;
                let id = done.response.id.clone();
                if self.responses.remove(&id).is_none() {
                    self.faults
                        .push(format!("{id} was done without being created"));
                }
                self.done.insert(id);
            }
            ServerEvent::SpeechStarted(started) => {
                self.counts.utterances += 1;
                let utterance = Utterance {
                    since: Instant::now(),
                    step: Step::Started,
                };
                self.utterances.insert(started.item_id.clone(), utterance);
            }
            ServerEvent::SpeechStopped(stopped) => {
                self.step(&stopped.item_id, Step::Started, Step::Stopped);
            }
            ServerEvent::InputAudioBufferCommitted(committed) => {
                self.step(&committed.item_id, Step::Stopped, Step::Committed);
            }
            ServerEvent::ConversationItemAdded(added) => {
                let id = added.item.id().unwrap_or_default().to_owned();
                if self.utterances.contains_key(&id) {
                    self.step(&id, Step::Committed, Step::Added);
                }
                self.items.push(id);
            }
            ServerEvent::TranscriptionCompleted(completed) => self.transcribed(&completed.item_id),
            ServerEvent::TranscriptionFailed(failed) => {
                self.faults.push("a transcription failed".to_owned());
                self.transcribed(&failed.item_id);
            }
            ServerEvent::ConversationItemDeleted(deleted) => {
                let was_asked = self.deletions.remove(&deleted.item_id).is_some();
                self.require(was_asked, "an item was deleted that nobody asked for");
            }
            ServerEvent::OutputItemDone(done) => {
                self.counts.calls += usize::from(matches!(done.item, Item::FunctionCall(_)));
            }
            ServerEvent::Error(event) => {
                let code = event.error.code.as_deref().unwrap_or_default();
                if !HASTE.contains(&code) {
                    let message = &event.error.message;
                    self.faults.push(format!("the server complains: {message}"));
                }
            }
            _ => {}
        }
    }

    /// The client asks for the deletion of an item.
    pub fn deletes(&mut self, item_id: &str) {
        self.items.retain(|id| id != item_id);
        self.deletions.insert(item_id.to_owned(), Instant::now());
    }

    /// Whether the conversation's response, or any other, is going on.
    pub fn is_responding(&self) -> bool {
        !self.responses.is_empty()
    }

    /// Whether nothing is owed.
    pub fn is_settled(&self) -> bool {
        self.responses.is_empty() && self.utterances.is_empty() && self.deletions.is_empty()
    }

    /// Notes what is owed for too long, once.
    pub fn check(&mut self, now: Instant) {
        let mut late = Vec::new();
        let is_late = |since: Instant| now.duration_since(since) > BOUND;
        self.responses.retain(|id, since| {
            let is_late = is_late(*since);
            if is_late {
                late.push(format!("{id} is not done after {BOUND:?}"));
            }
            !is_late
        });
        self.utterances.retain(|id, utterance| {
            let is_late = is_late(utterance.since);
            if is_late {
                let step = utterance.step;
                late.push(format!("{id} is no further than {step:?} after {BOUND:?}"));
            }
            !is_late
        });
        self.deletions.retain(|id, since| {
            let is_late = is_late(*since);
            if is_late {
                late.push(format!("{id} is not deleted after {BOUND:?}"));
            }
            !is_late
        });
        self.faults.extend(late);
    }

    /// The line was cut: nothing more will come.
    pub fn cut(&mut self) {
        self.counts.cut += self.responses.len();
        self.responses.clear();
        self.utterances.clear();
        self.deletions.clear();
    }

    fn require(&mut self, holds: bool, fault: &str) {
        if !holds {
            self.faults.push(fault.to_owned());
        }
    }

    fn step(&mut self, id: &str, from: Step, to: Step) {
        match self.utterances.get_mut(id) {
            Some(utterance) if utterance.step == from => utterance.step = to,
            other => self.faults.push(format!(
                "{id} became {to:?} from {:?}",
                other.map(|utterance| utterance.step)
            )),
        }
    }

    fn transcribed(&mut self, id: &str) {
        match self.utterances.remove(id).map(|utterance| utterance.step) {
            Some(Step::Added) => {}
            step => self
                .faults
                .push(format!("{id} was transcribed at {step:?}")),
        }
    }
}
