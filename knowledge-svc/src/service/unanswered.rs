//! The RPCs about questions that nothing answered, and the users who asked them.

use chrono::{DateTime, Utc};
use proto::insta::knowledge::v1 as pb;
use serde::{Deserialize, Serialize};
use service_kit::{
    UserId,
    field::{FieldErrors, timestamp},
    page::Page,
};
use uuid::Uuid;

use super::{answer, request};
use crate::{
    app::App,
    error::KnowledgeError,
    store::unanswered::{self as store, Entry},
};

const DEFAULT_PAGE: u16 = 50;

/// Where a page of questions ended, and in which list: the list of one collection is not that of another.
#[derive(Serialize, Deserialize)]
struct Place {
    collection: String,
    last_ask_time: DateTime<Utc>,
    question_id: Uuid,
}

impl App {
    pub(super) async fn unanswered(
        &self,
        request: &pb::ListUnansweredQuestionsRequest,
    ) -> Result<pb::ListUnansweredQuestionsResponse, KnowledgeError> {
        let mut errors = FieldErrors::new();
        let collection = request::collection(&mut errors, &request.collection);
        let page: Page<Place> = Page::parse(
            &mut errors,
            request.page_size,
            &request.page_token,
            DEFAULT_PAGE,
        );
        let place = page.after.as_ref();
        if place.is_some_and(|place| place.collection != request.collection) {
            errors.add(
                "page_token",
                "must be a next_page_token of the list of this collection",
            );
        }
        errors.finish(Some(()))?;
        let after = place.map(|place| (place.last_ask_time, place.question_id));
        let mut connection = self.db.get().await?;
        let found = store::list(&mut connection, collection.as_ref(), after, page.limit()).await?;
        let (found, next_page_token) = page.finish(found, |entry| Place {
            collection: request.collection.clone(),
            last_ask_time: entry.last_ask_time,
            question_id: entry.question_id,
        });
        Ok(pb::ListUnansweredQuestionsResponse {
            unanswered_questions: found.into_iter().map(Into::into).collect(),
            next_page_token,
        })
    }

    pub(super) async fn dismiss(
        &self,
        request: &pb::DismissUnansweredQuestionRequest,
    ) -> Result<pb::DismissUnansweredQuestionResponse, KnowledgeError> {
        let question_id = Uuid::parse_str(&request.question_id)
            .map_err(|_| FieldErrors::one("question_id", "must be a UUID"))?;
        let mut connection = self.db.get().await?;
        store::dismiss(&mut connection, question_id).await?;
        Ok(pb::DismissUnansweredQuestionResponse {})
    }

    pub(super) async fn erase(
        &self,
        request: &pb::EraseUserRequest,
    ) -> Result<pb::EraseUserResponse, KnowledgeError> {
        let user_id: UserId = request
            .user_id
            .parse()
            .map_err(|problem| FieldErrors::one("user_id", problem))?;
        let mut connection = self.db.get().await?;
        let questions = store::erase(&mut connection, &user_id).await?;
        Ok(pb::EraseUserResponse { questions })
    }
}

impl From<Entry> for pb::UnansweredQuestion {
    fn from(entry: Entry) -> Self {
        Self {
            question_id: entry.question_id.to_string(),
            text: entry.text,
            collection: entry.collection.unwrap_or_default(),
            labels: entry.labels,
            language: entry.language,
            visibility: answer::visibility(entry.visibility).into(),
            times: entry.times,
            askers: entry.askers,
            first_ask_time: Some(timestamp(entry.first_ask_time)),
            last_ask_time: Some(timestamp(entry.last_ask_time)),
            nearest_document_id: entry.nearest_document_id.unwrap_or_default(),
            nearest_confidence: entry.nearest_confidence,
        }
    }
}
