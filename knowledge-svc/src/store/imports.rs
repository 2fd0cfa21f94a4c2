//! Documents made from files. Each is one transaction.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    documents::{self, Source},
    schema::{documents as table, import_results},
};
use crate::{
    domain::{Imported, Outcome, Slug},
    error::KnowledgeError,
};

/// How long what an import did is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// Where a document comes from.
#[derive(Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) path: &'a str,
    /// Of all that it is made from.
    pub(crate) hash: [u8; 32],
    /// The import, if it may be tried again under a name.
    pub(crate) request_id: Option<Uuid>,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is the document.
    As(Outcome),
    /// Another collection has a document of this id.
    TakenBy(String),
}

/// What is known of a file without reading it: the document that it made before, and what was done then.
///
/// # Errors
/// [`KnowledgeError::RequestReused`] when the import sent another file by this path before.
pub(crate) async fn known(
    connection: &mut AsyncPgConnection,
    collection: &Slug,
    origin: &Origin<'_>,
) -> Result<Option<(String, Outcome)>, KnowledgeError> {
    if let Some(request_id) = origin.request_id {
        let told: Option<(Vec<u8>, String, String)> = import_results::table
            .find((request_id, origin.path))
            .select((
                import_results::source_hash,
                import_results::document_id,
                import_results::outcome,
            ))
            .first(connection)
            .await
            .optional()?;
        if let Some((hash, document_id, outcome)) = told {
            if hash != origin.hash {
                return Err(KnowledgeError::RequestReused);
            }
            let outcome = match outcome.as_str() {
                "added" => Outcome::Added,
                _ => Outcome::Changed,
            };
            return Ok(Some((document_id, outcome)));
        }
    }
    let document_id: Option<String> = table::table
        .filter(table::collection.eq(collection.as_str()))
        .filter(table::source.eq(origin.path))
        .filter(table::source_hash.eq(origin.hash.as_slice()))
        .select(table::document_id)
        .first(connection)
        .await
        .optional()?;
    Ok(document_id.map(|document_id| (document_id, Outcome::Unchanged)))
}

/// Writes the document that a file makes.
pub(crate) async fn write(
    connection: &mut AsyncPgConnection,
    imported: &Imported,
    origin: &Origin<'_>,
    now: DateTime<Utc>,
) -> Result<Written, KnowledgeError> {
    match write_once(connection, imported, origin, now).await {
        // Somebody else has just added it: now it is there to be changed.
        Err(KnowledgeError::Exists) => write_once(connection, imported, origin, now).await,
        written => written,
    }
}

async fn write_once(
    connection: &mut AsyncPgConnection,
    imported: &Imported,
    origin: &Origin<'_>,
    now: DateTime<Utc>,
) -> Result<Written, KnowledgeError> {
    let Imported {
        document_id,
        draft,
        passages,
    } = imported;
    let source = Source {
        path: origin.path,
        hash: &origin.hash,
    };
    connection
        .transaction(async |connection| {
            let outcome = match documents::lock(connection, document_id).await? {
                None => {
                    documents::insert(connection, document_id, draft, passages, Some(&source), now)
                        .await?;
                    Outcome::Added
                }
                Some(there) if there.draft.collection != draft.collection => {
                    return Ok(Written::TakenBy(there.draft.collection.to_string()));
                }
                Some(there) if there.draft == *draft => Outcome::Unchanged,
                Some(_) => {
                    documents::overwrite(connection, document_id, draft, passages, now).await?;
                    Outcome::Changed
                }
            };
            if outcome != Outcome::Added {
                diesel::update(table::table.find(document_id.as_str()))
                    .set((
                        table::source.eq(source.path),
                        table::source_hash.eq(source.hash),
                    ))
                    .execute(connection)
                    .await?;
            }
            remember(connection, document_id, outcome, origin, now).await?;
            Ok(Written::As(outcome))
        })
        .await
}

async fn remember(
    connection: &mut AsyncPgConnection,
    document_id: &Slug,
    outcome: Outcome,
    origin: &Origin<'_>,
    now: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    let outcome = match outcome {
        Outcome::Added => "added",
        Outcome::Changed => "changed",
        Outcome::Unchanged | Outcome::Removed => return Ok(()),
    };
    let Some(request_id) = origin.request_id else {
        return Ok(());
    };
    diesel::insert_into(import_results::table)
        .values((
            import_results::request_id.eq(request_id),
            import_results::path.eq(origin.path),
            import_results::source_hash.eq(origin.hash.as_slice()),
            import_results::document_id.eq(document_id.as_str()),
            import_results::outcome.eq(outcome),
            import_results::create_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(())
}

/// The documents of a collection that were imported, each with its path, by id.
pub(crate) async fn imported(
    connection: &mut AsyncPgConnection,
    collection: &Slug,
) -> Result<Vec<(String, String)>, KnowledgeError> {
    let imported = table::table
        .filter(table::collection.eq(collection.as_str()))
        .filter(table::source.is_not_null())
        .order(table::document_id)
        .select((table::document_id, table::source.assume_not_null()))
        .load(connection)
        .await?;
    Ok(imported)
}

/// Removes a document that was imported by `path`, unless it has come from elsewhere by now.
pub(crate) async fn remove(
    connection: &mut AsyncPgConnection,
    document_id: &str,
    path: &str,
) -> Result<bool, KnowledgeError> {
    let removed = diesel::delete(
        table::table
            .find(document_id)
            .filter(table::source.eq(path)),
    )
    .execute(connection)
    .await?;
    Ok(removed > 0)
}

/// Forgets what imports did that nobody tries again any more.
pub(crate) async fn forget(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> Result<(), KnowledgeError> {
    diesel::delete(import_results::table.filter(import_results::create_time.lt(now - REMEMBERED)))
        .execute(connection)
        .await?;
    Ok(())
}
