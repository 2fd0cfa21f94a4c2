//! The RPCs about profiles.

use proto::insta::profile::v1 as pb;
use service_kit::{Caller, field::FieldErrors, page::Page};
use tonic::Request;

use super::Failure;
use crate::{
    app::App,
    domain::{Filter, Interaction, NewProfile, ProfileChange, optional_user_id},
    error::ProfileError,
    store::profiles,
};

const DEFAULT_PAGE: u16 = 50;

impl App {
    pub(super) async fn ensure(
        &self,
        request: Request<pb::EnsureProfileRequest>,
    ) -> Result<pb::EnsureProfileResponse, Failure> {
        let new = NewProfile::try_from(request.into_inner())?;
        let mut connection = self.db.get().await?;
        let profile = profiles::ensure(&mut connection, &new, self.clock.now()).await?;
        Ok(pb::EnsureProfileResponse {
            profile: Some(profile.into()),
        })
    }

    pub(super) async fn get(
        &self,
        request: Request<pb::GetProfileRequest>,
    ) -> Result<pb::GetProfileResponse, Failure> {
        let caller = Caller::of(&request).map_err(Failure)?;
        let user_id = optional_user_id(&request.get_ref().user_id)?;
        let user_id = caller.subject(user_id).ok_or(ProfileError::NotFound)?;
        let mut connection = self.db.get().await?;
        let profile = profiles::find(&mut connection, &user_id)
            .await?
            .ok_or(ProfileError::NotFound)?;
        Ok(pb::GetProfileResponse {
            profile: Some(profile.into()),
        })
    }

    pub(super) async fn list(
        &self,
        request: Request<pb::ListProfilesRequest>,
    ) -> Result<pb::ListProfilesResponse, Failure> {
        let request = request.into_inner();
        let mut errors = FieldErrors::new();
        let page: Page<String> = Page::parse(
            &mut errors,
            request.page_size,
            &request.page_token,
            DEFAULT_PAGE,
        );
        let filter = Filter::parse(&mut errors, &request);
        let (page, filter) = errors.finish(Some((page, filter)))?;
        let mut connection = self.db.get().await?;
        let found = profiles::list(&mut connection, &filter, &page).await?;
        let (found, next_page_token) = page.finish(found, |profile| profile.user_id.to_string());
        let profiles = found.into_iter().map(Into::into).collect();
        Ok(pb::ListProfilesResponse {
            profiles,
            next_page_token,
        })
    }

    pub(super) async fn update(
        &self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Result<pb::UpdateProfileResponse, Failure> {
        let caller = Caller::of(&request).map_err(Failure)?;
        let mut change = ProfileChange::parse(&caller, request.into_inner())?;
        let user_id = caller
            .subject(change.user_id.take())
            .ok_or(ProfileError::NotFound)?;
        let mut connection = self.db.get().await?;
        let changed =
            profiles::update(&mut connection, &user_id, &change, self.clock.now()).await?;
        if let Some(profile) = changed {
            return Ok(pb::UpdateProfileResponse {
                profile: Some(profile.into()),
            });
        }
        Err(match profiles::find(&mut connection, &user_id).await? {
            Some(_) => ProfileError::EtagMismatch.into(),
            None => ProfileError::NotFound.into(),
        })
    }

    pub(super) async fn record(
        &self,
        request: Request<pb::RecordInteractionRequest>,
    ) -> Result<pb::RecordInteractionResponse, Failure> {
        let caller = Caller::of(&request).map_err(Failure)?;
        let interaction = Interaction::try_from(request.into_inner())?;
        let Caller::Delegate {
            user_id, call_id, ..
        } = caller
        else {
            return Err(ProfileError::NotFound.into());
        };
        if call_id != interaction.call_id {
            return Err(FieldErrors::one("call_id", "must be the call of the token").into());
        }
        let mut connection = self.db.get().await?;
        let now = self.clock.now();
        let latest =
            profiles::record_interaction(&mut connection, &user_id, &interaction, now).await?;
        if !latest && profiles::find(&mut connection, &user_id).await?.is_none() {
            return Err(ProfileError::NotFound.into());
        }
        Ok(pb::RecordInteractionResponse { latest })
    }
}
