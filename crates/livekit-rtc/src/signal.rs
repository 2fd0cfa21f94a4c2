//! The signalling connection: protobuf messages over a websocket, on a task of its own.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message as ToServer;
use proto::signal_response::Message as FromServer;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tracing::debug;
use url::Url;

use crate::JoinError;

/// The version of LiveKit's protocol that is spoken: the newest with two peer connections and
/// without moving between rooms.
const PROTOCOL: &str = "15";
/// Messages that may wait in each direction.
const CAPACITY: usize = 128;
/// How long a message may take to be written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take to say goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The largest message taken from the server.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Addresses of a host that are tried one after the other.
const MAX_ADDRESSES: usize = 4;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The near end of a signalling connection. Dropping it closes the connection, after what was
/// sent before.
#[derive(Debug)]
pub(crate) struct Signal {
    to_server: mpsc::Sender<Box<ToServer>>,
    from_server: mpsc::Receiver<SignalEvent>,
    task: JoinHandle<()>,
}

/// What happens to a signalling connection.
#[derive(Debug)]
pub(crate) enum SignalEvent {
    /// It is open; this is our address as the route to the server has it.
    Opened(IpAddr),
    /// It could not be opened. Nothing more comes.
    Failed(JoinError),
    /// The server said something.
    Message(Box<FromServer>),
}

impl Signal {
    /// Starts connecting, on a task of the current local set.
    pub(crate) fn open(url: Url, token: SecretString) -> Self {
        let (to_server, requests) = mpsc::channel(CAPACITY);
        let (events, from_server) = mpsc::channel(CAPACITY);
        let task = tokio::task::spawn_local(run(url, token, requests, events));
        Self {
            to_server,
            from_server,
            task,
        }
    }

    /// Closes the connection after what was sent before; the task ends when that is done.
    pub(crate) fn close(self) -> JoinHandle<()> {
        self.task
    }

    /// Queues a message, or says that the connection is stuck or gone.
    pub(crate) fn send(&self, message: Box<ToServer>) -> bool {
        self.to_server.try_send(message).is_ok()
    }

    /// The next event; `None` when the connection is gone.
    pub(crate) async fn recv(&mut self) -> Option<SignalEvent> {
        self.from_server.recv().await
    }
}

/// The address of the signalling endpoint of a server.
pub(crate) fn endpoint(server: &str, auto_subscribe: bool) -> Result<Url, JoinError> {
    let invalid = |why: &str| JoinError::InvalidUrl(format!("{why}, as in wss://example.org"));
    let mut url = Url::parse(server).map_err(|error| invalid(&format!("{error}; give a url")))?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        other => {
            return Err(invalid(&format!(
                "the scheme {other:?} is none of ws and wss"
            )));
        }
    };
    if url.host_str().is_none_or(str::is_empty) || url.set_scheme(scheme).is_err() {
        return Err(invalid("it names no host"));
    }
    let path = format!("{}/rtc", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.query_pairs_mut()
        .clear()
        .append_pair("protocol", PROTOCOL)
        .append_pair("auto_subscribe", if auto_subscribe { "1" } else { "0" })
        .append_pair("adaptive_stream", "0")
        .append_pair("sdk", "rust")
        .append_pair("version", env!("CARGO_PKG_VERSION"));
    url.set_fragment(None);
    Ok(url)
}

/// The address at which a stay goes on whose signalling connection was lost.
pub(crate) fn resumption(endpoint: &Url, sid: &str) -> Url {
    let reason = i32::from(proto::ReconnectReason::RrSignalDisconnected);
    let mut url = endpoint.clone();
    url.query_pairs_mut()
        .append_pair("reconnect", "1")
        .append_pair("reconnect_reason", &reason.to_string())
        .append_pair("sid", sid);
    url
}

async fn run(
    url: Url,
    token: SecretString,
    mut requests: mpsc::Receiver<Box<ToServer>>,
    events: mpsc::Sender<SignalEvent>,
) {
    let connected = tokio::select! {
        connected = connect(&url, &token) => connected,
        // Nothing is sent before the connection is open, so this is the near end going away.
        _ = requests.recv() => return,
    };
    match connected {
        Ok((socket, local)) => {
            if events.send(SignalEvent::Opened(local)).await.is_ok() {
                exchange(socket, requests, events).await;
            }
        }
        Err(error) => {
            // The near end may be gone.
            let _ = events.send(SignalEvent::Failed(error)).await;
        }
    }
}

async fn connect(url: &Url, token: &SecretString) -> Result<(Socket, IpAddr), JoinError> {
    let invalid = |error: tungstenite::Error| JoinError::InvalidUrl(error.to_string());
    let mut request = url.as_str().into_client_request().map_err(invalid)?;
    let mut bearer =
        HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| {
            JoinError::Unauthorized("the token is not a token: it has control characters".into())
        })?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, bearer);

    let stream = dial(url).await?;
    let local = stream
        .local_addr()
        .map_err(|error| unreachable(&error))?
        .ip();
    let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES));
    let (socket, _) = client_async_tls_with_config(request, stream, Some(config), None)
        .await
        .map_err(refused)?;
    Ok((socket, local))
}

/// Connects by TCP, IPv4 first: the address chosen here is the one media uses.
async fn dial(url: &Url) -> Result<TcpStream, JoinError> {
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| unreachable(&error))?
        .collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut failure = JoinError::Unreachable("the host name has no address".into());
    for address in addresses.into_iter().take(MAX_ADDRESSES) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Small messages that are waited for; the socket works without it too.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = unreachable(&error),
        }
    }
    Err(failure)
}

fn unreachable(error: &std::io::Error) -> JoinError {
    JoinError::Unreachable(error.to_string())
}

fn refused(error: tungstenite::Error) -> JoinError {
    let response: Response<Option<Vec<u8>>> = match error {
        tungstenite::Error::Http(response) => *response,
        other => return JoinError::Unreachable(other.to_string()),
    };
    let status = response.status();
    let body = response.into_body().unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let message: String = text.trim().chars().take(200).collect();
    let message = if message.is_empty() {
        status.to_string()
    } else {
        message
    };
    match status.as_u16() {
        401 => JoinError::Unauthorized(message),
        403 => JoinError::NotAllowed(message),
        404 => JoinError::RoomNotFound(message),
        status => JoinError::Refused { status, message },
    }
}

async fn exchange(
    mut socket: Socket,
    mut requests: mpsc::Receiver<Box<ToServer>>,
    events: mpsc::Sender<SignalEvent>,
) {
    let mut leaving = false;
    loop {
        tokio::select! {
            request = requests.recv() => {
                let Some(message) = request else { break };
                leaving = matches!(*message, ToServer::Leave(_));
                let request = proto::SignalRequest { message: Some(*message) };
                let frame = Message::Binary(request.encode_to_vec().into());
                match tokio::time::timeout(WRITE_TIMEOUT, socket.send(frame)).await {
                    Ok(Ok(())) => {}
                    _ => return,
                }
            }
            frame = socket.next() => match frame {
                Some(Ok(Message::Binary(bytes))) => match proto::SignalResponse::decode(bytes) {
                    Ok(proto::SignalResponse { message: Some(message) }) => {
                        if events.send(SignalEvent::Message(message.into())).await.is_err() {
                            break;
                        }
                    }
                    // A kind of message that is newer than this crate.
                    Ok(_) => {}
                    Err(_) => debug!("Ignored a signalling message that is not one"),
                },
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
    if leaving {
        // The server may miss the word of leaving if the connection is closed right behind it;
        // having taken it, the server closes by itself.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, read_to_end(&mut socket)).await;
    }
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, socket.close(None)).await;
}

async fn read_to_end(socket: &mut Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_form_of_a_server_url_is_understood() {
        let path =
            |server| endpoint(server, true).map(|url| url[..url::Position::AfterPath].to_owned());
        assert_eq!(
            path("ws://127.0.0.1:7880").unwrap(),
            "ws://127.0.0.1:7880/rtc"
        );
        assert_eq!(path("http://host/").unwrap(), "ws://host/rtc");
        assert_eq!(
            path("https://host/base/?x=1#y").unwrap(),
            "wss://host/base/rtc"
        );
    }

    #[test]
    fn a_stay_goes_on_at_an_address_of_its_own() {
        let url = resumption(&endpoint("ws://host", true).unwrap(), "PA_x&y");
        let query: Vec<_> = url.query_pairs().collect();
        let given = ["reconnect", "reconnect_reason", "sid"].map(|name| {
            let pair = query.iter().find(|(key, _)| key == name).unwrap();
            pair.1.to_string()
        });
        assert_eq!(given, ["1", "1", "PA_x&y"]);
        assert_eq!(url.path(), "/rtc");
    }

    #[test]
    fn a_useless_url_says_what_would_be_right() {
        for server in ["", "host:7880", "ftp://host", "ws://"] {
            let error = endpoint(server, true).unwrap_err();
            assert!(
                matches!(&error, JoinError::InvalidUrl(text) if text.contains("wss://")),
                "{error}"
            );
        }
    }
}
