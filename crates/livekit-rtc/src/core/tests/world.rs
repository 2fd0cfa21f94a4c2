//! A participant, a server and the network between them, in virtual time.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use livekit_protocol as proto;
use proto::leave_request::Action;
use proto::signal_request::Message as ToServer;
use proto::signal_response::Message as FromServer;
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use super::server::{LATENCY, Script, Server, address};
use crate::core::{Input, Output, Role, Session, SessionConfig, Sockets};
use crate::participant::{Command, Request};
use crate::{
    AudioHandler, CommandError, Content, DisconnectReason, Event, Frame, JoinError, JoinOptions,
    Playout, Received, TrackOptions,
};

/// How datagrams fare, in both directions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Udp {
    pub(super) loss: f64,
    pub(super) jitter: Duration,
    /// Makes another series of chances.
    pub(super) seed: u64,
}

pub(super) struct World {
    start: Instant,
    pub(super) now: Instant,
    pub(super) session: Session,
    pub(super) server: Option<Server>,
    /// For the servers of connections to come.
    pub(super) script: Script,
    pub(super) udp: Udp,
    /// Why dialling fails, if it does.
    pub(super) refusal: Option<JoinError>,
    in_flight: Vec<InFlight>,
    sent: u64,
    random: u64,
    /// Tokens that were dialled with.
    pub(super) tokens: Vec<String>,
    /// The stays for which signalling alone was dialled again.
    pub(super) redialled: Vec<String>,
    pub(super) events: Vec<(Duration, Event)>,
    pub(super) joined: Option<(Duration, Result<(), JoinError>)>,
    pub(super) ended: Option<DisconnectReason>,
    pub(super) heard: Arc<Mutex<Vec<(Content, Frame)>>>,
}

struct InFlight {
    at: Instant,
    order: u64,
    /// The connection it belongs to, or the signalling connection.
    connection: usize,
    what: What,
}

enum What {
    ToServer(Box<ToServer>),
    FromServer(Box<FromServer>),
    DatagramToServer(Role, Vec<u8>),
    DatagramFromServer(Role, Vec<u8>),
    Opened,
    Reopened,
    Refused(JoinError),
    HungUp,
}

/// Says one thing for ever and writes down what it hears.
struct Voice(Arc<Mutex<Vec<(Content, Frame)>>>);

impl AudioHandler for Voice {
    fn received(&mut self, frame: Received<'_>) {
        self.0.lock().unwrap().push((frame.content, *frame.samples));
    }

    fn playout(&mut self, now: Instant, frame: &mut Frame) -> Playout {
        *frame = super::voice(200.0, now);
        Playout::Frame
    }
}

/// Options of a participant that speaks.
pub(super) fn options() -> JoinOptions {
    JoinOptions {
        rpc_methods: vec!["reverse".to_owned()],
        ..JoinOptions::new("ws://server", "token 0".to_owned().into())
    }
    .publishing(TrackOptions::speech("voice"))
}

impl World {
    pub(super) fn new(options: JoinOptions, script: Script, udp: Udp) -> Self {
        let start = Instant::now();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let config = SessionConfig {
            epoch: start,
            epoch_unix_ms: 1_000,
            seed: 42,
        };
        let session = Session::new(start, config, options, Box::new(Voice(heard.clone())));
        let mut world = Self {
            start,
            now: start,
            session,
            server: None,
            script,
            udp,
            refusal: None,
            in_flight: Vec::new(),
            sent: 0,
            random: 0x2545_f491_4f6c_dd1d ^ udp.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            tokens: Vec::new(),
            redialled: Vec::new(),
            events: Vec::new(),
            joined: None,
            ended: None,
            heard,
        };
        world.collect();
        world
    }

    /// A participant that is in the room.
    pub(super) fn joined(script: Script, udp: Udp) -> Self {
        let mut world = Self::new(options(), script, udp);
        world.run_until(|world| world.joined.is_some());
        assert_eq!(world.joined.as_ref().unwrap().1, Ok(()));
        world
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(super) fn server(&mut self) -> &mut Server {
        self.server.as_mut().unwrap()
    }

    /// Lets the world go on until something holds; it must within two minutes.
    pub(super) fn run_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let limit = self.now + Duration::from_secs(120);
        while !holds(self) {
            assert!(
                self.step(limit),
                "it did not come to pass; there were {:#?}",
                self.events
            );
        }
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        let limit = self.now + time;
        while self.step(limit) {}
        self.now = limit;
    }

    /// Does the next thing that is due. False when there is none up to `limit`.
    fn step(&mut self, limit: Instant) -> bool {
        let arrival = self.in_flight.iter().map(|flight| flight.at).min();
        let server = self.server.as_ref().map(Server::next_deadline);
        let session = self.session.next_deadline();
        let next = arrival.into_iter().chain(server).chain(session).min();
        let Some(next) = next.filter(|next| *next <= limit) else {
            return false;
        };
        self.now = self.now.max(next);
        if let Some(server) = &mut self.server {
            server.handle_timeout(self.now);
        }
        let due = self
            .in_flight
            .iter()
            .enumerate()
            .filter(|(_, flight)| flight.at <= self.now);
        let first = due
            .min_by_key(|(_, flight)| (flight.at, flight.order))
            .map(|(index, _)| index);
        match first {
            Some(index) => {
                let flight = self.in_flight.remove(index);
                // What belongs to an earlier connection goes nowhere.
                if flight.connection == self.number_of(&flight.what) {
                    self.deliver(flight.what);
                }
            }
            None => self.session.handle(self.now, Input::Timeout),
        }
        self.collect();
        true
    }

    fn deliver(&mut self, what: What) {
        let now = self.now;
        match what {
            What::ToServer(message) => {
                let Some(server) = &mut self.server else {
                    return;
                };
                for answer in server.hear(now, *message) {
                    self.fly(LATENCY, What::FromServer(Box::new(answer)));
                }
            }
            What::FromServer(message) => self.session.handle(now, Input::Signal(message)),
            What::DatagramToServer(role, bytes) => {
                if let Some(server) = &mut self.server {
                    server.receive(now, role, client(role), &bytes);
                }
            }
            What::DatagramFromServer(role, bytes) => {
                let from = address(role);
                self.session.handle(
                    now,
                    Input::Datagram {
                        role,
                        from,
                        bytes: &bytes,
                    },
                );
            }
            What::Opened => {
                let sockets = Sockets {
                    publisher: client(Role::Publisher),
                    subscriber: client(Role::Subscriber),
                };
                self.session.handle(now, Input::Opened(sockets));
                let number = u32::try_from(self.tokens.len()).unwrap();
                let mut server = Server::new(now, self.script, number);
                for message in server.greet(now) {
                    self.fly(LATENCY, What::FromServer(Box::new(message)));
                }
                self.server = Some(server);
            }
            What::Reopened => {
                let messages = match &mut self.server {
                    Some(server) => server.take_back(now),
                    None => vec![super::joining::leave(
                        DisconnectReason::StateMismatch,
                        Action::Reconnect,
                    )],
                };
                for message in messages {
                    self.fly(LATENCY, What::FromServer(Box::new(message)));
                }
            }
            What::Refused(error) => self.session.handle(now, Input::DialFailed(error)),
            What::HungUp => self.session.handle(now, Input::HungUp),
        }
    }

    /// Carries out what the session and the server want.
    fn collect(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Dial(token) => {
                    self.tokens.push(token.expose_secret().to_owned());
                    let outcome = self.refusal.clone().map_or(What::Opened, What::Refused);
                    self.fly(LATENCY, outcome);
                }
                Output::Redial { token, sid } => {
                    assert_eq!(Some(token.expose_secret()), self.fresh_token().as_deref());
                    self.redialled.push(sid);
                    let outcome = self.refusal.clone().map_or(What::Reopened, What::Refused);
                    self.fly(LATENCY, outcome);
                }
                Output::Signal(message) => self.fly(LATENCY, What::ToServer(message)),
                Output::Transmit { role, to, bytes } => {
                    assert_eq!(to, address(role));
                    self.fly_datagram(What::DatagramToServer(role, bytes));
                }
                Output::Event(event) => self.events.push((self.elapsed(), event)),
                Output::Joined(outcome) => self.joined = Some((self.elapsed(), outcome)),
                Output::Ended(reason) => self.ended = Some(reason),
                Output::HangUp | Output::Local(_) => {}
            }
        }
        for role in [Role::Publisher, Role::Subscriber] {
            let Some(server) = &mut self.server else {
                return;
            };
            for bytes in std::mem::take(&mut server.end(role).datagrams) {
                self.fly_datagram(What::DatagramFromServer(role, bytes));
            }
        }
    }

    fn fly(&mut self, latency: Duration, what: What) {
        self.sent += 1;
        let (at, order, connection) = (self.now + latency, self.sent, self.number_of(&what));
        self.in_flight.push(InFlight {
            at,
            order,
            connection,
            what,
        });
    }

    /// Which connection a thing belongs to at this time: datagrams outlive signalling.
    fn number_of(&self, what: &What) -> usize {
        match what {
            What::DatagramToServer(..) | What::DatagramFromServer(..) => self.tokens.len(),
            _ => self.tokens.len() + self.redialled.len(),
        }
    }

    /// The token that the latest connection was given.
    fn fresh_token(&self) -> Option<String> {
        let number = self.tokens.len();
        (number > 0).then(|| format!("token {number}"))
    }

    fn fly_datagram(&mut self, what: What) {
        let (fate, delay) = (self.chance(), self.chance());
        if fate >= self.udp.loss {
            self.fly(LATENCY + self.udp.jitter.mul_f64(delay), what);
        }
    }

    fn chance(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The server says something.
    pub(super) fn say(&mut self, message: FromServer) {
        self.fly(LATENCY, What::FromServer(Box::new(message)));
    }

    /// Only the signalling connection is gone, with what was on its way.
    pub(super) fn cut_signalling(&mut self) {
        let is_signal =
            |flight: &InFlight| matches!(flight.what, What::ToServer(_) | What::FromServer(_));
        self.in_flight.retain(|flight| !is_signal(flight));
        self.fly(LATENCY, What::HungUp);
    }

    /// The server is gone.
    pub(super) fn hang_up(&mut self) {
        self.server = None;
        self.fly(LATENCY, What::HungUp);
    }

    /// Somebody leaves the room.
    pub(super) fn leaves(&mut self, identity: &str) {
        let gone = proto::ParticipantInfo {
            state: proto::participant_info::State::Disconnected.into(),
            identity: identity.into(),
            ..super::server::other()
        };
        self.say(FromServer::Update(proto::ParticipantUpdate {
            participants: vec![gone],
        }));
    }

    /// Asks the participant for something.
    pub(super) fn ask(&mut self, command: Command) -> oneshot::Receiver<Result<(), CommandError>> {
        let (reply, outcome) = oneshot::channel();
        self.session
            .handle(self.now, Input::Request(Request { command, reply }));
        self.collect();
        outcome
    }

    pub(super) fn saw(&self, event: &Event) -> bool {
        self.events.iter().any(|(_, seen)| seen == event)
    }

    pub(super) fn reconnected(&self) -> bool {
        self.events
            .iter()
            .any(|(_, event)| matches!(event, Event::Reconnected { .. }))
    }
}

fn client(role: Role) -> SocketAddr {
    let port = if role == Role::Publisher {
        1_001
    } else {
        1_002
    };
    ([10, 0, 0, 1], port).into()
}
