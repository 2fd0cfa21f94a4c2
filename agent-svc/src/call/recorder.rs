//! Keeps what happens in a call, in order, however long the database is away.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use service_kit::CallId;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::room::begin_row;
use crate::app::App;
use crate::calls::Calls;
use crate::domain::EndReason;
use crate::provider::Bill;
use crate::record::{HandOver, Turn};
use crate::store::calls::NewCall;
use crate::store::{StoreError, calls, turns};

/// Records that may wait while the database is away.
const CAPACITY: usize = 1_024;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// How long one record is tried again. Longer than a database takes to come back.
const PATIENCE: Duration = Duration::from_secs(600);

enum Record {
    Begin(Box<NewCall>, Calls),
    Active,
    Turn(Box<Turn>),
    HandOver(HandOver),
    Charge(Bill),
    End(EndReason, DateTime<Utc>),
}

/// Writes a call down. It goes on in the background after it is dropped.
pub(crate) struct Recorder(mpsc::Sender<Record>);

impl Recorder {
    /// A recorder for a call whose row is there.
    pub(crate) fn start(app: &App, call: CallId) -> Self {
        let (records, queue) = mpsc::channel(CAPACITY);
        let writing = run(app.db.clone(), call, queue, app.ended.clone());
        app.calls.spawn(writing);
        Self(records)
    }

    /// A recorder for a call that gets its row first.
    pub(super) fn start_with_row(app: &App, new: NewCall) -> Self {
        let recorder = Self::start(app, new.id);
        recorder.send(Record::Begin(Box::new(new), app.calls.clone()));
        recorder
    }

    pub(crate) fn active(&self) {
        self.send(Record::Active);
    }

    pub(crate) fn turn(&self, turn: Turn) {
        self.send(Record::Turn(Box::new(turn)));
    }

    pub(crate) fn hand_over(&self, wanted: HandOver) {
        self.send(Record::HandOver(wanted));
    }

    /// What the call's work came to so far.
    pub(crate) fn charge(&self, bill: Bill) {
        if !bill.is_empty() {
            self.send(Record::Charge(bill));
        }
    }

    pub(crate) fn end(&self, reason: EndReason, time: DateTime<Utc>) {
        self.send(Record::End(reason, time));
    }

    fn send(&self, record: Record) {
        if self.0.try_send(record).is_err() {
            tracing::error!("A record of a call is lost: too many wait for the database");
        }
    }
}

async fn run(pool: db::Pool, call: CallId, mut queue: mpsc::Receiver<Record>, ended: Arc<Notify>) {
    while let Some(record) = queue.recv().await {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = FIRST_BACKOFF;
        while let Err(error) = write(&pool, call, &record).await {
            if !error.is_unavailable() || Instant::now() >= deadline {
                tracing::error!(call.id = %call, ?error, "A record of a call could not be written");
                break;
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        if matches!(record, Record::End(..)) {
            ended.notify_one();
        }
    }
}

async fn write(pool: &db::Pool, call: CallId, record: &Record) -> Result<(), StoreError> {
    if let Record::Begin(new, live) = record {
        return begin_row(pool, new, live).await;
    }
    let mut connection = pool.get().await?;
    match record {
        Record::Begin(..) => Ok(()),
        Record::Active => calls::activate(&mut connection, call).await,
        Record::Turn(turn) => turns::insert(&mut connection, call, turn).await,
        Record::HandOver(wanted) => calls::hand_over(&mut connection, call, wanted).await,
        Record::Charge(bill) => calls::charge(&mut connection, call, bill).await,
        Record::End(reason, time) => {
            calls::end(&mut connection, call, *reason, *time).await?;
            Ok(())
        }
    }
}
