//! Between our types and the contract's.

use std::time::Duration;

use proto::insta::agent::v1 as pb;
use proto::insta::agent::v1::watch_call_response as watch;
use service_kit::Caller;
use service_kit::field::{FieldErrors, duration, timestamp};

use crate::call::hub::{Happened, What};
use crate::domain::{AgentState, EndReason, Role, ToolRequest};
use crate::provider::{Bill, CURRENCY, Tokens};
use crate::record::{Call, HandOver, Latency, State, StoredStatus, ToolCall, Turn};

/// A call as `caller` sees it: what it cost is the company's affair.
pub(super) fn call(call: &Call, caller: &Caller) -> pb::Call {
    let bill = call.bill.filter(|_| caller.is_operator());
    let (end_reason, end_time) = match call.state {
        State::Ended { reason, time } => (end_reason_of(reason), Some(timestamp(time))),
        State::Connecting | State::Active => (pb::EndReason::Unspecified, None),
    };
    pb::Call {
        call_id: call.id.to_string(),
        user_id: call.user.to_string(),
        state: call_state(call.state).into(),
        end_reason: end_reason.into(),
        room: call.room.clone(),
        create_time: Some(timestamp(call.create_time)),
        end_time,
        summary: call.summary.clone(),
        turns: Vec::new(),
        hand_over: call.hand_over.clone().map(hand_over),
        usage: bill.as_ref().map(usage),
        prompt_version: call.prompt_version.clone(),
    }
}

fn hand_over(wanted: HandOver) -> pb::HandOver {
    pb::HandOver {
        reason: wanted.reason,
        summary: wanted.summary,
        request_time: Some(timestamp(wanted.time)),
    }
}

fn usage(bill: &Bill) -> pb::Usage {
    let count = |tokens| i64::try_from(tokens).unwrap_or(i64::MAX);
    let tokens = |tokens: Tokens| {
        Some(pb::TokenUsage {
            input_tokens: count(tokens.input),
            cached_input_tokens: count(tokens.cached),
            output_tokens: count(tokens.output),
        })
    };
    let heard = Duration::try_from_secs_f64(bill.usage.transcription_seconds);
    pb::Usage {
        text: tokens(bill.usage.text),
        audio: tokens(bill.usage.audio),
        image: tokens(bill.usage.image),
        transcription_tokens: count(bill.usage.transcription_tokens),
        transcription_duration: Some(duration(heard.unwrap_or_default())),
        cost: bill.cost_micros().map(|micros| pb::Cost {
            currency_code: CURRENCY.to_owned(),
            micros,
        }),
    }
}

pub(super) fn call_state(state: State) -> pb::CallState {
    match state {
        State::Connecting => pb::CallState::Connecting,
        State::Active => pb::CallState::Active,
        State::Ended { .. } => pb::CallState::Ended,
    }
}

/// The state that a list is narrowed to, as it is stored.
pub(super) fn stored_state(errors: &mut FieldErrors, state: i32) -> Option<&'static str> {
    match pb::CallState::try_from(state) {
        Ok(pb::CallState::Unspecified) => None,
        Ok(pb::CallState::Connecting) => Some("connecting"),
        Ok(pb::CallState::Active) => Some("active"),
        Ok(pb::CallState::Ended) => Some("ended"),
        Err(_) => {
            errors.add("state", "must be a CallState");
            None
        }
    }
}

/// Turns as `caller` sees them, numbered from 1.
pub(super) fn turns(turns: Vec<Turn>, caller: &Caller) -> Vec<pb::Turn> {
    let number = |(place, one)| turn(place + 1, one, caller);
    turns.into_iter().enumerate().map(number).collect()
}

fn turn(place: usize, turn: Turn, caller: &Caller) -> pb::Turn {
    let bill = turn.bill.filter(|_| caller.is_operator());
    pb::Turn {
        index: i32::try_from(place).unwrap_or(i32::MAX),
        role: role_of(turn.role).into(),
        text: turn.text,
        start_time: Some(timestamp(turn.start_time)),
        interrupted: turn.interrupted,
        tool_calls: turn.tools.into_iter().map(tool_call).collect(),
        latency: turn.latency.map(latency),
        interruption_delay: turn
            .silenced_after_ms
            .map(|ms| duration(Duration::from_millis(ms))),
        usage: bill.as_ref().map(usage),
    }
}

fn latency(latency: Latency) -> pb::TurnLatency {
    let length = |ms| Some(duration(Duration::from_millis(ms)));
    pb::TurnLatency {
        end_of_turn_delay: length(latency.end_of_turn_ms),
        first_audio: length(latency.first_audio_ms),
        voice_to_voice: length(latency.voice_to_voice_ms),
        first_token: latency.first_token_ms.and_then(length),
    }
}

fn tool_call(tool: ToolCall) -> pb::ToolCall {
    let status = match tool.status {
        StoredStatus::Ok => pb::ToolStatus::Ok,
        StoredStatus::Failed => pb::ToolStatus::Failed,
        StoredStatus::TimedOut => pb::ToolStatus::TimedOut,
        StoredStatus::Cancelled => pb::ToolStatus::Cancelled,
    };
    pb::ToolCall {
        tool_call_id: tool.id,
        name: tool.name,
        status: status.into(),
        duration: Some(duration(Duration::from_millis(tool.took_ms))),
        sources: tool.sources,
    }
}

fn running_tool(request: ToolRequest) -> pb::ToolCall {
    pb::ToolCall {
        tool_call_id: request.call.to_string(),
        name: request.name,
        status: pb::ToolStatus::Running.into(),
        duration: None,
        sources: Vec::new(),
    }
}

/// Something that happened, as `caller` is told.
pub(super) fn event(happened: Happened, caller: &Caller) -> pb::WatchCallResponse {
    let event = match happened.what {
        What::State(standing) => watch::Event::StateChanged(watch::StateChanged {
            call_state: if standing.active {
                pb::CallState::Active.into()
            } else {
                pb::CallState::Connecting.into()
            },
            agent_state: agent_state(standing.agent).into(),
        }),
        What::Transcript {
            segment,
            role,
            text,
            is_final,
        } => watch::Event::Transcript(watch::Transcript {
            segment_id: segment,
            role: role_of(role).into(),
            text,
            r#final: is_final,
        }),
        What::ToolStarted(request) => watch::Event::ToolCall(running_tool(request)),
        What::ToolEnded(tool) => watch::Event::ToolCall(tool_call(tool)),
        What::Turn(place, one) => watch::Event::Turn(turn(place, one, caller)),
        What::HandOver(wanted) => watch::Event::HandOver(hand_over(wanted)),
        What::Trouble { reason, message } => watch::Event::Error(watch::CallError {
            reason: reason.to_owned(),
            message: message.to_owned(),
        }),
        What::Ended {
            reason,
            duration: length,
        } => watch::Event::Ended(watch::Ended {
            end_reason: end_reason_of(reason).into(),
            duration: Some(duration(length)),
        }),
    };
    pb::WatchCallResponse {
        event_time: Some(timestamp(happened.time)),
        event: Some(event),
    }
}

fn role_of(role: Role) -> pb::Role {
    match role {
        Role::User => pb::Role::User,
        Role::Assistant => pb::Role::Assistant,
    }
}

fn agent_state(state: AgentState) -> pb::AgentState {
    match state {
        AgentState::Initializing => pb::AgentState::Initializing,
        AgentState::Idle => pb::AgentState::Idle,
        AgentState::Listening => pb::AgentState::Listening,
        AgentState::Thinking => pb::AgentState::Thinking,
        AgentState::Speaking => pb::AgentState::Speaking,
    }
}

fn end_reason_of(reason: EndReason) -> pb::EndReason {
    match reason {
        EndReason::UserHangup => pb::EndReason::UserHangup,
        EndReason::AgentHangup => pb::EndReason::AgentHangup,
        EndReason::UserRequest => pb::EndReason::UserRequest,
        EndReason::Operator => pb::EndReason::Operator,
        EndReason::ParticipantLost => pb::EndReason::ParticipantLost,
        EndReason::Silence => pb::EndReason::Silence,
        EndReason::TimeLimit => pb::EndReason::TimeLimit,
        EndReason::ProviderError => pb::EndReason::ProviderError,
        EndReason::MediaError => pb::EndReason::MediaError,
        EndReason::Shutdown => pb::EndReason::Shutdown,
        EndReason::MicrophoneMissing => pb::EndReason::MicrophoneMissing,
        EndReason::ToolLimit => pb::EndReason::ToolLimit,
    }
}
