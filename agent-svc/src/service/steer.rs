//! Steering live calls.

use proto::insta::agent::v1 as pb;
use service_kit::field::FieldErrors;
use service_kit::{CallId, Caller};
use tokio::sync::oneshot;

use super::{call_id, convert, visible};
use crate::app::App;
use crate::calls::{Command, Live};
use crate::domain::EndReason;
use crate::error::AgentError;
use crate::record::State;
use crate::store::calls;

const MAX_TEXT: usize = 1_000;

pub(super) async fn end(
    app: &App,
    caller: &Caller,
    id: CallId,
) -> Result<pb::EndCallResponse, AgentError> {
    let call = visible(app, caller, id).await?;
    let own = caller.user_id() == Some(&call.user);
    let reason = if own {
        EndReason::UserRequest
    } else {
        EndReason::Operator
    };
    match (call.state, app.calls.get(id)) {
        (State::Ended { .. }, _) => {}
        (_, Some(live)) => {
            // A call whose queue is closed or full is about to end.
            let _ = live.commands.try_send(Command::End(reason));
        }
        (_, None) => {
            // No instance of ours holds it: only the row is left of it.
            let mut connection = app.db.get().await?;
            calls::end(&mut connection, id, reason, app.clock.now()).await?;
            app.ended.notify_one();
        }
    }
    let call = visible(app, caller, id).await?;
    Ok(pb::EndCallResponse {
        call: Some(convert::call(&call)),
    })
}

pub(super) async fn say(
    app: &App,
    caller: &Caller,
    request: pb::SayRequest,
) -> Result<pb::SayResponse, AgentError> {
    let id = call_id(&request.call_id)?;
    let text = request.text.trim();
    let mut errors = FieldErrors::new();
    errors.length("text", text, 1, MAX_TEXT);
    errors.finish(Some(()))?;
    let call = visible(app, caller, id).await?;
    if matches!(call.state, State::Ended { .. }) {
        return Err(AgentError::NotActive);
    }
    let live = app.calls.get(id).ok_or(AgentError::NotActive)?;
    if !live.hub.standing().active {
        return Err(AgentError::NotActive);
    }
    queue(&live, text.to_owned()).await?;
    Ok(pb::SayResponse {})
}

async fn queue(live: &Live, text: String) -> Result<(), AgentError> {
    let (reply, outcome) = oneshot::channel();
    let command = Command::Say(text, reply);
    live.commands
        .try_send(command)
        .map_err(|error| match error {
            tokio::sync::mpsc::error::TrySendError::Full(_) => AgentError::SpeechQueueFull,
            tokio::sync::mpsc::error::TrySendError::Closed(_) => AgentError::NotActive,
        })?;
    // The task answers at once; it drops the command only when the call has ended.
    match outcome.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(AgentError::SpeechQueueFull),
        Err(_) => Err(AgentError::NotActive),
    }
}
