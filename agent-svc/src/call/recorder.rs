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
    /// A recorder for a call, which has its row or gets it by [`Recorder::begin`]: what is recorded
    /// before waits for that, and is nobody's when it never comes.
    pub(crate) fn start(app: &App, call: CallId, has_row: bool) -> Self {
        let (records, queue) = mpsc::channel(CAPACITY);
        let writer = Writer {
            pool: app.db.clone(),
            call,
            ended: app.ended.clone(),
        };
        app.calls.spawn(writer.run(queue, has_row));
        Self(records)
    }

    /// It is known whose call it is.
    pub(super) fn begin(&self, new: NewCall, live: Calls) {
        self.send(Record::Begin(Box::new(new), live));
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

/// Writes the records of a call, one after the other.
struct Writer {
    pool: db::Pool,
    call: CallId,
    /// Told when the call has ended and its summary is due.
    ended: Arc<Notify>,
}

impl Writer {
    async fn run(self, mut queue: mpsc::Receiver<Record>, mut has_row: bool) {
        let mut early = Vec::new();
        while let Some(record) = queue.recv().await {
            has_row |= matches!(record, Record::Begin(..));
            if !has_row {
                early.push(record);
                continue;
            }
            self.write_patiently(&record).await;
            for record in early.drain(..) {
                self.write_patiently(&record).await;
            }
        }
    }

    async fn write_patiently(&self, record: &Record) {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = FIRST_BACKOFF;
        while let Err(error) = self.write(record).await {
            if !error.is_unavailable() || Instant::now() >= deadline {
                tracing::error!(call.id = %self.call, ?error, "A record of a call could not be written");
                break;
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
        if matches!(record, Record::End(..)) {
            self.ended.notify_one();
        }
    }

    async fn write(&self, record: &Record) -> Result<(), StoreError> {
        if let Record::Begin(new, live) = record {
            return begin_row(&self.pool, new, live).await;
        }
        let (mut connection, call) = (self.pool.get().await?, self.call);
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
}
