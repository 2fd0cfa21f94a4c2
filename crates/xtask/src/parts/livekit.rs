//! The LiveKit server: one node on the loopback interface, with a key of its own.

use std::path::PathBuf;

use serde_json::json;

use super::part::{Probe, Process};
use super::plan::{Context, text};
use crate::endpoints::Livekit;
use crate::private_file;
use crate::project::Project;

pub(super) fn process(context: &Context) -> Process {
    Process {
        args: vec!["--config".into(), text(&config_path(context.project))],
        ..Process::new(
            context.installed.livekit_server.clone(),
            context.project.root(),
        )
    }
}

/// Ours answers HTTP where it is reached; of another it is enough that something listens.
pub(super) fn probe(livekit: &Livekit) -> Probe {
    let rest = livekit.url.strip_prefix("ws").unwrap_or(&livekit.url);
    let http = format!("http{rest}");
    match url::Url::parse(&http) {
        Ok(url) if !livekit.is_ours => match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => Probe::Tcp(format!("{host}:{port}")),
            _ => Probe::Http(http),
        },
        _ => Probe::Http(http),
    }
}

/// Writes the server's settings. JSON is YAML.
pub fn write_config(context: &Context) -> anyhow::Result<()> {
    let ports = context.endpoints.ports;
    let livekit = &context.endpoints.livekit;
    let config = json!({
        "port": ports.livekit(),
        "bind_addresses": ["127.0.0.1"],
        "rtc": {
            "tcp_port": ports.livekit_tcp(),
            "udp_port": ports.livekit_udp(),
            "use_external_ip": false,
            "node_ip": "127.0.0.1",
            "enable_loopback_candidate": true,
            "interfaces": {"includes": ["lo"]},
        },
        "keys": {&livekit.api_key: &livekit.api_secret},
        "logging": {"level": "warn"},
    });
    private_file::write(
        &config_path(context.project),
        &serde_json::to_vec_pretty(&config)?,
    )
}

fn config_path(project: &Project) -> PathBuf {
    project.dev_dir().join("livekit.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::endpoints;

    #[test]
    fn another_server_is_probed_at_its_port() {
        let of = |url: &str| {
            let env = format!("LIVEKIT_URL={url}\nLIVEKIT_API_KEY=k\nLIVEKIT_API_SECRET=s");
            probe(&endpoints(&env).livekit)
        };
        assert_eq!(of("wss://l.example"), Probe::Tcp("l.example:443".into()));
        assert_eq!(
            of("ws://127.0.0.1:7880"),
            Probe::Tcp("127.0.0.1:7880".into())
        );
    }
}
