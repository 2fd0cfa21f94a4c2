//! The LiveKit worker: registers, says how busy this instance is, and takes jobs.
//!
//! One task owns the socket to the server and makes it again when it breaks. Calls do not depend on
//! it: they have connections of their own.

mod job;
mod protocol;
mod socket;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;

const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// A connection that lasted this long has earned a fresh start.
const STABLE: Duration = Duration::from_secs(30);

/// Serves as a worker until the instance drains and its calls have ended.
pub(crate) async fn run(app: Arc<App>) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let began = tokio::time::Instant::now();
        let error = match socket::serve(&app).await {
            Ok(()) => return,
            Err(error) => error,
        };
        if began.elapsed() >= STABLE {
            backoff = FIRST_BACKOFF;
        }
        tracing::warn!(error = %format!("{error:#}"), "The LiveKit worker is not connected");
        metrics::counter!("insta_agent_worker_disconnects").increment(1);
        let jitter: f64 = rand::random_range(0.5..1.0);
        tokio::select! {
            () = tokio::time::sleep(backoff.mul_f64(jitter)) => {}
            () = app.calls.draining() => return,
        }
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}
