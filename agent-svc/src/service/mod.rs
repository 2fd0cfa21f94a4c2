//! The contract: who is asking, what is asked, and what is answered.

mod convert;
pub(crate) mod livekit_token;
mod read;
mod start;
mod steer;
mod watch;

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use proto::insta::agent::v1 as pb;
use proto::insta::agent::v1::agent_service_server::AgentService;
use service_kit::field::FieldErrors;
use service_kit::{CallId, Caller};
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::error::AgentError;
use crate::record::Call;
use crate::store::calls;

/// The service as tonic serves it.
pub(crate) struct Service(pub(crate) Arc<App>);

type Watching = Pin<Box<dyn Stream<Item = Result<pb::WatchCallResponse, Status>> + Send>>;

#[tonic::async_trait]
impl AgentService for Service {
    async fn start_call(
        &self,
        request: Request<pb::StartCallRequest>,
    ) -> Result<Response<pb::StartCallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let token = start::bearer(request.metadata().get("authorization"));
        let started = start::start_call(&self.0, &caller, token).await?;
        Ok(Response::new(started))
    }

    async fn get_call(
        &self,
        request: Request<pb::GetCallRequest>,
    ) -> Result<Response<pb::GetCallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let id = call_id(&request.get_ref().call_id)?;
        Ok(Response::new(read::get(&self.0, &caller, id).await?))
    }

    async fn list_calls(
        &self,
        request: Request<pb::ListCallsRequest>,
    ) -> Result<Response<pb::ListCallsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(
            read::list(&self.0, &caller, request.into_inner()).await?,
        ))
    }

    async fn end_call(
        &self,
        request: Request<pb::EndCallRequest>,
    ) -> Result<Response<pb::EndCallResponse>, Status> {
        let caller = Caller::of(&request)?;
        let id = call_id(&request.get_ref().call_id)?;
        Ok(Response::new(steer::end(&self.0, &caller, id).await?))
    }

    async fn say(
        &self,
        request: Request<pb::SayRequest>,
    ) -> Result<Response<pb::SayResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(
            steer::say(&self.0, &caller, request.into_inner()).await?,
        ))
    }

    async fn send_message(
        &self,
        request: Request<pb::SendMessageRequest>,
    ) -> Result<Response<pb::SendMessageResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(
            steer::send_message(&self.0, &caller, request.into_inner()).await?,
        ))
    }

    async fn update_instructions(
        &self,
        request: Request<pb::UpdateInstructionsRequest>,
    ) -> Result<Response<pb::UpdateInstructionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(
            steer::update_instructions(&self.0, &caller, request.into_inner()).await?,
        ))
    }

    type WatchCallStream = Watching;

    async fn watch_call(
        &self,
        request: Request<pb::WatchCallRequest>,
    ) -> Result<Response<Watching>, Status> {
        let caller = Caller::of(&request)?;
        let id = call_id(&request.get_ref().call_id)?;
        Ok(Response::new(watch::watch(&self.0, &caller, id).await?))
    }
}

fn call_id(text: &str) -> Result<CallId, AgentError> {
    text.parse()
        .map_err(|problem| FieldErrors::one("call_id", problem).into())
}

/// A call that this caller may see: their own, or any for an operator.
async fn visible(app: &App, caller: &Caller, id: CallId) -> Result<Call, AgentError> {
    let mut connection = app.db.get().await?;
    let call = calls::find(&mut connection, id)
        .await?
        .ok_or(AgentError::NotFound)?;
    let own = caller.user_id() == Some(&call.user);
    (own || caller.is_operator())
        .then_some(call)
        .ok_or(AgentError::NotFound)
}
