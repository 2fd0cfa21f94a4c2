//! The schema `insta_auth`, and every query of it. Only this folder knows diesel.

pub(crate) mod delegations;
pub(crate) mod operators;
mod schema;
pub(crate) mod service_clients;
pub(crate) mod signing_keys;

use anyhow::Context;
use db::{Pool, PoolError};
use diesel_async::RunQueryDsl;

/// Why a query did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database is away: the same may well succeed a moment later.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A query failed.
    #[error("a query failed")]
    Query(#[source] diesel::result::Error),
    /// A row is not as the code that wrote it left it.
    #[error("row {id} of {table} cannot be read")]
    Inconsistent { table: &'static str, id: String },
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        if db::is_unavailable(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Query(error)
        }
    }
}

/// Whether the database answers and has our tables.
pub(crate) async fn check(pool: &Pool) -> anyhow::Result<()> {
    let mut connection = pool.get().await?;
    diesel::sql_query("SELECT FROM insta_auth.delegations LIMIT 0")
        .execute(&mut connection)
        .await
        .context("the tables of auth-svc cannot be read: have the migrations run?")?;
    Ok(())
}
