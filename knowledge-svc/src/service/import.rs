//! ImportDocuments: files in, what became of each out, one at a time.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
    vec,
};

use futures::{Stream, stream};
use proto::insta::knowledge::v1::{self as pb, import_documents_request::Part};
use service_kit::field::FieldErrors;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use super::request;
use crate::{
    app::App,
    domain::{File, Outcome, Slug, check_path},
    error::KnowledgeError,
    store::imports::{self as store, Origin, Written},
};

/// How long the next file may take to come.
const IDLE: Duration = Duration::from_secs(60);
/// What of an import is remembered until it ends: at most so many paths and ids.
const MAX_FILES: usize = 100_000;

/// An import under way.
pub(super) struct Import {
    app: App,
    files: Streaming<pb::ImportDocumentsRequest>,
    collection: Slug,
    request_id: Option<Uuid>,
    remove_missing: bool,
    /// The documents that came, each with its path.
    seen: HashMap<String, String>,
    /// The paths that failed: what stands there of earlier imports is kept.
    failed: HashSet<String>,
    /// What is still to be removed, once all files have come.
    missing: Option<vec::IntoIter<(String, String)>>,
}

/// What became of a document, or why nothing did.
type Told = Result<(String, Outcome), String>;

impl Import {
    /// Reads the first message.
    pub(super) async fn begin(
        app: App,
        mut files: Streaming<pb::ImportDocumentsRequest>,
    ) -> Result<Self, Status> {
        let first = next(&mut files).await?.and_then(|message| message.part);
        let Some(Part::Start(start)) = first else {
            return Err(FieldErrors::one("start", "must be the first message").into());
        };
        let mut errors = FieldErrors::new();
        let collection = errors.check("start.collection", start.collection.parse());
        let request_id = request::request_id(&mut errors, "start.request_id", &start.request_id);
        let collection = errors.finish(collection)?;
        app.may_write().await?;
        Ok(Self {
            app,
            files,
            collection,
            request_id,
            remove_missing: start.remove_missing,
            seen: HashMap::new(),
            failed: HashSet::new(),
            missing: None,
        })
    }

    /// What became of each document, as soon as it is known. Nothing is done that nobody waits for.
    pub(super) fn results(
        self,
    ) -> impl Stream<Item = Result<pb::ImportDocumentsResponse, Status>> + Send + 'static {
        stream::try_unfold(self, |mut import| async move {
            let told = import.next().await?;
            Ok(told.map(|told| (told, import)))
        })
    }

    async fn next(&mut self) -> Result<Option<pb::ImportDocumentsResponse>, Status> {
        if self.missing.is_none() {
            match next(&mut self.files).await? {
                Some(message) => return self.take(message).await.map(Some),
                None => self.missing = Some(self.missing().await?.into_iter()),
            }
        }
        self.remove_next().await.map_err(Into::into)
    }

    async fn take(
        &mut self,
        message: pb::ImportDocumentsRequest,
    ) -> Result<pb::ImportDocumentsResponse, Status> {
        let Some(Part::File(file)) = message.part else {
            return Err(FieldErrors::one("file", "must be every message after the first").into());
        };
        if self.seen.len() + self.failed.len() >= MAX_FILES {
            return Err(Status::new(
                Code::ResourceExhausted,
                format!("an import takes at most {MAX_FILES} files"),
            ));
        }
        let path = file.path.clone();
        let told = self.write(file).await?;
        if told.is_err() {
            self.failed.insert(path.clone());
        }
        Ok(answer(path, told))
    }

    async fn write(&mut self, file: pb::ImportFile) -> Result<Told, KnowledgeError> {
        if let Err(problem) = check_path(&file.path) {
            return Ok(Err(format!("The path {problem}.")));
        }
        let path = file.path.clone();
        let content_type = match request::content_type_of(file.content_type) {
            Ok(content_type) => content_type,
            Err(problem) => return Ok(Err(format!("The content_type {problem}."))),
        };
        let file = File {
            path: file.path,
            bytes: file.content,
            content_type,
        };
        let origin = Origin {
            path: &path,
            hash: file.hash(&self.collection),
            request_id: self.request_id,
        };
        let known = {
            let mut connection = self.app.db.get().await?;
            match store::known(&mut connection, &self.collection, &origin).await {
                Err(error @ KnowledgeError::RequestReused) => return Ok(Err(sentence(&error))),
                known => known?,
            }
        };
        if let Some((document_id, outcome)) = known {
            return Ok(self
                .note(&document_id, &path)
                .map(|()| (document_id, outcome)));
        }
        let collection = self.collection.clone();
        let imported = tokio::task::spawn_blocking(move || file.read(&collection)).await;
        let imported = match imported.map_err(|_| KnowledgeError::Reading)? {
            Ok(imported) => imported,
            Err(problem) => return Ok(Err(format!("The file {problem}."))),
        };
        let document_id = imported.document_id.to_string();
        if let Err(problem) = self.note(&document_id, &path) {
            return Ok(Err(problem));
        }
        let mut connection = self.app.db.get().await?;
        let now = self.app.clock.now();
        match store::write(&mut connection, &imported, &origin, now).await? {
            Written::As(outcome) => {
                self.app.wake.notify_one();
                Ok(Ok((document_id, outcome)))
            }
            Written::TakenBy(other) => {
                self.seen.remove(&document_id);
                Ok(Err(format!(
                    "The id {document_id} belongs to a document of the collection {other}; \
                     give the file another id in its front matter."
                )))
            }
        }
    }

    /// Notes that a document has come, which it does once.
    fn note(&mut self, document_id: &str, path: &str) -> Result<(), String> {
        match self.seen.get(document_id) {
            Some(first) if first == path => Err(format!("The file {path} came twice.")),
            Some(first) => Err(format!(
                "The id {document_id} is that of {first}; give one of the files another id in its front matter."
            )),
            None => {
                self.seen.insert(document_id.to_owned(), path.to_owned());
                Ok(())
            }
        }
    }

    async fn missing(&self) -> Result<Vec<(String, String)>, KnowledgeError> {
        if !self.remove_missing {
            return Ok(Vec::new());
        }
        let mut connection = self.app.db.get().await?;
        let mut imported = store::imported(&mut connection, &self.collection).await?;
        imported.retain(|(document_id, path)| {
            !self.seen.contains_key(document_id) && !self.failed.contains(path)
        });
        Ok(imported)
    }

    async fn remove_next(&mut self) -> Result<Option<pb::ImportDocumentsResponse>, KnowledgeError> {
        while let Some((document_id, path)) = self.missing.as_mut().and_then(Iterator::next) {
            let mut connection = self.app.db.get().await?;
            if store::remove(&mut connection, &document_id, &path).await? {
                return Ok(Some(answer(path, Ok((document_id, Outcome::Removed)))));
            }
        }
        Ok(None)
    }
}

async fn next(
    files: &mut Streaming<pb::ImportDocumentsRequest>,
) -> Result<Option<pb::ImportDocumentsRequest>, Status> {
    tokio::time::timeout(IDLE, files.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the next message of the import took too long"))?
}

fn answer(path: String, told: Told) -> pb::ImportDocumentsResponse {
    let (document_id, outcome, failure) = match told {
        Ok((document_id, outcome)) => {
            let outcome = match outcome {
                Outcome::Added => pb::ImportOutcome::Added,
                Outcome::Changed => pb::ImportOutcome::Changed,
                Outcome::Unchanged => pb::ImportOutcome::Unchanged,
                Outcome::Removed => pb::ImportOutcome::Removed,
            };
            (document_id, outcome, String::new())
        }
        Err(failure) => (String::new(), pb::ImportOutcome::Failed, failure),
    };
    metrics::counter!("knowledge_imported_documents_total", "outcome" => outcome.as_str_name())
        .increment(1);
    pb::ImportDocumentsResponse {
        path,
        document_id,
        outcome: outcome.into(),
        failure,
    }
}

fn sentence(error: &KnowledgeError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase());
    format!(
        "{}{}.",
        first.into_iter().flatten().collect::<String>(),
        letters.as_str()
    )
}
