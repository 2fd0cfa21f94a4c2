//! The bridge to the Realtime provider: keeps a session, and brings it back when it is lost.
//!
//! One task per call owns the socket. It is dialled before it is needed; when it breaks, a new
//! session gets the instructions, the tools, what was said, and the turn that was not answered.
//! Before the provider ends a session for its age, the next one is made beside it and takes over in
//! a pause, which nobody notices. It decides nothing about the conversation: [`crate::domain`] does.
//!
//! `session` is the task, `breaker` knows whether sessions can be had, `dial` makes them, `live` is one
//! of them, `rate_limit` puts answers off, `translate` reads the provider's events.

mod breaker;
mod dial;
mod live;
mod rate_limit;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod translate;

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use openai_realtime::{TurnDetection, client};

use crate::provider::{Desk, Over, Prices, Provider};
pub use breaker::{Breaker, Unavailable};

/// How to reach the provider and what to ask of it.
#[derive(Debug, Clone)]
pub struct RealtimeApi {
    /// Where, with which key and model.
    pub client: client::Options,
    /// The assistant's voice.
    pub voice: String,
    /// The model that writes down what the caller says.
    pub transcription_model: String,
    /// How it decides about turns, if it does.
    pub turn_detection: Option<TurnDetection>,
    /// How long a lost session is tried again.
    pub reconnect_timeout: Duration,
    /// How old a session may be before it is exchanged.
    pub max_session_duration: Duration,
    /// What its tokens cost, if that is known.
    pub prices: Option<Prices>,
    /// What all calls know of it.
    pub breaker: Breaker,
    /// Whether another can hold a call. Then nobody waits for what is known to fail.
    pub has_fallback: bool,
}

impl Provider for RealtimeApi {
    fn hold(&self, desk: Desk) -> BoxFuture<'static, Over> {
        if self.has_fallback
            && let Err(unavailable) = self.breaker.admit()
        {
            return ready(Over::Failed(unavailable.failure, desk)).boxed();
        }
        session::run(self.clone(), desk).boxed()
    }
}
