//! Who is calling: name, plan and account facts.

use std::time::Duration;

use proto::insta::profile::v1::{AccountFact, Profile, SubscriptionTier};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Running, Tool, arguments, fitting, schema};
use crate::quoting::passage;

pub(super) struct GetAccount;

/// No arguments: it is always the caller's own account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {}

impl Tool for GetAccount {
    fn name(&self) -> &'static str {
        "get_account"
    }

    fn description(&self) -> &'static str {
        "Looks up the caller's own account: their name, which plan or subscription tier they are on, \
         and account facts such as the next invoice, payment method, seats, storage or usage. Call it \
         for every question about the caller's own plan, subscription, billing or account."
    }

    fn parameters(&self) -> Value {
        schema::<Arguments>()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn run(&self, context: Context, text: String) -> Running {
        Box::pin(async move {
            arguments::<Arguments>(&text)?;
            let (profile, facts) = tokio::try_join!(
                context.peers.profile(&context.caller),
                context.peers.account_facts(&context.caller),
            )?;
            Ok(Answer {
                output: account(&profile, &facts),
                ..Answer::default()
            })
        })
    }
}

/// What the model is told of an account. Of very many facts, the first.
pub(super) fn account(profile: &Profile, facts: &[AccountFact]) -> Value {
    let facts = facts.iter().map(|fact| {
        json!({
            "key": passage(&fact.key, 64),
            "label": passage(&fact.label, 120),
            "value": passage(&fact.value, 200),
        })
    });
    json!({
        "name": passage(&profile.name, 80),
        "subscription_tier": tier(profile.subscription_tier()),
        "facts": fitting(facts),
    })
}

/// The plan as it is spoken of.
pub(super) fn tier(tier: SubscriptionTier) -> &'static str {
    match tier {
        SubscriptionTier::Unspecified | SubscriptionTier::Free => "free",
        SubscriptionTier::Pro => "pro",
        SubscriptionTier::Enterprise => "enterprise",
    }
}
