//! Account facts.

use std::{collections::BTreeSet, str::FromStr};

use chrono::{DateTime, Utc};
use proto::insta::profile::v1 as pb;
use service_kit::field::{self, FieldErrors};

/// The most facts that a user can have.
pub(crate) const MAX_FACTS: i64 = 100;
/// The most facts in one request.
const MAX_BATCH: usize = 50;
const MAX_LABEL: usize = 120;
const MAX_VALUE: usize = 500;

/// The name of a fact: lower-case letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FactKey(pub(crate) String);

impl FromStr for FactKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) {
            return Err("must be 1 to 64 lower-case letters, digits or underscores");
        }
        Ok(Self(text.to_owned()))
    }
}

/// One thing that is true of an account.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) key: FactKey,
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) as_of_time: DateTime<Utc>,
}

/// Reads the facts of a request; those without a time are true `now`.
pub(crate) fn facts(
    errors: &mut FieldErrors,
    facts: Vec<pb::AccountFact>,
    now: DateTime<Utc>,
) -> Vec<Fact> {
    check_batch(errors, "facts", facts.len());
    let mut keys = BTreeSet::new();
    let mut good = Vec::with_capacity(facts.len());
    for (index, fact) in facts.into_iter().enumerate() {
        let at = |name: &str| format!("facts[{index}].{name}");
        errors.length(&at("label"), &fact.label, 1, MAX_LABEL);
        errors.length(&at("value"), &fact.value, 1, MAX_VALUE);
        let as_of_time = match fact.as_of_time {
            Some(time) => errors.check(&at("as_of_time"), field::time(time)),
            None => Some(now),
        };
        let key: Option<FactKey> = errors.check(&at("key"), fact.key.parse());
        if let Some((key, as_of_time)) = key.zip(as_of_time) {
            if !keys.insert(key.clone()) {
                errors.add(&at("key"), "stands twice in the request");
            }
            good.push(Fact {
                key,
                label: fact.label,
                value: fact.value,
                as_of_time,
            });
        }
    }
    good
}

/// Reads the keys of a request.
pub(crate) fn fact_keys(errors: &mut FieldErrors, keys: &[String]) -> Vec<FactKey> {
    check_batch(errors, "keys", keys.len());
    let read =
        |(index, key): (usize, &String)| errors.check(&format!("keys[{index}]"), key.parse());
    keys.iter().enumerate().filter_map(read).collect()
}

fn check_batch(errors: &mut FieldErrors, field: &str, len: usize) {
    if !(1..=MAX_BATCH).contains(&len) {
        errors.add(
            field,
            format_args!("must hold 1 to {MAX_BATCH}, holds {len}"),
        );
    }
}

impl From<Fact> for pb::AccountFact {
    fn from(fact: Fact) -> Self {
        Self {
            key: fact.key.0,
            label: fact.label,
            value: fact.value,
            as_of_time: Some(field::timestamp(fact.as_of_time)),
        }
    }
}
