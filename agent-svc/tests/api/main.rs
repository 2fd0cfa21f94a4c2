//! The contract, from outside: a real server, a real client, a real PostgreSQL. auth-svc is
//! scripted, and LiveKit is a server that takes connections and never answers, so that a call stays
//! at its beginning for as long as a test looks at it.

mod app;
mod auth;
mod livekit_token;
mod read;
mod start_call;
mod steer;
mod stopping;
mod watch;
