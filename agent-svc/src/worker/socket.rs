//! One connection to the server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use livekit_protocol::server_message::Message as Down;
use livekit_protocol::worker_message::Message as Up;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use url::Url;

use super::job::Jobs;
use super::protocol;
use crate::app::App;
use crate::peers::LivekitGrant;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The server hears how busy we are this often, and a dead link is noticed within twice that.
const STATUS_INTERVAL: Duration = Duration::from_millis(2_500);
const PING_INTERVAL: Duration = Duration::from_secs(5);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(16);
const REPORT_CAPACITY: usize = 128;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Registers and serves until the connection breaks, which is an error, or the instance has
/// drained.
pub(super) async fn serve(app: &Arc<App>) -> anyhow::Result<()> {
    let token = app.auth.livekit_token(LivekitGrant::Worker).await?;
    let url = agent_url(&app.livekit.livekit_url)?;
    let (mut sink, mut stream) = connect(&url, &token).await?.split();
    send(
        &mut sink,
        protocol::register(&app.livekit.livekit_agent_name),
    )
    .await?;
    match timeout(CONNECT_TIMEOUT, next(&mut stream))
        .await
        .context("no answer to registering")??
    {
        Down::Register(answer) => {
            tracing::info!(worker.id = answer.worker_id, "Registered as LiveKit worker");
        }
        _ => bail!("the server did not answer to registering"),
    }
    let (out, reports) = mpsc::channel(REPORT_CAPACITY);
    let jobs = Jobs::new(app.clone(), out);
    work(app, sink, stream, jobs, reports).await
}

async fn work(
    app: &App,
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    mut jobs: Jobs,
    mut reports: mpsc::Receiver<Up>,
) -> anyhow::Result<()> {
    let mut statuses = interval(STATUS_INTERVAL);
    statuses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pings = interval(PING_INTERVAL);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = timeout(SILENCE_TIMEOUT, next(&mut stream)) => {
                let message = message.context("the server is silent")??;
                if matches!(message, Down::GoAway(_)) {
                    bail!("the server is stopping and sends its workers elsewhere");
                }
                if let Some(answer) = handle(&mut jobs, message) {
                    send(&mut sink, answer).await?;
                }
                send(&mut sink, status(app)).await?;
            }
            Some(report) = reports.recv() => send(&mut sink, report).await?,
            _ = statuses.tick() => {
                jobs.expire();
                send(&mut sink, status(app)).await?;
                if app.calls.is_draining() && app.calls.ids().is_empty() {
                    let _ = sink.close().await;
                    return Ok(());
                }
            }
            _ = pings.tick() => {
                let ping = Message::Ping(Vec::new().into());
                timeout(WRITE_TIMEOUT, sink.send(ping)).await.context("a ping is not taken")??;
            }
        }
    }
}

fn handle(jobs: &mut Jobs, message: Down) -> Option<Up> {
    match message {
        Down::Availability(request) => request.job.map(|job| jobs.offered(&job.id)),
        Down::Assignment(assignment) => {
            jobs.assigned(assignment);
            None
        }
        Down::Termination(termination) => {
            jobs.terminated(&termination.job_id);
            None
        }
        Down::Register(_) | Down::Pong(_) | Down::GoAway(_) => None,
    }
}

fn status(app: &App) -> Up {
    let (taken, limit) = app.calls.load();
    protocol::status(taken, limit, app.calls.is_draining())
}

async fn connect(url: &Url, token: &SecretString) -> anyhow::Result<Socket> {
    let mut request = url.as_str().into_client_request()?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))?;
    bearer.set_sensitive(true);
    request.headers_mut().insert("authorization", bearer);
    let (socket, _) = timeout(CONNECT_TIMEOUT, connect_async(request))
        .await
        .context("the LiveKit server does not answer")?
        .context("the LiveKit server cannot be reached")?;
    Ok(socket)
}

async fn send(sink: &mut SplitSink<Socket, Message>, message: Up) -> anyhow::Result<()> {
    let message = Message::binary(protocol::encode(message));
    timeout(WRITE_TIMEOUT, sink.send(message))
        .await
        .context("a message is not taken")??;
    Ok(())
}

/// The next message of the server that means anything to us.
async fn next(stream: &mut SplitStream<Socket>) -> anyhow::Result<Down> {
    loop {
        match stream
            .next()
            .await
            .context("the server closed the connection")??
        {
            Message::Binary(bytes) => {
                if let Some(message) = protocol::decode(&bytes)? {
                    return Ok(message);
                }
            }
            Message::Close(_) => bail!("the server closed the connection"),
            _ => {}
        }
    }
}

/// Where workers register at a server with this address.
pub(super) fn agent_url(livekit_url: &str) -> anyhow::Result<Url> {
    let mut url = Url::parse(livekit_url).context("LIVEKIT_URL is not a URL")?;
    let scheme = match url.scheme() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        other => bail!("LIVEKIT_URL has scheme {other}; ws, wss, http or https is needed"),
    };
    url.set_scheme(scheme)
        .map_err(|()| anyhow::anyhow!("LIVEKIT_URL names no host"))?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{path}/agent"));
    Ok(url)
}
