//! What is done to a LiveKit room from outside it.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;

use crate::peers::{Auth, LivekitGrant};

const TIMEOUT: Duration = Duration::from_secs(3);

/// LiveKit's room service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Rooms {
    http: reqwest::Client,
    auth: Auth,
    url: Url,
}

impl Rooms {
    /// The room service of the server at `livekit_url`, a WebSocket or HTTP address.
    pub(crate) fn new(
        http: reqwest::Client,
        auth: Auth,
        livekit_url: &str,
    ) -> anyhow::Result<Self> {
        let http_url =
            livekit_url.replacen("ws", "http", usize::from(livekit_url.starts_with("ws")));
        let mut url = Url::parse(&http_url)
            .map_err(|error| anyhow::anyhow!("LIVEKIT_URL is not a URL: {error}"))?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https") && url.has_host(),
            "LIVEKIT_URL must be ws://, wss://, http:// or https://"
        );
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!(
            "{path}/twirp/livekit.RoomService/RemoveParticipant"
        ));
        Ok(Self { http, auth, url })
    }

    /// Sends a caller out of a room whose call is over. A failure leaves them in an empty room.
    pub(crate) async fn remove(&self, room: &str, identity: &str) {
        let removed = tokio::time::timeout(TIMEOUT, self.try_remove(room, identity)).await;
        match removed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %format!("{error:#}"), "A caller could not be removed");
            }
            Err(_) => tracing::warn!("A caller could not be removed in time"),
        }
    }

    async fn try_remove(&self, room: &str, identity: &str) -> anyhow::Result<()> {
        let grant = LivekitGrant::RoomAdmin {
            room: room.to_owned(),
        };
        let token = self.auth.livekit_token(grant).await?;
        let request = self
            .http
            .post(self.url.clone())
            .bearer_auth(token.expose_secret())
            .json(&json!({"room": room, "identity": identity}));
        let response = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        // Who is not there need not be removed.
        anyhow::ensure!(
            status.is_success() || status.as_u16() == 404,
            "HTTP {status}"
        );
        Ok(())
    }
}
