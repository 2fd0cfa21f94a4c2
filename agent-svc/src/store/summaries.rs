//! The work that follows a call: leased, tried again, done once.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use service_kit::CallId;
use uuid::Uuid;

use super::StoreError;
use super::schema::{calls, summary_jobs};

/// A job that is ours until its lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) call: CallId,
    /// This attempt included.
    pub(crate) attempts: i32,
}

/// Takes the next job that is due, if there is one, for as long as `lease`.
pub(crate) async fn take(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<Option<Job>, StoreError> {
    connection
        .transaction(async |connection| {
            let due: Option<(Uuid, i32)> = summary_jobs::table
                .filter(summary_jobs::failed.eq(false))
                .filter(summary_jobs::next_attempt_time.le(now))
                .order(summary_jobs::next_attempt_time)
                .select((summary_jobs::call_id, summary_jobs::attempts))
                .for_update()
                .skip_locked()
                .first(connection)
                .await
                .optional()?;
            let Some((call, attempts)) = due else {
                return Ok(None);
            };
            let attempts = attempts + 1;
            diesel::update(summary_jobs::table.find(call))
                .set((
                    summary_jobs::attempts.eq(attempts),
                    summary_jobs::next_attempt_time.eq(now + lease),
                ))
                .execute(connection)
                .await?;
            let call = CallId(call);
            Ok(Some(Job { call, attempts }))
        })
        .await
}

/// Gives a job back, to be tried again at `next`.
pub(crate) async fn retry(
    connection: &mut AsyncPgConnection,
    call: CallId,
    next: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::update(summary_jobs::table.find(call.0))
        .set(summary_jobs::next_attempt_time.eq(next))
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives a job up; it stays to be looked at.
pub(crate) async fn fail(
    connection: &mut AsyncPgConnection,
    call: CallId,
) -> Result<(), StoreError> {
    diesel::update(summary_jobs::table.find(call.0))
        .set(summary_jobs::failed.eq(true))
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps a summary, before it is recorded elsewhere, so that every attempt tells the same.
pub(crate) async fn keep(
    connection: &mut AsyncPgConnection,
    call: CallId,
    summary: &str,
) -> Result<(), StoreError> {
    diesel::update(calls::table.find(call.0))
        .set(calls::summary.eq(summary.replace('\0', "")))
        .execute(connection)
        .await?;
    Ok(())
}

/// The job is done.
pub(crate) async fn done(
    connection: &mut AsyncPgConnection,
    call: CallId,
) -> Result<(), StoreError> {
    diesel::delete(summary_jobs::table.find(call.0))
        .execute(connection)
        .await?;
    Ok(())
}
