//! A client connection: it moves events both ways and says how it ended.
//!
//! Two tasks serve a socket, so that a slow consumer never delays what is sent. Every queue has
//! a capacity and every wait a deadline. Reconnecting, replay and anything else that knows about
//! conversations is the user's.

mod address;
mod connection;
mod error;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{client_async_with_config, connect_async_with_config};
use url::Url;

pub use address::realtime_url;
pub use connection::{Connection, Receiver, Sender};
pub use error::{Closed, ConnectError, SendError};

/// How often a ping goes out. Three of them fit into [`SILENCE_TIMEOUT`], so that one lost on the
/// way cuts nothing.
pub const PING_INTERVAL: Duration = Duration::from_millis(2_500);

/// A connection counts as dead after so long without any frame. A caller should not wait longer
/// than 10 s for an answer that cannot come, and this leaves 2 s of them to connect again. An idle
/// server is not silent: it answers pings.
pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(8);

/// A byte stream to a server.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A way to a server that is not TCP, such as memory.
pub trait Dial: fmt::Debug + Send + Sync {
    /// Opens a stream to the server of this address. TLS, if any, is the dialler's.
    fn dial(&self, url: &Url) -> BoxFuture<'_, io::Result<Box<dyn ByteStream>>>;
}

/// Where and how to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// `OPENAI_BASE_URL` or a whole Realtime address; see [`realtime_url`] for the rule.
    pub base_url: String,
    /// The model, as query parameter; `None` leaves it to the server.
    pub model: Option<String>,
    /// Sent as bearer token.
    pub api_key: SecretString,
    /// How the server is reached; `None` is TCP, with TLS for `wss`.
    pub dial: Option<Arc<dyn Dial>>,
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
            dial: None,
            connect_timeout: Duration::from_secs(10),
            ping_interval: PING_INTERVAL,
            silence_timeout: SILENCE_TIMEOUT,
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
    let connecting = async {
        match &options.dial {
            Some(dial) => {
                let stream = dial.dial(&url).await.map_err(SocketError::Io)?;
                let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
                Ok::<_, ConnectError>(Connection::start(socket, options))
            }
            None => {
                // Audio goes out in small frames at once: waiting to fill a segment would cost
                // latency.
                let disable_nagle = true;
                let (socket, _) =
                    connect_async_with_config(request, Some(config), disable_nagle).await?;
                Ok(Connection::start(socket, options))
            }
        }
    };
    tokio::time::timeout(options.connect_timeout, connecting)
        .await
        .map_err(|_| ConnectError::Timeout(options.connect_timeout))?
}
