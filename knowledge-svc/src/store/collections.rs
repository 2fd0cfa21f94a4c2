//! How much is in each collection.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::KnowledgeError;

/// The most collections that are listed.
const MAX_COLLECTIONS: i64 = 1_000;

/// A collection, and how much of it has its vectors.
#[derive(Debug, QueryableByName)]
pub(crate) struct Collection {
    #[diesel(sql_type = Text)]
    pub(crate) collection: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) documents: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) passages: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) pending: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) failed: i64,
}

/// All collections, by name.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
) -> Result<Vec<Collection>, KnowledgeError> {
    let collections = diesel::sql_query(
        "SELECT d.collection, count(DISTINCT d.document_id) AS documents, count(p.passage_id) AS passages,
           count(j.passage_id) FILTER (WHERE j.failure IS NULL) AS pending, count(j.failure) AS failed
         FROM insta_knowledge.documents d
           LEFT JOIN insta_knowledge.passages p ON p.document_id = d.document_id
           LEFT JOIN insta_knowledge.embedding_jobs j ON j.passage_id = p.passage_id
         GROUP BY d.collection ORDER BY d.collection LIMIT $1",
    )
    .bind::<BigInt, _>(MAX_COLLECTIONS)
    .load(connection)
    .await?;
    Ok(collections)
}
