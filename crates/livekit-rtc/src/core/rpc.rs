//! Calls that wait for an answer, ours and others'.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::data_packet::Value;
use proto::rpc_response::Value as Answer;
use tokio::sync::oneshot;

use super::session::Session;
use crate::participant::Reply;
use crate::rpc::{MAX_ERROR_MESSAGE, MAX_RPC_PAYLOAD};
use crate::{
    CommandError, Event, Identity, RpcError, RpcFailure, RpcId, RpcInvocation, RpcRequest,
};

/// The version that is spoken here. Others put payloads into streams; participants that do not say
/// that they know them are spoken to in this one.
const VERSION: u32 = 1;
/// What both ways through the server may take.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(7);
/// The least that a method is given to answer, and the most that its answer is waited for.
const MIN_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// Calls that may wait at a time, in each direction.
const MAX_PENDING: usize = 64;

/// Where the outcome of a call of ours goes.
pub(crate) type RpcAnswer = oneshot::Sender<Result<String, RpcError>>;

#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Ours, which others answer.
    outgoing: HashMap<RpcId, Outgoing>,
    /// Others', which the application answers.
    incoming: HashMap<RpcId, Incoming>,
}

#[derive(Debug)]
struct Outgoing {
    destination: Identity,
    /// When it must have been confirmed; `None` once it was.
    confirmed_by: Option<Instant>,
    answered_by: Instant,
    answer: RpcAnswer,
}

#[derive(Debug)]
struct Incoming {
    caller: Identity,
    until: Instant,
}

impl Calls {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let outgoing = self.outgoing.values().map(Outgoing::deadline);
        let incoming = self.incoming.values().map(|call| call.until);
        outgoing.chain(incoming).min()
    }

    /// Takes out the calls of ours that `fails` gives a reason for, and tells it.
    fn fail(&mut self, fails: impl Fn(&Outgoing) -> Option<RpcFailure>) {
        let failing = self.outgoing.extract_if(|_, call| fails(call).is_some());
        for (_, call) in failing {
            if let Some(failure) = fails(&call) {
                call.finish(Err(failure.into()));
            }
        }
    }

    /// Forgets everything. Whoever waits is told that it was not sent.
    pub(super) fn close(&mut self) {
        self.fail(|_| Some(RpcFailure::SendFailed));
        self.incoming.clear();
    }

    /// Somebody's answer to a call of ours, if they are the one who was asked.
    fn outgoing(&mut self, sender: &str, id: &str) -> Option<&mut Outgoing> {
        let call = self.outgoing.get_mut(&RpcId::from(id))?;
        (call.destination.as_str() == sender).then_some(call)
    }
}

impl Outgoing {
    fn deadline(&self) -> Instant {
        self.confirmed_by
            .map_or(self.answered_by, |by| by.min(self.answered_by))
    }

    fn finish(self, outcome: Result<String, RpcError>) {
        // The caller may have stopped waiting.
        let _ = self.answer.send(outcome);
    }
}

impl Session {
    /// Calls a method of somebody else's.
    pub(super) fn perform_rpc(
        &mut self,
        now: Instant,
        id: RpcId,
        request: RpcRequest,
        answer: RpcAnswer,
        reply: Reply,
    ) {
        self.calls
            .outgoing
            .retain(|_, call| !call.answer.is_closed());
        let refused = if request.payload.len() > MAX_RPC_PAYLOAD {
            Some(RpcFailure::RequestPayloadTooLarge)
        } else if !self.roster.contains(&request.destination) {
            Some(RpcFailure::RecipientNotFound)
        } else if self.calls.outgoing.len() >= MAX_PENDING {
            Some(RpcFailure::SendFailed)
        } else {
            None
        };
        if let Some(failure) = refused {
            let _ = answer.send(Err(failure.into()));
            let _ = reply.send(Ok(()));
            return;
        }
        let theirs = request.response_timeout.saturating_sub(MAX_ROUND_TRIP);
        let packet = packet(
            &request.destination,
            Value::RpcRequest(proto::RpcRequest {
                id: id.to_string(),
                method: request.method,
                payload: request.payload,
                response_timeout_ms: millis(theirs.max(MIN_RESPONSE_TIMEOUT)),
                version: VERSION,
                ..Default::default()
            }),
        );
        let call = Outgoing {
            destination: request.destination,
            confirmed_by: Some(now + MAX_ROUND_TRIP),
            answered_by: now + request.response_timeout,
            answer,
        };
        self.calls.outgoing.insert(id, call);
        self.enqueue(&[packet], true, None, Some(reply));
    }

    /// Answers a call of somebody else's.
    pub(super) fn respond_rpc(
        &mut self,
        id: &RpcId,
        outcome: Result<String, RpcError>,
        reply: Reply,
    ) {
        let Some(call) = self.calls.incoming.remove(id) else {
            let _ = reply.send(Err(CommandError::RpcEnded));
            return;
        };
        let size = outcome.as_ref().map_or(0, String::len);
        if size <= MAX_RPC_PAYLOAD {
            return self.send_answer(&call.caller, id, outcome, Some(reply));
        }
        let too_large = Err(RpcFailure::ResponsePayloadTooLarge.into());
        self.send_answer(&call.caller, id, too_large, None);
        let _ = reply.send(Err(CommandError::TooLarge {
            size,
            limit: MAX_RPC_PAYLOAD,
        }));
    }

    fn send_answer(
        &mut self,
        caller: &Identity,
        id: &RpcId,
        outcome: Result<String, RpcError>,
        reply: Option<Reply>,
    ) {
        let value = match outcome {
            Ok(payload) => Answer::Payload(payload),
            Err(error) => Answer::Error(proto::RpcError {
                code: error.code,
                message: cut(error.message, MAX_ERROR_MESSAGE),
                data: cut(error.data, MAX_RPC_PAYLOAD),
            }),
        };
        let response = Value::RpcResponse(proto::RpcResponse {
            request_id: id.to_string(),
            value: Some(value),
        });
        self.enqueue(&[packet(caller, response)], true, None, reply);
    }

    /// Somebody calls a method of ours.
    pub(super) fn rpc_requested(
        &mut self,
        now: Instant,
        sender: &str,
        request: proto::RpcRequest,
        events: &mut Vec<Event>,
    ) {
        if sender.is_empty() || request.id.is_empty() {
            return;
        }
        let (caller, id) = (Identity::from(sender), RpcId::from(&*request.id));
        let confirmation = Value::RpcAck(proto::RpcAck {
            request_id: request.id,
        });
        self.enqueue(&[packet(&caller, confirmation)], true, None, None);
        if self.calls.incoming.contains_key(&id) {
            // It came once more; one answer is enough.
            return;
        }
        let is_known = self.options.rpc_methods.contains(&request.method);
        let refused = if request.version != VERSION || !request.compressed_payload.is_empty() {
            Some(RpcFailure::UnsupportedVersion.into())
        } else if !is_known {
            Some(RpcFailure::UnsupportedMethod.into())
        } else if request.payload.len() > MAX_RPC_PAYLOAD {
            Some(RpcFailure::RequestPayloadTooLarge.into())
        } else if self.calls.incoming.len() >= MAX_PENDING {
            let code = RpcFailure::ApplicationError.code();
            Some(RpcError::new(code, "Too many calls wait for an answer"))
        } else {
            None
        };
        if let Some(error) = refused {
            return self.send_answer(&caller, &id, Err(error), None);
        }
        let timeout = Duration::from_millis(request.response_timeout_ms.into());
        let response_timeout = timeout.clamp(MIN_RESPONSE_TIMEOUT, MAX_RESPONSE_TIMEOUT);
        let until = now + response_timeout;
        let call = Incoming {
            caller: caller.clone(),
            until,
        };
        self.calls.incoming.insert(id.clone(), call);
        events.push(Event::RpcInvoked(RpcInvocation {
            id,
            caller,
            method: request.method,
            payload: request.payload,
            response_timeout,
        }));
    }

    /// Somebody has got a call of ours.
    pub(super) fn rpc_confirmed(&mut self, sender: &str, ack: &proto::RpcAck) {
        if let Some(call) = self.calls.outgoing(sender, &ack.request_id) {
            call.confirmed_by = None;
        }
    }

    /// Somebody answers a call of ours.
    pub(super) fn rpc_answered(&mut self, sender: &str, response: proto::RpcResponse) {
        if self.calls.outgoing(sender, &response.request_id).is_none() {
            return;
        }
        let outcome = match response.value {
            Some(Answer::Payload(payload)) => Ok(payload),
            Some(Answer::Error(error)) => Err(RpcError {
                code: error.code,
                message: error.message,
                data: error.data,
            }),
            Some(Answer::CompressedPayload(_)) => Err(RpcFailure::UnsupportedVersion.into()),
            None => Ok(String::new()),
        };
        let id = RpcId::from(response.request_id);
        if let Some(call) = self.calls.outgoing.remove(&id) {
            call.finish(outcome);
        }
    }

    /// Nobody who has left answers, or waits for an answer.
    pub(super) fn rpc_peer_left(&mut self, identity: &Identity) {
        self.calls.fail(|call| {
            (call.destination == *identity).then_some(RpcFailure::RecipientDisconnected)
        });
        self.calls
            .incoming
            .retain(|_, call| call.caller != *identity);
    }

    pub(super) fn expire_rpc(&mut self, now: Instant) {
        self.calls.fail(|call| match call.confirmed_by {
            _ if now >= call.answered_by => Some(RpcFailure::ResponseTimeout),
            Some(by) if now >= by => Some(RpcFailure::ConnectionTimeout),
            _ => None,
        });
        let late = self.calls.incoming.extract_if(|_, call| now >= call.until);
        for (id, call) in late.collect::<Vec<_>>() {
            let error = RpcFailure::ResponseTimeout.into();
            self.send_answer(&call.caller, &id, Err(error), None);
        }
    }
}

fn packet(destination: &Identity, value: Value) -> proto::DataPacket {
    proto::DataPacket {
        destination_identities: vec![destination.to_string()],
        value: Some(value),
        ..Default::default()
    }
}

fn millis(length: Duration) -> u32 {
    u32::try_from(length.as_millis()).unwrap_or(u32::MAX)
}

fn cut(mut text: String, limit: usize) -> String {
    text.truncate(text.floor_char_boundary(limit));
    text
}
