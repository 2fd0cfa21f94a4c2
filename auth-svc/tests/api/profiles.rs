//! profile-svc, as far as auth-svc calls it.

use std::sync::{Arc, Mutex};

use http::Uri;
use proto::insta::profile::v1::{
    self as pb, SubscriptionTier,
    profile_service_server::{ProfileService, ProfileServiceServer},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};

/// A profile-svc that makes every profile.
pub(crate) struct FakeProfiles {
    pub(crate) url: Uri,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// How it answers.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Tier(SubscriptionTier),
    Fail(Code),
    Never,
}

struct State {
    answer: Answer,
    seen: Vec<(pb::EnsureProfileRequest, String)>,
}

struct Service(Arc<Mutex<State>>);

impl FakeProfiles {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            answer: Answer::Tier(SubscriptionTier::Pro),
            seen: Vec::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = ProfileServiceServer::new(Service(state.clone()));
        let server = Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        let task = tokio::spawn(async move { server.await.unwrap() });
        Self {
            url: url.parse().unwrap(),
            state,
            task,
        }
    }

    pub(crate) fn answer_with(&self, answer: Answer) {
        self.state.lock().unwrap().answer = answer;
    }

    /// What it was asked, and with which token.
    pub(crate) fn seen(&self) -> Vec<(pb::EnsureProfileRequest, String)> {
        self.state.lock().unwrap().seen.clone()
    }
}

impl Drop for FakeProfiles {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Answered<T> = Result<Response<T>, Status>;

fn unused<T>() -> Answered<T> {
    Err(Status::unimplemented("auth-svc does not call this"))
}

#[tonic::async_trait]
impl ProfileService for Service {
    async fn ensure_profile(
        &self,
        request: Request<pb::EnsureProfileRequest>,
    ) -> Answered<pb::EnsureProfileResponse> {
        let header = request.metadata().get("authorization").cloned();
        let header = header.and_then(|value| value.to_str().map(str::to_owned).ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
        let request = request.into_inner();
        let answer = {
            let mut state = self.0.lock().unwrap();
            state
                .seen
                .push((request.clone(), token.unwrap_or_default()));
            state.answer
        };
        match answer {
            Answer::Tier(tier) => Ok(Response::new(pb::EnsureProfileResponse {
                profile: Some(pb::Profile {
                    user_id: request.user_id,
                    subscription_tier: tier.into(),
                    ..pb::Profile::default()
                }),
            })),
            Answer::Fail(code) => Err(Status::new(code, "as the test wants it")),
            Answer::Never => std::future::pending().await,
        }
    }

    async fn get_profile(
        &self,
        _: Request<pb::GetProfileRequest>,
    ) -> Answered<pb::GetProfileResponse> {
        unused()
    }

    async fn list_profiles(
        &self,
        _: Request<pb::ListProfilesRequest>,
    ) -> Answered<pb::ListProfilesResponse> {
        unused()
    }

    async fn update_profile(
        &self,
        _: Request<pb::UpdateProfileRequest>,
    ) -> Answered<pb::UpdateProfileResponse> {
        unused()
    }

    async fn set_account_facts(
        &self,
        _: Request<pb::SetAccountFactsRequest>,
    ) -> Answered<pb::SetAccountFactsResponse> {
        unused()
    }

    async fn list_account_facts(
        &self,
        _: Request<pb::ListAccountFactsRequest>,
    ) -> Answered<pb::ListAccountFactsResponse> {
        unused()
    }

    async fn delete_account_facts(
        &self,
        _: Request<pb::DeleteAccountFactsRequest>,
    ) -> Answered<pb::DeleteAccountFactsResponse> {
        unused()
    }

    async fn record_interaction(
        &self,
        _: Request<pb::RecordInteractionRequest>,
    ) -> Answered<pb::RecordInteractionResponse> {
        unused()
    }
}
