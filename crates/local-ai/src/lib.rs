//! An OpenAI-compatible voice server over small models that run on the CPU of this machine.
//!
//! It speaks OpenAI's own protocols (Realtime over WebSocket, speech, transcription, embeddings,
//! chat), so that clients reach it exactly as they reach OpenAI: by base URL. Without a language
//! model it answers from what tools give and says so when it does not know; with a chat endpoint
//! configured it is that model's ears and mouth.
//!
//! It stores nothing, knows no product and no user, and is meant for loopback.

pub mod brain;
pub mod chat;
pub mod config;
pub mod dialogue;
pub mod engine;
mod error;
mod realtime;
mod rest;
pub mod server;
pub mod voice;
mod wave_cache;

#[cfg(test)]
extern crate self as local_ai;
