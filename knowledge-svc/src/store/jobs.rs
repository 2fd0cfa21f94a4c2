//! Passages that wait for their vectors.
//!
//! A job is taken by moving its due time on by a lease, and done by writing the vector. Both may happen twice without
//! harm: a passage never changes its text, so every worker writes the same vector.

use chrono::{DateTime, TimeDelta, Utc};
use db::{Embedding, Vector};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    index::Slot,
    schema::{embedding_jobs, passages},
};
use crate::{domain::Slug, error::KnowledgeError};

/// A job that this worker holds until its lease lapses.
#[derive(Debug, QueryableByName)]
pub(crate) struct Job {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) passage_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) title: String,
    #[diesel(sql_type = Text)]
    pub(crate) heading_path: String,
    #[diesel(sql_type = Text)]
    pub(crate) text: String,
    /// How often it was taken, this time included.
    #[diesel(sql_type = Integer)]
    pub(crate) attempts: i32,
}

/// Makes jobs of all passages without a vector of `model` in `slot`, and gives those that had failed another chance.
pub(crate) async fn requeue(
    connection: &mut AsyncPgConnection,
    model: &str,
    slot: Slot,
    now: DateTime<Utc>,
) -> Result<usize, KnowledgeError> {
    let (parts, model_column) = (slot.parts(), slot.model());
    let queued = diesel::sql_query(format!(
        "INSERT INTO insta_knowledge.embedding_jobs AS j (passage_id, due_time)
         SELECT passage_id, $1 FROM insta_knowledge.passages
         WHERE {model_column} IS DISTINCT FROM $2 OR {parts} IS NULL
         ON CONFLICT (passage_id) DO UPDATE SET due_time = $1, attempts = 0, failure = NULL, fail_time = NULL
         WHERE j.failure IS NOT NULL",
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(model)
    .execute(connection)
    .await?;
    Ok(queued)
}

/// Takes at most `limit` jobs that are due, and nobody else has.
pub(crate) async fn claim(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    lease: TimeDelta,
    limit: i64,
) -> Result<Vec<Job>, KnowledgeError> {
    let jobs = diesel::sql_query(
        "WITH due AS (
           SELECT passage_id FROM insta_knowledge.embedding_jobs
           WHERE failure IS NULL AND due_time <= $1
           ORDER BY due_time, passage_id LIMIT $3 FOR UPDATE SKIP LOCKED),
         taken AS (
           UPDATE insta_knowledge.embedding_jobs j SET due_time = $2, attempts = least(j.attempts + 1, 1000)
           FROM due WHERE j.passage_id = due.passage_id RETURNING j.passage_id, j.attempts)
         SELECT p.passage_id, p.title, p.heading_path, p.text, taken.attempts
         FROM taken JOIN insta_knowledge.passages p USING (passage_id) ORDER BY p.passage_id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now + lease)
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    Ok(jobs)
}

/// Writes the vectors of a passage, of the whole and then of its parts, into `slot` and ends its job, unless the
/// passage is gone by now.
///
/// One passage at a time: who locks several, in an order of its own, can end in a deadlock with a writer.
pub(crate) async fn finish(
    connection: &mut AsyncPgConnection,
    model: &str,
    slot: Slot,
    id: Uuid,
    vectors: Vec<Vec<f32>>,
) -> Result<(), KnowledgeError> {
    let mut vectors = vectors.into_iter().map(Embedding::from);
    let Some(whole) = vectors.next() else {
        return Ok(());
    };
    let (whole_column, parts_column, model_column) = (slot.vector(), slot.parts(), slot.model());
    diesel::sql_query(format!(
        // The join makes the passage's lock the first, as it is for a writer that removes both.
        "WITH made AS (
           UPDATE insta_knowledge.passages SET {whole_column} = $2, {parts_column} = $4, {model_column} = $3
           WHERE passage_id = $1
           RETURNING passage_id)
         DELETE FROM insta_knowledge.embedding_jobs job USING made WHERE job.passage_id = made.passage_id",
    ))
    .bind::<SqlUuid, _>(id)
    .bind::<Vector, _>(whole)
    .bind::<Text, _>(model)
    .bind::<Array<Vector>, _>(vectors.collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives jobs back, to be taken again at `due_time`. Those that a writer is removing are passed over.
pub(crate) async fn release(
    connection: &mut AsyncPgConnection,
    ids: Vec<Uuid>,
    due_time: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    diesel::sql_query(
        "UPDATE insta_knowledge.embedding_jobs SET due_time = $2 WHERE passage_id IN (
           SELECT passage_id FROM insta_knowledge.embedding_jobs WHERE passage_id = ANY ($1)
           FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Timestamptz, _>(due_time)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the passage gets no vector, for `failure`.
pub(crate) async fn fail(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    failure: &str,
    now: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    diesel::update(embedding_jobs::table.find(id))
        .set((
            embedding_jobs::failure.eq(failure),
            embedding_jobs::fail_time.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// A passage that gets no vector.
#[derive(Debug, Queryable)]
pub(crate) struct Failed {
    pub(crate) passage_id: Uuid,
    pub(crate) document_id: String,
    pub(crate) heading_path: String,
    pub(crate) failure: String,
    pub(crate) attempts: i32,
    pub(crate) fail_time: DateTime<Utc>,
}

/// Passages that get no vector, the oldest first, after the one given up at `after`.
pub(crate) async fn failed(
    connection: &mut AsyncPgConnection,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Failed>, KnowledgeError> {
    let mut query = embedding_jobs::table
        .inner_join(passages::table)
        .filter(embedding_jobs::failure.is_not_null())
        .order((embedding_jobs::fail_time, embedding_jobs::passage_id))
        .limit(limit)
        .select((
            embedding_jobs::passage_id,
            passages::document_id,
            passages::heading_path,
            embedding_jobs::failure.assume_not_null(),
            embedding_jobs::attempts,
            embedding_jobs::fail_time.assume_not_null(),
        ))
        .into_boxed();
    if let Some((time, passage_id)) = after {
        query = query.filter(
            embedding_jobs::fail_time
                .gt(time)
                .or(embedding_jobs::fail_time
                    .eq(time)
                    .and(embedding_jobs::passage_id.gt(passage_id))),
        );
    }
    Ok(query.load(connection).await?)
}

/// Gives failed passages another chance, of one document or of all, and tells how many.
pub(crate) async fn retry(
    connection: &mut AsyncPgConnection,
    document_id: Option<&Slug>,
    now: DateTime<Utc>,
) -> Result<i64, KnowledgeError> {
    let retried = diesel::sql_query(
        "UPDATE insta_knowledge.embedding_jobs SET failure = NULL, fail_time = NULL, attempts = 0, due_time = $2
         WHERE passage_id IN (
           SELECT j.passage_id FROM insta_knowledge.embedding_jobs j JOIN insta_knowledge.passages p USING (passage_id)
           WHERE j.failure IS NOT NULL AND ($1 IS NULL OR p.document_id = $1) FOR UPDATE OF j SKIP LOCKED)",
    )
    .bind::<Nullable<Text>, _>(document_id.map(Slug::as_str))
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .await?;
    Ok(i64::try_from(retried).unwrap_or(i64::MAX))
}

/// How many jobs wait.
pub(crate) async fn waiting(connection: &mut AsyncPgConnection) -> Result<i64, KnowledgeError> {
    let waiting = embedding_jobs::table
        .filter(embedding_jobs::failure.is_null())
        .count()
        .get_result(connection)
        .await?;
    Ok(waiting)
}
