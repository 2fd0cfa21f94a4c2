//! Passages that wait for their vectors.
//!
//! A job is taken by moving its due time on by a lease, and done by writing the vector. Both may happen twice without
//! harm: a passage never changes its text, so every worker writes the same vector.

use chrono::{DateTime, TimeDelta, Utc};
use db::Embedding;
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::{embedding_jobs, passages};
use crate::error::KnowledgeError;

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

/// Makes jobs of all passages without a vector of `model`, and gives those that had failed another chance.
pub(crate) async fn requeue(
    connection: &mut AsyncPgConnection,
    model: &str,
    now: DateTime<Utc>,
) -> Result<usize, KnowledgeError> {
    let queued = diesel::sql_query(
        "INSERT INTO insta_knowledge.embedding_jobs AS j (passage_id, due_time)
         SELECT passage_id, $1 FROM insta_knowledge.passages WHERE embedding_model IS DISTINCT FROM $2
         ON CONFLICT (passage_id) DO UPDATE SET due_time = $1, attempts = 0, failure = NULL
         WHERE j.failure IS NOT NULL",
    )
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

/// Writes vectors of `model` and ends their jobs. Passages that are gone by now are passed over.
pub(crate) async fn finish(
    connection: &mut AsyncPgConnection,
    model: &str,
    vectors: Vec<(Uuid, Vec<f32>)>,
) -> Result<(), KnowledgeError> {
    let ids: Vec<Uuid> = vectors.iter().map(|(id, _)| *id).collect();
    connection
        .transaction(async |connection| {
            for (id, vector) in vectors {
                diesel::update(passages::table.find(id))
                    .set((
                        passages::embedding.eq(Embedding::from(vector)),
                        passages::embedding_model.eq(model),
                    ))
                    .execute(connection)
                    .await?;
            }
            diesel::delete(embedding_jobs::table.filter(embedding_jobs::passage_id.eq_any(ids)))
                .execute(connection)
                .await?;
            Ok(())
        })
        .await
}

/// Gives jobs back, to be taken again at `due_time`.
pub(crate) async fn release(
    connection: &mut AsyncPgConnection,
    ids: Vec<Uuid>,
    due_time: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    diesel::sql_query(
        "UPDATE insta_knowledge.embedding_jobs SET due_time = $2 WHERE passage_id = ANY ($1)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Timestamptz, _>(due_time)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the embedder refused for good.
pub(crate) async fn fail(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    failure: &str,
) -> Result<(), KnowledgeError> {
    diesel::update(embedding_jobs::table.find(id))
        .set(embedding_jobs::failure.eq(failure))
        .execute(connection)
        .await?;
    Ok(())
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
