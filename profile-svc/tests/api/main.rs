//! The contract, from outside: a real server, a real client, a real PostgreSQL.

mod app;
mod callers;
mod ensure_profile;
mod facts;
mod list_profiles;
mod record_interaction;
mod serving;
mod update_profile;
