//! The seam between users of a room and whatever connects to it.

use std::future::Future;
use std::pin::Pin;

use crate::{AudioHandler, Events, JoinError, JoinOptions, Participant, Shard};

/// A join under way.
pub type Joining<'a> =
    Pin<Box<dyn Future<Output = Result<(Participant, Events), JoinError>> + Send + 'a>>;

/// A way to join rooms: [`Shard`], or the `livekit` crate behind the feature `livekit-crate`.
///
/// Whoever needs a room takes `&dyn Connector`; participants and events are the same types
/// whichever engine is behind them.
pub trait Connector: Send + Sync {
    /// Joins a room; see [`Shard::join`].
    fn join(&self, options: JoinOptions, audio: Box<dyn AudioHandler>) -> Joining<'_>;
}

impl Connector for Shard {
    fn join(&self, options: JoinOptions, audio: Box<dyn AudioHandler>) -> Joining<'_> {
        Box::pin(Shard::join(self, options, audio))
    }
}
