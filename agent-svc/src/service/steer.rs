//! Steering live calls.

use proto::insta::agent::v1 as pb;
use service_kit::field::FieldErrors;
use service_kit::{CallId, Caller};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use super::{call_id, convert, visible};
use crate::app::App;
use crate::calls::{Command, Live};
use crate::domain::EndReason;
use crate::error::AgentError;
use crate::record::State;
use crate::store::calls;

const MAX_TEXT: usize = 1_000;
const MAX_INSTRUCTIONS: usize = 4_000;

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
        call: Some(convert::call(&call, caller)),
    })
}

pub(super) async fn say(
    app: &App,
    caller: &Caller,
    request: pb::SayRequest,
) -> Result<pb::SayResponse, AgentError> {
    let id = call_id(&request.call_id)?;
    let text = text_field("text", &request.text, 1, MAX_TEXT)?;
    queue(&active(app, caller, id).await?, text).await?;
    Ok(pb::SayResponse {})
}

pub(super) async fn send_message(
    app: &App,
    caller: &Caller,
    request: pb::SendMessageRequest,
) -> Result<pb::SendMessageResponse, AgentError> {
    let id = call_id(&request.call_id)?;
    let text = text_field("text", &request.text, 1, MAX_TEXT)?;
    let live = active(app, caller, id).await?;
    hand_over(&live, Command::Message(text), AgentError::CallBusy)?;
    Ok(pb::SendMessageResponse {})
}

pub(super) async fn update_instructions(
    app: &App,
    caller: &Caller,
    request: pb::UpdateInstructionsRequest,
) -> Result<pb::UpdateInstructionsResponse, AgentError> {
    let id = call_id(&request.call_id)?;
    let text = text_field("instructions", &request.instructions, 0, MAX_INSTRUCTIONS)?;
    let live = active(app, caller, id).await?;
    hand_over(&live, Command::Instruct(text), AgentError::CallBusy)?;
    Ok(pb::UpdateInstructionsResponse {})
}

/// A text of so many characters, without the space around it.
fn text_field(
    name: &'static str,
    text: &str,
    least: usize,
    most: usize,
) -> Result<String, AgentError> {
    let text = text.trim();
    let mut errors = FieldErrors::new();
    errors.length(name, text, least, most);
    errors.finish(Some(()))?;
    Ok(text.to_owned())
}

/// A call that can be steered: it is active, and this instance holds it.
async fn active(app: &App, caller: &Caller, id: CallId) -> Result<Live, AgentError> {
    let call = visible(app, caller, id).await?;
    if matches!(call.state, State::Ended { .. }) {
        return Err(AgentError::NotActive);
    }
    let live = app.calls.get(id).ok_or(AgentError::NotActive)?;
    live.hub
        .standing()
        .active
        .then_some(live)
        .ok_or(AgentError::NotActive)
}

/// Gives a command to the call's task, or says why it cannot be taken.
fn hand_over(live: &Live, command: Command, full: AgentError) -> Result<(), AgentError> {
    live.commands
        .try_send(command)
        .map_err(|error| match error {
            TrySendError::Full(_) => full,
            TrySendError::Closed(_) => AgentError::NotActive,
        })
}

async fn queue(live: &Live, text: String) -> Result<(), AgentError> {
    let (reply, outcome) = oneshot::channel();
    hand_over(live, Command::Say(text, reply), AgentError::SpeechQueueFull)?;
    // The task answers at once; it drops the command only when the call has ended.
    match outcome.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(AgentError::SpeechQueueFull),
        Err(_) => Err(AgentError::NotActive),
    }
}
