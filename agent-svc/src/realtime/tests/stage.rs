//! A call in virtual time against a server that follows a script. What the conversation is told is
//! written down with the time, in milliseconds; so is what each session was told.

use std::sync::Arc;
use std::time::Duration;

use openai_realtime::{ClientEvent, Item};
use realtime_script::{Line, Script, Server, What};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::super::*;
use crate::domain::{ItemId, Realtime, ResponseId, Role, Ticket, ToolCallId};
use crate::provider::{Bill, Command, Event, Link, Provider, Setup};

/// Sound comes in pieces of 20 ms.
const PIECE: u64 = 20;
const SAMPLES_PER_MS: u64 = 24;

/// A call of which the test is the conversation.
pub(crate) struct Stage {
    pub(crate) server: Server,
    link: Link,
    began: Instant,
    written: String,
    tickets: u32,
    positions: u32,
    reply: Reply,
    /// Whether what the provider takes for a turn is none.
    pub(crate) dismisses: bool,
    /// The response that began last.
    response: Option<ResponseId>,
    /// The tool call that came last.
    pub(crate) last_call: Option<ToolCallId>,
    pub(crate) bill: Bill,
}

/// What the assistant is saying.
#[derive(Default)]
struct Reply {
    items: Vec<ItemId>,
    text: String,
    samples: u64,
    from: Option<Instant>,
}

/// A line that is answered.
pub(crate) fn line(heard: &str, answer: &str) -> Line {
    Line {
        heard: heard.into(),
        answer: answer.into(),
        ..Line::default()
    }
}

/// A server that is about as quick as a real one.
pub(crate) fn server(lines: Vec<Line>) -> Server {
    Server::in_memory(Script {
        lines,
        first_audio: Duration::from_millis(300),
        pace: Duration::from_millis(50),
    })
}

impl Stage {
    /// Begins a call.
    pub(crate) fn open(server: Server) -> Self {
        Self::open_as(server, |api| api)
    }

    /// Begins a call in which a lost session is tried again for so long.
    pub(crate) fn open_with(server: Server, reconnect_timeout: Duration) -> Self {
        Self::open_as(server, |api| RealtimeApi {
            reconnect_timeout,
            ..api
        })
    }

    /// Begins a call with a provider that is used like this.
    pub(crate) fn open_as(server: Server, adapt: impl FnOnce(RealtimeApi) -> RealtimeApi) -> Self {
        let api = adapt(Self::api(&server));
        Self::open_by(server, vec![Arc::new(api)])
    }

    /// How this server is used.
    pub(crate) fn api(server: &Server) -> RealtimeApi {
        RealtimeApi {
            client: server.client(),
            voice: "marin".into(),
            transcription_model: "gpt-transcribe".into(),
            turn_detection: None,
            reconnect_timeout: Duration::from_secs(30),
            max_session_duration: Duration::from_secs(1_200),
            prices: "text=1/0.1/2,audio=10/1/20".parse().ok(),
            breaker: Breaker::default(),
            has_fallback: false,
        }
    }

    /// Begins a call with these providers, in order.
    pub(crate) fn open_by(server: Server, providers: Vec<Arc<dyn Provider>>) -> Self {
        let (send, setup) = oneshot::channel();
        let tools = crate::tools::definitions();
        let instructions = "Be kind.".to_owned();
        let sent = send.send(Setup {
            instructions,
            tools,
        });
        sent.expect("the link waits for it");
        Self {
            server,
            link: Link::open(providers, setup),
            began: Instant::now(),
            written: String::new(),
            tickets: 0,
            positions: 0,
            reply: Reply::default(),
            dismisses: false,
            response: None,
            last_call: None,
            bill: Bill::default(),
        }
    }

    /// Begins a call with this script, and waits for its session.
    pub(crate) async fn start(lines: Vec<Line>) -> Self {
        let mut stage = Self::open(server(lines));
        stage.run(100).await;
        stage
    }

    /// Milliseconds since the call began.
    pub(crate) fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    pub(crate) fn send(&self, command: Command) {
        // A session that has failed takes no more.
        let _ = self.link.send(command);
    }

    /// Lets so many milliseconds pass.
    pub(crate) async fn run(&mut self, millis: u64) {
        self.run_until(Instant::now() + Duration::from_millis(millis))
            .await;
    }

    /// Lets time pass until so many milliseconds after the beginning.
    pub(crate) async fn run_to(&mut self, millis: u64) {
        self.run_until(self.began + Duration::from_millis(millis))
            .await;
    }

    async fn run_until(&mut self, end: Instant) {
        loop {
            let played = self.reply.played_at();
            tokio::select! {
                biased;
                event = self.link.recv() => match event {
                    Some(event) => self.happened(event),
                    None => return sleep_until(end).await,
                },
                () = sleep_until(played.unwrap_or(end)), if played.is_some_and(|at| at <= end) => {
                    self.played();
                }
                () = sleep_until(end) => return,
            }
        }
    }

    /// The caller speaks for so long, and the turn is answered.
    pub(crate) async fn turn(&mut self, millis: u64) {
        self.speak(millis).await;
        self.send(Command::Commit);
        self.ask();
    }

    pub(crate) async fn speak(&mut self, millis: u64) {
        self.send_sound(millis, 7).await;
    }

    /// The caller is silent for so long, which is sent as well.
    pub(crate) async fn be_silent(&mut self, millis: u64) {
        self.send_sound(millis, 0).await;
    }

    async fn send_sound(&mut self, millis: u64, sample: i16) {
        for _ in 0..millis / PIECE {
            let samples = vec![sample; (PIECE * SAMPLES_PER_MS) as usize];
            self.send(Command::Append(samples));
            self.run(PIECE).await;
        }
    }

    /// Asks for a response.
    pub(crate) fn ask(&mut self) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let tools = true;
        self.send(Command::CreateResponse { ticket, tools });
    }

    /// Stops the response that began last.
    pub(crate) fn cancel(&mut self) {
        if let Some(response) = self.response.take() {
            self.send(Command::Cancel(response));
        }
    }

    /// The dedicated voice has said something.
    pub(crate) fn voice_said(&mut self, text: &str) {
        self.send(Command::AddAssistantText(text.to_owned()));
        self.remember(Role::Assistant, text.to_owned(), Vec::new());
    }

    fn remember(&mut self, role: Role, text: String, items: Vec<ItemId>) {
        self.positions += 1;
        self.send(Command::Remember {
            position: self.positions,
            role,
            text,
            items,
        });
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Conversation(event) => self.conversation(event),
            Event::Trouble(trouble) => self.write(&format!("trouble {}", trouble.reason())),
            Event::Used(bill) => self.bill += bill,
        }
    }

    fn conversation(&mut self, event: Realtime) {
        match event {
            Realtime::CallerText { .. } if self.dismisses => {}
            Realtime::CallerText { item, text } => {
                let text = text.unwrap_or_default();
                self.write(&format!("caller said {text:?}"));
                self.remember(Role::User, text, vec![item]);
            }
            Realtime::Audio { item, audio, .. } => {
                if self.reply.from.is_none() {
                    self.reply.from = Some(Instant::now());
                    self.write("sound begins");
                }
                if !self.reply.items.contains(&item) {
                    self.reply.items.push(item);
                }
                self.reply.samples += audio.len() as u64;
            }
            Realtime::Text { delta, .. } => self.reply.text += &delta,
            Realtime::ToolCall { request, .. } => {
                self.write(&format!("calls {}", request.name));
                self.last_call = Some(request.call);
            }
            Realtime::ResponseCreated { ticket, response } => {
                self.response = Some(response);
                let ticket = ticket.map_or(0, |ticket| ticket.0);
                self.write(&format!("response {ticket} begins"));
            }
            Realtime::ResponseDone {
                ticket, outcome, ..
            } => {
                let ticket = ticket.map_or(0, |ticket| ticket.0);
                let sound = self.reply.samples / SAMPLES_PER_MS;
                self.write(&format!(
                    "response {ticket} {outcome:?}, {sound} ms of sound"
                ));
            }
            Realtime::SpeechStarted { item, ago } => {
                self.write(&format!("{item} begins, {} ms ago", ago.as_millis()));
            }
            Realtime::SpeechStopped { item, ago } => {
                self.write(&format!("{item} is over, {} ms ago", ago.as_millis()));
            }
            Realtime::Committed(item) if self.dismisses => {
                self.send(Command::Delete(item));
                self.write("dismissed");
            }
            Realtime::Committed(_) => self.write("committed"),
            Realtime::ResponseRejected(ticket) => {
                self.write(&format!("response {} rejected", ticket.0));
            }
            other => self.write(&format!("{other:?}")),
        }
    }

    /// All of the reply has been heard.
    fn played(&mut self) {
        let Reply { items, text, .. } = std::mem::take(&mut self.reply);
        self.write(&format!("heard {text:?}"));
        self.remember(Role::Assistant, text, items);
    }

    /// No more of the reply is heard than these words, which took so many milliseconds.
    pub(crate) fn cut_short(&mut self, heard: &str, millis: u64) {
        let Reply { items, .. } = std::mem::take(&mut self.reply);
        for item in &items {
            self.send(Command::Truncate {
                item: item.clone(),
                audio_end_ms: millis,
            });
        }
        self.write(&format!("cut short after {heard:?}"));
        self.remember(Role::Assistant, heard.to_owned(), items);
    }

    /// Nothing of the reply was heard.
    pub(crate) fn drop_answer(&mut self) {
        let Reply { items, .. } = std::mem::take(&mut self.reply);
        for item in items {
            self.send(Command::Delete(item));
        }
        self.write("answer dropped");
    }

    /// The caller has written something.
    pub(crate) fn wrote(&mut self, text: &str) {
        let item = ItemId::from("message_1");
        self.remember(Role::User, text.to_owned(), vec![item]);
    }

    fn write(&mut self, what: &str) {
        let now = self.now();
        self.written += &format!("{now:>8}  {what}\n");
    }

    /// What happened since the last time it was asked.
    pub(crate) fn written(&mut self) -> String {
        std::mem::take(&mut self.written)
    }

    /// When something was first written, in milliseconds.
    pub(crate) fn time_of(&self, what: &str) -> Option<u64> {
        let line = self.written.lines().find(|line| line.ends_with(what))?;
        line.trim_start().split(' ').next()?.parse().ok()
    }

    /// What a session was told, in order.
    pub(crate) fn told(&self, session: usize) -> String {
        let seen = self.server.seen();
        let seen = seen.iter().filter(|seen| seen.session == session);
        let lines = seen.filter_map(|seen| match &seen.what {
            What::Turn(sound) => Some(format!(
                "turn of {} ms\n",
                sound.len() as u64 / SAMPLES_PER_MS
            )),
            What::Event(event) => described(event).map(|line| line + "\n"),
            What::Gone => Some("gone\n".to_owned()),
        });
        lines.collect()
    }

    /// How often a session was asked for a response.
    pub(crate) fn asked(&self) -> usize {
        let seen = self.server.seen();
        let asked = seen.iter().filter(|seen| match &seen.what {
            What::Event(event) => matches!(**event, ClientEvent::ResponseCreate(_)),
            _ => false,
        });
        asked.count()
    }
}

impl Reply {
    fn played_at(&self) -> Option<Instant> {
        let length = Duration::from_millis(self.samples / SAMPLES_PER_MS);
        self.from.map(|from| from + length)
    }
}

fn described(event: &ClientEvent) -> Option<String> {
    Some(match event {
        ClientEvent::SessionUpdate(update) => {
            let instructions = update.session.instructions.as_deref().unwrap_or_default();
            let tools = update.session.tools.as_ref().map_or(0, Vec::len);
            if let Some(turn_detection) = update.session.turn_detection() {
                let settings = serde_json::to_string(turn_detection).expect("JSON");
                return Some(format!("turn detection {settings}"));
            }
            format!("setup {instructions:?}, {tools} tools")
        }
        ClientEvent::ConversationItemCreate(create) => match &create.item {
            Item::Message(said) => format!("{:?}: {}", said.role, said.words()),
            Item::FunctionCall(call) => format!("call of {}", call.name),
            Item::FunctionCallOutput(output) => format!("result {}", output.output),
            other => format!("{other:?}"),
        },
        ClientEvent::ResponseCreate(_) => "asked".to_owned(),
        other => other.event_type().to_owned(),
    })
}
