//! Push to talk: the caller's page says when their turns begin and end, by LiveKit's RPC.

use livekit_rtc::{Participant, RpcError, RpcFailure, RpcInvocation};

use super::task::Task;
use crate::domain::{TurnDetection, TurnRefused};

const START_TURN: &str = "start_turn";
const END_TURN: &str = "end_turn";
const CANCEL_TURN: &str = "cancel_turn";

/// The methods that a caller's page may call.
pub(super) fn methods(turn_detection: TurnDetection) -> Vec<String> {
    let methods: &[&str] = match turn_detection {
        TurnDetection::Manual => &[START_TURN, END_TURN, CANCEL_TURN],
        TurnDetection::Local | TurnDetection::ServerVad | TurnDetection::SemanticVad => &[],
    };
    methods.iter().map(|method| (*method).to_owned()).collect()
}

impl Task {
    /// Somebody calls one of the methods. Only the caller has a button.
    pub(super) fn button(&mut self, call: RpcInvocation) {
        let Some(room) = &self.room else {
            return;
        };
        let participant = room.participant.clone();
        let outcome = if room.is_caller(&call.caller) {
            let pressed = self.press(&call.method);
            pressed.map_err(|refused| refused.to_string())
        } else {
            Err("only the caller may do this".to_owned())
        };
        self.carry_out();
        let outcome = outcome
            .map(|()| String::new())
            .map_err(|why| RpcError::new(RpcFailure::ApplicationError.code(), why));
        tokio::spawn(answer(participant, call, outcome));
    }

    fn press(&mut self, method: &str) -> Result<(), TurnRefused> {
        let now = self.now();
        match method {
            START_TURN => self.conversation.start_turn(now),
            END_TURN => self.conversation.end_turn(now),
            // The room refuses all but the three.
            _ => self.conversation.cancel_turn(now),
        }
    }
}

async fn answer(participant: Participant, call: RpcInvocation, outcome: Result<String, RpcError>) {
    if let Err(error) = participant.respond_rpc(call.id, outcome).await {
        tracing::debug!(%error, "The caller's page was not answered");
    }
}
