//! Losing the signalling connection alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use livekit_rtc::{Event, JoinOptions};
use test_kit::LivekitServer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::room::{join, options, shard};

/// Stands before the signalling of a server, and can cut it.
struct Proxy {
    port: u16,
    connections: Arc<AtomicUsize>,
    cuts: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Proxy {
    async fn start(server: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (cuts, connections) = (watch::Sender::new(()), Arc::default());
        let task = tokio::spawn(serve(
            listener,
            server,
            cuts.clone(),
            Arc::clone(&connections),
        ));
        Ok(Self {
            port,
            connections,
            cuts,
            task,
        })
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    server: u16,
    cuts: watch::Sender<()>,
    connections: Arc<AtomicUsize>,
) {
    while let Ok((mut near, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::Relaxed);
        let mut cut = cuts.subscribe();
        tokio::spawn(async move {
            let Ok(mut far) = TcpStream::connect(("127.0.0.1", server)).await else {
                return;
            };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = cut.changed() => {}
            }
        });
    }
}

#[tokio::test]
async fn signalling_that_is_cut_is_made_again_and_nothing_is_missed() -> anyhow::Result<()> {
    let server = LivekitServer::start().await?;
    let proxy = Proxy::start(server.port()).await?;
    let shard = shard();
    let by_proxy = JoinOptions {
        url: proxy.url(),
        ..options(&server, server.token("r", "ann"))
    };
    let mut ann = join(&shard, by_proxy, 440.0).await?;
    let mut bob = join(&shard, options(&server, server.token("r", "bob")), 880.0).await?;
    ann.ear.hears("bob", 880.0).await;
    bob.ear.hears("ann", 440.0).await;
    let before = ann.participant.local();

    for round in 1..=2_usize {
        ann.ear.count_anew();
        bob.ear.count_anew();
        proxy.cuts.send_replace(());
        // Asked for in the gap, done after it.
        let count = [("cuts".to_owned(), round.to_string())];
        ann.participant.set_attributes(count.clone().into()).await?;
        bob.wait_for("ann's attributes", |event| match event {
            Event::ParticipantDisconnected { .. } | Event::TrackUnsubscribed { .. } => {
                panic!("ann should not have left: {event:?}")
            }
            Event::AttributesChanged { changed, .. } => {
                (changed == count.clone().into()).then_some(())
            }
            _ => None,
        })
        .await;
        ann.ear.hears_anew("bob", 880.0).await;
        bob.ear.hears_anew("ann", 440.0).await;
        assert_eq!(proxy.connections.load(Ordering::Relaxed), 1 + round);
        assert_eq!(
            ann.participant.local(),
            before,
            "the same stay, the same track"
        );
        // What ann says goes on. LiveKit checks the path of what she hears anew, and sends nothing until
        // that is done.
        let (by_bob, by_ann) = (bob.ear.counted(), ann.ear.counted());
        assert!(by_bob.frames > 20 && by_bob.silent == 0, "bob: {by_bob:?}");
        assert!(by_ann.frames > 20 && by_ann.silent <= 30, "ann: {by_ann:?}");
    }

    // The new signalling connection takes part in what comes.
    let _eve = join(&shard, options(&server, server.token("r", "eve")), 660.0).await?;
    ann.ear.hears("eve", 660.0).await;
    ann.wait_for("eve", |event| match event {
        Event::Reconnecting => panic!("only signalling was lost"),
        Event::ParticipantConnected(other) => (other.identity.as_str() == "eve").then_some(()),
        _ => None,
    })
    .await;
    Ok(())
}
