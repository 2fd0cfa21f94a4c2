//! A line to the server that can be cut without a word, as a lost network does.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub struct Line {
    /// Where to connect to, once.
    pub address: String,
    relaying: JoinHandle<()>,
}

impl Line {
    pub async fn to(server: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let server = server.to_owned();
        let relaying = tokio::spawn(async move {
            let (Ok((mut near, _)), Ok(mut far)) =
                tokio::join!(listener.accept(), TcpStream::connect(server))
            else {
                return;
            };
            for socket in [&near, &far] {
                // Audio goes in small pieces that must not wait for each other.
                let _ = socket.set_nodelay(true);
            }
            // An end on either side ends the other; who is connected notices.
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
        Ok(Self { address, relaying })
    }

    pub async fn cut(&mut self) {
        self.relaying.abort();
        // It is gone after its next step, which is soon.
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.relaying).await;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.relaying.abort();
    }
}
