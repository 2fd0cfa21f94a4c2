//! Logs and metrics of the process.
//!
//! What a caller said, e-mail addresses, tokens and prompts never reach either.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, filter::ParseError};

use crate::config::{LogFormat, TelemetryConfig};

/// Starts logging to stderr.
///
/// # Errors
/// When the filter cannot be read.
pub fn init_logging(config: &TelemetryConfig) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(&config.log_filter)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A process that already logs (a test that runs several services) keeps its first set-up.
    let _ = match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    Ok(())
}

/// Starts collecting metrics; the handle renders them for `/metrics`.
///
/// # Errors
/// When another recorder is there already.
pub fn init_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new().install_recorder()
}
