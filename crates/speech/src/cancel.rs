//! Ends a call that nobody waits for any more, in the middle of what the model computes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ort::session::{RunOptions, Session, SessionInputs, SessionOutputs};

use crate::Error;

/// A switch that ends the calls it was given to. Clones are the same switch; it is thrown once and
/// stays so.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Switch>);

#[derive(Default)]
struct Switch {
    is_thrown: AtomicBool,
    /// What the runtime looks at between the operations of a model. Made with the first run,
    /// because it needs the runtime, which a switch that is never used may not have.
    options: OnceLock<RunOptions>,
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

impl Cancel {
    /// Ends the calls that were given this switch, those that run within a few milliseconds, and
    /// those that come at once: each fails with [`Error::Cancelled`].
    pub fn cancel(&self) {
        self.0.is_thrown.store(true, Ordering::SeqCst);
        if let Some(options) = self.0.options.get()
            && let Err(error) = options.terminate()
        {
            tracing::warn!(%error, "A model could not be stopped");
        }
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_thrown.load(Ordering::SeqCst)
    }

    /// Fails if the switch is thrown.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Runs a model until it is done or the switch is thrown. The runtime's error in the latter
    /// case is to be taken through [`Cancel::explain`].
    pub(crate) fn run<'s, 'i, 'v: 'i, const N: usize>(
        &'s self,
        session: &'s mut Session,
        inputs: impl Into<SessionInputs<'i, 'v, N>>,
    ) -> ort::Result<SessionOutputs<'s>> {
        let options = match self.0.options.get() {
            Some(options) => options,
            None => {
                let options = RunOptions::new()?;
                self.0.options.get_or_init(|| options)
            }
        };
        // Thrown before there were options to terminate: whoever threw it did not see them.
        if self.is_cancelled() {
            options.terminate()?;
        }
        session.run_with_options(inputs, options)
    }

    /// The error of a run as the caller is to see it.
    pub(crate) fn explain(&self, model: &'static str, source: ort::Error) -> Error {
        if self.is_cancelled() {
            Error::Cancelled
        } else {
            Error::Inference { model, source }
        }
    }
}
