//! auth-svc as its clients see it: a real server, a real PostgreSQL, fakes only of what is outside.

mod access;
mod app;
mod create_session;
mod delegated_tokens;
mod google;
mod google_keys;
mod id_tokens;
mod key_set;
mod livekit;
mod livekit_tokens;
mod process;
mod profiles;
mod providers;
mod service_clients;
