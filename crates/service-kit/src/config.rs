//! Settings that every service has. Each is a flag and an environment variable; `--help` shows both.

use std::{net::SocketAddr, time::Duration};

use clap::{Args, ValueEnum};
use http::HeaderValue;
use secrecy::SecretString;

use crate::caller::ClientId;

/// How the process serves and logs.
#[derive(Clone, Debug, Args)]
pub struct ServerConfig {
    /// Address of gRPC, gRPC-web and the public HTTP routes.
    #[arg(long, env, value_name = "IP:PORT")]
    pub listen_addr: SocketAddr,

    /// Address of /healthz, /readyz and /metrics.
    #[arg(long, env, value_name = "IP:PORT")]
    pub admin_addr: SocketAddr,

    /// What the process is run for. Demo data and emulator tokens exist in `dev` only.
    #[arg(
        long = "env",
        env = "INSTA_ENV",
        value_enum,
        default_value = "production"
    )]
    pub environment: Environment,

    /// Origins of web pages that may call this service, separated by commas, for example https://app.example.com.
    #[arg(long, env, value_delimiter = ',', value_parser = origin)]
    pub cors_allowed_origins: Vec<HeaderValue>,

    /// Whether gRPC reflection is served, so that grpcurl and buf curl need no files.
    #[arg(long, env, default_value_t = true, action = clap::ArgAction::Set)]
    pub reflection: bool,

    /// How long an RPC may take, in seconds, unless the client asks for less.
    #[arg(long, env, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub rpc_timeout_secs: u64,

    /// How long calls under way may go on after SIGTERM, in seconds; then the process ends.
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub drain_timeout_secs: u64,

    #[command(flatten)]
    pub telemetry: TelemetryConfig,
}

impl ServerConfig {
    /// How long calls under way may go on after SIGTERM.
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout_secs)
    }
}

/// What the process is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// A developer's machine or a test.
    Dev,
    /// Everything else.
    Production,
}

/// How the process logs.
#[derive(Clone, Debug, Args)]
pub struct TelemetryConfig {
    /// Which log lines are written, for example `info,agent_svc=debug`.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log_filter: String,

    /// The form of log lines.
    #[arg(long, env, value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Where auth-svc is.
#[derive(Clone, Debug, Args)]
pub struct AuthConfig {
    /// Base URL of auth-svc, for example http://127.0.0.1:7701.
    #[arg(long, env)]
    pub auth_url: http::Uri,
}

/// Who this service is to the others.
#[derive(Clone, Debug, Args)]
pub struct ClientConfig {
    /// Id of this service's client at auth-svc.
    #[arg(long, env)]
    pub client_id: ClientId,

    /// Secret of that client.
    #[arg(long, env, hide_env_values = true)]
    pub client_secret: SecretString,
}

/// An exact origin: scheme, host and perhaps a port. `*` is refused, since tokens travel with these requests.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let wanted = "must be an exact origin such as https://app.example.com";
    let uri: http::Uri = text.parse().map_err(|_| wanted)?;
    let exact = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
    match uri.scheme_str() {
        Some("http" | "https") if exact && uri.host().is_some() => {
            HeaderValue::from_str(text).map_err(|_| wanted.into())
        }
        _ => Err(wanted.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn origins_are_exact() {
        for good in ["https://app.example.com", "http://127.0.0.1:7700"] {
            assert_eq!(origin(good).unwrap(), good);
        }
        for bad in [
            "*",
            "",
            "app.example.com",
            "https://a.b/",
            "https://a.b/x",
            "ftp://a.b",
            "null",
        ] {
            assert!(origin(bad).is_err(), "{bad:?}");
        }
    }
}
