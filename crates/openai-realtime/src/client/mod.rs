//! A client connection: it moves events both ways and says how it ended.
//!
//! Two tasks serve a socket, so that a slow consumer never delays what is sent. Every queue has
//! a capacity and every wait a deadline. Reconnecting, replay and anything else that knows about
//! conversations is the user's.

mod address;
mod connection;
mod error;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

pub use address::realtime_url;
pub use connection::{Connection, Receiver, Sender};
pub use error::{Closed, ConnectError, SendError};

/// Where and how to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// `OPENAI_BASE_URL` or a whole Realtime address; see [`realtime_url`] for the rule.
    pub base_url: String,
    /// The model, as query parameter; `None` leaves it to the server.
    pub model: Option<String>,
    /// Sent as bearer token.
    pub api_key: SecretString,
    /// The longest wait for DNS, TCP, TLS and the upgrade together.
    pub connect_timeout: Duration,
    /// A ping goes out this often.
    pub ping_interval: Duration,
    /// The connection counts as dead after so long without any frame; several ping intervals.
    pub silence_timeout: Duration,
    /// The longest wait for a socket write, for a place in the outgoing queue, and for closing.
    pub write_timeout: Duration,
    /// Events that may wait to be sent.
    pub outgoing_capacity: usize,
    /// Events that may wait to be received; past it the socket is not read.
    pub incoming_capacity: usize,
    /// The largest message accepted, in bytes.
    pub max_message_bytes: usize,
}

impl Options {
    /// Options with the usual times and sizes.
    pub fn new(base_url: impl Into<String>, api_key: SecretString) -> Self {
        Self {
            base_url: base_url.into(),
            model: None,
            api_key,
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(5),
            silence_timeout: Duration::from_secs(16),
            write_timeout: Duration::from_secs(5),
            outgoing_capacity: 256,
            incoming_capacity: 256,
            max_message_bytes: 16 * 1024 * 1024,
        }
    }
}

/// Connects. The first event is the server's `session.created`.
///
/// `wss` needs a process-wide rustls crypto provider, which mains install.
///
/// # Errors
/// See [`ConnectError`]; [`ConnectError::is_retryable`] says whether to try again.
pub async fn connect(options: &Options) -> Result<Connection, ConnectError> {
    let url = realtime_url(&options.base_url, options.model.as_deref())?;
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|error| ConnectError::Address(error.to_string()))?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", options.api_key.expose_secret()))
        .map_err(|_| ConnectError::Key)?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let config = WebSocketConfig::default()
        .max_message_size(Some(options.max_message_bytes))
        .max_frame_size(Some(options.max_message_bytes));
    // Audio goes out in small frames at once: waiting to fill a segment would cost latency.
    let disable_nagle = true;
    let connecting = connect_async_with_config(request, Some(config), disable_nagle);
    let (socket, _) = tokio::time::timeout(options.connect_timeout, connecting)
        .await
        .map_err(|_| ConnectError::Timeout(options.connect_timeout))?
        .map_err(ConnectError::from)?;
    Ok(Connection::start(socket, options))
}
