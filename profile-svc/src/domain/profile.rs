//! Profiles and the changes to them.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use proto::insta::profile::v1 as pb;
use service_kit::{
    CallId, Caller, Scope, Tier, UserId,
    field::{self, FieldErrors},
};

use crate::error::ProfileError;

const MAX_NAME: usize = 80;
const MAX_EMAIL: usize = 254;
const MAX_SUMMARY: usize = 500;

/// A profile as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) user_id: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) tier: Tier,
    pub(crate) last_interaction_summary: String,
    pub(crate) last_interaction_time: Option<DateTime<Utc>>,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) update_time: DateTime<Utc>,
    pub(crate) etag: Etag,
}

/// The version of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Etag(pub(crate) i64);

impl FromStr for Etag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .map(Self)
            .map_err(|_| "must be an etag of this profile")
    }
}

/// The profile of someone seen for the first time.
#[derive(Debug)]
pub(crate) struct NewProfile {
    pub(crate) user_id: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
}

/// What to change in a profile.
#[derive(Debug)]
pub(crate) struct ProfileChange {
    /// Whose profile; `None` for the caller's own.
    pub(crate) user_id: Option<UserId>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) tier: Option<Tier>,
    /// The version that must still be there.
    pub(crate) etag: Option<Etag>,
}

/// Which profiles to list.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) tier: Option<Tier>,
    pub(crate) email: Option<String>,
}

/// What a call was about.
#[derive(Debug)]
pub(crate) struct Interaction {
    pub(crate) call_id: CallId,
    pub(crate) summary: String,
    pub(crate) end_time: DateTime<Utc>,
}

/// The user that a request must name.
pub(crate) fn required_user_id(errors: &mut FieldErrors, text: &str) -> Option<UserId> {
    errors.check("user_id", text.parse())
}

/// The user that a request may name.
pub(crate) fn optional_user_id(text: &str) -> Result<Option<UserId>, FieldErrors> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|problem| FieldErrors::one("user_id", problem))
}

impl TryFrom<pb::EnsureProfileRequest> for NewProfile {
    type Error = FieldErrors;

    fn try_from(request: pb::EnsureProfileRequest) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::new();
        let user_id = required_user_id(&mut errors, &request.user_id);
        // The identity provider allows longer names than we keep: a sign-in must not fail over that.
        let name = request.name.trim().chars().take(MAX_NAME).collect();
        let email = check_email(&mut errors, "email", request.email);
        errors.finish(user_id.map(|user_id| Self {
            user_id,
            name,
            email,
        }))
    }
}

impl ProfileChange {
    /// Reads a change that `caller` asks for.
    pub(crate) fn parse(
        caller: &Caller,
        request: pb::UpdateProfileRequest,
    ) -> Result<Self, ProfileError> {
        let mut errors = FieldErrors::new();
        let profile = request.profile.unwrap_or_default();
        let paths = request
            .update_mask
            .map(|mask| mask.paths)
            .unwrap_or_default();
        let mut change = Self {
            user_id: optional_user_id(&profile.user_id)?,
            name: None,
            email: None,
            tier: None,
            etag: None,
        };
        if !profile.etag.is_empty() {
            change.etag = errors.check("profile.etag", profile.etag.parse());
        }
        if paths.is_empty() {
            errors.add(
                "update_mask",
                "must name at least one of name, email, subscription_tier",
            );
        }
        for path in &paths {
            match path.as_str() {
                "name" => change.name = Some(check_name(&mut errors, &profile.name)),
                "email" => {
                    change.email = Some(check_email(
                        &mut errors,
                        "profile.email",
                        profile.email.clone(),
                    ));
                }
                "subscription_tier" => {
                    let tier = tier(profile.subscription_tier);
                    change.tier = errors.check("profile.subscription_tier", tier);
                }
                _ => errors.add(
                    "update_mask",
                    "may name name, email and subscription_tier only",
                ),
            }
        }
        let writes_all = caller.has_scope(Scope::ProfileWrite);
        if let Some(path) = paths.iter().find(|path| !writes_all && *path != "name") {
            return Err(ProfileError::FieldNotWritable(path.clone()));
        }
        Ok(errors.finish(Some(change))?)
    }
}

impl TryFrom<pb::RecordInteractionRequest> for Interaction {
    type Error = FieldErrors;

    fn try_from(request: pb::RecordInteractionRequest) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::new();
        errors.length("summary", &request.summary, 1, MAX_SUMMARY);
        let call_id = errors.check("call_id", request.call_id.parse());
        let end_time = request.end_time.ok_or("is required").and_then(field::time);
        let end_time = errors.check("end_time", end_time);
        let interaction = call_id.zip(end_time).map(|(call_id, end_time)| Self {
            call_id,
            summary: request.summary,
            end_time,
        });
        errors.finish(interaction)
    }
}

impl Filter {
    /// Reads the filter of a list.
    pub(crate) fn parse(errors: &mut FieldErrors, request: &pb::ListProfilesRequest) -> Self {
        let unspecified = pb::SubscriptionTier::Unspecified as i32;
        let tier = (request.subscription_tier != unspecified)
            .then(|| errors.check("subscription_tier", tier(request.subscription_tier)))
            .flatten();
        let email = (!request.email.is_empty()).then(|| request.email.clone());
        Self { tier, email }
    }
}

fn tier(value: i32) -> Result<Tier, &'static str> {
    match pb::SubscriptionTier::try_from(value) {
        Ok(pb::SubscriptionTier::Free) => Ok(Tier::Free),
        Ok(pb::SubscriptionTier::Pro) => Ok(Tier::Pro),
        Ok(pb::SubscriptionTier::Enterprise) => Ok(Tier::Enterprise),
        Ok(pb::SubscriptionTier::Unspecified) | Err(_) => {
            Err("must be SUBSCRIPTION_TIER_FREE, _PRO or _ENTERPRISE")
        }
    }
}

fn check_name(errors: &mut FieldErrors, name: &str) -> String {
    let name = name.trim();
    errors.length("profile.name", name, 0, MAX_NAME);
    if name.chars().any(char::is_control) {
        errors.add("profile.name", "must not hold control characters");
    }
    name.to_owned()
}

fn check_email(errors: &mut FieldErrors, field: &str, email: String) -> String {
    errors.length(field, &email, 0, MAX_EMAIL);
    let has_form = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !email.is_empty() && (!has_form || email.chars().any(char::is_whitespace)) {
        errors.add(field, "must be an e-mail address such as ada@example.com");
    }
    email
}

impl From<Profile> for pb::Profile {
    fn from(profile: Profile) -> Self {
        let tier = match profile.tier {
            Tier::Free => pb::SubscriptionTier::Free,
            Tier::Pro => pb::SubscriptionTier::Pro,
            Tier::Enterprise => pb::SubscriptionTier::Enterprise,
        };
        Self {
            user_id: profile.user_id.into(),
            name: profile.name,
            email: profile.email,
            subscription_tier: tier.into(),
            last_interaction_summary: profile.last_interaction_summary,
            last_interaction_time: profile.last_interaction_time.map(field::timestamp),
            create_time: Some(field::timestamp(profile.create_time)),
            update_time: Some(field::timestamp(profile.update_time)),
            etag: profile.etag.0.to_string(),
        }
    }
}
