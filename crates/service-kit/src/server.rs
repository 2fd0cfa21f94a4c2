//! Serving: gRPC, gRPC-web, health and reflection on one port, and the admin port beside it.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, body::Body, http::StatusCode, response::IntoResponse, routing::get};
use http::{HeaderName, Method, Request, header};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpStream};
use tonic::{Status, server::NamedService, service::RoutesBuilder};
use tonic_web::GrpcWebLayer;
use tower::ServiceBuilder;
use tower_http::cors::CorsLayer;

use crate::{
    Shutdown, config::ServerConfig, deadline::DeadlineLayer, identity::IdentityLayer,
    keys::TokenVerifier, request_id, telemetry,
};

const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(30);
const MAX_STREAMS: u32 = 128;
const CORS_MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);
/// How long a readiness check may take before it counts as failed.
const READY_TIMEOUT: Duration = Duration::from_secs(2);
const READY_INTERVAL: Duration = Duration::from_secs(5);

/// The two bound ports of a service.
pub struct Listeners {
    /// gRPC, gRPC-web and public HTTP.
    pub public: TcpListener,
    /// Health, readiness and metrics.
    pub admin: TcpListener,
}

impl Listeners {
    /// Binds the ports that `config` names.
    ///
    /// # Errors
    /// A sentence with the address that is taken or not ours.
    pub async fn bind(config: &ServerConfig) -> anyhow::Result<Self> {
        let bind = async |addr| {
            TcpListener::bind(addr)
                .await
                .with_context(|| format!("cannot listen on {addr}"))
        };
        Ok(Self {
            public: bind(config.listen_addr).await?,
            admin: bind(config.admin_addr).await?,
        })
    }
}

type Ready =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> + Send + Sync>;
type Note = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// A service about to be served.
pub struct Server {
    routes: RoutesBuilder,
    http: Router,
    verifier: TokenVerifier,
    ready: Ready,
    note: Note,
    names: Vec<&'static str>,
}

impl Server {
    /// A server without services, which believes the tokens that `verifier` accepts.
    pub fn new(verifier: TokenVerifier) -> Self {
        Self {
            routes: RoutesBuilder::default(),
            http: Router::new(),
            verifier,
            ready: Arc::new(|| Box::pin(async { Ok(()) })),
            note: Arc::new(|| None),
            names: Vec::new(),
        }
    }

    /// Adds a gRPC service.
    #[must_use]
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: tower::Service<Request<tonic::body::Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: IntoResponse,
        S::Future: Send,
    {
        self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// Adds plain HTTP routes to the public port. They look after their own identity.
    #[must_use]
    pub fn http(mut self, routes: Router) -> Self {
        self.http = self.http.merge(routes);
        self
    }

    /// Says how to find out whether the service can do its work.
    #[must_use]
    pub fn ready<F>(mut self, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.ready = Arc::new(move || Box::pin(check()));
        self
    }

    /// Says what `/readyz` tells besides, of a service that is ready: what an operator should know.
    #[must_use]
    pub fn note(mut self, note: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.note = Arc::new(note);
        self
    }

    /// Serves until `shutdown`, then lets calls under way go on for the drain time at most.
    ///
    /// # Errors
    /// When reflection or metrics cannot be set up: a fault of the build.
    pub async fn serve(
        self,
        config: &ServerConfig,
        listeners: Listeners,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let Self {
            mut routes,
            http,
            verifier,
            ready,
            note,
            names,
        } = self;
        let (health, health_service) = tonic_health::server::health_reporter();
        for name in names.iter().copied().chain([""]) {
            health
                .set_service_status(name, tonic_health::ServingStatus::NotServing)
                .await;
        }
        routes.add_service(health_service);
        if config.reflection {
            add_reflection(&mut routes)?;
        }
        let app = public_router(routes, http, verifier, config);

        let metrics = telemetry::init_metrics().ok();
        let admin = admin_router(ready.clone(), note, shutdown.clone(), metrics);
        let admin = tokio::spawn(serve_until(
            listeners.admin,
            admin,
            shutdown.clone(),
            Duration::ZERO,
        ));
        let reporter = tokio::spawn(report_health(health, names, ready, shutdown.clone()));

        tracing::info!(addr = ?listeners.public.local_addr().ok(), "Serving");
        serve_until(listeners.public, app, shutdown, config.drain_timeout()).await;
        reporter.abort();
        admin.abort();
        tracing::info!("Stopped");
        Ok(())
    }
}

fn add_reflection(routes: &mut RoutesBuilder) -> anyhow::Result<()> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    routes.add_service(builder().build_v1()?);
    routes.add_service(builder().build_v1alpha()?);
    Ok(())
}

fn public_router(
    routes: RoutesBuilder,
    http: Router,
    verifier: TokenVerifier,
    config: &ServerConfig,
) -> Router {
    let rpc = ServiceBuilder::new()
        .layer(GrpcWebLayer::new())
        .layer(IdentityLayer::new(verifier))
        .layer(DeadlineLayer(Duration::from_secs(config.rpc_timeout_secs)));
    routes
        .routes()
        .into_axum_router()
        .layer(rpc)
        .merge(http)
        .fallback(unknown_path)
        .layer(axum::middleware::from_fn(request_id::layer))
        .layer(cors(config))
}

/// A gRPC client that calls what is not there is told so in gRPC.
async fn unknown_path(request: Request<Body>) -> axum::response::Response {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        return Status::unimplemented("there is no such method here").into_http();
    }
    StatusCode::NOT_FOUND.into_response()
}

fn cors(config: &ServerConfig) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(config.cors_allowed_origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("grpc-timeout"),
            HeaderName::from_static("x-grpc-web"),
            HeaderName::from_static("x-user-agent"),
            HeaderName::from_static("traceparent"),
            request_id::HEADER,
        ])
        .expose_headers([
            HeaderName::from_static("grpc-status"),
            HeaderName::from_static("grpc-message"),
            HeaderName::from_static("grpc-status-details-bin"),
            request_id::HEADER,
        ])
        .max_age(CORS_MAX_AGE)
}

fn admin_router(
    ready: Ready,
    note: Note,
    shutdown: Shutdown,
    metrics: Option<PrometheusHandle>,
) -> Router {
    let ready = move || async move {
        match check_ready(&ready, &shutdown).await {
            Ok(()) => {
                let note = note().map(|note| note + "\n").unwrap_or_default();
                (StatusCode::OK, format!("ready\n{note}"))
            }
            Err(error) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("not ready: {error:#}\n"),
            ),
        }
    };
    let metrics = move || async move { metrics.map(|handle| handle.render()).unwrap_or_default() };
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

async fn check_ready(ready: &Ready, shutdown: &Shutdown) -> anyhow::Result<()> {
    anyhow::ensure!(!shutdown.is_triggered(), "stopping");
    tokio::time::timeout(READY_TIMEOUT, ready())
        .await
        .context("the check took too long")?
}

async fn report_health(
    health: tonic_health::server::HealthReporter,
    names: Vec<&'static str>,
    ready: Ready,
    shutdown: Shutdown,
) {
    loop {
        let status = match check_ready(&ready, &shutdown).await {
            Ok(()) => tonic_health::ServingStatus::Serving,
            Err(_) => tonic_health::ServingStatus::NotServing,
        };
        for name in names.iter().copied().chain([""]) {
            health.set_service_status(name, status).await;
        }
        tokio::select! {
            () = tokio::time::sleep(READY_INTERVAL) => {}
            () = shutdown.triggered(), if !shutdown.is_triggered() => {}
        }
    }
}

/// Accepts connections until `shutdown`, then waits for those open, `drain` at most.
async fn serve_until(listener: TcpListener, app: Router, shutdown: Shutdown, drain: Duration) {
    let connections = GracefulShutdown::new();
    let builder = connection_builder();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: go on when some are free again.
                    tracing::warn!(%error, "A connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = shutdown.triggered() => break,
        };
        serve_connection(stream, &builder, app.clone(), &connections);
    }
    drop(listener);
    if tokio::time::timeout(drain, connections.shutdown())
        .await
        .is_err()
        && !drain.is_zero()
    {
        tracing::warn!("Calls were cut off at the end of the drain time");
    }
}

fn serve_connection(
    stream: TcpStream,
    builder: &auto::Builder<TokioExecutor>,
    app: Router,
    connections: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(app);
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "A connection ended with an error");
        }
    });
}

fn connection_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(HEADER_READ_TIMEOUT);
    builder
}
