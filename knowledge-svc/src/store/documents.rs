//! Documents. Each write is one transaction with the passages that it makes, and locks the document's row first.

use chrono::{DateTime, Utc};
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    result::{DatabaseErrorKind, Error},
    sql_types::Text,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use service_kit::field::FieldErrors;
use uuid::Uuid;

use super::{passages, rank, schema::documents, tier};
use crate::{
    domain::{
        Change, ContentType, Document, Draft, EmbeddingState, Passage, Slug, passages as cut,
    },
    error::KnowledgeError,
};

/// How far the vectors of the document in the row are.
const EMBEDDING_STATE: &str = "CASE \
    WHEN EXISTS (SELECT FROM insta_knowledge.embedding_jobs j JOIN insta_knowledge.passages p USING (passage_id) \
      WHERE p.document_id = documents.document_id AND j.failure IS NULL) THEN 'pending' \
    WHEN EXISTS (SELECT FROM insta_knowledge.embedding_jobs j JOIN insta_knowledge.passages p USING (passage_id) \
      WHERE p.document_id = documents.document_id) THEN 'failed' \
    ELSE 'ready' END";

#[derive(Queryable, Selectable)]
#[diesel(table_name = documents)]
struct Row {
    document_id: String,
    collection: String,
    title: String,
    content_type: String,
    language: String,
    labels: Vec<String>,
    etag: Uuid,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    visibility: i16,
    source: Option<String>,
    #[diesel(select_expression = embedding_state(), select_expression_type = SqlLiteral<Text>)]
    embedding_state: String,
}

fn embedding_state() -> SqlLiteral<Text> {
    sql(EMBEDDING_STATE)
}

impl Row {
    fn with_content(self, content: String) -> Result<Document, KnowledgeError> {
        let inconsistent = |column| KnowledgeError::Inconsistent { column };
        let content_type = match self.content_type.as_str() {
            "markdown" => ContentType::Markdown,
            "html" => ContentType::Html,
            "plain_text" => ContentType::PlainText,
            _ => return Err(inconsistent("content_type")),
        };
        let embedding_state = match self.embedding_state.as_str() {
            "pending" => EmbeddingState::Pending,
            "failed" => EmbeddingState::Failed,
            _ => EmbeddingState::Ready,
        };
        let visibility = tier(self.visibility).ok_or(inconsistent("visibility"))?;
        let collection = self
            .collection
            .parse()
            .map_err(|_| inconsistent("collection"))?;
        Ok(Document {
            document_id: self.document_id,
            draft: Draft {
                collection,
                title: self.title,
                content,
                content_type,
                language: self.language,
                labels: self.labels,
                visibility,
            },
            source: self.source,
            embedding_state,
            create_time: self.create_time,
            update_time: self.update_time,
            etag: self.etag,
        })
    }
}

/// The file that a document is made from.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) hash: &'a [u8],
}

/// Adds a document with its passages.
///
/// # Errors
/// [`KnowledgeError::Exists`] when the id is taken.
pub(crate) async fn create(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
    draft: &Draft,
    cut: &[Passage],
    now: DateTime<Utc>,
) -> Result<Document, KnowledgeError> {
    connection
        .transaction(async |connection| {
            insert(connection, document_id, draft, cut, None, now).await?;
            summary(connection, document_id.as_str()).await
        })
        .await
}

/// Adds a document within a transaction.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
    draft: &Draft,
    cut: &[Passage],
    source: Option<&Source<'_>>,
    now: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    diesel::insert_into(documents::table)
        .values((
            documents::document_id.eq(document_id.as_str()),
            documents::collection.eq(draft.collection.as_str()),
            documents::title.eq(&draft.title),
            documents::content.eq(&draft.content),
            documents::content_type.eq(draft.content_type.as_str()),
            documents::language.eq(&draft.language),
            documents::labels.eq(&draft.labels),
            documents::visibility.eq(rank(draft.visibility)),
            documents::source.eq(source.map(|source| source.path)),
            documents::source_hash.eq(source.map(|source| source.hash)),
            documents::etag.eq(Uuid::new_v4()),
            documents::create_time.eq(now),
            documents::update_time.eq(now),
        ))
        .execute(connection)
        .await
        .map_err(exists)?;
    passages::replace(connection, document_id.as_str(), draft, cut, now).await
}

/// Changes a document within a transaction that holds its row. What was not read from a file is no longer the file's.
pub(super) async fn overwrite(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
    draft: &Draft,
    cut: &[Passage],
    now: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    diesel::update(documents::table.find(document_id.as_str()))
        .set((
            documents::collection.eq(draft.collection.as_str()),
            documents::title.eq(&draft.title),
            documents::content.eq(&draft.content),
            documents::content_type.eq(draft.content_type.as_str()),
            documents::language.eq(&draft.language),
            documents::labels.eq(&draft.labels),
            documents::visibility.eq(rank(draft.visibility)),
            documents::source_hash.eq(None::<Vec<u8>>),
            documents::etag.eq(Uuid::new_v4()),
            documents::update_time.eq(now),
        ))
        .execute(connection)
        .await?;
    passages::replace(connection, document_id.as_str(), draft, cut, now).await
}

fn exists(error: Error) -> KnowledgeError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
            if db::constraint(&error) == Some("documents_pkey") =>
        {
            KnowledgeError::Exists
        }
        error => error.into(),
    }
}

/// A document with its content.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
) -> Result<Option<Document>, KnowledgeError> {
    let row: Option<(Row, String)> = documents::table
        .find(document_id.as_str())
        .select((Row::as_select(), documents::content))
        .first(connection)
        .await
        .optional()?;
    row.map(|(row, content)| row.with_content(content))
        .transpose()
}

/// Documents without their content that have all of `labels`, by id, after the one named `after`.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    collection: Option<&Slug>,
    labels: &[String],
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Document>, KnowledgeError> {
    let mut query = documents::table
        .order(documents::document_id)
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(collection) = collection {
        query = query.filter(documents::collection.eq(collection.as_str()));
    }
    if !labels.is_empty() {
        query = query.filter(documents::labels.contains(labels.to_vec()));
    }
    if let Some(after) = after {
        query = query.filter(documents::document_id.gt(after));
    }
    let rows: Vec<Row> = query.load(connection).await?;
    rows.into_iter()
        .map(|row| row.with_content(String::new()))
        .collect()
}

/// Changes a document and what of its passages is no longer the same. An `etag` must be the current one.
///
/// # Errors
/// [`KnowledgeError::NotFound`], [`KnowledgeError::EtagMismatch`], and [`KnowledgeError::Invalid`] when no passages
/// can be made of what the document becomes.
pub(crate) async fn update(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
    etag: &str,
    change: Change,
    now: DateTime<Utc>,
) -> Result<Document, KnowledgeError> {
    connection
        .transaction(async |connection| {
            let current = lock(connection, document_id)
                .await?
                .ok_or(KnowledgeError::NotFound)?;
            if !etag.is_empty() && etag != current.etag.to_string() {
                return Err(KnowledgeError::EtagMismatch { etag: current.etag });
            }
            let draft = change.apply(current.draft);
            let passages =
                cut(&draft).map_err(|problem| FieldErrors::one("document.content", problem))?;
            overwrite(connection, document_id, &draft, &passages, now).await?;
            summary(connection, document_id.as_str()).await
        })
        .await
}

/// Removes a document with all that belongs to it, and tells whether it was there.
pub(crate) async fn delete(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
) -> Result<bool, KnowledgeError> {
    let deleted = diesel::delete(documents::table.find(document_id.as_str()))
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

/// A document with its content, which nobody else changes until the transaction ends.
pub(super) async fn lock(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
) -> Result<Option<Document>, KnowledgeError> {
    let row: Option<(Row, String)> = documents::table
        .find(document_id.as_str())
        .for_update()
        .select((Row::as_select(), documents::content))
        .first(connection)
        .await
        .optional()?;
    row.map(|(row, content)| row.with_content(content))
        .transpose()
}

async fn summary(
    connection: &mut AsyncPgConnection,
    document_id: &str,
) -> Result<Document, KnowledgeError> {
    let row: Row = documents::table
        .find(document_id)
        .select(Row::as_select())
        .first(connection)
        .await?;
    row.with_content(String::new())
}
