//! Writes down the questions that nothing answered, behind the searches that found so.
//!
//! A search hands its question over and does not wait: neither a slow database, nor the deadline of the search, nor a
//! caller who hangs up comes between. A question that does not fit into the queue, or cannot be written, is counted
//! and lost: what is asked often comes again.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::{domain::Unanswered, error::KnowledgeError, store::unanswered as store};

/// Questions that wait to be written, of at most 1,000 characters each.
const CAPACITY: usize = 256;
const WRITE_TIME: Duration = Duration::from_secs(5);

/// Takes the questions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keeper(mpsc::WeakSender<Unanswered>);

/// What must live as long as questions are to be taken.
pub(crate) struct Open {
    _sender: mpsc::Sender<Unanswered>,
}

/// The questions that wait to be written.
pub(crate) struct Queue(mpsc::Receiver<Unanswered>);

pub(crate) fn queue() -> (Keeper, Open, Queue) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let keeper = Keeper(sender.downgrade());
    (keeper, Open { _sender: sender }, Queue(receiver))
}

impl Keeper {
    /// Has a question written, soon and if possible.
    pub(crate) fn keep(&self, question: Unanswered) {
        let queue = self.0.upgrade();
        let is_taken = queue.is_some_and(|queue| queue.try_send(question).is_ok());
        if !is_taken {
            count("dropped");
        }
    }
}

impl Queue {
    /// Writes until [`Open`] is gone and nothing waits any more.
    pub(crate) async fn write(mut self, db: db::Pool) {
        while let Some(question) = self.0.recv().await {
            let written = tokio::time::timeout(WRITE_TIME, write(&db, &question)).await;
            match written {
                Ok(Ok(())) => count("written"),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "A question that nothing answered cannot be kept");
                    count("failed");
                }
                Err(_) => {
                    tracing::warn!("A question that nothing answered cannot be kept in time");
                    count("failed");
                }
            }
        }
    }
}

async fn write(db: &db::Pool, question: &Unanswered) -> Result<(), KnowledgeError> {
    let mut connection = db.get().await?;
    store::record(&mut connection, question).await
}

fn count(outcome: &'static str) {
    metrics::counter!("knowledge_unanswered_questions_total", "outcome" => outcome).increment(1);
}
