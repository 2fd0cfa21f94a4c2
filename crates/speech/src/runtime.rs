//! The one ONNX Runtime of the process, and how sessions are built on it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use prost::DecodeError;
use prost::bytes::Bytes;

use crate::{Error, graph};

/// ONNX Runtime allows one environment a process, so the first one opened serves all.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// A handle to the runtime. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Runtime {
    environment: Environment,
}

impl Runtime {
    /// Starts the runtime from `library`, or joins the one that already runs, whichever library
    /// that came from. A failed start may be tried again.
    pub(crate) fn start(library: &Path) -> Result<Self, Error> {
        let mut slot = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = slot.as_ref() {
            return Ok(Self {
                environment: environment.clone(),
            });
        }
        let path = existing(library.to_owned())?;
        // The loader searches relative paths beside the executable, not in the working folder.
        let path = path
            .canonicalize()
            .map_err(|_| Error::Missing { path: path.clone() })?;
        let failed = |reason: String| Error::Runtime {
            path: path.clone(),
            reason,
        };
        let environment = ort::init_from(&path)
            .map_err(|error| failed(error.to_string()))?
            .with_name("insta")
            .with_telemetry(false)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        // The runtime writes its own log lines to stderr, past our log format. Whatever fails is
        // returned as an error too, and what nobody waits for any more ends as one on purpose.
        environment.set_log_level(LogLevel::Fatal);
        *slot = Some(environment.clone());
        Ok(Self { environment })
    }

    /// Loads a model. `threads` is the number of threads one inference may use, the caller's
    /// included; idle ones sleep rather than spin, because the cores are shared with live calls.
    pub(crate) fn load(&self, path: PathBuf, threads: usize) -> Result<Session, Error> {
        let path = existing(path)?;
        self.builder(threads)
            .and_then(|mut builder| builder.commit_from_file(&path))
            .map_err(|error| Error::Load {
                path,
                reason: error.to_string(),
            })
    }

    /// Loads a synthesiser's model, rewritten for this processor: see [`graph::rewrite`].
    pub(crate) fn load_synthesis(&self, path: PathBuf, threads: usize) -> Result<Session, Error> {
        self.load_changed(path, threads, graph::rewrite, |builder| {
            Ok(builder.with_operators(graph::operators()?)?)
        })
    }

    /// Loads the part of a model that leads to this value, which becomes all that it gives.
    pub(crate) fn load_up_to(
        &self,
        value: &str,
        path: PathBuf,
        threads: usize,
    ) -> Result<Session, Error> {
        self.load_changed(path, threads, |model| graph::up_to(value, model), Ok)
    }

    fn load_changed(
        &self,
        path: PathBuf,
        threads: usize,
        change: impl FnOnce(Bytes) -> Result<Vec<u8>, DecodeError>,
        prepare: impl FnOnce(SessionBuilder) -> ort::Result<SessionBuilder>,
    ) -> Result<Session, Error> {
        let path = existing(path)?;
        let refused = |reason: String| Error::Load {
            path: path.clone(),
            reason,
        };
        let model = std::fs::read(&path).map_err(|error| refused(error.to_string()))?;
        let model = change(model.into()).map_err(|error| refused(error.to_string()))?;
        self.builder(threads)
            .and_then(prepare)
            .and_then(|mut builder| builder.commit_from_memory(&model))
            .map_err(|error| refused(error.to_string()))
    }

    /// Settings that are not named are the runtime's own. For synthesis, in seconds of one core:
    /// without its memory arena a clause costs a sixth more, with threads that spin two fifths more,
    /// and lower levels of graph optimisation change nothing.
    pub(crate) fn builder(&self, threads: usize) -> ort::Result<SessionBuilder> {
        let builder = Session::builder(&self.environment)?
            .with_intra_threads(threads.max(1))?
            .with_intra_op_spinning(false)?
            // A plan would be kept for each input length ever seen, and lengths here vary freely.
            .with_memory_pattern(false)?;
        Ok(builder)
    }
}

/// `path`, if something is there.
pub(crate) fn existing(path: PathBuf) -> Result<PathBuf, Error> {
    if path.exists() {
        Ok(path)
    } else {
        Err(Error::Missing { path })
    }
}
