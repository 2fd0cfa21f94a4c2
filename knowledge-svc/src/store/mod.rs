//! The schema `insta_knowledge`, and every query of it. Only this folder knows diesel.

pub(crate) mod collections;
pub(crate) mod documents;
pub(crate) mod imports;
pub(crate) mod index;
pub(crate) mod jobs;
mod passages;
mod schema;
pub(crate) mod search;
pub(crate) mod unanswered;

use anyhow::Context;
use db::DatabaseConfig;
use diesel_async::RunQueryDsl;
use service_kit::Tier;

/// The connections of this service, which see every document; searches lower that for the time of a transaction.
pub(crate) fn pool(config: &DatabaseConfig) -> db::Pool {
    db::Pool::with_setup(config, "SET insta_knowledge.visibility = '2'")
}

/// A plan in the database, where plans are compared.
fn rank(tier: Tier) -> i16 {
    match tier {
        Tier::Free => 0,
        Tier::Pro => 1,
        Tier::Enterprise => 2,
    }
}

/// The plan behind what [`rank`] gives.
fn tier(stored: i16) -> Option<Tier> {
    [Tier::Free, Tier::Pro, Tier::Enterprise]
        .into_iter()
        .find(|tier| rank(*tier) == stored)
}

/// Whether the database answers and has our tables.
pub(crate) async fn check(pool: &db::Pool) -> anyhow::Result<()> {
    let mut connection = pool.get().await?;
    diesel::sql_query("SELECT FROM insta_knowledge.embedding_jobs LIMIT 0")
        .execute(&mut connection)
        .await
        .context("the tables of knowledge-svc cannot be read: have the migrations run?")?;
    Ok(())
}
