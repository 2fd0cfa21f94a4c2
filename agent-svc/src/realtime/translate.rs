//! The provider's events in the conversation's words.

use openai_realtime::{
    ErrorDetail, Item, Metadata, Response, ResponseStatus, ServerEvent, audio, code,
};

use crate::domain::{ItemId, Outcome, Realtime, ResponseId, Ticket, ToolRequest};

/// The name under which a response carries our ticket.
pub(super) const TICKET: &str = "ticket";
/// Ids of the events whose failure matters begin with these.
pub(super) const CREATE: &str = "create-";
pub(super) const COMMIT: &str = "commit-";

/// What an event means.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    /// Something for the conversation.
    Event(Realtime),
    /// The session is as it was asked to be.
    SetUp,
    /// The provider refuses us for good.
    Fatal(String),
    /// Nothing that matters here.
    Nothing,
}

impl From<Realtime> for Meaning {
    fn from(event: Realtime) -> Self {
        Self::Event(event)
    }
}

/// Reads an event.
pub(super) fn meaning(event: ServerEvent) -> Meaning {
    match event {
        ServerEvent::SessionUpdated(_) => Meaning::SetUp,
        ServerEvent::Error(event) => error(&event.error),
        ServerEvent::InputAudioBufferCommitted(event) => {
            Realtime::Committed(event.item_id.into()).into()
        }
        ServerEvent::TranscriptionDelta(event) => Realtime::CallerTextDelta {
            item: event.item_id.into(),
            delta: event.delta,
        }
        .into(),
        ServerEvent::TranscriptionCompleted(event) => {
            caller_text(event.item_id, Some(event.transcript))
        }
        ServerEvent::TranscriptionFailed(event) => caller_text(event.item_id, None),
        ServerEvent::ResponseCreated(event) => Realtime::ResponseCreated {
            ticket: ticket(event.response.metadata.as_ref()),
            response: event.response.id.into(),
        }
        .into(),
        ServerEvent::ResponseDone(event) => done(*event.response),
        ServerEvent::OutputAudioDelta(delta) => match audio::decode(&delta.delta) {
            Ok(samples) => Realtime::Audio {
                response: delta.position.response_id.into(),
                item: delta.position.item_id.into(),
                audio: samples,
            }
            .into(),
            Err(error) => {
                tracing::warn!(%error, "The provider sent sound that cannot be read");
                Meaning::Nothing
            }
        },
        ServerEvent::OutputAudioTranscriptDelta(delta) => Realtime::Text {
            response: delta.position.response_id.into(),
            item: delta.position.item_id.into(),
            delta: delta.delta,
        }
        .into(),
        ServerEvent::OutputItemDone(done) => tool_call(done.response_id.into(), done.item),
        _ => Meaning::Nothing,
    }
}

fn caller_text(item: String, text: Option<String>) -> Meaning {
    let item = ItemId::from(item);
    Realtime::CallerText { item, text }.into()
}

fn done(response: Response) -> Meaning {
    if let Some(usage) = response.usage {
        for (direction, tokens) in [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
        ] {
            metrics::counter!("insta_agent_realtime_tokens", "direction" => direction)
                .increment(tokens);
        }
    }
    let outcome = match response.status {
        ResponseStatus::Completed | ResponseStatus::Incomplete => Outcome::Completed,
        ResponseStatus::Cancelled => Outcome::Cancelled,
        ResponseStatus::Failed | ResponseStatus::InProgress | ResponseStatus::Unknown => {
            Outcome::Failed
        }
    };
    if outcome == Outcome::Failed
        && let Some(error) = response.status_details.and_then(|details| details.error)
        && error.is_fatal()
    {
        return Meaning::Fatal(describe(&error));
    }
    Realtime::ResponseDone {
        ticket: ticket(response.metadata.as_ref()),
        response: response.id.into(),
        outcome,
    }
    .into()
}

fn tool_call(response: ResponseId, item: Item) -> Meaning {
    let Item::FunctionCall(call) = item else {
        return Meaning::Nothing;
    };
    let Some(call_id) = call.call_id else {
        tracing::warn!("The provider sent a tool call without an id");
        return Meaning::Nothing;
    };
    let request = ToolRequest {
        call: call_id.into(),
        name: call.name,
        arguments: call.arguments,
    };
    Realtime::ToolCall { response, request }.into()
}

fn error(error: &ErrorDetail) -> Meaning {
    if error.is_fatal() {
        return Meaning::Fatal(describe(error));
    }
    let cause = error.event_id.as_deref().unwrap_or_default();
    if let Some(ticket) = cause.strip_prefix(CREATE).and_then(|id| id.parse().ok()) {
        tracing::warn!(
            error.code = error.code,
            "The provider refused to make a response"
        );
        return Realtime::ResponseRejected(Ticket(ticket)).into();
    }
    if cause.starts_with(COMMIT) || error.code.as_deref() == Some(code::COMMIT_EMPTY) {
        return Realtime::CommitRejected.into();
    }
    // A cancel or a cut that came too late is no fault; anything else is worth a look.
    tracing::debug!(
        error.kind = error.kind,
        error.code = error.code,
        "The provider reported an error"
    );
    Meaning::Nothing
}

/// What may be logged of an error: its message can quote what was said.
fn describe(error: &ErrorDetail) -> String {
    error.code.clone().unwrap_or_else(|| error.kind.clone())
}

fn ticket(metadata: Option<&Metadata>) -> Option<Ticket> {
    let text = metadata?.get(TICKET)?.as_str()?;
    text.parse().ok().map(Ticket)
}
