//! profile-svc, as auth-svc needs it.

use std::time::Duration;

use http::Uri;
use proto::insta::profile::v1::{
    EnsureProfileRequest, SubscriptionTier, profile_service_client::ProfileServiceClient,
};
use service_kit::{
    Tier,
    client::{self, BearerToken},
};
use tonic::{Code, Status, transport::Channel};

const TIMEOUT: Duration = Duration::from_secs(3);

/// Calls profile-svc.
pub(crate) struct Profiles(ProfileServiceClient<Channel>);

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfilesError {
    /// profile-svc is away.
    #[error("profiles cannot be reached at the moment")]
    Unavailable,
    /// profile-svc answered what it should not.
    #[error("profile-svc failed")]
    Fault(#[source] Status),
}

impl Profiles {
    /// profile-svc at `url`, connected when it is first called.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(url: &Uri) -> Result<Self, tonic::transport::Error> {
        Ok(Self(ProfileServiceClient::new(client::channel(url)?)))
    }

    /// Makes the profile if there is none, and returns its tier. Takes `time` at most, and never longer than three
    /// seconds.
    ///
    /// # Errors
    /// See [`ProfilesError`].
    pub(crate) async fn ensure(
        &self,
        request: EnsureProfileRequest,
        token: &str,
        time: Duration,
    ) -> Result<Tier, ProfilesError> {
        let time = time.min(TIMEOUT);
        let token = BearerToken::new(token).map_err(ProfilesError::Fault)?;
        let mut client = self.0.clone();
        // The deadline in the request ends the call; the one here also ends the wait for a connection.
        let answer = client.ensure_profile(client::request(request, &token, time));
        let answer = tokio::time::timeout(time, answer)
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("profile-svc did not answer")))
            .map_err(refused)?;
        let profile = answer.into_inner().profile.unwrap_or_default();
        match profile.subscription_tier() {
            SubscriptionTier::Free => Ok(Tier::Free),
            SubscriptionTier::Pro => Ok(Tier::Pro),
            SubscriptionTier::Enterprise => Ok(Tier::Enterprise),
            SubscriptionTier::Unspecified => {
                let status = Status::internal("profile-svc sent a profile without a tier");
                Err(ProfilesError::Fault(status))
            }
        }
    }
}

fn refused(status: Status) -> ProfilesError {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Internal
        | Code::Unknown => {
            tracing::warn!(code = ?status.code(), "profile-svc could not be asked");
            ProfilesError::Unavailable
        }
        _ => ProfilesError::Fault(status),
    }
}
