//! Which user a service acts for in which call.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::{CallId, ClientId, Tier, UserId};
use uuid::Uuid;

use super::{StoreError, schema::delegations};

/// A call and whom it acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delegation {
    pub(crate) call_id: CallId,
    pub(crate) user_id: UserId,
    pub(crate) tier: Tier,
    pub(crate) client_id: ClientId,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = delegations)]
struct Row {
    call_id: Uuid,
    user_id: String,
    tier: String,
    client_id: String,
}

/// The delegation of a call.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    call_id: CallId,
) -> Result<Option<Delegation>, StoreError> {
    let row = delegations::table
        .find(call_id.0)
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.as_ref().map(delegation).transpose()
}

/// Keeps `new` unless its call has a delegation, and returns the one that it has now.
pub(crate) async fn find_or_insert(
    connection: &mut AsyncPgConnection,
    new: &Delegation,
    now: DateTime<Utc>,
) -> Result<Delegation, StoreError> {
    diesel::insert_into(delegations::table)
        .values((
            delegations::call_id.eq(new.call_id.0),
            delegations::user_id.eq(new.user_id.as_str()),
            delegations::tier.eq(new.tier.as_str()),
            delegations::client_id.eq(new.client_id.as_str()),
            delegations::create_time.eq(now),
        ))
        .on_conflict(delegations::call_id)
        .do_nothing()
        .execute(connection)
        .await?;
    let row = delegations::table
        .find(new.call_id.0)
        .select(Row::as_select())
        .first(connection)
        .await?;
    delegation(&row)
}

fn delegation(row: &Row) -> Result<Delegation, StoreError> {
    let parsed = (row.user_id.parse(), row.tier.parse(), row.client_id.parse());
    let (Ok(user_id), Ok(tier), Ok(client_id)) = parsed else {
        return Err(StoreError::Inconsistent {
            table: "delegations",
            id: row.call_id.to_string(),
        });
    };
    Ok(Delegation {
        call_id: CallId(row.call_id),
        user_id,
        tier,
        client_id,
    })
}
