//! The schema `insta_profile`, and every query of it. Only this folder knows diesel.

pub(crate) mod facts;
pub(crate) mod profiles;
mod schema;

use anyhow::Context;
use diesel_async::RunQueryDsl;

/// Whether the database answers and has our tables.
pub(crate) async fn check(pool: &db::Pool) -> anyhow::Result<()> {
    let mut connection = pool.get().await?;
    diesel::sql_query("SELECT FROM insta_profile.profiles LIMIT 0")
        .execute(&mut connection)
        .await
        .context("the tables of profile-svc cannot be read: have the migrations run?")?;
    Ok(())
}
