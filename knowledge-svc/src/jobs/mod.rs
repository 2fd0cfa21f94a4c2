//! The background worker that has the vectors of passages made.
//!
//! It looks for work when it is told of a write, and every second for what others left behind: jobs whose worker died,
//! jobs to be tried again. Any number of workers may run.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use service_kit::{Shutdown, clock::Clock};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    domain::embedded_text,
    embedding::{EmbedError, Embedder, Remedy},
    error::KnowledgeError,
    store::jobs::{self, Job},
};

/// Passages of one request. Small, so that the vector of a question never waits long behind it.
const BATCH: i64 = 16;
/// How long a worker holds a job. Longer than a request takes.
const LEASE: TimeDelta = TimeDelta::seconds(60);
const POLL: Duration = Duration::from_secs(1);
/// The longest wait before another try, so that vectors are made soon after the embedder is back.
const MAX_BACKOFF: TimeDelta = TimeDelta::seconds(30);

/// The worker of one process.
pub(crate) struct Worker {
    pub(crate) db: db::Pool,
    pub(crate) embedder: Arc<Embedder>,
    pub(crate) clock: Clock,
    /// Told after every write.
    pub(crate) wake: Arc<Notify>,
}

impl Worker {
    /// Works until `shutdown`, then gives back what it holds.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut prepared = false;
        while !shutdown.is_triggered() {
            let worked = if prepared {
                self.pass(&shutdown).await
            } else {
                self.prepare().await
            };
            match worked {
                Ok(0) => prepared = true,
                Ok(_) => {
                    prepared = true;
                    continue;
                }
                Err(error) => tracing::warn!(%error, "Embedding jobs cannot be worked on"),
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Queues what has no vector of the configured model, and what failed before.
    async fn prepare(&self) -> Result<usize, KnowledgeError> {
        let mut connection = self.db.get().await?;
        let queued =
            jobs::requeue(&mut connection, self.embedder.model(), self.clock.now()).await?;
        if queued > 0 {
            tracing::info!(
                passages.queued = queued,
                "Passages without a vector of this model were queued"
            );
        }
        Ok(queued)
    }

    /// Does one batch, and tells how many jobs were in it.
    async fn pass(&self, shutdown: &Shutdown) -> Result<usize, KnowledgeError> {
        let claimed = {
            let mut connection = self.db.get().await?;
            jobs::claim(&mut connection, self.clock.now(), LEASE, BATCH).await?
        };
        let count = claimed.len();
        let ids: Vec<_> = claimed.iter().map(|job| job.passage_id).collect();
        tokio::select! {
            biased;
            worked = self.work(claimed) => worked?,
            () = shutdown.triggered() => self.release(ids, TimeDelta::zero()).await?,
        }
        Ok(count)
    }

    /// Embeds the jobs together, or one by one where one of them may be to blame for the failure of all.
    async fn work(&self, claimed: Vec<Job>) -> Result<(), KnowledgeError> {
        if claimed.is_empty() {
            return Ok(());
        }
        match self.embed(&claimed).await {
            Ok(vectors) => self.finish(&claimed, vectors).await,
            Err(error) if error.remedy() == Remedy::Wait => self.wait(&claimed, &error).await,
            Err(_) if claimed.len() > 1 => self.work_alone(claimed).await,
            Err(error) => self.put_aside(&claimed[0], &error).await,
        }
    }

    async fn work_alone(&self, claimed: Vec<Job>) -> Result<(), KnowledgeError> {
        let mut rest = claimed.as_slice();
        while let [job, after @ ..] = rest {
            match self.embed(std::slice::from_ref(job)).await {
                Ok(vectors) => self.finish(std::slice::from_ref(job), vectors).await?,
                Err(error) if error.remedy() == Remedy::Wait => {
                    return self.wait(rest, &error).await;
                }
                Err(error) => self.put_aside(job, &error).await?,
            }
            rest = after;
        }
        Ok(())
    }

    async fn embed(&self, claimed: &[Job]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let text = |job: &Job| embedded_text(&job.title, &job.heading_path, &job.text);
        let result = self
            .embedder
            .passages(claimed.iter().map(text).collect())
            .await;
        let outcome = if result.is_ok() { "made" } else { "failed" };
        metrics::counter!("knowledge_embedding_requests_total", "outcome" => outcome).increment(1);
        result
    }

    async fn finish(&self, claimed: &[Job], vectors: Vec<Vec<f32>>) -> Result<(), KnowledgeError> {
        let mut connection = self.db.get().await?;
        for (job, vector) in claimed.iter().zip(vectors) {
            jobs::finish(
                &mut connection,
                self.embedder.model(),
                job.passage_id,
                vector,
            )
            .await?;
        }
        let waiting = jobs::waiting(&mut connection).await?;
        metrics::gauge!("knowledge_embedding_jobs_waiting").set(waiting as f64);
        Ok(())
    }

    /// Gives jobs back for another try, later each time.
    async fn wait(&self, claimed: &[Job], error: &EmbedError) -> Result<(), KnowledgeError> {
        let attempts = claimed
            .iter()
            .map(|job| job.attempts)
            .max()
            .unwrap_or_default();
        let delay = backoff(attempts);
        tracing::warn!(
            %error,
            passages.waiting = claimed.len(),
            retry.delay_ms = delay.num_milliseconds(),
            "Vectors could not be made"
        );
        self.release(claimed.iter().map(|job| job.passage_id).collect(), delay)
            .await
    }

    /// One job that failed by itself.
    async fn put_aside(&self, job: &Job, error: &EmbedError) -> Result<(), KnowledgeError> {
        if error.remedy() != Remedy::GiveUp {
            return self.wait(std::slice::from_ref(job), error).await;
        }
        tracing::error!(%error, passage.id = %job.passage_id, "The embedder refused a passage for good");
        let mut connection = self.db.get().await?;
        let now = self.clock.now();
        jobs::fail(&mut connection, job.passage_id, &error.to_string(), now).await
    }

    async fn release(&self, ids: Vec<Uuid>, delay: TimeDelta) -> Result<(), KnowledgeError> {
        let mut connection = self.db.get().await?;
        jobs::release(&mut connection, ids, self.clock.now() + delay).await
    }
}

/// One second, doubled with every try.
fn backoff(attempts: i32) -> TimeDelta {
    let doublings = attempts.saturating_sub(1).clamp(0, 8);
    TimeDelta::seconds(1 << doublings).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_no_further() {
        let waits = [0, 1, 2, 3, 5, 6, 7, 1000, i32::MAX].map(|n| backoff(n).num_seconds());
        assert_eq!(waits, [1, 1, 2, 4, 16, 30, 30, 30, 30]);
    }
}
