//! The passages of a document, written within the transaction of the document.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    rank,
    schema::{embedding_jobs, passages},
};
use crate::{
    domain::{Draft, Passage, reuse},
    error::KnowledgeError,
};

/// Rows of one statement, which can carry 65,535 values.
const ROWS: usize = 500;

/// Makes `wanted` the passages of the document. Those whose text is the same keep their vectors; the others wait for
/// theirs as jobs.
pub(super) async fn replace(
    connection: &mut AsyncPgConnection,
    document_id: &str,
    draft: &Draft,
    wanted: &[Passage],
    now: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    let there: Vec<(Uuid, Vec<u8>)> = passages::table
        .filter(passages::document_id.eq(document_id))
        .order(passages::ordinal)
        .select((passages::passage_id, passages::content_hash))
        .load(connection)
        .await?;
    let there = there.into_iter().map(|(id, hash)| {
        let column = "content_hash";
        let hash = hash
            .try_into()
            .map_err(|_| KnowledgeError::Inconsistent { column })?;
        Ok((id, hash))
    });
    let reuse = reuse(there.collect::<Result<_, KnowledgeError>>()?, wanted);
    diesel::delete(passages::table.filter(passages::passage_id.eq_any(&reuse.removed)))
        .execute(connection)
        .await?;
    move_kept(connection, &reuse.kept).await?;
    for places in reuse.added.chunks(ROWS) {
        insert(connection, document_id, draft, wanted, places, now).await?;
    }
    Ok(())
}

async fn move_kept(
    connection: &mut AsyncPgConnection,
    kept: &[(Uuid, usize)],
) -> Result<(), KnowledgeError> {
    let (ids, places): (Vec<Uuid>, Vec<i32>) = kept
        .iter()
        .map(|(id, place)| (*id, ordinal(*place)))
        .unzip();
    diesel::sql_query(
        "UPDATE insta_knowledge.passages p SET ordinal = moved.ordinal
         FROM unnest($1, $2) AS moved (passage_id, ordinal)
         WHERE p.passage_id = moved.passage_id AND p.ordinal <> moved.ordinal",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Integer>, _>(places)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert(
    connection: &mut AsyncPgConnection,
    document_id: &str,
    draft: &Draft,
    wanted: &[Passage],
    places: &[usize],
    now: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    let ids: Vec<Uuid> = places.iter().map(|_| Uuid::now_v7()).collect();
    let rows: Vec<_> = ids
        .iter()
        .zip(places)
        .map(|(id, place)| {
            let passage = &wanted[*place];
            (
                passages::passage_id.eq(id),
                passages::document_id.eq(document_id),
                passages::collection.eq(draft.collection.as_str()),
                passages::title.eq(&draft.title),
                passages::language.eq(&draft.language),
                passages::visibility.eq(rank(draft.visibility)),
                passages::ordinal.eq(ordinal(*place)),
                passages::heading_path.eq(&passage.heading_path),
                passages::text.eq(&passage.text),
                passages::content_hash.eq(passage.content_hash.as_slice()),
            )
        })
        .collect();
    diesel::insert_into(passages::table)
        .values(rows)
        .execute(connection)
        .await?;
    let jobs: Vec<_> = ids
        .iter()
        .map(|id| {
            (
                embedding_jobs::passage_id.eq(id),
                embedding_jobs::due_time.eq(now),
            )
        })
        .collect();
    diesel::insert_into(embedding_jobs::table)
        .values(jobs)
        .execute(connection)
        .await?;
    Ok(())
}

fn ordinal(place: usize) -> i32 {
    i32::try_from(place).expect("a document makes no more than a few thousand passages")
}
