//! The people who may see and steer everything.

use chrono::{DateTime, Utc};
use diesel::{dsl::exists, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::UserId;

use super::{StoreError, schema::operators};

/// Whether `user_id` is an operator.
pub(crate) async fn contains(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
) -> Result<bool, StoreError> {
    let row = operators::table.find(user_id.as_str());
    Ok(diesel::select(exists(row)).get_result(connection).await?)
}

/// Makes `user_id` an operator. Doing it again changes nothing.
pub(crate) async fn add(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::insert_into(operators::table)
        .values((
            operators::user_id.eq(user_id.as_str()),
            operators::create_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(())
}
