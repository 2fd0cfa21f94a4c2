//! The service as it is, over a PostgreSQL and the local embedder.

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::{Json, Router, extract::State, routing::post};
use clap::Parser as _;
use knowledge_svc::Config;
use proto::insta::knowledge::v1::{
    ContentType, CreateDocumentRequest, Document, EmbeddingState, ImportDocumentsRequest,
    ImportFile, ImportStart, ListDocumentsRequest, SearchRequest, SearchResponse,
    import_documents_request::Part, knowledge_service_client::KnowledgeServiceClient,
};
use serde_json::{Value, json};
use service_kit::{Scope, clock::Clock};
use sha2::{Digest, Sha256};
use speech::embedding::{DIMENSIONS, Embedder};
use test_kit::{Identity, TestDatabase, TestService, server_config};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{Code, Request, transport::Channel};

/// What stands for the model in the database; its vectors are MiniLM's.
pub(crate) const MODEL: &str = "all-MiniLM-L6-v2";
/// How long all vectors of a corpus may take: the manual has some nine thousand passages.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
const POLL: Duration = Duration::from_millis(200);
/// Bytes of a vector in the file of vectors, behind the hash of its text.
const VECTOR: usize = DIMENSIONS * 4;
const HASH: usize = 32;

type Vectors = HashMap<[u8; HASH], Vec<f32>>;

/// Answers like OpenAI's `/embeddings`. A text that has been embedded once is remembered in a file, because the
/// manual takes minutes.
pub(crate) struct Memory {
    embedder: Embedder,
    known: Mutex<Vectors>,
    file: Mutex<Option<fs::File>>,
}

/// A service with documents in it.
pub(crate) struct Service {
    client: KnowledgeServiceClient<Channel>,
    identity: Identity,
    _service: TestService,
    pub(crate) database: TestDatabase,
    embedder: JoinHandle<()>,
}

impl Service {
    pub(crate) async fn start(memory: Arc<Memory>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let routes = Router::new()
            .route("/v1/embeddings", post(embed))
            .with_state(memory);
        let embedder = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("the embedder ended: {error}");
            }
        });
        let database = TestDatabase::new().await;
        let mut config = Config::try_parse_from([
            "knowledge-svc",
            "--listen-addr=127.0.0.1:0",
            "--admin-addr=127.0.0.1:0",
            "--auth-url=http://127.0.0.1:1",
            "--database-url=postgresql://replaced@127.0.0.1/below",
            "--openai-api-key=none",
            &format!("--openai-base-url={base_url}"),
            &format!("--embedding-model={MODEL}"),
        ])?;
        config.server = server_config();
        config.database = database.config("insta_knowledge");
        let clock = Clock::system();
        let identity = Identity::new(clock.clone());
        let verifier = identity.verifier();
        let service = TestService::start(|listeners, shutdown| {
            knowledge_svc::serve_with(config, verifier, clock, listeners, shutdown)
        })
        .await;
        let client = KnowledgeServiceClient::new(service.channel())
            .max_decoding_message_size(64 * 1024 * 1024);
        Ok(Self {
            client,
            identity,
            _service: service,
            database,
            embedder,
        })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let scopes = [Scope::KnowledgeRead, Scope::KnowledgeWrite];
        self.identity.request(&Identity::service(&scopes), message)
    }

    /// Adds the documents of one collection and waits for their vectors.
    pub(crate) async fn add(&self, documents: &[Document]) -> anyhow::Result<()> {
        let mut client = self.client.clone();
        for document in documents {
            let request = CreateDocumentRequest {
                document: Some(document.clone()),
            };
            match client.create_document(self.request(request)).await {
                Ok(_) => {}
                // Some pages of the manual hold nothing but links.
                Err(status) if status.code() == Code::InvalidArgument => {
                    eprintln!("{} is left out: {}", document.document_id, status.message());
                }
                Err(status) => return Err(status).context(document.document_id.clone()),
            }
        }
        self.ready().await
    }

    /// Imports the documents as files into a collection and waits for their vectors.
    pub(crate) async fn import(
        &self,
        collection: &str,
        documents: &[Document],
    ) -> anyhow::Result<()> {
        let start = Part::Start(ImportStart {
            collection: collection.to_owned(),
            ..ImportStart::default()
        });
        let files = documents.iter().map(|document| {
            let ending = match document.content_type() {
                ContentType::Html => "html",
                _ => "md",
            };
            Part::File(ImportFile {
                path: format!("{}.{ending}", document.document_id),
                content: document.content.clone().into_bytes(),
                ..ImportFile::default()
            })
        });
        let parts: Vec<_> = std::iter::once(start).chain(files).collect();
        let parts = parts
            .into_iter()
            .map(|part| ImportDocumentsRequest { part: Some(part) });
        let mut client = self.client.clone();
        let results = client.import_documents(self.request(futures::stream::iter(parts)));
        let mut results = results.await?.into_inner();
        while let Some(result) = results.message().await? {
            // Some pages of the manual hold nothing but links.
            if !result.failure.is_empty() {
                eprintln!("{} is left out: {}", result.path, result.failure);
            }
        }
        self.ready().await
    }

    /// Waits for all vectors.
    async fn ready(&self) -> anyhow::Result<()> {
        let ready = async {
            while !self.is_ready().await? {
                tokio::time::sleep(POLL).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, ready)
            .await
            .context("the vectors are not made")?
    }

    async fn is_ready(&self) -> anyhow::Result<bool> {
        let mut client = self.client.clone();
        let mut page_token = String::new();
        loop {
            let request = ListDocumentsRequest {
                page_size: 100,
                page_token,
                ..ListDocumentsRequest::default()
            };
            let page = client
                .list_documents(self.request(request))
                .await?
                .into_inner();
            if page
                .documents
                .iter()
                .any(|document| document.embedding_state() != EmbeddingState::Ready)
            {
                return Ok(false);
            }
            if page.next_page_token.is_empty() {
                return Ok(true);
            }
            page_token = page.next_page_token;
        }
    }

    /// What a caller gets.
    pub(crate) async fn answer(
        &self,
        collection: &str,
        query: &str,
    ) -> anyhow::Result<SearchResponse> {
        let request = SearchRequest {
            query: query.to_owned(),
            collection: collection.to_owned(),
            ..SearchRequest::default()
        };
        let mut client = self.client.clone();
        Ok(client.search(self.request(request)).await?.into_inner())
    }

    /// Every passage that was looked at, best first.
    pub(crate) async fn search(
        &self,
        collection: &str,
        query: &str,
    ) -> anyhow::Result<SearchResponse> {
        let request = SearchRequest {
            query: query.to_owned(),
            collection: collection.to_owned(),
            include_rejected: true,
            ..SearchRequest::default()
        };
        let mut client = self.client.clone();
        let found = client.search(self.request(request)).await?.into_inner();
        ensure!(!found.degraded, "{query:?} was searched by text alone");
        Ok(found)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.embedder.abort();
    }
}

impl Memory {
    /// `path` names the file in which vectors are kept from one run to the next.
    pub(crate) fn open(embedder: Embedder, path: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut known = HashMap::new();
        let mut file = None;
        if let Some(path) = path {
            let bytes = fs::read(&path).unwrap_or_default();
            let (records, _) = bytes.as_chunks::<{ HASH + VECTOR }>();
            for record in records {
                let (hash, vector) = record.split_at(HASH);
                let (numbers, _) = vector.as_chunks::<4>();
                let vector = numbers
                    .iter()
                    .map(|number| f32::from_le_bytes(*number))
                    .collect();
                known.insert(hash.try_into()?, vector);
            }
            // What a run that was cut off left half written is overwritten.
            let whole = records.len() * (HASH + VECTOR);
            let opened = fs::File::options().create(true).append(true).open(&path);
            let opened = opened.with_context(|| path.display().to_string())?;
            opened.set_len(whole as u64)?;
            file = Some(opened);
        }
        Ok(Self {
            embedder,
            known: Mutex::new(known),
            file: Mutex::new(file),
        })
    }

    pub(crate) fn embed(&self, texts: &[String]) -> anyhow::Result<Vec<Vec<f32>>> {
        let hashes: Vec<[u8; HASH]> = texts
            .iter()
            .map(|text| Sha256::digest(text).into())
            .collect();
        let unknown: Vec<_> = {
            let known = self
                .known
                .lock()
                .expect("no panic happens while it is held");
            (0..texts.len())
                .filter(|index| !known.contains_key(&hashes[*index]))
                .collect()
        };
        let new: Vec<_> = unknown.iter().map(|index| texts[*index].as_str()).collect();
        let vectors = self.make(&new)?;
        let mut known = self
            .known
            .lock()
            .expect("no panic happens while it is held");
        for (index, vector) in unknown.into_iter().zip(vectors) {
            if let Some(file) = &mut *self.file.lock().expect("no panic happens while it is held") {
                let numbers = vector.iter().flat_map(|number| number.to_le_bytes());
                let record: Vec<u8> = hashes[index].into_iter().chain(numbers).collect();
                file.write_all(&record)?;
            }
            known.insert(hashes[index], vector.to_vec());
        }
        Ok(hashes.iter().map(|hash| known[hash].clone()).collect())
    }

    /// With both of the embedder's sessions at once.
    fn make(&self, texts: &[&str]) -> anyhow::Result<Vec<[f32; DIMENSIONS]>> {
        let (first, second) = texts.split_at(texts.len() / 2);
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| self.embedder.embed(first));
            let second = self.embedder.embed(second);
            (first.join(), second)
        });
        let first = first.map_err(|_| anyhow::anyhow!("the embedder panicked"))?;
        Ok([first?, second?].concat())
    }
}

async fn embed(State(memory): State<Arc<Memory>>, Json(request): Json<Value>) -> Json<Value> {
    let texts: Vec<String> = serde_json::from_value(request["input"].clone()).unwrap_or_default();
    let made = tokio::task::spawn_blocking(move || memory.embed(&texts)).await;
    let vectors = match made {
        Ok(Ok(vectors)) => vectors,
        // Fewer vectors than texts: the service sets the passage aside and the evaluation says so.
        Ok(Err(error)) => {
            eprintln!("no vectors: {error:#}");
            Vec::new()
        }
        Err(_) => Vec::new(),
    };
    let data: Vec<_> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector}))
        .collect();
    let usage = json!({"prompt_tokens": 0, "total_tokens": 0});
    Json(json!({"object": "list", "model": request["model"], "data": data, "usage": usage}))
}
