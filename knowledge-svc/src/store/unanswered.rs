//! Questions that nothing answered, and who asked them.
//!
//! Whoever changes an entry locks the question first and its askers after it, several questions in the order of their
//! ids, so that nobody waits for each other.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{
        Array, BigInt, Binary, Double, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use service_kit::{Tier, UserId};
use uuid::Uuid;

use super::{
    rank,
    schema::{unanswered_askers as askers, unanswered_questions as questions},
    tier,
};
use crate::{
    domain::{Slug, Unanswered},
    error::KnowledgeError,
};

/// The askers of a question that are named. What so many have asked in the same words tells of none of them.
const MAX_ASKERS: i64 = 100;
/// The questions that are kept; beyond that the ones that were asked the longest ago go early.
const MAX_QUESTIONS: i64 = 100_000;
/// Questions of one transaction that removes what is old.
const BATCH: i64 = 1_000;

/// Adds a question, or counts it where an alike one is.
pub(crate) async fn record(
    connection: &mut AsyncPgConnection,
    question: &Unanswered,
) -> Result<(), KnowledgeError> {
    #[derive(QueryableByName)]
    struct Recorded {
        #[diesel(sql_type = SqlUuid)]
        question_id: Uuid,
    }
    let hash = question.alike_hash();
    let nearest = question.nearest.as_ref();
    connection
        .transaction(async |connection| {
            let recorded: Recorded = diesel::sql_query(
                "INSERT INTO insta_knowledge.unanswered_questions AS q
                   (question_id, alike_hash, text, collection, labels, language, visibility, nearest_document_id,
                    nearest_confidence, times, first_ask_time, last_ask_time)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10)
                 ON CONFLICT (alike_hash) DO UPDATE SET
                   visibility = greatest(q.visibility, excluded.visibility),
                   nearest_document_id = excluded.nearest_document_id,
                   nearest_confidence = excluded.nearest_confidence,
                   times = q.times + 1,
                   last_ask_time = greatest(q.last_ask_time, excluded.last_ask_time)
                 RETURNING question_id",
            )
            .bind::<SqlUuid, _>(Uuid::now_v7())
            .bind::<Binary, _>(hash.as_slice())
            .bind::<Text, _>(&question.text)
            .bind::<Nullable<Text>, _>(question.collection.as_ref().map(Slug::as_str))
            .bind::<Array<Text>, _>(&question.labels)
            .bind::<Text, _>(&question.language)
            .bind::<SmallInt, _>(rank(question.visibility))
            .bind::<Nullable<Text>, _>(nearest.map(|nearest| &nearest.document_id))
            .bind::<Nullable<Double>, _>(nearest.map(|nearest| nearest.confidence))
            .bind::<Timestamptz, _>(question.ask_time)
            .get_result(connection)
            .await?;
            // A statement of its own, which sees the askers that came while it waited for the question.
            diesel::sql_query(
                "INSERT INTO insta_knowledge.unanswered_askers AS a (question_id, user_id, times, last_ask_time)
                 SELECT $1, $2, 1, $3
                 WHERE EXISTS (SELECT FROM insta_knowledge.unanswered_askers WHERE question_id = $1 AND user_id = $2)
                   OR (SELECT count(*) FROM insta_knowledge.unanswered_askers WHERE question_id = $1) < $4
                 ON CONFLICT (question_id, user_id) DO UPDATE SET
                   times = a.times + 1, last_ask_time = greatest(a.last_ask_time, excluded.last_ask_time)",
            )
            .bind::<SqlUuid, _>(recorded.question_id)
            .bind::<Text, _>(question.user_id.as_str())
            .bind::<Timestamptz, _>(question.ask_time)
            .bind::<BigInt, _>(MAX_ASKERS)
            .execute(connection)
            .await?;
            Ok(())
        })
        .await
}

/// A question with how often and by how many it was asked.
pub(crate) struct Entry {
    pub(crate) question_id: Uuid,
    pub(crate) text: String,
    pub(crate) collection: Option<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) language: String,
    /// The highest plan of those who asked.
    pub(crate) visibility: Tier,
    pub(crate) nearest_document_id: Option<String>,
    pub(crate) nearest_confidence: Option<f64>,
    pub(crate) times: i64,
    pub(crate) askers: i64,
    pub(crate) first_ask_time: DateTime<Utc>,
    pub(crate) last_ask_time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    question_id: Uuid,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Nullable<Text>)]
    collection: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    labels: Vec<String>,
    #[diesel(sql_type = Text)]
    language: String,
    #[diesel(sql_type = SmallInt)]
    visibility: i16,
    #[diesel(sql_type = Nullable<Text>)]
    nearest_document_id: Option<String>,
    #[diesel(sql_type = Nullable<Double>)]
    nearest_confidence: Option<f64>,
    #[diesel(sql_type = BigInt)]
    times: i64,
    #[diesel(sql_type = BigInt)]
    askers: i64,
    #[diesel(sql_type = Timestamptz)]
    first_ask_time: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    last_ask_time: DateTime<Utc>,
}

impl TryFrom<Row> for Entry {
    type Error = KnowledgeError;

    fn try_from(row: Row) -> Result<Self, KnowledgeError> {
        let column = "visibility";
        Ok(Self {
            question_id: row.question_id,
            text: row.text,
            collection: row.collection,
            labels: row.labels,
            language: row.language,
            visibility: tier(row.visibility).ok_or(KnowledgeError::Inconsistent { column })?,
            nearest_document_id: row.nearest_document_id,
            nearest_confidence: row.nearest_confidence,
            times: row.times,
            askers: row.askers,
            first_ask_time: row.first_ask_time,
            last_ask_time: row.last_ask_time,
        })
    }
}

/// Questions, those asked last first, after the one last asked at `after`.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    collection: Option<&Slug>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Entry>, KnowledgeError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT q.question_id, q.text, q.collection, q.labels, q.language, q.visibility, q.nearest_document_id,
           q.nearest_confidence, q.times, q.first_ask_time, q.last_ask_time,
           (SELECT count(*) FROM insta_knowledge.unanswered_askers a WHERE a.question_id = q.question_id) AS askers
         FROM insta_knowledge.unanswered_questions q
         WHERE ($1 IS NULL OR q.collection = $1)
           AND ($2 IS NULL OR (q.last_ask_time, q.question_id) < ($2, $3))
         ORDER BY q.last_ask_time DESC, q.question_id DESC LIMIT $4",
    )
    .bind::<Nullable<Text>, _>(collection.map(Slug::as_str))
    .bind::<Nullable<Timestamptz>, _>(after.map(|(time, _)| time))
    .bind::<Nullable<SqlUuid>, _>(after.map(|(_, question_id)| question_id))
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Removes a question with its askers, if it is there.
pub(crate) async fn dismiss(
    connection: &mut AsyncPgConnection,
    question_id: Uuid,
) -> Result<(), KnowledgeError> {
    diesel::delete(questions::table.find(question_id))
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a user from the questions that they asked, and tells how many these were.
pub(crate) async fn erase(
    connection: &mut AsyncPgConnection,
    user_id: &UserId,
) -> Result<i64, KnowledgeError> {
    connection
        .transaction(async |connection| {
            let of_user = askers::table
                .filter(askers::user_id.eq(user_id.as_str()))
                .select(askers::question_id);
            let ids: Vec<Uuid> = questions::table
                .filter(questions::question_id.eq_any(of_user))
                .order(questions::question_id)
                .for_update()
                .select(questions::question_id)
                .load(connection)
                .await?;
            let gone: Vec<(Uuid, i64)> = diesel::delete(
                askers::table
                    .filter(askers::question_id.eq_any(ids))
                    .filter(askers::user_id.eq(user_id.as_str())),
            )
            .returning((askers::question_id, askers::times))
            .get_results(connection)
            .await?;
            let erased = gone.len();
            take_off(connection, gone).await?;
            Ok(i64::try_from(erased).unwrap_or(i64::MAX))
        })
        .await
}

/// Removes questions that were not asked since `before`, and who did not ask since then of the others.
pub(crate) async fn forget(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    let newest_beyond: Option<DateTime<Utc>> = questions::table
        .order(questions::last_ask_time.desc())
        .offset(MAX_QUESTIONS)
        .select(questions::last_ask_time)
        .first(connection)
        .await
        .optional()?;
    let before = newest_beyond.map_or(before, |time| time.max(before));
    while forget_batch(connection, before).await? {}
    Ok(())
}

/// Tells whether there may be more.
async fn forget_batch(
    connection: &mut AsyncPgConnection,
    before: DateTime<Utc>,
) -> Result<bool, KnowledgeError> {
    connection
        .transaction(async |connection| {
            let of_old_askers = askers::table
                .filter(askers::last_ask_time.lt(before))
                .select(askers::question_id);
            let ids: Vec<Uuid> = questions::table
                .filter(
                    questions::last_ask_time
                        .lt(before)
                        .or(questions::question_id.eq_any(of_old_askers)),
                )
                .order(questions::question_id)
                .limit(BATCH)
                .for_update()
                .skip_locked()
                .select(questions::question_id)
                .load(connection)
                .await?;
            diesel::delete(
                questions::table
                    .filter(questions::question_id.eq_any(&ids))
                    .filter(questions::last_ask_time.lt(before)),
            )
            .execute(connection)
            .await?;
            let gone = diesel::delete(
                askers::table
                    .filter(askers::question_id.eq_any(&ids))
                    .filter(askers::last_ask_time.lt(before)),
            )
            .returning((askers::question_id, askers::times))
            .get_results(connection)
            .await?;
            take_off(connection, gone).await?;
            Ok(i64::try_from(ids.len()).is_ok_and(|found| found == BATCH))
        })
        .await
}

/// Takes what a question counts of askers who are gone off it, and removes it when nobody else asked.
async fn take_off(
    connection: &mut AsyncPgConnection,
    gone: Vec<(Uuid, i64)>,
) -> Result<(), KnowledgeError> {
    if gone.is_empty() {
        return Ok(());
    }
    let (ids, times): (Vec<Uuid>, Vec<i64>) = gone.into_iter().unzip();
    diesel::sql_query(
        "UPDATE insta_knowledge.unanswered_questions q SET times = q.times - gone.times
         FROM (SELECT question_id, sum(times)::bigint AS times FROM unnest($1, $2) AS g (question_id, times)
           GROUP BY question_id) AS gone
         WHERE q.question_id = gone.question_id",
    )
    .bind::<Array<SqlUuid>, _>(&ids)
    .bind::<Array<BigInt>, _>(times)
    .execute(connection)
    .await?;
    diesel::delete(
        questions::table
            .filter(questions::question_id.eq_any(ids))
            .filter(questions::times.eq(0)),
    )
    .execute(connection)
    .await?;
    Ok(())
}
