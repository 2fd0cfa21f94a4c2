//! What a call was about: made after its end, kept with it, and recorded to the caller's profile.
//!
//! At least once and idempotent: a job is leased, the summary is kept before it is recorded, and
//! the profile takes the call that ended last.

mod chat;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use service_kit::Shutdown;

use crate::app::App;
use crate::domain::Role;
use crate::peers::PeerError;
use crate::record::{Call, State, Turn};
use crate::store::{StoreError, calls, summaries, turns};
pub(crate) use chat::Summariser;

/// How long a job is ours. Longer than all its deadlines together.
const LEASE: TimeDelta = TimeDelta::seconds(60);
const POLL: Duration = Duration::from_secs(5);
/// After so many attempts the summary is made without the model.
const MODEL_ATTEMPTS: i32 = 3;
const MAX_ATTEMPTS: i32 = 8;
/// The contract's longest summary, in characters.
const MAX_SUMMARY: usize = 500;

#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("profile-svc: {0}")]
    Peer(#[from] PeerError),
    #[error("the model made no summary: {0}")]
    Model(String),
}

/// Does the work that follows calls until `shutdown`.
pub(crate) async fn run(app: Arc<App>, shutdown: Shutdown) {
    loop {
        let took = match work_once(&app).await {
            Ok(took) => took,
            Err(error) => {
                tracing::warn!(?error, "Summaries have to wait for the database");
                false
            }
        };
        if shutdown.is_triggered() {
            return;
        }
        if !took {
            tokio::select! {
                () = app.ended.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = shutdown.triggered() => return,
            }
        }
    }
}

/// Does one job; says whether there was one.
pub(crate) async fn work_once(app: &App) -> Result<bool, StoreError> {
    let now = app.clock.now();
    let job = {
        let mut connection = app.db.get().await?;
        summaries::take(&mut connection, now, LEASE).await?
    };
    let Some(job) = job else {
        return Ok(false);
    };
    let outcome = summarise(app, job).await;
    let mut connection = app.db.get().await?;
    match outcome {
        Ok(()) => summaries::done(&mut connection, job.call).await?,
        Err(JobError::Peer(PeerError::Refused { code, reason })) => {
            tracing::error!(call.id = %job.call, ?code, reason, "A summary was refused");
            summaries::fail(&mut connection, job.call).await?;
        }
        Err(error) if job.attempts >= MAX_ATTEMPTS => {
            tracing::error!(call.id = %job.call, ?error, "A summary is given up");
            summaries::fail(&mut connection, job.call).await?;
        }
        Err(error) => {
            tracing::info!(call.id = %job.call, ?error, "A summary is tried again");
            let delay = TimeDelta::seconds(2_i64.pow(job.attempts.clamp(0, 10) as u32));
            summaries::retry(&mut connection, job.call, now + delay).await?;
        }
    }
    Ok(true)
}

async fn summarise(app: &App, job: summaries::Job) -> Result<(), JobError> {
    let (call, turns) = {
        let mut connection = app.db.get().await.map_err(StoreError::from)?;
        let call = calls::find(&mut connection, job.call).await?;
        (call, turns::of_call(&mut connection, job.call).await?)
    };
    let Some(Call {
        state: State::Ended { time, .. },
        summary,
        ..
    }) = call
    else {
        return Ok(());
    };
    if !turns
        .iter()
        .any(|turn| turn.role == Role::User && !turn.text.is_empty())
    {
        return Ok(());
    }
    let summary = if summary.is_empty() {
        let summary = make(app, &turns, job.attempts).await?;
        let mut connection = app.db.get().await.map_err(StoreError::from)?;
        summaries::keep(&mut connection, job.call, &summary).await?;
        summary
    } else {
        summary
    };
    let caller = app.delegation(job.call);
    app.peers.record_interaction(&caller, summary, time).await?;
    Ok(())
}

async fn make(app: &App, turns: &[Turn], attempts: i32) -> Result<String, JobError> {
    match app.summariser.summarise(turns).await {
        Ok(summary) => Ok(shortened(&summary)),
        Err(error) if attempts < MODEL_ATTEMPTS => Err(JobError::Model(error.to_string())),
        Err(_) => Ok(without_model(turns)),
    }
}

/// A summary for when no model is there: what the caller asked first.
fn without_model(turns: &[Turn]) -> String {
    let asked = turns
        .iter()
        .find(|turn| turn.role == Role::User && !turn.text.is_empty())
        .map_or("", |turn| turn.text.as_str());
    shortened(&format!("The caller asked: {asked}"))
}

/// One line of at most 500 characters, ending at a word.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_SUMMARY {
        return line;
    }
    let cut: String = line.chars().take(MAX_SUMMARY - 1).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}
