//! The service from outside: a real server, a real client, a real PostgreSQL. The other services are
//! scripted.
//!
//! Where the contract is tested, LiveKit is a server that takes connections and never answers, so
//! that a call stays at its beginning for as long as a test looks at it. Whole calls (`calls`) go
//! through a real LiveKit server, with a caller who speaks and hears.

mod app;
mod auth;
mod calls;
mod livekit_token;
mod read;
mod start_call;
mod steer;
mod stopping;
mod watch;
