//! A whole service on a free port, as its main would start it.

use std::{future::Future, time::Duration};

use http::Uri;
use service_kit::{
    Listeners, Shutdown, client,
    config::{Environment, LogFormat, ServerConfig, TelemetryConfig},
    telemetry,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt;

/// A service that runs until it is dropped.
pub struct TestService {
    /// Base URL of its public port.
    pub url: Uri,
    /// Base URL of its admin port.
    pub admin_url: Uri,
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

impl TestService {
    /// Starts what `serve` does on free ports.
    pub async fn start<F>(serve: impl FnOnce(Listeners, Shutdown) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        // Silent unless asked: RUST_LOG=warn shows what a service had to say.
        let log_filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "off".into());
        let telemetry = TelemetryConfig {
            log_filter,
            log_format: LogFormat::Text,
        };
        telemetry::init_logging(&telemetry).expect("RUST_LOG can be read");

        let listeners = listeners().await;
        let url = |listener: &TcpListener| {
            let addr = listener.local_addr().expect("it is bound");
            format!("http://{addr}")
                .parse()
                .expect("an address makes a URL")
        };
        let (public, admin) = (url(&listeners.public), url(&listeners.admin));
        let shutdown = Shutdown::new();
        let task = tokio::spawn(serve(listeners, shutdown.clone()));
        Self {
            url: public,
            admin_url: admin,
            shutdown,
            task,
        }
    }

    /// A channel to it.
    pub fn channel(&self) -> Channel {
        client::channel(&self.url).expect("plain HTTP needs no set-up")
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// What the service ended with.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        let task = std::mem::replace(&mut self.task, tokio::spawn(async { Ok(()) }));
        task.await?
    }
}

impl Drop for TestService {
    fn drop(&mut self) {
        self.shutdown.trigger();
        self.task.abort();
    }
}

/// Two free ports of this machine.
pub async fn listeners() -> Listeners {
    let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    Listeners {
        public: bind().await,
        admin: bind().await,
    }
}

/// Settings for a service in a test; its addresses are not used.
pub fn server_config() -> ServerConfig {
    let any = ([127, 0, 0, 1], 0).into();
    ServerConfig {
        listen_addr: any,
        admin_addr: any,
        environment: Environment::Dev,
        cors_allowed_origins: vec!["http://localhost:5173".parse().expect("an origin")],
        reflection: true,
        rpc_timeout_secs: 10,
        drain_timeout_secs: Duration::from_secs(1).as_secs(),
        telemetry: TelemetryConfig {
            log_filter: "warn".into(),
            log_format: LogFormat::Text,
        },
    }
}

/// What a client is told by a status, in one line for snapshots: code, reason or fields, message.
pub fn told(status: &Status) -> String {
    let reason = status.get_details_error_info().map(|info| info.reason);
    let fields = status.get_details_bad_request().map(|request| {
        let fields: Vec<_> = request
            .field_violations
            .into_iter()
            .map(|field| field.field)
            .collect();
        fields.join(", ")
    });
    let detail = reason.or(fields).unwrap_or_else(|| "-".into());
    format!("{:?} [{detail}] {}", status.code(), status.message())
}
