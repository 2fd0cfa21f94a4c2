//! The ledger of tool calls: each is answered exactly once, whatever happens.

use std::collections::{HashMap, HashSet};

use super::{
    Moment, Output, Settings, Ticket, ToolCallId, ToolEffect, ToolRecord, ToolRequest, ToolResult,
    ToolStatus,
};

/// Call ids that are remembered to recognise a call that is reported twice.
const MAX_KNOWN: usize = 4096;

/// What the tools of the call do.
#[derive(Debug, Default)]
pub(super) struct Tools {
    running: HashMap<ToolCallId, Running>,
    known: HashSet<ToolCallId>,
    called: usize,
}

#[derive(Debug)]
struct Running {
    name: String,
    ticket: Ticket,
    started: Moment,
    deadline: Moment,
}

/// A call that is over.
#[derive(Debug)]
pub(super) struct Ended {
    /// The response that asked for it.
    pub(super) ticket: Ticket,
    /// What to show and to keep.
    pub(super) record: ToolRecord,
    /// What it does to the call.
    pub(super) effect: Option<ToolEffect>,
    /// What to tell the model.
    pub(super) answer: Output,
}

impl Tools {
    /// The model calls a tool for the response with this ticket; without one it may not call any
    /// more. Gives what is to be done: run it, or answer at once.
    pub(super) fn call(
        &mut self,
        now: Moment,
        (ticket, turn): (Option<Ticket>, u32),
        request: ToolRequest,
        settings: &Settings,
    ) -> Option<Output> {
        if self.known.len() >= MAX_KNOWN || !self.known.insert(request.call.clone()) {
            return None;
        }
        let Some(ticket) = ticket else {
            return Some(refuse(request.call, "cancelled", "no tool can be used now"));
        };
        if self.called >= settings.max_tool_calls {
            let why = "no more tools can be used in this call";
            return Some(refuse(request.call, "limit_reached", why));
        }
        self.called += 1;
        self.running.insert(
            request.call.clone(),
            Running {
                name: request.name.clone(),
                ticket,
                started: now,
                deadline: now + settings.tool_timeout,
            },
        );
        Some(Output::CallTool { request, turn })
    }

    /// A tool gave its result; `None` when it was answered before.
    pub(super) fn finished(
        &mut self,
        now: Moment,
        call: ToolCallId,
        result: ToolResult,
    ) -> Option<Ended> {
        let running = self.running.remove(&call)?;
        Some(Ended {
            ticket: running.ticket,
            effect: result.effect,
            record: ToolRecord {
                call: call.clone(),
                name: running.name,
                status: result.status,
                took: now.since(running.started),
                sources: result.sources,
            },
            answer: Output::AnswerTool {
                call,
                output: result.output,
            },
        })
    }

    /// A call whose deadline has passed.
    pub(super) fn expire(&mut self, now: Moment) -> Option<(Output, Ended)> {
        let late = |(call, running): (&ToolCallId, &Running)| {
            (now >= running.deadline).then(|| call.clone())
        };
        let call = self.running.iter().find_map(late)?;
        self.close(
            now,
            call,
            ToolStatus::TimedOut,
            "timeout",
            "it took too long",
        )
    }

    /// Any call that still runs, called off.
    pub(super) fn cancel_one(&mut self, now: Moment) -> Option<(Output, Ended)> {
        let call = self.running.keys().next()?.clone();
        self.close(
            now,
            call,
            ToolStatus::Cancelled,
            "cancelled",
            "the call ends",
        )
    }

    fn close(
        &mut self,
        now: Moment,
        call: ToolCallId,
        status: ToolStatus,
        code: &str,
        message: &str,
    ) -> Option<(Output, Ended)> {
        let result = ToolResult {
            status,
            output: error_output(code, message),
            sources: Vec::new(),
            effect: None,
        };
        let ended = self.finished(now, call.clone(), result)?;
        Some((Output::CancelTool(call), ended))
    }

    /// Whether tools of this response still run.
    pub(super) fn is_running(&self, ticket: Ticket) -> bool {
        self.running.values().any(|tool| tool.ticket == ticket)
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        self.running.values().map(|tool| tool.deadline).min()
    }
}

fn refuse(call: ToolCallId, code: &str, message: &str) -> Output {
    Output::AnswerTool {
        call,
        output: error_output(code, message),
    }
}

/// What the model is told of a tool that gave no result. Both words are ours, so the text needs no
/// escaping.
fn error_output(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#)
}
