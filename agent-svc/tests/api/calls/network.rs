//! The network between a caller and a LiveKit server, which can be cut: a relay of signalling and media.
//!
//! What either end is told of the other's addresses is changed on the way, so that every datagram has to
//! pass here.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use livekit_protocol as lk;
use lk::signal_request::Message as ToServer;
use lk::signal_response::Message as FromServer;
use prost::Message as _;
use test_kit::LivekitServer;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{accept_hdr_async, connect_async};

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    Everything,
    /// Nothing: datagrams are lost, and what TCP carries waits. Nobody is told.
    Nothing,
    /// Nothing, and connections are broken, as when a device loses its interface.
    Broken,
}

/// A network, which ends when it is dropped.
pub struct Network {
    port: u16,
    passing: watch::Sender<Passing>,
    _tasks: JoinSet<()>,
}

impl Network {
    pub async fn before(server: &LivekitServer) -> io::Result<Self> {
        let signalling = TcpListener::bind("127.0.0.1:0").await?;
        let media = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let port = signalling.local_addr()?.port();
        let passing = watch::Sender::new(Passing::Everything);
        let route = Route {
            server: server.url(),
            media: SocketAddr::from(([127, 0, 0, 1], server.media_port())),
            relay: media.local_addr()?,
            passing: passing.subscribe(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(route.clone().carry_datagrams(media));
        tasks.spawn(route.carry_signalling(signalling));
        Ok(Self {
            port,
            passing,
            _tasks: tasks,
        })
    }

    /// The server as whoever is behind the network reaches it.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub fn lets(&self, passing: Passing) {
        self.passing.send_replace(passing);
    }
}

/// From whom to whom.
#[derive(Clone)]
struct Route {
    server: String,
    /// The server's end of media, and ours in its place.
    media: SocketAddr,
    relay: SocketAddr,
    passing: watch::Receiver<Passing>,
}

impl Route {
    /// Carries datagrams, each of the caller's sockets by one of ours: the server tells peer
    /// connections apart by them.
    async fn carry_datagrams(self, near: Arc<UdpSocket>) {
        let mut sockets: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut buffer = vec![0; 2_048];
        loop {
            // Errors are echoes of datagrams that found nobody.
            let Ok((size, from)) = near.recv_from(&mut buffer).await else {
                continue;
            };
            if *self.passing.borrow() != Passing::Everything {
                continue;
            }
            let socket = sockets.entry(from).or_insert_with(|| {
                let (sender, datagrams) = mpsc::channel(256);
                tasks.spawn(self.clone().carry_one(near.clone(), from, datagrams));
                sender
            });
            // A datagram too many is lost.
            let _ = socket.try_send(buffer[..size].to_vec());
        }
    }

    async fn carry_one(
        self,
        near: Arc<UdpSocket>,
        caller: SocketAddr,
        mut datagrams: mpsc::Receiver<Vec<u8>>,
    ) {
        let far = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let mut buffer = vec![0; 2_048];
        loop {
            tokio::select! {
                datagram = datagrams.recv() => {
                    let Some(datagram) = datagram else { return };
                    let _ = far.send_to(&datagram, self.media).await;
                }
                Ok((size, _)) = far.recv_from(&mut buffer) => {
                    if *self.passing.borrow() == Passing::Everything {
                        let _ = near.send_to(&buffer[..size], caller).await;
                    }
                }
            }
        }
    }

    async fn carry_signalling(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        while let Ok((near, _)) = listener.accept().await {
            if *self.passing.borrow() == Passing::Broken {
                continue;
            }
            let route = self.clone();
            connections.spawn(async move {
                // However it ends, both ends are closed.
                let _ = route.carry_connection(near).await;
            });
        }
    }

    async fn carry_connection(mut self, near: TcpStream) -> Result<(), tungstenite::Error> {
        // Whoever knocks meanwhile is not heard either.
        let is_open = |passing: &Passing| *passing == Passing::Everything;
        if self.passing.wait_for(is_open).await.is_err() {
            return Ok(());
        }
        let (mut asked, mut token) = (String::new(), None);
        #[expect(clippy::result_large_err, reason = "tungstenite says what it is")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            asked = request.uri().to_string();
            token = request.headers().get("authorization").cloned();
            Ok(response)
        };
        let mut near = accept_hdr_async(near, look).await?;
        let mut request = format!("{}{asked}", self.server).into_client_request()?;
        if let Some(token) = token {
            request.headers_mut().insert("authorization", token);
        }
        let (mut far, _) = connect_async(request).await?;
        loop {
            let is_open = *self.passing.borrow_and_update() == Passing::Everything;
            tokio::select! {
                changed = self.passing.changed() => {
                    if changed.is_err() || *self.passing.borrow() == Passing::Broken {
                        return Ok(());
                    }
                }
                message = near.next(), if is_open => match message {
                    Some(message) => far.send(self.for_server(message?)).await?,
                    None => return Ok(()),
                },
                message = far.next(), if is_open => match message {
                    Some(message) => near.send(self.for_caller(message?)).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// The server is not told where the caller is: it answers whoever writes to it.
    fn for_server(&self, message: Message) -> Message {
        let Message::Binary(bytes) = &message else {
            return message;
        };
        let Ok(mut request) = lk::SignalRequest::decode(bytes.clone()) else {
            return message;
        };
        match &mut request.message {
            Some(ToServer::Offer(description) | ToServer::Answer(description)) => {
                let is_candidate = |line: &&str| line.starts_with("a=candidate:");
                let lines = description.sdp.split_inclusive('\n');
                description.sdp = lines.filter(|line| !is_candidate(line)).collect();
            }
            _ => return message,
        }
        Message::binary(request.encode_to_vec())
    }

    /// The caller is told of our end of media in place of the server's.
    fn for_caller(&self, message: Message) -> Message {
        let Message::Binary(bytes) = &message else {
            return message;
        };
        let Ok(mut response) = lk::SignalResponse::decode(bytes.clone()) else {
            return message;
        };
        let place = |address: SocketAddr| format!(" {} {} typ ", address.ip(), address.port());
        let ours = |text: &mut String| *text = text.replace(&place(self.media), &place(self.relay));
        match &mut response.message {
            Some(FromServer::Offer(description) | FromServer::Answer(description)) => {
                ours(&mut description.sdp);
            }
            Some(FromServer::Trickle(trickle)) => ours(&mut trickle.candidate_init),
            _ => return message,
        }
        Message::binary(response.encode_to_vec())
    }
}
