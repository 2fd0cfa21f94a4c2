//! The jobs that this worker has said yes to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use livekit_protocol::{JobAssignment, JobStatus, worker_message::Message as Up};
use secrecy::SecretString;
use service_kit::CallId;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::protocol;
use crate::app::App;
use crate::call::{self, ExpectedCaller, Start};
use crate::calls::{Command, Place};
use crate::domain::EndReason;

/// How long the server may take to assign a job that was accepted.
const ASSIGNMENT_TIMEOUT: Duration = Duration::from_millis(7_500);

/// Jobs that were accepted, and those that run.
pub(super) struct Jobs {
    app: Arc<App>,
    /// Places held for jobs that are not assigned yet.
    promised: HashMap<String, (Place, Instant)>,
    running: HashMap<String, CallId>,
    out: mpsc::Sender<Up>,
}

impl Jobs {
    /// `out` is where the progress of jobs is reported.
    pub(super) fn new(app: Arc<App>, out: mpsc::Sender<Up>) -> Self {
        Self {
            app,
            promised: HashMap::new(),
            running: HashMap::new(),
            out,
        }
    }

    /// The server asks whether a job can be taken. A place is held for it.
    pub(super) fn offered(&mut self, job: &str) -> Up {
        self.expire();
        match self.app.calls.take_place() {
            Ok(place) => {
                let deadline = Instant::now() + ASSIGNMENT_TIMEOUT;
                self.promised.insert(job.to_owned(), (place, deadline));
                let identity = format!("agent-{job}");
                protocol::availability(
                    job,
                    Some((identity, self.app.prompts.assistant().to_owned())),
                )
            }
            Err(_) => protocol::availability(job, None),
        }
    }

    /// The server assigns a job: its call begins.
    pub(super) fn assigned(&mut self, assignment: JobAssignment) {
        let Some(job) = assignment.job else {
            return;
        };
        let Some((place, _)) = self.promised.remove(&job.id) else {
            tracing::warn!("A job was assigned that was not accepted, or too late");
            return;
        };
        let room = job.room.map(|room| room.name).unwrap_or_default();
        let id = CallId::generate();
        let (on_end, ended) = oneshot::channel();
        let start = Start {
            id,
            room,
            url: assignment
                .url
                .unwrap_or_else(|| self.app.livekit.livekit_url.clone()),
            token: SecretString::from(assignment.token),
            caller: ExpectedCaller::FirstParticipant,
            place,
            on_end: Some(on_end),
        };
        call::start(&self.app, start);
        self.running.insert(job.id.clone(), id);
        tokio::spawn(report(job.id, ended, self.out.clone()));
    }

    /// The server wants a job to end.
    pub(super) fn terminated(&mut self, job: &str) {
        self.promised.remove(job);
        let live = self
            .running
            .remove(job)
            .and_then(|call| self.app.calls.get(call));
        if let Some(live) = live {
            // A call that takes no command is about to end.
            let _ = live.commands.try_send(Command::End(EndReason::Operator));
        }
    }

    /// Frees places that were promised in vain, and forgets calls that are over.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        self.promised.retain(|_, (_, deadline)| *deadline > now);
        let calls = &self.app.calls;
        self.running.retain(|_, call| calls.get(*call).is_some());
    }
}

/// Tells the server how a job goes: that it runs, and how it ended, before the room is left.
async fn report(job: String, ended: oneshot::Receiver<EndReason>, out: mpsc::Sender<Up>) {
    let running = protocol::job_status(&job, JobStatus::JsRunning, "");
    let _ = out.send(running).await;
    let done = match ended.await {
        Ok(EndReason::MediaError | EndReason::ProviderError) => {
            protocol::job_status(&job, JobStatus::JsFailed, "the call could not be held")
        }
        Ok(_) => protocol::job_status(&job, JobStatus::JsSuccess, ""),
        Err(_) => protocol::job_status(&job, JobStatus::JsFailed, "the call broke off"),
    };
    // The socket may be gone; the server then knows no such job any more.
    let _ = out.send(done).await;
}
