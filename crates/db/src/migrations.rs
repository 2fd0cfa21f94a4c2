//! Bringing the database to the shape that this build expects.

use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connect::DatabaseUrl;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
/// Names the lock that lets one migrator run at a time: "insta" in ASCII.
const LOCK: i64 = 0x69_6e_73_74_61;

/// Why the migrations did not run.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database could not be reached.
    #[error("cannot connect to the database")]
    Connect(#[from] diesel::ConnectionError),
    /// The lock could not be taken.
    #[error("cannot take the migration lock")]
    Lock(#[from] diesel::result::Error),
    /// A migration failed; those before it stay.
    #[error("a migration failed: {0}")]
    Failed(String),
}

/// Runs what has not run yet, and returns the names. Waits for another migrator that is at work.
///
/// # Errors
/// See [`MigrationError`].
pub async fn run(url: &DatabaseUrl) -> Result<Vec<String>, MigrationError> {
    with_harness(url, |harness| {
        let versions = harness.run_pending_migrations(MIGRATIONS).map_err(failed)?;
        Ok(versions.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Takes every migration back, the newest first: how tests prove that `down.sql` is true.
///
/// # Errors
/// See [`MigrationError`].
pub async fn revert_all(url: &DatabaseUrl) -> Result<Vec<String>, MigrationError> {
    with_harness(url, |harness| {
        let versions = harness.revert_all_migrations(MIGRATIONS).map_err(failed)?;
        Ok(versions.iter().map(ToString::to_string).collect())
    })
    .await
}

async fn with_harness<T: Send + 'static>(
    url: &DatabaseUrl,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<T, MigrationError>
    + Send
    + 'static,
) -> Result<T, MigrationError> {
    let mut connection = url.connect().await?;
    // The session ends with the connection, and the lock with the session.
    diesel::sql_query("SELECT 1 AS one FROM (SELECT pg_advisory_lock($1)) AS lock")
        .bind::<BigInt, _>(LOCK)
        .get_result::<One>(&mut connection)
        .await?;
    tokio::task::spawn_blocking(move || work(&mut AsyncMigrationHarness::new(connection)))
        .await
        .map_err(failed)?
}

#[derive(QueryableByName)]
struct One {
    #[expect(dead_code, reason = "a row has to have a column")]
    #[diesel(sql_type = diesel::sql_types::Integer)]
    one: i32,
}

fn failed(error: impl std::fmt::Display) -> MigrationError {
    MigrationError::Failed(error.to_string())
}
