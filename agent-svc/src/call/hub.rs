//! What happens in a call, for those who watch it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use crate::domain::{AgentState, EndReason, Role, ToolRequest};
use crate::record::{HandOver, ToolCall, Turn};

/// Events that a watcher may be behind.
const CAPACITY: usize = 512;
/// Turns that a new watcher is told of.
const MAX_TURNS: usize = 1_000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Happened {
    pub(crate) time: DateTime<Utc>,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    State(Standing),
    Transcript {
        segment: String,
        role: Role,
        text: String,
        is_final: bool,
    },
    ToolStarted(ToolRequest),
    ToolEnded(ToolCall),
    /// A turn and its place, from 1.
    Turn(usize, Turn),
    HandOver(HandOver),
    Trouble {
        reason: &'static str,
        message: &'static str,
    },
    Ended {
        reason: EndReason,
        duration: Duration,
    },
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether caller and agent are talking.
    pub(crate) active: bool,
    pub(crate) agent: AgentState,
}

/// Where a call stands and what was said so far.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) standing: Standing,
    pub(crate) turns: Vec<Turn>,
    pub(crate) hand_over: Option<Happened>,
    pub(crate) ended: Option<Happened>,
}

/// Tells watchers what happens.
#[derive(Debug)]
pub(crate) struct Hub {
    snapshot: Mutex<Snapshot>,
    events: broadcast::Sender<Happened>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            snapshot: Mutex::new(Snapshot {
                standing: Standing {
                    active: false,
                    agent: AgentState::Initializing,
                },
                turns: Vec::new(),
                hand_over: None,
                ended: None,
            }),
            events: broadcast::channel(CAPACITY).0,
        }
    }

    /// What was so far and what comes from now on, without a gap between them.
    pub(crate) fn watch(&self) -> (Snapshot, broadcast::Receiver<Happened>) {
        let snapshot = self.lock();
        (snapshot.clone(), self.events.subscribe())
    }

    pub(crate) fn tell(&self, time: DateTime<Utc>, what: What) {
        let mut snapshot = self.lock();
        let what = match what {
            What::State(standing) => {
                snapshot.standing = standing;
                what
            }
            What::Turn(_, turn) => {
                let place = snapshot
                    .turns
                    .partition_point(|t| t.position < turn.position);
                if snapshot.turns.len() < MAX_TURNS {
                    snapshot.turns.insert(place, turn.clone());
                }
                What::Turn(place + 1, turn)
            }
            other => other,
        };
        let happened = Happened { time, what };
        match happened.what {
            What::HandOver(_) => snapshot.hand_over = Some(happened.clone()),
            What::Ended { .. } => snapshot.ended = Some(happened.clone()),
            _ => {}
        }
        // Nobody may be watching.
        let _ = self.events.send(happened);
    }

    pub(crate) fn standing(&self) -> Standing {
        self.lock().standing
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
