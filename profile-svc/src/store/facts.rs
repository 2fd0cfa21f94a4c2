//! Account facts.

use chrono::{DateTime, Utc};
use diesel::{prelude::*, upsert::excluded};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use service_kit::UserId;

use super::schema::{account_facts, profiles};
use crate::{
    domain::{Fact, FactKey, MAX_FACTS},
    error::ProfileError,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = account_facts)]
struct Row {
    key: String,
    label: String,
    value: String,
    as_of_time: DateTime<Utc>,
}

/// Writes facts by key: all of them, or none when one cannot be.
pub(crate) async fn set(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
    facts: &[Fact],
) -> Result<(), ProfileError> {
    connection
        .transaction(async |connection| {
            // The profile's row is the lock that makes the count below true.
            let profile = profiles::table
                .find(user_id.as_str())
                .select(profiles::user_id);
            let locked: Option<String> = profile.for_update().first(connection).await.optional()?;
            locked.ok_or(ProfileError::NotFound)?;
            upsert(connection, user_id, facts).await?;
            let count: i64 = account_facts::table
                .filter(account_facts::user_id.eq(user_id.as_str()))
                .count()
                .get_result(connection)
                .await?;
            if count > MAX_FACTS {
                Err(ProfileError::TooManyFacts(MAX_FACTS))
            } else {
                Ok(())
            }
        })
        .await
}

async fn upsert(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
    facts: &[Fact],
) -> Result<(), ProfileError> {
    let rows: Vec<_> = facts
        .iter()
        .map(|fact| {
            (
                account_facts::user_id.eq(user_id.as_str()),
                account_facts::key.eq(&fact.key.0),
                account_facts::label.eq(&fact.label),
                account_facts::value.eq(&fact.value),
                account_facts::as_of_time.eq(fact.as_of_time),
            )
        })
        .collect();
    diesel::insert_into(account_facts::table)
        .values(rows)
        .on_conflict((account_facts::user_id, account_facts::key))
        .do_update()
        .set((
            account_facts::label.eq(excluded(account_facts::label)),
            account_facts::value.eq(excluded(account_facts::value)),
            account_facts::as_of_time.eq(excluded(account_facts::as_of_time)),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// All facts of a user, by key.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
) -> Result<Vec<Fact>, ProfileError> {
    let rows: Vec<Row> = account_facts::table
        .filter(account_facts::user_id.eq(user_id.as_str()))
        .order(account_facts::key)
        .limit(MAX_FACTS)
        .select(Row::as_select())
        .load(connection)
        .await?;
    let fact = |row: Row| Fact {
        key: FactKey(row.key),
        label: row.label,
        value: row.value,
        as_of_time: row.as_of_time,
    };
    Ok(rows.into_iter().map(fact).collect())
}

/// Removes facts by key.
pub(crate) async fn delete(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
    keys: &[FactKey],
) -> Result<(), ProfileError> {
    let keys = keys.iter().map(|key| key.0.as_str());
    let target = account_facts::table
        .filter(account_facts::user_id.eq(user_id.as_str()))
        .filter(account_facts::key.eq_any(keys));
    diesel::delete(target).execute(connection).await?;
    Ok(())
}
