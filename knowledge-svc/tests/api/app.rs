//! knowledge-svc with a database and an embedder of its own.

use std::time::Duration;

use chrono::DateTime;
use clap::Parser;
use db::DatabaseConfig;
use futures::TryStreamExt;
use knowledge_svc::Config;
use proto::insta::knowledge::v1::{
    self as pb, knowledge_service_client::KnowledgeServiceClient, *,
};
use service_kit::{Caller, Scope, Tier, clock::Clock};
use test_kit::{Identity, TestDatabase, TestService, server_config};
use tonic::{Request, Status, transport::Channel};

use crate::embedder::TestEmbedder;

/// Far longer than anything here takes: a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct TestApp {
    pub embedder: TestEmbedder,
    pub identity: Identity,
    pub clock: Clock,
    pub service: TestService,
    pub database: TestDatabase,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(TestEmbedder::of_words().await).await
    }

    pub async fn with(embedder: TestEmbedder) -> Self {
        let clock = Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let identity = Identity::new(clock.clone());
        let database = TestDatabase::new().await;
        let config = config(database.config("insta_knowledge"), &embedder, "test-model");
        let service = serve(config, &identity, &clock).await;
        Self {
            embedder,
            identity,
            clock,
            service,
            database,
        }
    }

    /// Stops the service and starts it again with another model, or the same.
    pub async fn restart(&mut self, model: &str) {
        let config = config(
            self.database.config("insta_knowledge"),
            &self.embedder,
            model,
        );
        let next = serve(config, &self.identity, &self.clock).await;
        std::mem::replace(&mut self.service, next)
            .stop()
            .await
            .unwrap();
    }

    pub fn client(&self) -> KnowledgeServiceClient<Channel> {
        KnowledgeServiceClient::new(self.service.channel())
    }

    /// A request of a service that may read and write.
    pub fn writer<T>(&self, message: T) -> Request<T> {
        let scopes = [Scope::KnowledgeRead, Scope::KnowledgeWrite];
        self.identity.request(&Identity::service(&scopes), message)
    }

    pub async fn create(&self, document: Document) -> Result<Document, Status> {
        let request = CreateDocumentRequest {
            document: Some(document),
        };
        let answer = self.client().create_document(self.writer(request)).await?;
        Ok(answer.into_inner().document.unwrap())
    }

    pub async fn get(&self, document_id: &str) -> Result<Document, Status> {
        let request = GetDocumentRequest {
            document_id: document_id.into(),
        };
        let answer = self.client().get_document(self.writer(request)).await?;
        Ok(answer.into_inner().document.unwrap())
    }

    pub async fn update(&self, document: Document, paths: &[&str]) -> Result<Document, Status> {
        let request = UpdateDocumentRequest {
            document: Some(document),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(ToString::to_string).collect(),
            }),
        };
        let answer = self.client().update_document(self.writer(request)).await?;
        Ok(answer.into_inner().document.unwrap())
    }

    pub async fn delete(&self, document_id: &str) -> Result<(), Status> {
        let request = DeleteDocumentRequest {
            document_id: document_id.into(),
        };
        self.client()
            .delete_document(self.writer(request))
            .await
            .map(|_| ())
    }

    /// Imports files into the collection `help`, and returns what became of each.
    pub async fn import(
        &self,
        start: ImportStart,
        files: Vec<ImportFile>,
    ) -> Result<Vec<ImportDocumentsResponse>, Status> {
        let start = import_documents_request::Part::Start(start);
        let files = files.into_iter().map(import_documents_request::Part::File);
        let parts: Vec<_> = std::iter::once(start).chain(files).collect();
        self.send(parts).await
    }

    /// Sends the messages of an import, and returns what became of each file.
    pub async fn send(
        &self,
        parts: Vec<import_documents_request::Part>,
    ) -> Result<Vec<ImportDocumentsResponse>, Status> {
        let messages = parts
            .into_iter()
            .map(|part| ImportDocumentsRequest { part: Some(part) });
        let request = self.writer(futures::stream::iter(messages.collect::<Vec<_>>()));
        let answer = self.client().import_documents(request).await?;
        answer.into_inner().try_collect().await
    }

    pub async fn list(
        &self,
        request: ListDocumentsRequest,
    ) -> Result<ListDocumentsResponse, Status> {
        let answer = self.client().list_documents(self.writer(request)).await?;
        Ok(answer.into_inner())
    }

    /// A search by a person with this plan.
    pub async fn ask_as(&self, tier: Tier, query: &str) -> Vec<Passage> {
        let caller = Caller::User {
            user_id: "ada".parse().unwrap(),
            tier,
            operator: false,
        };
        let request = SearchRequest {
            query: query.into(),
            page_size: 20,
            ..SearchRequest::default()
        };
        let request = self.identity.request(&caller, request);
        self.client()
            .search(request)
            .await
            .unwrap()
            .into_inner()
            .passages
    }

    /// A search by a signed-in person.
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResponse, Status> {
        let request = self.identity.request(&Identity::user("ada"), request);
        Ok(self.client().search(request).await?.into_inner())
    }

    pub async fn ask(&self, query: &str) -> SearchResponse {
        let request = SearchRequest {
            query: query.into(),
            ..SearchRequest::default()
        };
        self.search(request).await.unwrap()
    }

    /// Waits until the document's vectors are in this state.
    pub async fn until(&self, document_id: &str, state: pb::EmbeddingState) -> Document {
        let reached = async {
            loop {
                let document = self.get(document_id).await.unwrap();
                if document.embedding_state() == state {
                    return document;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("the state is reached")
    }

    /// Makes documents and waits for their vectors.
    pub async fn create_ready(&self, documents: &[Document]) {
        for document in documents {
            self.create(document.clone()).await.unwrap();
        }
        for document in documents {
            self.until(&document.document_id, pb::EmbeddingState::Ready)
                .await;
        }
    }

    /// Waits until the embedder has been asked for something that `wanted` accepts.
    pub async fn until_asked(&self, wanted: impl Fn(&[String]) -> bool) {
        let reached = async {
            while !wanted(&self.embedder.texts()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("the embedder is asked");
    }
}

pub fn config(database: DatabaseConfig, embedder: &TestEmbedder, model: &str) -> Config {
    let mut config = Config::parse_from([
        "knowledge-svc",
        "--listen-addr=127.0.0.1:0",
        "--admin-addr=127.0.0.1:0",
        "--auth-url=http://127.0.0.1:1",
        "--database-url=postgresql://replaced@127.0.0.1/below",
        "--openai-api-key=test",
        &format!("--openai-base-url={}", embedder.base_url),
        &format!("--embedding-model={model}"),
    ]);
    config.server = server_config();
    config.database = database;
    config
}

pub async fn serve(config: Config, identity: &Identity, clock: &Clock) -> TestService {
    let (verifier, clock) = (identity.verifier(), clock.clone());
    TestService::start(|listeners, shutdown| {
        knowledge_svc::serve_with(config, verifier, clock, listeners, shutdown)
    })
    .await
}

/// The first message of an import into the collection `help`.
pub fn start() -> ImportStart {
    ImportStart {
        collection: "help".into(),
        ..ImportStart::default()
    }
}

pub fn file(path: &str, content: &str) -> ImportFile {
    ImportFile {
        path: path.into(),
        content: content.into(),
        ..ImportFile::default()
    }
}

/// What became of files, a line each.
pub fn shown(results: &[ImportDocumentsResponse]) -> String {
    let line = |result: &ImportDocumentsResponse| {
        let outcome = result.outcome().as_str_name();
        let outcome = outcome.trim_start_matches("IMPORT_OUTCOME_").to_lowercase();
        let rest = [&result.document_id, &result.failure]
            .map(String::as_str)
            .join("");
        format!("{}: {outcome}: {rest}\n", result.path)
    };
    results.iter().map(line).collect()
}

/// A document in the collection `help`.
pub fn document(document_id: &str, title: &str, content: &str) -> Document {
    Document {
        document_id: document_id.into(),
        collection: "help".into(),
        title: title.into(),
        content: content.into(),
        ..Document::default()
    }
}
