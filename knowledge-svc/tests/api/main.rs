//! knowledge-svc as its clients see it: a real server, a real PostgreSQL, an embedder that answers over HTTP.

mod app;
mod callers;
mod commands;
mod documents;
mod embedder;
mod embedding;
mod erase_user;
mod evaluation;
mod failed_embeddings;
mod import_documents;
mod outages;
mod search;
mod unanswered;
mod update_document;
mod visibility;
