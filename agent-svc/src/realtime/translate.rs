//! The provider's events in the conversation's words.

use std::time::Duration;

use openai_realtime::{
    ErrorDetail, FunctionCall, Item, Metadata, RateLimitsUpdated, Response, ResponseStatus, Role,
    ServerEvent, audio, code, kind,
};

use crate::domain::{self, ItemId, Outcome, Realtime, ResponseId, Ticket, ToolRequest};
use crate::provider::{Failure, Usage};

/// The name under which a response carries our ticket.
pub(super) const TICKET: &str = "ticket";
/// Ids of the events whose failure matters begin with these.
pub(super) const CREATE: &str = "create-";
pub(super) const COMMIT: &str = "commit-";
/// The id of what sets a session up, and of what tells it the history.
pub(super) const SETUP: &str = "setup";
pub(super) const TELL: &str = "tell";

/// What an event means.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    /// Something for the conversation.
    Event(Realtime),
    /// The caller speaks from here on, counted in milliseconds of all sound of the session.
    SpeechStarted(ItemId, u64),
    /// The caller is silent from here on.
    SpeechStopped(ItemId, u64),
    /// The session is as it was asked to be.
    SetUp,
    /// The provider refuses us for good.
    Fatal(Failure, String),
    /// The provider has no room for this response now; without one, for the last that was asked for.
    RateLimited(Option<Realtime>),
    /// The limits are used up for so long.
    UsedUp(Duration),
    /// The session is as old as it may be.
    Expired,
    /// Nothing that matters here.
    Nothing,
}

impl From<Realtime> for Meaning {
    fn from(event: Realtime) -> Self {
        Self::Event(event)
    }
}

/// What an event says about cost.
pub(super) fn usage(event: &ServerEvent) -> Option<Usage> {
    match event {
        // A response that was cancelled costs what was made of it.
        ServerEvent::ResponseDone(done) => done.response.usage.map(Usage::from),
        ServerEvent::TranscriptionCompleted(done) => done.usage.map(Usage::from),
        _ => None,
    }
}

/// Reads an event.
pub(super) fn meaning(event: ServerEvent) -> Meaning {
    match event {
        ServerEvent::SessionUpdated(_) => Meaning::SetUp,
        ServerEvent::Error(event) => error(&event.error),
        ServerEvent::SpeechStarted(event) => {
            Meaning::SpeechStarted(event.item_id.into(), event.audio_start_ms)
        }
        ServerEvent::SpeechStopped(event) => {
            Meaning::SpeechStopped(event.item_id.into(), event.audio_end_ms)
        }
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
            Err(_) => ignored(),
        },
        ServerEvent::OutputAudioTranscriptDelta(delta) => Realtime::Text {
            response: delta.position.response_id.into(),
            item: delta.position.item_id.into(),
            delta: delta.delta,
        }
        .into(),
        ServerEvent::OutputItemDone(done) => tool_call(done.response_id.into(), done.item),
        ServerEvent::RateLimitsUpdated(limits) => used_up(&limits),
        ServerEvent::Unknown(_) => ignored(),
        _ => Meaning::Nothing,
    }
}

/// What cannot be understood must not end a call, but may be what an answer is missing.
fn ignored() -> Meaning {
    metrics::counter!("insta_agent_realtime_ignored_events").increment(1);
    Meaning::Nothing
}

fn caller_text(item: String, text: Option<String>) -> Meaning {
    let item = ItemId::from(item);
    Realtime::CallerText { item, text }.into()
}

fn done(response: Response) -> Meaning {
    let outcome = match response.status {
        ResponseStatus::Completed | ResponseStatus::Incomplete => Outcome::Completed,
        ResponseStatus::Cancelled => Outcome::Cancelled,
        ResponseStatus::Failed | ResponseStatus::InProgress | ResponseStatus::Unknown => {
            Outcome::Failed
        }
    };
    let error = response.status_details.and_then(|details| details.error);
    let error = error.filter(|_| outcome == Outcome::Failed);
    let ended = Realtime::ResponseDone {
        ticket: ticket(response.metadata.as_ref()),
        response: response.id.into(),
        outcome,
    };
    match error {
        Some(error) if error.is_fatal() => Meaning::Fatal(Failure::of(&error), describe(&error)),
        Some(error) if error.is_rate_limit() => Meaning::RateLimited(Some(ended)),
        _ => ended.into(),
    }
}

fn tool_call(response: ResponseId, item: Item) -> Meaning {
    let Item::FunctionCall(call) = item else {
        return Meaning::Nothing;
    };
    let Some(call_id) = call.call_id else {
        return ignored();
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
        return Meaning::Fatal(Failure::of(error), describe(error));
    }
    if error.code.as_deref() == Some(code::SESSION_EXPIRED) {
        return Meaning::Expired;
    }
    let cause = error.event_id.as_deref().unwrap_or_default();
    let ticket = cause.strip_prefix(CREATE).and_then(|id| id.parse().ok());
    let rejected = ticket.map(|ticket| Realtime::ResponseRejected(Ticket(ticket)));
    if error.is_rate_limit() && (rejected.is_some() || cause.is_empty()) {
        return Meaning::RateLimited(rejected);
    }
    if let Some(rejected) = rejected {
        tracing::warn!(
            error.code = error.code,
            "The provider refused to make a response"
        );
        return rejected.into();
    }
    if cause.starts_with(COMMIT) || error.code.as_deref() == Some(code::COMMIT_EMPTY) {
        return Realtime::CommitRejected.into();
    }
    match cause {
        SETUP if error.kind == kind::INVALID_REQUEST => {
            Meaning::Fatal(Failure::Refused, describe(error))
        }
        TELL => {
            tracing::warn!(
                error.code = error.code,
                "The provider does not take an item of the history"
            );
            Meaning::Nothing
        }
        // A cancel or a cut that came too late is no fault; anything else is worth a look.
        _ => {
            tracing::debug!(
                error.kind = error.kind,
                error.code = error.code,
                "The provider reported an error"
            );
            Meaning::Nothing
        }
    }
}

/// Until when the limit that lasts longest allows nothing more.
fn used_up(limits: &RateLimitsUpdated) -> Meaning {
    let used_up = limits
        .rate_limits
        .iter()
        .filter(|limit| limit.remaining == 0);
    let seconds = used_up.map(|limit| limit.reset_seconds).fold(0.0, f64::max);
    match Duration::try_from_secs_f64(seconds) {
        Ok(wait) if !wait.is_zero() => Meaning::UsedUp(wait),
        _ => Meaning::Nothing,
    }
}

/// What may be logged of an error: its message can quote what was said.
fn describe(error: &ErrorDetail) -> String {
    error.code.clone().unwrap_or_else(|| error.kind.clone())
}

fn ticket(metadata: Option<&Metadata>) -> Option<Ticket> {
    let text = metadata?.get(TICKET)?.as_str()?;
    text.parse().ok().map(Ticket)
}

/// A turn as an item.
pub(super) fn said(role: domain::Role, text: &str) -> Item {
    let role = match role {
        domain::Role::User => Role::User,
        domain::Role::Assistant => Role::Assistant,
    };
    Item::text(role, text)
}

/// A call and its result, as a session that saw neither is told.
pub(super) fn call_items(request: &ToolRequest, output: &str) -> [Item; 2] {
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

#[cfg(test)]
mod unit {
    use openai_realtime::{ErrorEvent, RateLimit};

    use super::*;

    fn refused(code: &str, cause: &str) -> Meaning {
        let error = ErrorDetail {
            event_id: Some(cause.to_owned()).filter(|cause| !cause.is_empty()),
            ..ErrorDetail::invalid(code, "no")
        };
        meaning(ServerEvent::Error(ErrorEvent { error }))
    }

    #[test]
    fn an_error_means_what_its_code_and_its_cause_say() {
        let rejected = || Realtime::ResponseRejected(Ticket(3));
        let refusal = |failure| Meaning::Fatal(failure, "no_such_voice".to_owned());
        for (code, cause, expected) in [
            (
                code::RATE_LIMIT,
                "create-3",
                Meaning::RateLimited(Some(rejected())),
            ),
            (code::RATE_LIMIT, "", Meaning::RateLimited(None)),
            // It may be granted later, so it is tried again.
            (code::RATE_LIMIT, TELL, Meaning::Nothing),
            (code::BAD_RESPONSE_CREATE, "create-3", rejected().into()),
            (code::COMMIT_EMPTY, "", Realtime::CommitRejected.into()),
            (code::SESSION_EXPIRED, "", Meaning::Expired),
            (code::RESPONSE_CANCEL_NOT_ACTIVE, "", Meaning::Nothing),
            ("no_such_voice", SETUP, refusal(Failure::Refused)),
        ] {
            assert_eq!(refused(code, cause), expected, "{code} {cause}");
        }
    }

    #[test]
    fn the_limit_that_lasts_longest_says_how_long_to_wait() {
        let limit = |remaining, reset_seconds| RateLimit {
            name: "tokens".into(),
            limit: 100,
            remaining,
            reset_seconds,
        };
        let told = |rate_limits| {
            meaning(ServerEvent::RateLimitsUpdated(RateLimitsUpdated {
                rate_limits,
            }))
        };
        let limits = vec![limit(0, 0.5), limit(0, 1.25), limit(7, 60.0)];
        assert_eq!(told(limits), Meaning::UsedUp(Duration::from_millis(1_250)));
        for nothing in [
            vec![],
            vec![limit(7, 60.0)],
            vec![limit(0, f64::NAN)],
            vec![limit(0, -1.0)],
        ] {
            assert_eq!(told(nothing), Meaning::Nothing);
        }
    }
}
