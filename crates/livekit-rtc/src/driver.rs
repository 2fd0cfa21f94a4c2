//! Drives one participant: carries out what its state machine asks, on real sockets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use livekit_protocol as proto;
use secrecy::SecretString;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use tracing::debug;
use url::Url;
use uuid::Uuid;

use crate::core::{Input, Output, Role, Session, SessionConfig, Sockets};
use crate::event::EventSender;
use crate::participant::{COMMAND_CAPACITY, Request};
use crate::shard::Place;
use crate::signal::{self, Signal, SignalEvent};
use crate::{
    AudioHandler, DisconnectReason, Events, JoinError, JoinOptions, LocalParticipant, Participant,
    ShardConfig,
};

/// Room for the largest datagram that media over UDP uses, and more.
const DATAGRAM_BYTES: usize = 2_048;
/// Datagrams taken from a socket before others get their turn.
const DATAGRAMS_IN_A_ROW: usize = 16;

/// A participant to be.
pub(crate) struct JoinRequest {
    pub(crate) options: JoinOptions,
    pub(crate) audio: Box<dyn AudioHandler>,
    pub(crate) place: Place,
    pub(crate) reply: oneshot::Sender<Result<(Participant, Events), JoinError>>,
}

/// What all participants of a shard have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ShardConfig,
    /// Start of the clock.
    pub(crate) epoch: Instant,
    /// The wall clock at the epoch, in milliseconds since the Unix epoch.
    pub(crate) epoch_unix_ms: i64,
}

impl Shared {
    pub(crate) fn new(config: ShardConfig) -> Self {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let epoch_unix_ms = i64::try_from(unix.as_millis()).unwrap_or_default();
        Self {
            config,
            epoch: Instant::now(),
            epoch_unix_ms,
        }
    }
}

/// Lives as long as the participant does.
pub(crate) async fn drive(
    shared: Arc<Shared>,
    request: JoinRequest,
    mut stopped: watch::Receiver<bool>,
) {
    let JoinRequest {
        options,
        audio,
        place: _place,
        reply,
    } = request;
    let url = match signal::endpoint(&options.url, options.auto_subscribe) {
        Ok(url) => url,
        Err(error) => return answer(reply, Err(error)),
    };
    let mut driver = Driver::new(shared, url, &options, reply);
    let session = driver.session(options, audio);
    driver.run(session, &mut stopped).await;
    // Only now is everything said that was to be said to the server.
    if let Some(closing) = driver.closing.take() {
        let _ = closing.await;
    }
}

/// The I/O of one participant.
struct Driver {
    shared: Arc<Shared>,
    url: Url,
    signal: Option<Signal>,
    sockets: Option<[UdpSocket; 2]>,
    requests: mpsc::Receiver<Request>,
    events: Option<EventSender>,
    local: watch::Sender<LocalParticipant>,
    joining: Option<Joining>,
    abandoned: bool,
    /// The last signalling connection, on its way out.
    closing: Option<JoinHandle<()>>,
}

/// What a successful join gives, and to whom.
struct Joining {
    participant: Participant,
    events: Events,
    reply: oneshot::Sender<Result<(Participant, Events), JoinError>>,
}

enum Wakeup {
    Time,
    Request(Request),
    /// Nobody commands the participant any more.
    Abandoned,
    Signal(Option<SignalEvent>),
    Datagrams(Role),
}

impl Driver {
    fn new(
        shared: Arc<Shared>,
        url: Url,
        options: &JoinOptions,
        reply: oneshot::Sender<Result<(Participant, Events), JoinError>>,
    ) -> Self {
        let (sender, requests) = mpsc::channel(COMMAND_CAPACITY);
        let (event_sender, events) = EventSender::new(options.event_capacity);
        let nobody = LocalParticipant {
            identity: "".into(),
            sid: String::new(),
            room: String::new(),
            track: None,
        };
        let (local, local_receiver) = watch::channel(nobody);
        let participant = Participant::new(sender, local_receiver, options.command_timeout);
        Self {
            shared,
            url,
            signal: None,
            sockets: None,
            requests,
            events: Some(event_sender),
            local,
            joining: Some(Joining {
                participant,
                events,
                reply,
            }),
            abandoned: false,
            closing: None,
        }
    }

    fn session(&self, options: JoinOptions, audio: Box<dyn AudioHandler>) -> Session {
        let config = SessionConfig {
            epoch: self.shared.epoch,
            epoch_unix_ms: self.shared.epoch_unix_ms,
            seed: Uuid::new_v4().as_u64_pair().0,
        };
        Session::new(Instant::now(), config, options, audio)
    }

    async fn run(&mut self, mut session: Session, stopped: &mut watch::Receiver<bool>) {
        let mut buffer = vec![0; DATAGRAM_BYTES];
        loop {
            while let Some(output) = session.poll() {
                if !self.carry_out(output) {
                    return;
                }
            }
            let Some(deadline) = session.next_deadline() else {
                return;
            };
            let wakeup = self.wait(deadline.into(), stopped).await;
            let now = Instant::now();
            match wakeup {
                Wakeup::Time => session.handle(now, Input::Timeout),
                Wakeup::Request(request) => session.handle(now, Input::Request(request)),
                Wakeup::Abandoned => {
                    self.abandoned = true;
                    session.handle(now, Input::Leave(DisconnectReason::ClientInitiated));
                }
                Wakeup::Signal(event) => self.signalled(now, &mut session, event).await,
                Wakeup::Datagrams(role) => self.receive(&mut session, role, &mut buffer),
            }
        }
    }

    /// Waits for the first thing that happens.
    async fn wait(
        &mut self,
        deadline: tokio::time::Instant,
        stopped: &mut watch::Receiver<bool>,
    ) -> Wakeup {
        let Self {
            signal,
            sockets,
            requests,
            joining,
            abandoned,
            ..
        } = self;
        let signalled = async {
            match signal {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        let readable = async {
            let Some([publisher, subscriber]) = sockets else {
                return std::future::pending().await;
            };
            tokio::select! {
                _ = publisher.readable() => Role::Publisher,
                _ = subscriber.readable() => Role::Subscriber,
            }
        };
        let given_up = async {
            match joining {
                Some(joining) => joining.reply.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep_until(deadline) => Wakeup::Time,
            role = readable => Wakeup::Datagrams(role),
            event = signalled => Wakeup::Signal(event),
            request = requests.recv(), if !*abandoned => {
                request.map_or(Wakeup::Abandoned, Wakeup::Request)
            }
            () = given_up => Wakeup::Abandoned,
            _ = stopped.wait_for(|stopped| *stopped) => Wakeup::Abandoned,
        }
    }

    async fn signalled(&mut self, now: Instant, session: &mut Session, event: Option<SignalEvent>) {
        match event {
            Some(SignalEvent::Message(message)) => session.handle(now, Input::Signal(message)),
            Some(SignalEvent::Failed(error)) => {
                self.signal = None;
                session.handle(now, Input::DialFailed(error));
            }
            // Media has its sockets and goes on.
            Some(SignalEvent::Opened(_)) if self.sockets.is_some() => {}
            Some(SignalEvent::Opened(route)) => {
                let address = self.shared.config.media_address.unwrap_or(route);
                match self.bind(address).await {
                    Ok(sockets) => session.handle(now, Input::Opened(sockets)),
                    Err(error) => {
                        let text = format!("a UDP socket on {address}: {error}");
                        session.handle(now, Input::DialFailed(JoinError::Local(text)));
                    }
                }
            }
            None => {
                self.signal = None;
                session.handle(now, Input::HungUp);
            }
        }
    }

    async fn bind(&mut self, address: IpAddr) -> io::Result<Sockets> {
        let publisher = UdpSocket::bind(SocketAddr::new(address, 0)).await?;
        let subscriber = UdpSocket::bind(SocketAddr::new(address, 0)).await?;
        let addresses = Sockets {
            publisher: publisher.local_addr()?,
            subscriber: subscriber.local_addr()?,
        };
        self.sockets = Some([publisher, subscriber]);
        Ok(addresses)
    }

    fn receive(&mut self, session: &mut Session, role: Role, buffer: &mut [u8]) {
        for _ in 0..DATAGRAMS_IN_A_ROW {
            let Some(socket) = self.socket(role) else {
                return;
            };
            // Errors here are echoes of earlier datagrams that found nobody: not ours to handle.
            let Ok((size, from)) = socket.try_recv_from(buffer) else {
                return;
            };
            let bytes = &buffer[..size];
            session.handle(Instant::now(), Input::Datagram { role, from, bytes });
            while let Some(output) = session.poll() {
                if !self.carry_out(output) {
                    return;
                }
            }
        }
    }

    fn socket(&self, role: Role) -> Option<&UdpSocket> {
        let [publisher, subscriber] = self.sockets.as_ref()?;
        Some(match role {
            Role::Publisher => publisher,
            Role::Subscriber => subscriber,
        })
    }

    /// Does what the session asks. False after the last output.
    fn carry_out(&mut self, output: Output) -> bool {
        match output {
            Output::Transmit { role, to, bytes } => {
                if let Some(socket) = self.socket(role) {
                    // A datagram that cannot be sent now is a lost one, and those are provided for.
                    let _ = socket.try_send_to(&bytes, to);
                }
            }
            Output::Event(event) => {
                if let Some(events) = &mut self.events {
                    events.send(event);
                }
            }
            Output::Dial(token) => self.dial(token),
            Output::Redial { token, sid } => {
                let url = signal::resumption(&self.url, &sid);
                self.signal = Some(Signal::open(url, token));
            }
            Output::Signal(message) => self.say(message),
            Output::HangUp => {
                self.closing = self
                    .signal
                    .take()
                    .map(Signal::close)
                    .or(self.closing.take());
                self.sockets = None;
            }
            Output::Local(local) => {
                self.local.send_replace(local);
            }
            Output::Joined(outcome) => return self.joined(outcome),
            Output::Ended(reason) => {
                if let Some(events) = self.events.take() {
                    events.finish(reason);
                }
                return false;
            }
        }
        true
    }

    fn dial(&mut self, token: SecretString) {
        self.sockets = None;
        self.signal = Some(Signal::open(self.url.clone(), token));
    }

    fn say(&mut self, message: Box<proto::signal_request::Message>) {
        let said = self
            .signal
            .as_ref()
            .is_some_and(|signal| signal.send(message));
        if !said {
            // A connection that takes nothing any more is soon noticed to be dead.
            debug!("A signalling message could not be sent");
        }
    }

    fn joined(&mut self, outcome: Result<(), JoinError>) -> bool {
        let Some(Joining {
            participant,
            events,
            reply,
        }) = self.joining.take()
        else {
            return true;
        };
        let is_in = outcome.is_ok();
        answer(reply, outcome.map(|()| (participant, events)));
        is_in
    }
}

fn answer<T>(reply: oneshot::Sender<T>, value: T) {
    // Whoever asked may have given up; the handle is then dropped and the participant leaves.
    let _ = reply.send(value);
}
