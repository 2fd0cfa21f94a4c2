//! One thread that drives many participants.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;

use crate::driver::{self, JoinRequest, Shared};
use crate::{AudioHandler, Events, JoinError, JoinOptions, Participant, ShardConfig};

/// Joins that may wait for the thread at a time.
const JOIN_CAPACITY: usize = 64;

/// A thread that owns sockets, clock, decoding and encoding of many participants.
///
/// A cheap handle: clones are the same shard. When the last one is dropped, the participants
/// still on it leave their rooms and the thread stops. Use as many shards as there are cores
/// for media.
#[derive(Debug, Clone)]
pub struct Shard {
    joins: mpsc::Sender<JoinRequest>,
    participants: Arc<AtomicUsize>,
    limit: usize,
}

impl Shard {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn spawn(config: ShardConfig) -> io::Result<Self> {
        // TLS needs a process-wide choice; a choice made earlier by the program stands.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (joins, requests) = mpsc::channel(JOIN_CAPACITY);
        let participants = Arc::new(AtomicUsize::new(0));
        let shard = Self {
            joins,
            participants,
            limit: config.max_participants,
        };
        thread::Builder::new()
            .name(config.name.clone())
            .spawn(move || {
                let local = LocalSet::new();
                local.block_on(&runtime, run(config, requests));
            })?;
        Ok(shard)
    }

    /// Joins a room and, once media flows, gives its handle and its events.
    ///
    /// `audio` moves to the shard's thread and is dropped when the participant has left.
    /// Dropping the future gives up joining and leaves the room.
    ///
    /// # Errors
    /// At latest after [`JoinOptions::timeout`]; see [`JoinError`]. Joining is not retried.
    pub async fn join(
        &self,
        options: JoinOptions,
        audio: Box<dyn AudioHandler>,
    ) -> Result<(Participant, Events), JoinError> {
        let place = Place::take(&self.participants, self.limit)?;
        let (reply, outcome) = oneshot::channel();
        let request = JoinRequest {
            options,
            audio,
            place,
            reply,
        };
        self.joins
            .send(request)
            .await
            .map_err(|_| JoinError::ShardStopped)?;
        outcome.await.unwrap_or(Err(JoinError::ShardStopped))
    }

    /// How many participants the shard has, joining ones included.
    pub fn participants(&self) -> usize {
        self.participants.load(Ordering::Relaxed)
    }
}

/// A participant's place on a shard, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: &Arc<AtomicUsize>, limit: usize) -> Result<Self, JoinError> {
        let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < limit).then_some(taken + 1)
        });
        taken.map_err(JoinError::ShardFull)?;
        Ok(Self(count.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn run(config: ShardConfig, mut requests: mpsc::Receiver<JoinRequest>) {
    let shared = Arc::new(Shared::new(config));
    let (stop, stopped) = watch::channel(false);
    let mut drivers = tokio::task::JoinSet::new();
    while let Some(request) = requests.recv().await {
        while drivers.try_join_next().is_some() {}
        drivers.spawn_local(driver::drive(shared.clone(), request, stopped.clone()));
    }
    stop.send_replace(true);
    while drivers.join_next().await.is_some() {}
}
