//! Calls between participants: answered, refused, late, and told twice.

use livekit_protocol as proto;
use prost::Message as _;
use proto::data_packet::Value;
use proto::rpc_response::Value as Answer;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::ms;
use super::server::{OTHER, Script};
use super::world::{Udp, World};
use crate::participant::Command;
use crate::{
    CommandError, DisconnectReason, Event, MAX_RPC_PAYLOAD, RpcError, RpcFailure, RpcInvocation,
    RpcRequest,
};

/// A call of ours, which somebody waits for.
struct Call {
    outcome: oneshot::Receiver<Result<String, RpcError>>,
    _sent: oneshot::Receiver<Result<(), CommandError>>,
}

impl Call {
    fn outcome(&mut self) -> Option<Result<String, RpcError>> {
        match self.outcome.try_recv() {
            Err(TryRecvError::Empty) => None,
            outcome => Some(outcome.unwrap()),
        }
    }

    /// What went wrong by itself, if it has.
    fn failure(&mut self) -> Option<RpcFailure> {
        let error = self.outcome()?.unwrap_err();
        let known = [
            RpcFailure::RecipientNotFound,
            RpcFailure::RequestPayloadTooLarge,
            RpcFailure::ConnectionTimeout,
            RpcFailure::ResponseTimeout,
            RpcFailure::RecipientDisconnected,
            RpcFailure::SendFailed,
        ];
        known.into_iter().find(|failure| error.is(*failure))
    }
}

fn world() -> World {
    World::joined(Script::default(), Udp::default())
}

impl World {
    /// Calls somebody's method, whose answer may take ten seconds.
    fn call(&mut self, destination: &str, payload: &str) -> Call {
        let (answer, outcome) = oneshot::channel();
        let request = RpcRequest {
            destination: destination.into(),
            method: "greet".into(),
            payload: payload.into(),
            response_timeout: ms(10_000),
        };
        let sent = self.ask(Command::PerformRpc {
            id: "ours".into(),
            request,
            answer,
        });
        Call {
            outcome,
            _sent: sent,
        }
    }

    fn respond(&mut self, id: &str, outcome: Result<String, RpcError>) -> Result<(), CommandError> {
        let id = id.into();
        let mut told = self.ask(Command::RespondRpc { id, outcome });
        self.run_for(ms(100));
        told.try_recv().unwrap()
    }

    /// Somebody sends something.
    fn hears(&mut self, from: &str, value: Value) {
        let packet = proto::DataPacket {
            participant_identity: from.into(),
            value: Some(value),
            ..Default::default()
        };
        let now = self.now;
        assert!(self.server().send(now, &packet.encode_to_vec()));
        self.run_for(ms(100));
    }

    fn invocations(&self) -> Vec<RpcInvocation> {
        let invoked = self.events.iter().filter_map(|(_, event)| match event {
            Event::RpcInvoked(invocation) => Some(invocation.clone()),
            _ => None,
        });
        invoked.collect()
    }

    /// What was sent so far about calls.
    fn sent(&mut self) -> Vec<String> {
        self.server()
            .packets
            .drain(..)
            .map(|packet| {
                assert_eq!(packet.destination_identities, [OTHER]);
                match packet.value.unwrap() {
                    Value::RpcRequest(request) => format!(
                        "{} {}({}) in {} ms, version {}",
                        request.id,
                        request.method,
                        request.payload,
                        request.response_timeout_ms,
                        request.version
                    ),
                    Value::RpcAck(ack) => format!("{} confirmed", ack.request_id),
                    Value::RpcResponse(response) => match response.value.unwrap() {
                        Answer::Payload(payload) => format!("{} = {payload}", response.request_id),
                        Answer::Error(error) => {
                            format!("{} failed: {}", response.request_id, error.code)
                        }
                        other @ Answer::CompressedPayload(_) => panic!("unexpected {other:?}"),
                    },
                    other => panic!("unexpected {other:?}"),
                }
            })
            .collect()
    }
}

fn request(id: &str, method: &str, payload: &str) -> proto::RpcRequest {
    proto::RpcRequest {
        id: id.into(),
        method: method.into(),
        payload: payload.into(),
        response_timeout_ms: 3_000,
        version: 1,
        ..Default::default()
    }
}

fn confirmation() -> Value {
    Value::RpcAck(proto::RpcAck {
        request_id: "ours".into(),
    })
}

fn answer(answer: Answer) -> Value {
    Value::RpcResponse(proto::RpcResponse {
        request_id: "ours".into(),
        value: Some(answer),
    })
}

#[test]
fn a_call_of_ours_gets_the_answer_of_the_one_who_was_asked() {
    let mut world = world();
    let mut call = world.call(OTHER, "Ada");
    world.run_for(ms(100));
    assert_eq!(world.sent(), ["ours greet(Ada) in 3000 ms, version 1"]);
    world.hears(OTHER, confirmation());
    world.hears("stranger", answer(Answer::Payload("forged".into())));
    assert_eq!(call.outcome(), None);
    world.hears(OTHER, answer(Answer::Payload("Hello Ada".into())));
    assert_eq!(call.outcome(), Some(Ok("Hello Ada".to_owned())));
}

#[test]
fn a_failed_call_says_what_the_method_said() {
    let mut world = world();
    let mut call = world.call(OTHER, "Ada");
    world.run_for(ms(100));
    let error = proto::RpcError {
        code: 4_711,
        message: "not today".into(),
        data: "{}".into(),
    };
    world.hears(OTHER, answer(Answer::Error(error)));
    let error = call.outcome().unwrap().unwrap_err();
    assert_eq!(
        (error.code, &*error.message, &*error.data),
        (4_711, "not today", "{}")
    );
}

#[test]
fn what_nobody_confirms_or_answers_is_given_up_in_time() {
    for (confirmed, failure, after) in [
        (false, RpcFailure::ConnectionTimeout, 7_000),
        (true, RpcFailure::ResponseTimeout, 10_000),
    ] {
        let mut world = world();
        let mut call = world.call(OTHER, "");
        world.run_for(ms(100));
        if confirmed {
            world.hears(OTHER, confirmation());
        } else {
            world.run_for(ms(100));
        }
        world.run_for(ms(after - 300));
        assert_eq!(call.failure(), None, "too early");
        world.run_for(ms(200));
        assert_eq!(call.failure(), Some(failure));
    }
}

#[test]
fn a_call_that_cannot_be_answered_fails_at_once() {
    let mut world = world();
    let mut call = world.call("nobody", "");
    assert_eq!(call.failure(), Some(RpcFailure::RecipientNotFound));
    let mut call = world.call(OTHER, &"x".repeat(MAX_RPC_PAYLOAD + 1));
    assert_eq!(call.failure(), Some(RpcFailure::RequestPayloadTooLarge));
    let mut call = world.call(OTHER, &"x".repeat(MAX_RPC_PAYLOAD));
    world.run_for(ms(100));
    assert_eq!(call.failure(), None);
    world.leaves(OTHER);
    world.run_for(ms(100));
    assert_eq!(call.failure(), Some(RpcFailure::RecipientDisconnected));
}

#[test]
fn a_call_of_ours_that_waits_when_we_leave_fails() {
    let mut world = world();
    let mut call = world.call(OTHER, "");
    let _left = world.ask(Command::Leave(DisconnectReason::ClientInitiated));
    assert_eq!(call.failure(), Some(RpcFailure::SendFailed));
}

#[test]
fn a_method_of_ours_is_called_once_and_its_answer_sent() {
    let mut world = world();
    for _ in 0..2 {
        world.hears(
            OTHER,
            Value::RpcRequest(request("theirs", "reverse", "abc")),
        );
    }
    assert_eq!(
        world.invocations(),
        [RpcInvocation {
            id: "theirs".into(),
            caller: OTHER.into(),
            method: "reverse".into(),
            payload: "abc".into(),
            response_timeout: ms(3_000),
        }]
    );
    assert_eq!(world.sent(), ["theirs confirmed"; 2]);
    assert_eq!(world.respond("theirs", Ok("cba".into())), Ok(()));
    assert_eq!(world.sent(), ["theirs = cba"]);
    assert_eq!(
        world.respond("theirs", Ok("cba".into())),
        Err(CommandError::RpcEnded)
    );
    assert_eq!(world.sent(), [""; 0]);
}

#[test]
fn calls_that_are_not_understood_are_refused_with_the_protocols_codes() {
    let later = proto::RpcRequest {
        version: 2,
        ..request("later", "reverse", "")
    };
    let long = "x".repeat(MAX_RPC_PAYLOAD + 1);
    for (request, code) in [
        (request("unknown", "dance", ""), 1_400),
        (request("long", "reverse", &long), 1_402),
        (later, 1_404),
    ] {
        let mut world = world();
        let id = request.id.clone();
        world.hears(OTHER, Value::RpcRequest(request));
        assert_eq!(
            world.sent(),
            [format!("{id} confirmed"), format!("{id} failed: {code}")]
        );
        assert_eq!(world.invocations(), []);
    }
}

#[test]
fn a_method_that_takes_too_long_or_says_too_much_has_failed() {
    let mut world = world();
    world.hears(OTHER, Value::RpcRequest(request("slow", "reverse", "")));
    world.sent();
    world.run_for(ms(3_000));
    assert_eq!(world.sent(), ["slow failed: 1502"]);
    assert_eq!(
        world.respond("slow", Ok(String::new())),
        Err(CommandError::RpcEnded)
    );

    world.hears(OTHER, Value::RpcRequest(request("long", "reverse", "")));
    world.sent();
    let too_large = CommandError::TooLarge {
        size: MAX_RPC_PAYLOAD + 1,
        limit: MAX_RPC_PAYLOAD,
    };
    let long = "x".repeat(MAX_RPC_PAYLOAD + 1);
    assert_eq!(world.respond("long", Ok(long)), Err(too_large));
    assert_eq!(world.sent(), ["long failed: 1504"]);
}

#[test]
fn who_calls_without_end_is_refused_and_who_left_is_not_answered() {
    let mut world = world();
    for number in 0..65 {
        let slow = proto::RpcRequest {
            response_timeout_ms: 60_000,
            ..request(&number.to_string(), "reverse", "")
        };
        world.hears(OTHER, Value::RpcRequest(slow));
    }
    let sent = world.sent();
    assert_eq!(sent.len(), 66);
    assert_eq!(sent[64..], ["64 confirmed", "64 failed: 1500"]);
    world.leaves(OTHER);
    world.run_for(ms(100));
    assert_eq!(
        world.respond("0", Ok(String::new())),
        Err(CommandError::RpcEnded)
    );
}

#[test]
fn calls_outlast_a_lost_connection() {
    let mut world = world();
    world.hears(
        OTHER,
        Value::RpcRequest(request("theirs", "reverse", "abc")),
    );
    world.hang_up();
    world.run_until(|world| world.saw(&Event::Reconnecting));
    let mut call = world.call(OTHER, "Ada");
    world.run_until(World::reconnected);
    assert_eq!(world.respond("theirs", Ok("cba".into())), Ok(()));
    let sent = world.sent();
    assert_eq!(
        sent,
        ["ours greet(Ada) in 3000 ms, version 1", "theirs = cba"]
    );
    world.hears(OTHER, answer(Answer::Payload("Hello Ada".into())));
    assert_eq!(call.outcome(), Some(Ok("Hello Ada".to_owned())));
}
