//! The keys that sign tokens.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{StoreError, schema::signing_keys};

/// A key as it is kept. It has no debug form on purpose.
#[derive(Queryable, Selectable)]
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    /// PKCS#8.
    pub(crate) private_key: Vec<u8>,
    pub(crate) retire_time: Option<DateTime<Utc>>,
}

/// The keys that have not retired before `since`, the one that signs first.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    since: DateTime<Utc>,
) -> Result<Vec<SigningKey>, StoreError> {
    let in_use = signing_keys::retire_time
        .is_null()
        .or(signing_keys::retire_time.gt(since));
    Ok(signing_keys::table
        .filter(in_use)
        .order(signing_keys::retire_time.desc().nulls_first())
        .select(SigningKey::as_select())
        .load(connection)
        .await?)
}

/// Keeps a key that signs from now on, unless there is one that does.
pub(crate) async fn insert_if_none_signs(
    connection: &mut AsyncPgConnection,
    kid: &str,
    private_key: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(kid),
            signing_keys::private_key.eq(private_key),
            signing_keys::create_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(())
}
