//! The RPCs about passages that got no vector.

use chrono::{DateTime, Utc};
use proto::insta::knowledge::v1 as pb;
use serde::{Deserialize, Serialize};
use service_kit::{
    field::{FieldErrors, timestamp},
    page::Page,
};
use uuid::Uuid;

use super::request;
use crate::{
    app::App,
    error::KnowledgeError,
    store::jobs::{self as store, Failed},
};

const DEFAULT_PAGE: u16 = 50;

/// Where a page of failed passages ended.
#[derive(Serialize, Deserialize)]
struct Place {
    fail_time: DateTime<Utc>,
    passage_id: Uuid,
}

impl App {
    pub(super) async fn failed_embeddings(
        &self,
        request: &pb::ListFailedEmbeddingsRequest,
    ) -> Result<pb::ListFailedEmbeddingsResponse, KnowledgeError> {
        let mut errors = FieldErrors::new();
        let page: Page<Place> = Page::parse(
            &mut errors,
            request.page_size,
            &request.page_token,
            DEFAULT_PAGE,
        );
        errors.finish(Some(()))?;
        let after = page.after.as_ref();
        let after = after.map(|place| (place.fail_time, place.passage_id));
        let mut connection = self.db.get().await?;
        let found = store::failed(&mut connection, after, page.limit()).await?;
        let (found, next_page_token) = page.finish(found, |failed| Place {
            fail_time: failed.fail_time,
            passage_id: failed.passage_id,
        });
        Ok(pb::ListFailedEmbeddingsResponse {
            failed_embeddings: found.into_iter().map(Into::into).collect(),
            next_page_token,
        })
    }

    pub(super) async fn retry_failed(
        &self,
        request: &pb::RetryFailedEmbeddingsRequest,
    ) -> Result<pb::RetryFailedEmbeddingsResponse, KnowledgeError> {
        let document_id = match request.document_id.as_str() {
            "" => None,
            text => Some(request::document_id(text)?),
        };
        let mut connection = self.db.get().await?;
        let now = self.clock.now();
        let passages = store::retry(&mut connection, document_id.as_ref(), now).await?;
        self.wake.notify_one();
        Ok(pb::RetryFailedEmbeddingsResponse { passages })
    }
}

impl From<Failed> for pb::FailedEmbedding {
    fn from(failed: Failed) -> Self {
        Self {
            passage_id: failed.passage_id.to_string(),
            document_id: failed.document_id,
            heading_path: failed.heading_path,
            failure: failed.failure,
            attempts: failed.attempts,
            fail_time: Some(timestamp(failed.fail_time)),
        }
    }
}
