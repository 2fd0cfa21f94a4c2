//! The calls that this instance holds, and the places for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use service_kit::CallId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::call::hub::Hub;
use crate::domain::{EndReason, QueueFull};

/// Commands that a call may have waiting.
pub(crate) const COMMAND_CAPACITY: usize = 16;

/// What may be asked of a live call.
#[derive(Debug)]
pub(crate) enum Command {
    /// Speak a text.
    Say(String, oneshot::Sender<Result<(), QueueFull>>),
    /// Take a text for the caller's.
    Message(String),
    /// Add this to the instructions, in place of what was added before.
    Instruct(String),
    /// End.
    End(EndReason),
}

/// A live call, to be watched and steered.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) hub: Arc<Hub>,
}

/// A place for a call, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// The calls of this instance. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Calls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: Arc<Semaphore>,
    limit: u32,
    live: Mutex<HashMap<CallId, Live>>,
    tasks: TaskTracker,
    draining: CancellationToken,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// All are taken.
    Full,
    /// The instance is about to stop.
    Draining,
}

impl Calls {
    pub(crate) fn new(limit: u32) -> Self {
        Self(Arc::new(Inner {
            places: Arc::new(Semaphore::new(limit as usize)),
            limit,
            live: Mutex::default(),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
        }))
    }

    /// Takes a place.
    pub(crate) fn take_place(&self) -> Result<Place, NoPlace> {
        if self.0.draining.is_cancelled() {
            return Err(NoPlace::Draining);
        }
        let permit = self.0.places.clone().try_acquire_owned();
        permit.map(Place).map_err(|_| NoPlace::Full)
    }

    /// Runs a call to its end, and holds its place until then.
    pub(crate) fn run(
        &self,
        call: CallId,
        live: Live,
        place: Place,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.lock().insert(call, live);
        let calls = self.clone();
        // The entry goes even if the task panics.
        let entry = Entry { calls, call };
        self.0.tasks.spawn(async move {
            let (_entry, _place) = (entry, place);
            task.await;
        });
    }

    /// Runs work that follows a call and must be done before the process ends.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(work);
    }

    pub(crate) fn get(&self, call: CallId) -> Option<Live> {
        self.lock().get(&call).cloned()
    }

    pub(crate) fn ids(&self) -> Vec<CallId> {
        self.lock().keys().copied().collect()
    }

    /// Places taken, and places there are.
    pub(crate) fn load(&self) -> (u32, u32) {
        let free = u32::try_from(self.0.places.available_permits()).unwrap_or(u32::MAX);
        (self.0.limit.saturating_sub(free), self.0.limit)
    }

    /// Takes no more calls. Those that live go on.
    pub(crate) fn drain(&self) {
        self.0.draining.cancel();
        self.0.tasks.close();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    pub(crate) async fn draining(&self) {
        self.0.draining.cancelled().await;
    }

    /// Ends every call.
    pub(crate) fn end_all(&self, reason: EndReason) {
        for live in self.lock().values() {
            // A call whose queue is full is about to end or cannot be helped.
            let _ = live.commands.try_send(Command::End(reason));
        }
    }

    /// Waits until no call is left and all are written down. To be called after [`Calls::drain`].
    pub(crate) async fn all_ended(&self) {
        self.0.tasks.wait().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CallId, Live>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry {
    calls: Calls,
    call: CallId,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.call);
    }
}
