//! Ways to the server: TCP, or memory so that tests can run in virtual time.

use std::io;
use std::sync::Arc;

use axum::serve::Listener;
use futures::future::BoxFuture;
use openai_realtime::client::{ByteStream, Dial};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::Url;

use crate::script::Door;
use crate::shared::Shared;

/// Bytes that are under way.
const IN_FLIGHT: usize = 64 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: usize = 16;

/// The client's end of memory.
#[derive(Debug)]
pub(crate) struct Memory {
    streams: mpsc::Sender<DuplexStream>,
    shared: Arc<Shared>,
}

/// The server's end of it.
#[derive(Debug)]
pub(crate) struct MemoryListener(mpsc::Receiver<DuplexStream>);

pub(crate) fn memory(shared: Arc<Shared>) -> (Memory, MemoryListener) {
    let (streams, queue) = mpsc::channel(BACKLOG);
    (Memory { streams, shared }, MemoryListener(queue))
}

impl Dial for Memory {
    fn dial(&self, _url: &Url) -> BoxFuture<'_, io::Result<Box<dyn ByteStream>>> {
        Box::pin(async {
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            self.shared.knocked();
            if matches!(self.shared.door(), Door::Down) {
                return Err(refused());
            }
            let (ours, theirs) = tokio::io::duplex(IN_FLIGHT);
            self.streams.send(theirs).await.map_err(|_| refused())?;
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

impl Listener for MemoryListener {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            // Nobody can connect any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// TCP whose connections are dropped while the server is down.
#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) listener: TcpListener,
    pub(crate) shared: Arc<Shared>,
}

impl Listener for Tcp {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (TcpStream, std::net::SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            self.shared.knocked();
            if !matches!(self.shared.door(), Door::Down) {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }
}
