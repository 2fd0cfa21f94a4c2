//! Stopping: softly when first asked, at once when asked again.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Says when to stop. Cheap to clone; clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    soft: CancellationToken,
}

impl Shutdown {
    /// Not yet asked to stop.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops on SIGTERM or SIGINT; a second one ends the process at once.
    ///
    /// # Errors
    /// When the signals cannot be listened for.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let soft = shutdown.soft.clone();
        tokio::spawn(async move {
            for first in [true, false] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if first {
                    tracing::info!("Stopping; signal again to stop at once");
                    soft.cancel();
                }
            }
            std::process::exit(130);
        });
        Ok(shutdown)
    }

    /// Asks to stop.
    pub fn trigger(&self) {
        self.soft.cancel();
    }

    /// Whether stopping was asked for.
    pub fn is_triggered(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Waits until stopping is asked for.
    pub async fn triggered(&self) {
        self.soft.cancelled().await;
    }
}
