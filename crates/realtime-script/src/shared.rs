//! What all sessions of a server have in common.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openai_realtime::{ClientEvent, ErrorDetail};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::script::{Door, Fault, Loss, Script};

/// Orders that a session may be behind.
const ORDERS: usize = 16;
/// What is kept of what clients did.
const MAX_SEEN: usize = 1_024;

/// Something that a client did.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Since the server was started.
    pub at: Duration,
    /// In which session, from 1.
    pub session: usize,
    /// What.
    pub what: What,
}

/// What a client did.
#[derive(Debug, Clone)]
pub enum What {
    /// It sent an event. Sound is told when it is committed.
    Event(Box<ClientEvent>),
    /// It committed this sound.
    Turn(Vec<i16>),
    /// It left, or was lost.
    Gone,
}

/// What is done to all sessions at once.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    Lose(Loss),
    Report(ErrorDetail),
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) script: Script,
    pub(crate) orders: broadcast::Sender<Order>,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    door: Door,
    /// Of each line, what still goes wrong.
    faults: Vec<VecDeque<Fault>>,
    sessions: usize,
    knocks: usize,
    seen: VecDeque<Seen>,
}

impl Shared {
    pub(crate) fn new(script: Script) -> Self {
        let faults = script.lines.iter().map(|line| line.faults.clone().into());
        let state = State {
            faults: faults.collect(),
            ..State::default()
        };
        Self {
            script,
            orders: broadcast::channel(ORDERS).0,
            started: Instant::now(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn door(&self) -> Door {
        self.state().door.clone()
    }

    pub(crate) fn set_door(&self, door: Door) {
        self.state().door = door;
    }

    /// Somebody tries to connect.
    pub(crate) fn knocked(&self) {
        self.state().knocks += 1;
    }

    pub(crate) fn knocks(&self) -> usize {
        self.state().knocks
    }

    pub(crate) fn new_session(&self) -> usize {
        let mut state = self.state();
        state.sessions += 1;
        state.sessions
    }

    /// What goes wrong with the next answer to this line.
    pub(crate) fn next_fault(&self, line: usize) -> Option<Fault> {
        self.state().faults.get_mut(line)?.pop_front()
    }

    pub(crate) fn saw(&self, session: usize, what: What) {
        let at = self.started.elapsed();
        let mut state = self.state();
        if state.seen.len() == MAX_SEEN {
            state.seen.pop_front();
        }
        state.seen.push_back(Seen { at, session, what });
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state().seen.iter().cloned().collect()
    }
}
