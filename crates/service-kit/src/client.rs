//! Calling other services: channels that notice a dead peer, and the token that says who we are.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use http::Uri;
use proto::insta::auth::v1::{IssueServiceTokenRequest, auth_service_client::AuthServiceClient};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use crate::{clock::Clock, config::ClientConfig, field};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(10);
const TOKEN_TIMEOUT: Duration = Duration::from_secs(3);
/// A token is renewed when it has less than this left.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(1);

/// A channel to the service at `url`, connected when it is first used and again whenever it breaks.
///
/// # Errors
/// When the TLS set-up of an https address fails.
pub fn channel(url: &Uri) -> Result<Channel, tonic::transport::Error> {
    let mut endpoint = Endpoint::from(url.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(CONNECT_TIMEOUT)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    if url.scheme_str() == Some("https") {
        endpoint = endpoint.tls_config(ClientTlsConfig::new().with_native_roots())?;
    }
    Ok(endpoint.connect_lazy())
}

/// A request with a bearer token and a deadline that travels with it.
pub fn request<T>(message: T, token: &BearerToken, timeout: Duration) -> Request<T> {
    let mut request = stream_request(message, token);
    request.set_timeout(timeout);
    request
}

/// A request with a bearer token for a stream, which lasts as long as it lasts.
pub fn stream_request<T>(message: T, token: &BearerToken) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", token.0.clone());
    request
}

/// A token as it is sent. It never shows in debug output.
#[derive(Clone)]
pub struct BearerToken(MetadataValue<Ascii>);

impl BearerToken {
    /// # Errors
    /// INTERNAL when the text cannot stand in a header, which no token of ours does.
    pub fn new(token: &str) -> Result<Self, Status> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}")
            .parse()
            .map_err(|_| Status::internal("a token cannot be sent as a header"))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl std::fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

/// This service's own token, fetched from auth-svc and renewed before it ends. Cheap to clone.
#[derive(Clone)]
pub struct ServiceTokens(Arc<Inner>);

struct Inner {
    client: AuthServiceClient<Channel>,
    client_id: String,
    client_secret: SecretString,
    clock: Clock,
    current: Mutex<Option<(BearerToken, DateTime<Utc>)>>,
}

impl ServiceTokens {
    /// Tokens of the client in `config`, from auth-svc at the other end of `channel`.
    pub fn new(channel: Channel, config: ClientConfig, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            client: AuthServiceClient::new(channel),
            client_id: config.client_id.into(),
            client_secret: config.client_secret,
            clock,
            current: Mutex::new(None),
        }))
    }

    /// A token that is good for a minute at least.
    ///
    /// # Errors
    /// The status of auth-svc, or UNAVAILABLE.
    pub async fn get(&self) -> Result<BearerToken, Status> {
        let inner = &self.0;
        let mut current = inner.current.lock().await;
        if let Some((token, end)) = &*current
            && *end - inner.clock.now() > RENEW_BEFORE
        {
            return Ok(token.clone());
        }
        let mut request = Request::new(IssueServiceTokenRequest {
            client_id: inner.client_id.clone(),
            client_secret: inner.client_secret.expose_secret().to_owned(),
            scopes: Vec::new(),
        });
        request.set_timeout(TOKEN_TIMEOUT);
        let answer = inner
            .client
            .clone()
            .issue_service_token(request)
            .await?
            .into_inner();
        let end = answer
            .expire_time
            .and_then(|time| field::time(time).ok())
            .ok_or_else(|| Status::unavailable("auth-svc sent a token without its end"))?;
        let token = BearerToken::new(&answer.service_token)?;
        *current = Some((token.clone(), end));
        Ok(token)
    }
}
