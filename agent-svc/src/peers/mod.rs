//! The other services, as this one needs them: narrow methods with deadlines over their contracts.

mod auth;
mod delegation;

use std::time::Duration;

use futures::TryFutureExt as _;
use prost_types::FieldMask;
use proto::insta::knowledge::v1::knowledge_service_client::KnowledgeServiceClient;
use proto::insta::knowledge::v1::{Passage, SearchRequest};
use proto::insta::profile::v1::profile_service_client::ProfileServiceClient;
use proto::insta::profile::v1::{
    AccountFact, GetProfileRequest, ListAccountFactsRequest, Profile, RecordInteractionRequest,
    UpdateProfileRequest,
};
use service_kit::client::request;
use tonic::transport::Channel;
use tonic::{Code, Status};

pub use auth::{Auth, LivekitGrant, Proof};
pub use delegation::Delegation;

/// Reading a profile is a look-up by key.
const PROFILE_TIMEOUT: Duration = Duration::from_millis(1500);
/// A search embeds the question first.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(2500);
const RECORD_TIMEOUT: Duration = Duration::from_secs(5);
/// Passages that the model is given.
const PASSAGES: i32 = 4;

/// Why another service gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// It said no, and will again.
    #[error("refused with {code:?} {reason}")]
    Refused {
        /// The gRPC code.
        code: Code,
        /// The reason of its `ErrorInfo`, or nothing.
        reason: String,
    },
    /// It could not be reached, or did not answer in time; worth another try.
    #[error("not available: {0:?}")]
    Unavailable(Code),
}

impl From<Status> for PeerError {
    fn from(status: Status) -> Self {
        match status.code() {
            code @ (Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Aborted
            | Code::ResourceExhausted
            | Code::Internal
            | Code::Unknown) => Self::Unavailable(code),
            code => Self::Refused {
                code,
                reason: service_kit::status::reason(&status).unwrap_or_default(),
            },
        }
    }
}

/// The services that an assistant asks on behalf of its caller. Cheap to clone.
#[derive(Clone)]
pub struct Peers {
    profile: ProfileServiceClient<Channel>,
    knowledge: KnowledgeServiceClient<Channel>,
}

impl Peers {
    /// The services at the other ends of these channels.
    pub fn new(profile: Channel, knowledge: Channel) -> Self {
        Self {
            profile: ProfileServiceClient::new(profile),
            knowledge: KnowledgeServiceClient::new(knowledge),
        }
    }

    /// The caller's own profile.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn profile(&self, caller: &Delegation) -> Result<Profile, PeerError> {
        let message = GetProfileRequest::default();
        let request = request(message, &caller.token().await?, PROFILE_TIMEOUT);
        let answer = self
            .profile
            .clone()
            .get_profile(request)
            .await?
            .into_inner();
        answer.profile.ok_or(PeerError::Unavailable(Code::Internal))
    }

    /// What is true of the caller's own account.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn account_facts(&self, caller: &Delegation) -> Result<Vec<AccountFact>, PeerError> {
        let message = ListAccountFactsRequest::default();
        let request = request(message, &caller.token().await?, PROFILE_TIMEOUT);
        let answer = self.profile.clone().list_account_facts(request).await?;
        Ok(answer.into_inner().facts)
    }

    /// Changes how the caller is addressed. Whose name it is follows from the token: none is sent.
    ///
    /// # Errors
    /// [`PeerError`]; after [`PeerError::Unavailable`] the name may have been changed all the same.
    pub async fn rename(&self, caller: &Delegation, name: String) -> Result<Profile, PeerError> {
        let message = UpdateProfileRequest {
            profile: Some(Profile {
                name,
                ..Profile::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["name".to_owned()],
            }),
        };
        let request = request(message, &caller.token().await?, PROFILE_TIMEOUT);
        let answer = self.profile.clone().update_profile(request).await?;
        let profile = answer.into_inner().profile;
        profile.ok_or(PeerError::Unavailable(Code::Internal))
    }

    /// Passages of help articles that answer a question.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn search(
        &self,
        caller: &Delegation,
        query: String,
    ) -> Result<Vec<Passage>, PeerError> {
        let message = SearchRequest {
            query,
            page_size: PASSAGES,
            ..SearchRequest::default()
        };
        let request = request(message, &caller.token().await?, SEARCH_TIMEOUT);
        let answer = self
            .knowledge
            .clone()
            .search(request)
            .err_into::<PeerError>()
            .await?;
        Ok(answer.into_inner().passages)
    }

    /// Records what the caller's own call was about.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn record_interaction(
        &self,
        caller: &Delegation,
        summary: String,
        end_time: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), PeerError> {
        let message = RecordInteractionRequest {
            call_id: caller.call_id().to_string(),
            summary,
            end_time: Some(service_kit::field::timestamp(end_time)),
        };
        let request = request(message, &caller.token().await?, RECORD_TIMEOUT);
        self.profile.clone().record_interaction(request).await?;
        Ok(())
    }
}
