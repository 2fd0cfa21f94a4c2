//! The schema `insta_knowledge`, and every query of it. Only this folder knows diesel.

pub(crate) mod documents;
pub(crate) mod jobs;
mod passages;
mod schema;
pub(crate) mod search;

use anyhow::Context;
use diesel_async::RunQueryDsl;

/// Whether the database answers and has our tables.
pub(crate) async fn check(pool: &db::Pool) -> anyhow::Result<()> {
    let mut connection = pool.get().await?;
    diesel::sql_query("SELECT FROM insta_knowledge.embedding_jobs LIMIT 0")
        .execute(&mut connection)
        .await
        .context("the tables of knowledge-svc cannot be read: have the migrations run?")?;
    Ok(())
}
