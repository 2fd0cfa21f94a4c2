//! The RPCs: what is asked, act, answer. Who may call which is decided before, by the one access table.

mod answer;
mod documents;
mod embeddings;
mod import;
mod request;
mod search;
mod unanswered;

use futures::{StreamExt, stream::BoxStream};
use proto::insta::knowledge::v1::{self as pb, knowledge_service_server::KnowledgeService};
use tonic::{Request, Response, Status, Streaming};

use self::import::Import;
use crate::{app::App, error::KnowledgeError};

#[tonic::async_trait]
impl KnowledgeService for App {
    async fn create_document(
        &self,
        request: Request<pb::CreateDocumentRequest>,
    ) -> Result<Response<pb::CreateDocumentResponse>, Status> {
        answer(self.create(request.into_inner()).await)
    }

    async fn get_document(
        &self,
        request: Request<pb::GetDocumentRequest>,
    ) -> Result<Response<pb::GetDocumentResponse>, Status> {
        answer(self.get(&request.into_inner()).await)
    }

    async fn list_documents(
        &self,
        request: Request<pb::ListDocumentsRequest>,
    ) -> Result<Response<pb::ListDocumentsResponse>, Status> {
        answer(self.list(&request.into_inner()).await)
    }

    async fn update_document(
        &self,
        request: Request<pb::UpdateDocumentRequest>,
    ) -> Result<Response<pb::UpdateDocumentResponse>, Status> {
        answer(self.update(request.into_inner()).await)
    }

    async fn delete_document(
        &self,
        request: Request<pb::DeleteDocumentRequest>,
    ) -> Result<Response<pb::DeleteDocumentResponse>, Status> {
        answer(self.delete(&request.into_inner()).await)
    }

    type ImportDocumentsStream = BoxStream<'static, Result<pb::ImportDocumentsResponse, Status>>;

    async fn import_documents(
        &self,
        request: Request<Streaming<pb::ImportDocumentsRequest>>,
    ) -> Result<Response<Self::ImportDocumentsStream>, Status> {
        let import = Import::begin(self.clone(), request.into_inner()).await?;
        Ok(Response::new(import.results().boxed()))
    }

    async fn list_collections(
        &self,
        _: Request<pb::ListCollectionsRequest>,
    ) -> Result<Response<pb::ListCollectionsResponse>, Status> {
        answer(self.collections().await)
    }

    async fn list_failed_embeddings(
        &self,
        request: Request<pb::ListFailedEmbeddingsRequest>,
    ) -> Result<Response<pb::ListFailedEmbeddingsResponse>, Status> {
        answer(self.failed_embeddings(&request.into_inner()).await)
    }

    async fn retry_failed_embeddings(
        &self,
        request: Request<pb::RetryFailedEmbeddingsRequest>,
    ) -> Result<Response<pb::RetryFailedEmbeddingsResponse>, Status> {
        answer(self.retry_failed(&request.into_inner()).await)
    }

    async fn search(
        &self,
        request: Request<pb::SearchRequest>,
    ) -> Result<Response<pb::SearchResponse>, Status> {
        answer(self.search(request).await)
    }

    async fn list_unanswered_questions(
        &self,
        request: Request<pb::ListUnansweredQuestionsRequest>,
    ) -> Result<Response<pb::ListUnansweredQuestionsResponse>, Status> {
        answer(self.unanswered(&request.into_inner()).await)
    }

    async fn dismiss_unanswered_question(
        &self,
        request: Request<pb::DismissUnansweredQuestionRequest>,
    ) -> Result<Response<pb::DismissUnansweredQuestionResponse>, Status> {
        answer(self.dismiss(&request.into_inner()).await)
    }

    async fn erase_user(
        &self,
        request: Request<pb::EraseUserRequest>,
    ) -> Result<Response<pb::EraseUserResponse>, Status> {
        answer(self.erase(&request.into_inner()).await)
    }
}

fn answer<T>(result: Result<T, KnowledgeError>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(Into::into)
}
