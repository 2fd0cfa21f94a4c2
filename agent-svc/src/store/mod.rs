//! The schema `insta_agent`, and every query of it. Only this folder knows diesel.

pub(crate) mod calls;
mod schema;
pub(crate) mod summaries;
#[cfg(test)]
mod tests;
pub(crate) mod turns;

use anyhow::Context;
use diesel_async::RunQueryDsl;

use crate::provider::Bill;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had.
    #[error(transparent)]
    Pool(#[from] db::PoolError),
    /// A query failed.
    #[error("database failure")]
    Database(#[from] diesel::result::Error),
    /// A row is not what it should be.
    #[error("the stored {column} of call {call} cannot be read")]
    Inconsistent {
        /// Which column.
        column: &'static str,
        /// Of which call.
        call: uuid::Uuid,
    },
}

impl StoreError {
    /// Whether the same may well succeed a moment later.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Pool(_) => true,
            Self::Database(error) => db::is_unavailable(error),
            Self::Inconsistent { .. } => false,
        }
    }
}

/// A bill as its columns hold it.
fn bill(
    usage: Option<serde_json::Value>,
    cost_usd_micros: Option<i64>,
) -> Result<Option<Bill>, serde_json::Error> {
    let usage = usage.map(serde_json::from_value).transpose()?;
    let cost = cost_usd_micros.map(|micros| micros as f64 / 1e6);
    Ok(usage.map(|usage| Bill { usage, cost }))
}

/// Whether the database answers and has our tables.
pub(crate) async fn check(pool: &db::Pool) -> anyhow::Result<()> {
    let mut connection = pool.get().await?;
    diesel::sql_query("SELECT FROM insta_agent.calls LIMIT 0")
        .execute(&mut connection)
        .await
        .context("the tables of agent-svc cannot be read: have the migrations run?")?;
    Ok(())
}
