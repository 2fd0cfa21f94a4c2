//! The background worker that has the vectors of passages made.
//!
//! It looks for work when it is told of a write, and every second for what others left behind: jobs whose worker died,
//! jobs to be tried again. Any number of workers may run.
//!
//! Vectors of a model other than the index's are made beside it, and take over all at once when they are all there.
//! Every hour it removes what is kept for a time only.

pub(crate) mod unanswered;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use service_kit::{Shutdown, clock::Clock};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::{
    domain::embedded_texts,
    embedding::{EmbedError, Embedder, Remedy},
    error::KnowledgeError,
    store::{
        imports,
        index::{self, Index, Progress, Slot},
        jobs::{self, Job},
        unanswered as questions,
    },
};

/// Passages of one request. Small, so that the vector of a question never waits long behind it.
const BATCH: i64 = 16;
/// Requests under way at once, so that the embedder works while vectors are written.
const LANES: usize = 2;
/// How long a worker holds a job. Longer than a request takes.
const LEASE: TimeDelta = TimeDelta::seconds(60);
const POLL: Duration = Duration::from_secs(1);
/// The longest wait before another try, so that vectors are made soon after the embedder is back.
const MAX_BACKOFF: TimeDelta = TimeDelta::seconds(30);
/// A passage whose requests fail so often, a quarter of an hour long, gets no vector.
const MAX_ATTEMPTS: i32 = 30;
/// How often a model that does not fit the index is asked whether it does by now.
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(30);
/// How often what is kept for a time only is looked through.
const CLEAN_UP_AGAIN: TimeDelta = TimeDelta::hours(1);

/// The worker of one process.
pub(crate) struct Worker {
    pub(crate) db: db::Pool,
    pub(crate) embedder: Arc<Embedder>,
    pub(crate) clock: Clock,
    /// Told after every write.
    pub(crate) wake: Arc<Notify>,
    /// What searches compare, for them to see.
    pub(crate) index: watch::Sender<Option<Index>>,
    /// Whether documents may be written, for writers to see.
    pub(crate) ingestion: watch::Sender<Ingestion>,
    /// How long a question that nothing answered is kept.
    pub(crate) keep_unanswered: TimeDelta,
}

/// Whether documents may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ingestion {
    /// The model has not been asked yet.
    Unknown,
    /// The model fits the index, or was away when it was asked.
    Open,
    /// The model does not fit, for this reason.
    Refused(String),
}

/// Why no further request is worth it for now.
#[derive(Debug)]
enum Halt {
    /// The provider asks for patience.
    Until(DateTime<Utc>),
    /// The model makes vectors that do not fit.
    Mismatch(EmbedError),
}

/// What a worker knows between two looks for work.
#[derive(Debug, Default)]
struct State {
    /// Where vectors go, once that is known.
    slot: Option<Slot>,
    paused_until: Option<DateTime<Utc>>,
    /// Told once that the next model cannot take over.
    told_refused: bool,
    clean_up_time: Option<DateTime<Utc>>,
}

impl Worker {
    /// Works until `shutdown`, then gives back what it holds.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut state = State::default();
        while !shutdown.is_triggered() {
            match self.turn(&mut state, &shutdown).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "Embedding jobs cannot be worked on"),
            }
            if let Err(error) = self.clean_up(&mut state).await {
                tracing::warn!(%error, "What is older than it may become stays for another hour");
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Removes what is older than it may become.
    async fn clean_up(&self, state: &mut State) -> Result<(), KnowledgeError> {
        let now = self.clock.now();
        if state.clean_up_time.is_some_and(|time| now < time) {
            return Ok(());
        }
        state.clean_up_time = Some(now + CLEAN_UP_AGAIN);
        let mut connection = self.db.get().await?;
        imports::forget(&mut connection, now).await?;
        questions::forget(&mut connection, now - self.keep_unanswered).await
    }

    /// Does what is to be done now, and tells how much it was.
    async fn turn(&self, state: &mut State, shutdown: &Shutdown) -> Result<usize, KnowledgeError> {
        if state
            .paused_until
            .is_some_and(|until| self.clock.now() < until)
        {
            return Ok(0);
        }
        state.paused_until = None;
        let slot = match state.slot {
            Some(slot) => slot,
            None => match self.prepare().await? {
                Ok(slot) => *state.slot.insert(slot),
                Err(halt) => {
                    self.halt(state, halt);
                    return Ok(0);
                }
            },
        };
        let lanes = std::array::from_fn::<_, LANES, _>(|_| self.pass(slot, shutdown));
        let mut worked = 0;
        for done in futures::future::join_all(lanes).await {
            let (jobs, halt) = done?;
            worked += jobs;
            if let Some(halt) = halt {
                self.halt(state, halt);
            }
        }
        if worked == 0 {
            self.settle(state).await?;
        }
        Ok(worked)
    }

    fn halt(&self, state: &mut State, halt: Halt) {
        match halt {
            Halt::Until(until) => state.paused_until = Some(until),
            Halt::Mismatch(error) => {
                tracing::error!(%error, model = self.embedder.model(), "Nothing is taken in: the model does not fit");
                self.ingestion
                    .send_replace(Ingestion::Refused(error.to_string()));
                state.slot = None;
                state.paused_until = Some(self.clock.now() + ASK_AGAIN);
            }
        }
    }

    /// Finds out where vectors go, and queues what has none of the configured model, and what failed before.
    async fn prepare(&self) -> Result<Result<Slot, Halt>, KnowledgeError> {
        let (found, probed) = tokio::join!(self.find_index(), self.embedder.probe());
        // The index serves whatever becomes of the model that is configured.
        if let Ok(found) = &found {
            self.publish(found.clone());
        }
        if let Err(error) = probed
            && error.is_mismatch()
        {
            return Ok(Err(Halt::Mismatch(error)));
        }
        // One that is away may be the right one.
        self.ingestion.send_replace(Ingestion::Open);
        found?;
        let mut connection = self.db.get().await?;
        let model = self.embedder.model();
        let index = index::aim(&mut connection, model).await?;
        let slot = index.slot_of(model);
        self.publish(Some(index));
        let now = self.clock.now();
        let queued = jobs::requeue(&mut connection, model, slot, now).await?;
        if queued > 0 {
            tracing::info!(
                passages.queued = queued,
                "Passages without a vector of this model were queued"
            );
        }
        Ok(Ok(slot))
    }

    async fn find_index(&self) -> Result<Option<Index>, KnowledgeError> {
        let mut connection = self.db.get().await?;
        index::read(&mut connection).await
    }

    fn publish(&self, found: Option<Index>) {
        self.index.send_if_modified(|index| {
            let differs = *index != found;
            *index = found;
            differs
        });
    }

    /// Nothing waits: sees what other workers did, and lets the next model take over if it can.
    async fn settle(&self, state: &mut State) -> Result<(), KnowledgeError> {
        let mut connection = self.db.get().await?;
        let model = self.embedder.model();
        let found = index::read(&mut connection).await?;
        if let Some(index) = found
            .as_ref()
            .filter(|index| index.next_model.as_deref() == Some(model))
        {
            match index::switch(&mut connection, index, model).await? {
                Progress::Switched => {
                    tracing::info!(
                        model,
                        "Searches compare the vectors of another model from now on"
                    );
                    self.publish(index::read(&mut connection).await?);
                    return Ok(());
                }
                Progress::Forgotten => state.slot = None,
                Progress::Refused(passages) if !state.told_refused => {
                    state.told_refused = true;
                    tracing::error!(
                        model,
                        passages.refused = passages,
                        "The model does not take over: it refused too many passages"
                    );
                }
                Progress::Refused(_) | Progress::Waiting => {}
            }
        }
        self.publish(found);
        Ok(())
    }

    /// Does one batch, and tells how many jobs were in it.
    async fn pass(
        &self,
        slot: Slot,
        shutdown: &Shutdown,
    ) -> Result<(usize, Option<Halt>), KnowledgeError> {
        let claimed = {
            let mut connection = self.db.get().await?;
            jobs::claim(&mut connection, self.clock.now(), LEASE, BATCH).await?
        };
        let count = claimed.len();
        let ids: Vec<_> = claimed.iter().map(|job| job.passage_id).collect();
        tokio::select! {
            biased;
            halt = self.work(claimed, slot) => Ok((count, halt?)),
            () = shutdown.triggered() => {
                self.release(ids, self.clock.now()).await?;
                Ok((count, None))
            }
        }
    }

    /// Embeds the jobs together, or one by one where one of them may be to blame for the failure of all.
    async fn work(&self, claimed: Vec<Job>, slot: Slot) -> Result<Option<Halt>, KnowledgeError> {
        if claimed.is_empty() {
            return Ok(None);
        }
        match self.embed(&claimed).await {
            Ok(vectors) => self.finish(&claimed, vectors, slot).await.map(|()| None),
            Err(error) if error.remedy() == Remedy::Wait => self.wait(&claimed, error).await,
            Err(_) if claimed.len() > 1 => self.work_alone(&claimed, slot).await,
            Err(error) => self.put_aside(&claimed[0], error).await,
        }
    }

    async fn work_alone(
        &self,
        claimed: &[Job],
        slot: Slot,
    ) -> Result<Option<Halt>, KnowledgeError> {
        let mut rest = claimed;
        while let [job, after @ ..] = rest {
            match self.embed(std::slice::from_ref(job)).await {
                Ok(vectors) => {
                    self.finish(std::slice::from_ref(job), vectors, slot)
                        .await?;
                }
                Err(error) if error.remedy() == Remedy::Wait => {
                    return self.wait(rest, error).await;
                }
                Err(error) => {
                    self.put_aside(job, error).await?;
                }
            }
            rest = after;
        }
        Ok(None)
    }

    /// The vectors of each passage: of the whole, then of its parts.
    async fn embed(&self, claimed: &[Job]) -> Result<Vec<Vec<Vec<f32>>>, EmbedError> {
        let texts = |job: &Job| embedded_texts(&job.title, &job.heading_path, &job.text);
        let texts: Vec<_> = claimed.iter().map(texts).collect();
        let result = self.embedder.passages(&texts.concat()).await;
        let outcome = if result.is_ok() { "made" } else { "failed" };
        metrics::counter!("knowledge_embedding_requests_total", "outcome" => outcome).increment(1);
        let mut vectors = result?.into_iter();
        let of_each = texts
            .iter()
            .map(|texts| vectors.by_ref().take(texts.len()).collect());
        Ok(of_each.collect())
    }

    async fn finish(
        &self,
        claimed: &[Job],
        vectors: Vec<Vec<Vec<f32>>>,
        slot: Slot,
    ) -> Result<(), KnowledgeError> {
        let mut connection = self.db.get().await?;
        let model = self.embedder.model();
        for (job, vectors) in claimed.iter().zip(vectors) {
            jobs::finish(&mut connection, model, slot, job.passage_id, vectors).await?;
        }
        let waiting = jobs::waiting(&mut connection).await?;
        metrics::gauge!("knowledge_embedding_jobs_waiting").set(waiting as f64);
        Ok(())
    }

    /// Gives jobs back for another try, later each time, and when the provider says at the earliest.
    async fn wait(
        &self,
        claimed: &[Job],
        error: EmbedError,
    ) -> Result<Option<Halt>, KnowledgeError> {
        let attempts = claimed.iter().map(|job| job.attempts).max();
        let mut due_time = self.clock.now() + backoff(attempts.unwrap_or_default());
        if let EmbedError::RateLimited {
            retry_after: Some(wait),
        } = &error
            && let Ok(wait) = TimeDelta::from_std(*wait)
        {
            due_time = self.clock.now() + wait;
        }
        tracing::warn!(
            %error,
            passages.waiting = claimed.len(),
            retry.delay_ms = (due_time - self.clock.now()).num_milliseconds(),
            "Vectors could not be made"
        );
        self.release(claimed.iter().map(|job| job.passage_id).collect(), due_time)
            .await?;
        Ok(match error {
            EmbedError::RateLimited { .. } => Some(Halt::Until(due_time)),
            error if error.is_mismatch() => Some(Halt::Mismatch(error)),
            _ => None,
        })
    }

    /// One job that failed by itself.
    async fn put_aside(
        &self,
        job: &Job,
        error: EmbedError,
    ) -> Result<Option<Halt>, KnowledgeError> {
        if error.remedy() != Remedy::GiveUp && job.attempts < MAX_ATTEMPTS {
            return self.wait(std::slice::from_ref(job), error).await;
        }
        tracing::error!(%error, passage.id = %job.passage_id, "A passage gets no vector");
        let mut connection = self.db.get().await?;
        let now = self.clock.now();
        jobs::fail(&mut connection, job.passage_id, &error.to_string(), now).await?;
        Ok(None)
    }

    async fn release(&self, ids: Vec<Uuid>, due_time: DateTime<Utc>) -> Result<(), KnowledgeError> {
        let mut connection = self.db.get().await?;
        jobs::release(&mut connection, ids, due_time).await
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
