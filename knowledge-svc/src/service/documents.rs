//! The RPCs about whole documents.

use proto::insta::knowledge::v1 as pb;
use serde::{Deserialize, Serialize};
use service_kit::{field::FieldErrors, page::Page};

use super::request;
use crate::{
    app::App,
    domain::{self, check_labels},
    error::KnowledgeError,
    store::{collections, documents as store},
};

const DEFAULT_PAGE: u16 = 50;

/// Where a page of documents ended, and in which list: the list of one collection is not that of another.
#[derive(Serialize, Deserialize)]
struct Place {
    collection: String,
    #[serde(default)]
    labels: Vec<String>,
    document_id: String,
}

impl App {
    pub(super) async fn create(
        &self,
        request: pb::CreateDocumentRequest,
    ) -> Result<pb::CreateDocumentResponse, KnowledgeError> {
        let (document_id, draft) = request::new_document(request)?;
        let passages = domain::passages(&draft)
            .map_err(|problem| FieldErrors::one("document.content", problem))?;
        self.may_write().await?;
        let mut connection = self.db.get().await?;
        let now = self.clock.now();
        let document = store::create(&mut connection, &document_id, &draft, &passages, now).await?;
        self.wake.notify_one();
        Ok(pb::CreateDocumentResponse {
            document: Some(document.into()),
        })
    }

    pub(super) async fn get(
        &self,
        request: &pb::GetDocumentRequest,
    ) -> Result<pb::GetDocumentResponse, KnowledgeError> {
        let document_id = request::document_id(&request.document_id)?;
        let mut connection = self.db.get().await?;
        let document = store::find(&mut connection, &document_id)
            .await?
            .ok_or(KnowledgeError::NotFound)?;
        Ok(pb::GetDocumentResponse {
            document: Some(document.into()),
        })
    }

    pub(super) async fn list(
        &self,
        request: &pb::ListDocumentsRequest,
    ) -> Result<pb::ListDocumentsResponse, KnowledgeError> {
        let mut errors = FieldErrors::new();
        let collection = request::collection(&mut errors, &request.collection);
        let labels = errors.check("labels", check_labels(request.labels.clone()));
        let page: Page<Place> = Page::parse(
            &mut errors,
            request.page_size,
            &request.page_token,
            DEFAULT_PAGE,
        );
        let place = page.after.as_ref();
        if place.is_some_and(|place| {
            place.collection != request.collection || place.labels != request.labels
        }) {
            errors.add(
                "page_token",
                "must be a next_page_token of the list of this collection and these labels",
            );
        }
        let labels = errors.finish(labels)?;
        let after = place.map(|place| place.document_id.as_str());
        let mut connection = self.db.get().await?;
        let found = store::list(
            &mut connection,
            collection.as_ref(),
            &labels,
            after,
            page.limit(),
        )
        .await?;
        let (found, next_page_token) = page.finish(found, |document| Place {
            collection: request.collection.clone(),
            labels: labels.clone(),
            document_id: document.document_id.clone(),
        });
        Ok(pb::ListDocumentsResponse {
            documents: found.into_iter().map(Into::into).collect(),
            next_page_token,
        })
    }

    pub(super) async fn update(
        &self,
        request: pb::UpdateDocumentRequest,
    ) -> Result<pb::UpdateDocumentResponse, KnowledgeError> {
        let update = request::update(request)?;
        self.may_write().await?;
        let mut connection = self.db.get().await?;
        let now = self.clock.now();
        let document = store::update(
            &mut connection,
            &update.document_id,
            &update.etag,
            update.change,
            now,
        )
        .await?;
        self.wake.notify_one();
        Ok(pb::UpdateDocumentResponse {
            document: Some(document.into()),
        })
    }

    pub(super) async fn delete(
        &self,
        request: &pb::DeleteDocumentRequest,
    ) -> Result<pb::DeleteDocumentResponse, KnowledgeError> {
        let document_id = request::document_id(&request.document_id)?;
        let mut connection = self.db.get().await?;
        if store::delete(&mut connection, &document_id).await? {
            Ok(pb::DeleteDocumentResponse {})
        } else {
            Err(KnowledgeError::NotFound)
        }
    }

    pub(super) async fn collections(&self) -> Result<pb::ListCollectionsResponse, KnowledgeError> {
        let mut connection = self.db.get().await?;
        let collections = collections::list(&mut connection).await?;
        Ok(pb::ListCollectionsResponse {
            collections: collections.into_iter().map(Into::into).collect(),
        })
    }
}
