//! What a new session must be told so that it goes on where the lost one was.

use std::collections::BTreeMap;

use openai_realtime::{FunctionCall, Item, Role};

use super::SeenCall;
use crate::domain::{self, ToolRequest};

/// Turns that are told again.
const MAX_TURNS: usize = 60;
/// Tool calls of one turn that are told again.
const MAX_CALLS: usize = 64;
/// Sound of a turn that is kept: a little more than the longest turn.
const MAX_SAMPLES: usize = 70 * 24_000;

/// The conversation as far as this end knows it.
#[derive(Debug, Default)]
pub(super) struct History {
    turns: BTreeMap<u32, (domain::Role, String)>,
    /// Calls since the caller's last turn, and older ones that still run.
    calls: Vec<SeenCall>,
    /// Sound since the last commit.
    input: Vec<i16>,
    /// Sound of the last commit, until its words are known.
    committed: Option<Vec<i16>>,
}

impl History {
    pub(super) fn append(&mut self, audio: &[i16]) {
        let room = MAX_SAMPLES.saturating_sub(self.input.len());
        self.input
            .extend_from_slice(&audio[..audio.len().min(room)]);
    }

    pub(super) fn commit(&mut self) {
        self.committed = Some(std::mem::take(&mut self.input));
        // A call of the turn before may still be running.
        self.calls.retain(|seen| seen.output.is_none());
    }

    pub(super) fn clear(&mut self) {
        self.input.clear();
    }

    pub(super) fn remember(&mut self, position: u32, role: domain::Role, text: String) {
        if role == domain::Role::User {
            self.committed = None;
        }
        if text.is_empty() {
            return;
        }
        self.turns.insert(position, (role, text));
        while self.turns.len() > MAX_TURNS {
            self.turns.pop_first();
        }
    }

    pub(super) fn called(&mut self, request: ToolRequest) {
        if self.calls.len() < MAX_CALLS {
            self.calls.push(SeenCall {
                request,
                output: None,
            });
        }
    }

    pub(super) fn answered(&mut self, call: &domain::ToolCallId, output: &str) {
        if let Some(seen) = self
            .calls
            .iter_mut()
            .find(|seen| seen.request.call == *call)
        {
            seen.output = Some(output.to_owned());
        }
    }

    /// The items of a new session: what was said, then the calls of the turn that is being
    /// answered. A call without an answer is left out; its answer then comes with it.
    pub(super) fn items(&self) -> Vec<Item> {
        let said = self.turns.values().map(|(role, text)| match role {
            domain::Role::User => Item::text(Role::User, text.clone()),
            domain::Role::Assistant => Item::text(Role::Assistant, text.clone()),
        });
        let answered = self.calls.iter().filter_map(|seen| {
            let output = seen.output.clone()?;
            Some(call_items(&seen.request, output))
        });
        said.chain(answered.flatten()).collect()
    }

    /// The items that answer a call which the present session does not know.
    pub(super) fn answer_items(&self, call: &domain::ToolCallId, output: String) -> Vec<Item> {
        let seen = self.calls.iter().find(|seen| seen.request.call == *call);
        seen.map_or_else(Vec::new, |seen| call_items(&seen.request, output).into())
    }

    /// The turn that was committed but whose words are not known.
    pub(super) fn committed(&self) -> Option<&[i16]> {
        self.committed.as_deref()
    }

    /// What the caller has said of the turn that goes on.
    pub(super) fn input(&self) -> &[i16] {
        &self.input
    }
}

fn call_items(request: &ToolRequest, output: String) -> [Item; 2] {
    let call = request.call.as_str().to_owned();
    [
        Item::FunctionCall(FunctionCall {
            name: request.name.clone(),
            call_id: Some(call.clone()),
            arguments: request.arguments.clone(),
            ..FunctionCall::default()
        }),
        Item::function_call_output(call, output),
    ]
}
