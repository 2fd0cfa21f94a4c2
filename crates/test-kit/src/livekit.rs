//! A LiveKit server of a test's own, on loopback.
//!
//! It is the binary that the variable `LIVEKIT_SERVER` names; `cargo xtask setup` gets it and
//! `cargo xtask test` sets the variable.

use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use livekit_api::access_token::{AccessToken, VideoGrants};
use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long the server may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A server, killed when it is dropped.
pub struct LivekitServer {
    child: Option<Child>,
    directory: PathBuf,
    port: u16,
    media_port: u16,
    keys: LivekitKeys,
}

/// What a server's tokens are signed with.
#[derive(Clone)]
pub struct LivekitKeys {
    key: String,
    secret: String,
}

impl LivekitServer {
    /// Starts one on free ports.
    ///
    /// # Errors
    /// It cannot be started, or has not in time.
    pub async fn start() -> anyhow::Result<Self> {
        let id = Uuid::new_v4().simple().to_string();
        let directory = std::env::temp_dir().join(format!("test-livekit-{id}"));
        std::fs::create_dir(&directory)?;
        let (key, secret) = (
            format!("key-{}", &id[..8]),
            format!("{}{id}", Uuid::new_v4().simple()),
        );
        let (port, tcp, udp) = (free_tcp_port()?, free_tcp_port()?, free_udp_port()?);
        let config = format!(
            "port: {port}\n\
             bind_addresses: [\"127.0.0.1\"]\n\
             rtc:\n  tcp_port: {tcp}\n  udp_port: {udp}\n  use_external_ip: false\n  \
             node_ip: 127.0.0.1\n  enable_loopback_candidate: true\n  \
             interfaces: {{includes: [\"lo\"]}}\n\
             keys: {{{key}: {secret}}}\n\
             logging: {{level: warn}}\n"
        );
        std::fs::write(directory.join("livekit.yaml"), config)?;
        let mut server = Self {
            child: None,
            directory,
            port,
            media_port: udp,
            keys: LivekitKeys { key, secret },
        };
        server.restart().await?;
        Ok(server)
    }

    /// Starts the process again, on the same address with the same keys.
    ///
    /// # Errors
    /// It cannot be started, or has not in time.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        let binary = std::env::var_os("LIVEKIT_SERVER").context(
            "LIVEKIT_SERVER does not name a LiveKit server binary; `cargo xtask setup` gets one",
        )?;
        let log = std::fs::File::create(self.directory.join("server.log"))?;
        let child = Command::new(&binary)
            .arg("--config")
            .arg(self.directory.join("livekit.yaml"))
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        self.child = Some(child);
        let limit = Instant::now() + START_LIMIT;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            ensure!(
                Instant::now() < limit,
                "the server did not start: {}",
                self.log()
            );
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok()?) {
                bail!("the server ended with {status}: {}", self.log());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; either way it is gone afterwards.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The TCP port of signalling, APIs and workers.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The UDP port of media.
    pub fn media_port(&self) -> u16 {
        self.media_port
    }

    /// Where participants and workers connect.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// What its tokens are signed with.
    pub fn keys(&self) -> LivekitKeys {
        self.keys.clone()
    }

    /// A token of an ordinary participant.
    pub fn token(&self, room: &str, identity: &str) -> SecretString {
        self.keys.mint(identity, "standard", livekit_grants(room))
    }

    /// A token that makes its holder an agent.
    pub fn agent_token(&self, room: &str, identity: &str) -> SecretString {
        self.keys.agent_token(room, identity)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("server.log")).unwrap_or_default()
    }
}

impl LivekitKeys {
    /// A token of a participant of this kind.
    pub fn mint(&self, identity: &str, kind: &str, grants: VideoGrants) -> SecretString {
        self.sign(|token| {
            token
                .with_identity(identity)
                .with_kind(kind)
                .with_grants(grants)
        })
    }

    /// A token that makes its holder an agent.
    pub fn agent_token(&self, room: &str, identity: &str) -> SecretString {
        let grants = VideoGrants {
            agent: true,
            ..livekit_grants(room)
        };
        self.mint(identity, "agent", grants)
    }

    /// A token with whatever is put into it.
    pub fn sign(&self, fill: impl FnOnce(AccessToken) -> AccessToken) -> SecretString {
        fill(AccessToken::with_api_key(&self.key, &self.secret))
            .to_jwt()
            .expect("the key and the grants are complete")
            .into()
    }
}

impl Drop for LivekitServer {
    fn drop(&mut self) {
        self.kill();
        // What stays behind is a small folder in the temporary one.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// What lets somebody into a room, to do there whatever participants do.
pub fn livekit_grants(room: &str) -> VideoGrants {
    VideoGrants {
        room_join: true,
        room: room.into(),
        can_update_own_metadata: Some(true),
        ..VideoGrants::default()
    }
}

fn free_tcp_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn free_udp_port() -> anyhow::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}
