//! The RPCs about account facts.

use proto::insta::profile::v1 as pb;
use service_kit::{Caller, field::FieldErrors};
use tonic::Request;

use super::Failure;
use crate::{
    app::App,
    domain::{fact_keys, facts, optional_user_id, required_user_id},
    error::ProfileError,
    store::{facts as store, profiles},
};

impl App {
    pub(super) async fn set_facts(
        &self,
        request: Request<pb::SetAccountFactsRequest>,
    ) -> Result<pb::SetAccountFactsResponse, Failure> {
        let request = request.into_inner();
        let mut errors = FieldErrors::new();
        let user_id = required_user_id(&mut errors, &request.user_id);
        let facts = facts(&mut errors, request.facts, self.clock.now());
        let user_id = errors.finish(user_id)?;
        let mut connection = self.db.get().await?;
        store::set(&mut connection, &user_id, &facts).await?;
        Ok(pb::SetAccountFactsResponse {
            facts: facts.into_iter().map(Into::into).collect(),
        })
    }

    pub(super) async fn list_facts(
        &self,
        request: Request<pb::ListAccountFactsRequest>,
    ) -> Result<pb::ListAccountFactsResponse, Failure> {
        let caller = Caller::of(&request).map_err(Failure)?;
        let user_id = optional_user_id(&request.get_ref().user_id)?;
        let user_id = caller.subject(user_id).ok_or(ProfileError::NotFound)?;
        let mut connection = self.db.get().await?;
        let facts = store::list(&mut connection, &user_id).await?;
        if facts.is_empty() {
            profiles::require(&mut connection, &user_id).await?;
        }
        Ok(pb::ListAccountFactsResponse {
            facts: facts.into_iter().map(Into::into).collect(),
        })
    }

    pub(super) async fn delete_facts(
        &self,
        request: Request<pb::DeleteAccountFactsRequest>,
    ) -> Result<pb::DeleteAccountFactsResponse, Failure> {
        let request = request.into_inner();
        let mut errors = FieldErrors::new();
        let user_id = required_user_id(&mut errors, &request.user_id);
        let keys = fact_keys(&mut errors, &request.keys);
        let user_id = errors.finish(user_id)?;
        let mut connection = self.db.get().await?;
        profiles::require(&mut connection, &user_id).await?;
        store::delete(&mut connection, &user_id, &keys).await?;
        Ok(pb::DeleteAccountFactsResponse {})
    }
}
