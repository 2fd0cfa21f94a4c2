//! Calls of methods, ours and others'.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use livekit::prelude::{self as crates, LocalParticipant, PerformRpcData, RpcInvocationData};
use tokio::sync::{mpsc, oneshot};

use super::convert;
use super::session::News;
use crate::{CommandError, Event, RpcError, RpcFailure, RpcId, RpcInvocation, RpcRequest};

type Outcome = Result<String, RpcError>;
type Answering = Pin<Box<dyn Future<Output = Result<String, crates::RpcError>> + Send>>;

/// Others' calls that wait for an answer.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<Mutex<HashMap<RpcId, oneshot::Sender<Outcome>>>>);

impl Calls {
    /// Takes calls of these methods from now on.
    pub(super) fn serve(
        &self,
        me: &LocalParticipant,
        methods: &[String],
        news: &mpsc::Sender<News>,
    ) {
        for method in methods {
            let (calls, news, name) = (self.clone(), news.clone(), method.clone());
            let handler = move |data: RpcInvocationData| -> Answering {
                Box::pin(calls.clone().called(data, name.clone(), news.clone()))
            };
            me.register_rpc_method(method.clone(), handler);
        }
    }

    async fn called(
        self,
        data: RpcInvocationData,
        method: String,
        news: mpsc::Sender<News>,
    ) -> Result<String, crates::RpcError> {
        let id = RpcId::from(&*data.request_id);
        let (answer, answered) = oneshot::channel();
        self.lock().insert(id.clone(), answer);
        let invocation = RpcInvocation {
            id: id.clone(),
            caller: convert::identity(&data.caller_identity),
            method,
            payload: data.payload,
            response_timeout: data.response_timeout,
        };
        // A session that has ended answers nothing.
        let _ = news.send(News::Event(Event::RpcInvoked(invocation))).await;
        let outcome = tokio::time::timeout(data.response_timeout, answered).await;
        self.lock().remove(&id);
        let outcome = outcome.ok().and_then(Result::ok);
        let outcome = outcome.unwrap_or_else(|| Err(RpcFailure::ResponseTimeout.into()));
        outcome.map_err(|error| crates::RpcError::new(error.code, error.message, Some(error.data)))
    }

    /// Answers a call.
    pub(super) fn respond(&self, id: &RpcId, outcome: Outcome) -> Result<(), CommandError> {
        let answer = self.lock().remove(id).ok_or(CommandError::RpcEnded)?;
        answer.send(outcome).map_err(|_| CommandError::RpcEnded)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RpcId, oneshot::Sender<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls somebody's method.
pub(super) async fn perform(me: &LocalParticipant, request: RpcRequest) -> Outcome {
    let data = PerformRpcData::new(request.destination.to_string(), request.method)
        .with_payload(request.payload)
        .with_response_timeout(request.response_timeout);
    me.perform_rpc(data).await.map_err(|error| RpcError {
        code: error.code,
        message: error.message,
        data: error.data.unwrap_or_default(),
    })
}
