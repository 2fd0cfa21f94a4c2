//! The RPCs: who is calling, what is asked, act, answer.

mod facts;
mod profiles;

use proto::insta::profile::v1::{self as pb, profile_service_server::ProfileService};
use tonic::{Request, Response, Status};

use crate::{app::App, error::ProfileError};

#[tonic::async_trait]
impl ProfileService for App {
    async fn ensure_profile(
        &self,
        request: Request<pb::EnsureProfileRequest>,
    ) -> Result<Response<pb::EnsureProfileResponse>, Status> {
        answer(self.ensure(request).await)
    }

    async fn get_profile(
        &self,
        request: Request<pb::GetProfileRequest>,
    ) -> Result<Response<pb::GetProfileResponse>, Status> {
        answer(self.get(request).await)
    }

    async fn list_profiles(
        &self,
        request: Request<pb::ListProfilesRequest>,
    ) -> Result<Response<pb::ListProfilesResponse>, Status> {
        answer(self.list(request).await)
    }

    async fn update_profile(
        &self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        answer(self.update(request).await)
    }

    async fn set_account_facts(
        &self,
        request: Request<pb::SetAccountFactsRequest>,
    ) -> Result<Response<pb::SetAccountFactsResponse>, Status> {
        answer(self.set_facts(request).await)
    }

    async fn list_account_facts(
        &self,
        request: Request<pb::ListAccountFactsRequest>,
    ) -> Result<Response<pb::ListAccountFactsResponse>, Status> {
        answer(self.list_facts(request).await)
    }

    async fn delete_account_facts(
        &self,
        request: Request<pb::DeleteAccountFactsRequest>,
    ) -> Result<Response<pb::DeleteAccountFactsResponse>, Status> {
        answer(self.delete_facts(request).await)
    }

    async fn record_interaction(
        &self,
        request: Request<pb::RecordInteractionRequest>,
    ) -> Result<Response<pb::RecordInteractionResponse>, Status> {
        answer(self.record(request).await)
    }
}

fn answer<T>(result: Result<T, Failure>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|failure| failure.0)
}

/// A status, made from a domain error or taken as it is.
struct Failure(Status);

impl<E: Into<ProfileError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into().into())
    }
}
