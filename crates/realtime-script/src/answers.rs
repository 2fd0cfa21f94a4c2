//! What a session answers, as steps to be taken one after the other. No I/O, no clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use openai_realtime::{
    BufferCommitted, ClientEvent, ClientMessage, ContentPart, Delta, ErrorDetail, ErrorEvent,
    FunctionCall, Item, ItemEvent, ItemStatus, Message as Said, OutputItem, PartPosition, Response,
    ResponseCreate, ResponseEvent, ResponseStatus, Role, ServerEvent, SessionEvent, StatusDetails,
    TranscriptionCompleted, audio, code,
};
use serde_json::Value;

use crate::script::{Fault, Line, Loss};
use crate::shared::Shared;
use crate::tone;

/// Samples of one audio delta: a fifth of a second.
const DELTA: usize = 4_800;

/// Frames that a client must survive.
const NONSENSE: [&str; 5] = [
    "no event",
    r#"["response.done"]"#,
    r#"{"event_id":"event_x"}"#,
    r#"{"type":"response.brand_new","event_id":"event_x","response_id":7}"#,
    r#"{"type":"response.output_audio.delta","event_id":"event_x","delta":{}}"#,
];

/// Something to do, so long after the step before.
pub(crate) struct Step {
    pub(crate) wait: Duration,
    pub(crate) act: Act,
}

pub(crate) enum Act {
    Send(Box<ServerEvent>),
    Raw(&'static str),
    Lose(Loss),
}

/// The answers of one session.
pub(crate) struct Answers {
    shared: Arc<Shared>,
    session: usize,
    /// Turns of the caller that the conversation holds; the last is the line being answered.
    turns: usize,
    /// What the tool of this line gave.
    tool_result: Option<String>,
    steps: VecDeque<Step>,
    /// The response that the steps belong to.
    active: Option<Response>,
    /// Things that got an id.
    made: usize,
}

impl Answers {
    pub(crate) fn new(shared: Arc<Shared>, session: usize) -> Self {
        Self {
            shared,
            session,
            turns: 0,
            tool_result: None,
            steps: VecDeque::new(),
            active: None,
            made: 0,
        }
    }

    /// Takes an event. Gives what is sent at once.
    pub(crate) fn handle(&mut self, message: ClientMessage) -> Vec<ServerEvent> {
        match message.event {
            ClientEvent::SessionUpdate(update) => {
                let session = update.session;
                vec![ServerEvent::SessionUpdated(SessionEvent { session })]
            }
            ClientEvent::InputAudioBufferCommit(_) => {
                let item_id = self.new_turn();
                self.hear(item_id)
            }
            ClientEvent::ConversationItemCreate(create) => self.add(create.item),
            ClientEvent::ResponseCreate(create) => self.respond(create, message.event_id),
            ClientEvent::ResponseCancel(_) => self.cancel(message.event_id),
            _ => Vec::new(),
        }
    }

    /// How long after the last step the next one is due.
    pub(crate) fn next_wait(&self) -> Option<Duration> {
        self.steps.front().map(|step| step.wait)
    }

    pub(crate) fn next(&mut self) -> Option<Step> {
        let step = self.steps.pop_front();
        if self.steps.is_empty() {
            self.active = None;
        }
        step
    }

    /// The id of a turn that begins.
    pub(crate) fn new_turn(&mut self) -> String {
        self.new_id("item_heard")
    }

    /// A turn is over.
    pub(crate) fn hear(&mut self, item_id: String) -> Vec<ServerEvent> {
        self.begin_turn();
        let transcript = self.line().heard;
        vec![
            ServerEvent::InputAudioBufferCommitted(BufferCommitted {
                item_id: item_id.clone(),
                previous_item_id: None,
            }),
            ServerEvent::TranscriptionCompleted(TranscriptionCompleted {
                item_id,
                content_index: 0,
                transcript,
                usage: None,
                logprobs: None,
            }),
        ]
    }

    fn begin_turn(&mut self) {
        self.turns += 1;
        self.tool_result = None;
    }

    /// A turn that is told counts as one that was heard.
    fn add(&mut self, item: Item) -> Vec<ServerEvent> {
        match &item {
            Item::Message(said) if said.role == Role::User => self.begin_turn(),
            Item::FunctionCallOutput(output) => self.tool_result = Some(output.output.clone()),
            _ => {}
        }
        vec![ServerEvent::ConversationItemAdded(ItemEvent {
            previous_item_id: None,
            item,
        })]
    }

    /// Begins a response, or refuses to.
    pub(crate) fn respond(
        &mut self,
        create: ResponseCreate,
        event_id: Option<String>,
    ) -> Vec<ServerEvent> {
        if self.active.is_some() {
            let text = "a response is active";
            let error = ErrorDetail::invalid(code::ALREADY_HAS_ACTIVE_RESPONSE, text);
            return vec![refusal(error, event_id)];
        }
        let params = create.response.map(|params| *params).unwrap_or_default();
        // What is read aloud belongs to no line.
        let fault = match params.input {
            Some(_) => None,
            None => self.shared.next_fault(self.line_number()),
        };
        if let Some(Fault::Refuse(error)) = fault {
            return vec![refusal(error, event_id)];
        }
        let response = Response {
            id: self.new_id("resp"),
            object: "realtime.response".into(),
            metadata: params.metadata,
            ..Response::default()
        };
        let begun = ServerEvent::ResponseCreated(ResponseEvent {
            response: Box::new(response.clone()),
        });
        self.active = Some(response.clone());
        if let Some(Fault::Fail(error)) = fault {
            self.end(response, ResponseStatus::Failed, Vec::new(), Some(error));
            return vec![begun];
        }
        let line = self.line();
        let item = match (params.input, &line.tool, &self.tool_result) {
            // A context of its own is a text to be read aloud.
            (Some(input), ..) => self.speak(&response.id, &words(&input), None),
            (None, Some(tool), None) => self.call(&response.id, tool),
            (None, _, result) => {
                let text = filled(&line.answer, result.as_deref().unwrap_or_default());
                self.speak(&response.id, &text, fault.as_ref())
            }
        };
        self.end(response, ResponseStatus::Completed, vec![item], None);
        vec![begun]
    }

    fn cancel(&mut self, event_id: Option<String>) -> Vec<ServerEvent> {
        let Some(response) = self.active.take() else {
            let text = "no response is active";
            let error = ErrorDetail::invalid(code::RESPONSE_CANCEL_NOT_ACTIVE, text);
            return vec![refusal(error, event_id)];
        };
        self.steps.clear();
        let response = Box::new(Response {
            status: ResponseStatus::Cancelled,
            usage: self.line().usage,
            ..response
        });
        vec![ServerEvent::ResponseDone(ResponseEvent { response })]
    }

    fn end(
        &mut self,
        response: Response,
        status: ResponseStatus,
        output: Vec<Item>,
        error: Option<ErrorDetail>,
    ) {
        let status_details = error.map(|error| StatusDetails {
            kind: Some(status),
            error: Some(error),
            ..StatusDetails::default()
        });
        let response = Box::new(Response {
            status,
            status_details,
            output,
            usage: self.line().usage,
            ..response
        });
        self.later(
            Duration::ZERO,
            ServerEvent::ResponseDone(ResponseEvent { response }),
        );
    }

    fn call(&mut self, response_id: &str, tool: &str) -> Item {
        let item = Item::FunctionCall(FunctionCall {
            name: tool.to_owned(),
            call_id: Some(self.new_id("call")),
            arguments: "{}".into(),
            ..FunctionCall::default()
        });
        self.finish_item(response_id, item)
    }

    fn speak(&mut self, response_id: &str, text: &str, fault: Option<&Fault>) -> Item {
        let position = PartPosition {
            response_id: response_id.to_owned(),
            item_id: self.new_id("item_said"),
            ..PartPosition::default()
        };
        let delta = |delta: String| Delta {
            position: position.clone(),
            delta,
        };
        let words = ServerEvent::OutputAudioTranscriptDelta(delta(text.to_owned()));
        self.later(self.shared.script.first_audio, words);
        if matches!(fault, Some(Fault::Nonsense)) {
            let frames = NONSENSE.map(|frame| Step {
                wait: Duration::ZERO,
                act: Act::Raw(frame),
            });
            self.steps.extend(frames);
        }
        let sound = tone(text);
        let pieces = sound.chunks(DELTA);
        let middle = pieces.len() / 2;
        for (index, samples) in pieces.enumerate() {
            if index == middle
                && let Some(Fault::Lose(loss)) = fault
            {
                self.steps.push_back(Step {
                    wait: self.shared.script.pace,
                    act: Act::Lose(loss.clone()),
                });
            }
            let sound = ServerEvent::OutputAudioDelta(delta(audio::encode(samples)));
            self.later(self.shared.script.pace, sound);
        }
        self.later(
            Duration::ZERO,
            ServerEvent::OutputAudioDone(position.clone()),
        );
        let said = ContentPart::OutputAudio {
            audio: None,
            transcript: Some(text.to_owned()),
        };
        let item = Item::Message(Said::new(Role::Assistant, vec![said]));
        self.finish_item(response_id, item.with_id(position.item_id))
    }

    fn finish_item(&mut self, response_id: &str, item: Item) -> Item {
        let item = item.with_status(ItemStatus::Completed);
        let done = ServerEvent::OutputItemDone(OutputItem {
            response_id: response_id.to_owned(),
            output_index: 0,
            item: item.clone(),
        });
        self.later(Duration::ZERO, done);
        item
    }

    fn later(&mut self, wait: Duration, event: ServerEvent) {
        let act = Act::Send(Box::new(event));
        self.steps.push_back(Step { wait, act });
    }

    /// An id that no other session of the server gives either.
    fn new_id(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_{}_{}", self.session, self.made)
    }

    /// Which line the turn that began last is.
    fn line_number(&self) -> usize {
        let lines = self.shared.script.lines.len().max(1);
        self.turns.saturating_sub(1) % lines
    }

    fn line(&self) -> Line {
        let lines = &self.shared.script.lines;
        lines.get(self.line_number()).cloned().unwrap_or_default()
    }
}

fn refusal(mut error: ErrorDetail, event_id: Option<String>) -> ServerEvent {
    error.event_id = event_id;
    ServerEvent::Error(ErrorEvent { error })
}

/// What the last message of a context says.
fn words(context: &[Item]) -> String {
    let last = context.iter().rev().find_map(|item| match item {
        Item::Message(message) => Some(message.words()),
        _ => None,
    });
    last.unwrap_or_default()
}

/// The answer with the fields of the tool's result in it.
fn filled(answer: &str, result: &str) -> String {
    let fields: Value = serde_json::from_str(result).unwrap_or_default();
    let mut text = answer.to_owned();
    for (name, value) in fields.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            text = text.replace(&format!("{{{name}}}"), value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_what_the_tool_gave() {
        let result = r#"{"plan":"pro","seats":3}"#;
        assert_eq!(filled("On {plan}, {seats}.", result), "On pro, {seats}.");
        assert_eq!(filled("Nothing.", "no JSON"), "Nothing.");
    }
}
