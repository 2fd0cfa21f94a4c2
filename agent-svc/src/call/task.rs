//! The task of one call: it waits for whatever happens next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use livekit_rtc::{Events, Identity, JoinError, JoinOptions, Participant};
use service_kit::{CallId, UserId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::ExpectedCaller;
use super::hub::{Hub, What};
use super::network::Network;
use super::recorder::Recorder;
use super::room::Room;
use crate::app::App;
use crate::calls::Command;
use crate::domain::{
    Conversation, EndReason, Input, Moment, Realtime, SpeechId, ToolCallId, ToolRequest,
    TurnDetection,
};
use crate::judge::Recent;
use crate::media::{self, MediaHandle, Upload};
use crate::peers::{Delegation, PeerError};
use crate::provider::{self, Bill, Link, Setup};
use crate::{prompt, tools};

/// Inputs of voice and tools that may wait.
const INPUT_CAPACITY: usize = 256;
/// What the caller hears last is on its way this long.
const TAIL: Duration = Duration::from_millis(500);
/// Without a deadline the task looks around this often.
const IDLE: Duration = Duration::from_secs(60);

/// Something that work in the background gives.
pub(super) enum Done {
    /// The room was joined, or not.
    Joined(Result<(Participant, Events), JoinError>),
    /// Whose call it is was found out.
    Adopted(Result<(UserId, Delegation), PeerError>),
    /// The caller's profile is known as well as it will be.
    Known(prompt::Caller),
    /// What the caller said while connecting; may be nothing.
    Earlier(Vec<i16>),
    /// How long a message takes to the caller's page and back.
    RoundTrip(Duration),
    /// An input for the conversation.
    Input(Input),
}

/// A call and everything it needs.
pub(super) struct Task {
    pub(super) app: Arc<App>,
    pub(super) id: CallId,
    pub(super) room_name: String,
    pub(super) conversation: Conversation,
    pub(super) began: Instant,
    pub(super) began_at: DateTime<Utc>,
    pub(super) hub: Arc<Hub>,
    pub(super) recorder: Recorder,
    pub(super) media: MediaHandle,
    /// What the caller said since the last turn.
    pub(super) recent: Recent,
    pub(super) link: Link,
    pub(super) setup: Option<oneshot::Sender<Setup>>,
    pub(super) room: Option<Room>,
    pub(super) network: Network,
    /// Who is the caller in the room. In a job, the first ordinary participant.
    pub(super) expected: Option<Identity>,
    /// Whose call it is, once that is known.
    pub(super) caller: Option<(UserId, Delegation)>,
    /// Tools that wait for that, and the turns that they belong to.
    pub(super) waiting_tools: Vec<(ToolRequest, u32)>,
    pub(super) done: mpsc::Sender<Done>,
    pub(super) voices: HashMap<SpeechId, AbortHandle>,
    pub(super) running_tools: HashMap<ToolCallId, AbortHandle>,
    /// What tools keep until the call ends.
    pub(super) kept: tools::Kept,
    pub(super) ended: Option<EndReason>,
    /// What the speech provider did for the call so far.
    pub(super) bill: Bill,
    /// The part of it that no stored turn has.
    pub(super) unstored_bill: Bill,
    prompt: prompt::Prompt,
    done_queue: Option<mpsc::Receiver<Done>>,
    audio: Option<Box<dyn livekit_rtc::AudioHandler>>,
}

impl Task {
    pub(super) fn new(
        app: Arc<App>,
        id: CallId,
        room_name: String,
        caller: ExpectedCaller,
        hub: Arc<Hub>,
    ) -> Self {
        let settings = app.conversation.clone();
        let upload = match settings.turn_detection {
            TurnDetection::Local => Upload::Speech,
            TurnDetection::ServerVad | TurnDetection::SemanticVad => Upload::All,
            TurnDetection::Manual => Upload::OnRequest,
        };
        let (audio, media) = media::handler(app.vad.clone(), settings.vad_silence, upload);
        let (setup, setup_queue) = oneshot::channel();
        let (done, done_queue) = mpsc::channel(INPUT_CAPACITY);
        let caller = match caller {
            ExpectedCaller::Known(user, delegation) => Some((user, delegation)),
            ExpectedCaller::FirstParticipant => None,
        };
        let expected = caller
            .as_ref()
            .map(|(user, _)| Identity::from(user.as_str()));
        let recorder = Recorder::start(&app, id, caller.is_some());
        Self {
            link: Link::open(app.providers.clone(), setup_queue),
            conversation: Conversation::new(settings),
            began: Instant::now(),
            began_at: app.clock.now(),
            id,
            room_name,
            hub,
            recorder,
            media,
            recent: Recent::default(),
            setup: Some(setup),
            room: None,
            network: Network::default(),
            expected,
            caller,
            waiting_tools: Vec::new(),
            done,
            voices: HashMap::new(),
            running_tools: HashMap::new(),
            kept: tools::Kept::default(),
            ended: None,
            bill: Bill::default(),
            unstored_bill: Bill::default(),
            prompt: prompt::Prompt::default(),
            done_queue: Some(done_queue),
            audio: Some(audio),
            app,
        }
    }

    /// Holds the call to its end.
    pub(super) async fn run(
        mut self,
        options: JoinOptions,
        commands: mpsc::Receiver<Command>,
        on_end: Option<oneshot::Sender<EndReason>>,
    ) {
        metrics::gauge!("insta_agent_calls").increment(1.0);
        tracing::info!(call.id = %self.id, "Call begins");
        self.join(options);
        if self.caller.is_some() {
            self.get_to_know();
        }
        let reason = self.converse(commands).await;
        self.finish(reason, on_end).await;
        metrics::gauge!("insta_agent_calls").decrement(1.0);
    }

    fn join(&mut self, options: JoinOptions) {
        let Some(audio) = self.audio.take() else {
            return;
        };
        let connector = self.app.connector(self.id);
        let done = self.done.clone();
        tokio::spawn(async move {
            let joined = connector.join(options, audio).await;
            // A call that is over drops the participant, who leaves.
            let _ = done.send(Done::Joined(joined)).await;
        });
    }

    /// Loads what the assistant knows of the caller. Without it the call goes on as with a stranger.
    pub(super) fn get_to_know(&self) {
        let Some((_, delegation)) = self.caller.clone() else {
            return;
        };
        let (app, done) = (self.app.clone(), self.done.clone());
        tokio::spawn(async move {
            let known = match app.peers.profile(&delegation).await {
                Ok(profile) => prompt::Caller {
                    tier: tools::tier_text(&profile).to_owned(),
                    name: profile.name,
                    last_summary: profile.last_interaction_summary,
                },
                Err(error) => {
                    tracing::warn!(%error, "The caller's profile cannot be loaded");
                    prompt::Caller::default()
                }
            };
            let _ = done.send(Done::Known(known)).await;
        });
    }

    async fn converse(&mut self, mut commands: mpsc::Receiver<Command>) -> EndReason {
        let Some(mut done) = self.done_queue.take() else {
            return EndReason::MediaError;
        };
        let (mut link_open, mut media_open) = (true, true);
        self.carry_out();
        loop {
            if let Some(reason) = self.ended {
                return reason;
            }
            let deadline = self.deadline();
            tokio::select! {
                biased;
                event = self.media.recv(), if media_open => match event {
                    Some(event) => self.heard(event),
                    None => media_open = false,
                },
                event = self.link.recv(), if link_open => match event {
                    Some(event) => self.provider(event),
                    None => {
                        link_open = false;
                        self.input(Input::Realtime(Realtime::Failed));
                    }
                },
                Some(done) = done.recv() => self.done(done),
                event = next_event(&mut self.room) => self.room_event(event),
                Some(command) = commands.recv() => self.command(command),
                () = sleep_until(deadline) => self.input(Input::Tick),
            }
        }
    }

    fn deadline(&self) -> Instant {
        match self.conversation.next_deadline() {
            Some(moment) => self.began + moment.since_start(),
            None => Instant::now() + IDLE,
        }
    }

    fn heard(&mut self, event: media::Event) {
        let input = match event {
            media::Event::Audio(samples) => {
                self.recent.push(&samples);
                if self.link.send(provider::Command::Append(samples)).is_ok() {
                    return;
                }
                Input::Realtime(Realtime::InputLost)
            }
            media::Event::SpeechStarted { voiced_from } => Input::SpeechStarted {
                voiced_from: self.moment_of(voiced_from),
            },
            media::Event::SpeechEnded { voiced_until } => Input::SpeechEnded {
                voiced_until: self.moment_of(voiced_until),
            },
            media::Event::CaughtUp => return self.caught_up(),
            media::Event::Playout(event) => Input::Playout(event),
        };
        self.input(input);
    }

    fn provider(&mut self, event: provider::Event) {
        match event {
            provider::Event::Conversation(event) => self.input(Input::Realtime(event)),
            provider::Event::Trouble(trouble) => {
                let (reason, message) = (trouble.reason(), trouble.message());
                self.tell(What::Trouble { reason, message });
            }
            provider::Event::Used(bill) => {
                self.bill += bill;
                self.unstored_bill += bill;
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Joined(Ok((participant, events))) => self.joined(participant, events),
            Done::Joined(Err(error)) => {
                tracing::warn!(call.id = %self.id, %error, "The room cannot be joined");
                self.input(Input::End(EndReason::MediaError));
            }
            Done::Adopted(Ok((user, delegation))) => self.adopted(user, delegation),
            Done::Adopted(Err(error)) => {
                tracing::warn!(call.id = %self.id, %error, "The caller of a job is not known");
                self.input(Input::GiveUp(EndReason::MediaError));
            }
            Done::Known(caller) => self.known(&caller),
            Done::Earlier(sound) => self.tell_media(media::Command::Earlier(sound)),
            Done::RoundTrip(round_trip) => self.network.caller_round_trip = Some(round_trip),
            Done::Input(input) => self.input(input),
        }
    }

    /// The provider is told whose call it is, and they are greeted. One who has been taken for a stranger
    /// is not greeted again.
    fn known(&mut self, caller: &prompt::Caller) {
        let instructions = self.app.prompts.instructions(caller);
        let instructions = self.prompt.begin(instructions);
        let Some(setup) = self.setup.take() else {
            return self.tell_provider(provider::Command::Instruct(instructions));
        };
        let tools = tools::definitions();
        // The session may have failed already; the conversation knows.
        let _ = setup.send(Setup {
            instructions,
            tools,
        });
        let greeting = self.app.prompts.greeting(caller);
        self.input(Input::Greeting(greeting));
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Say(text, reply) => {
                let outcome = self.conversation.say(self.now(), text);
                // Whoever asked may have gone.
                let _ = reply.send(outcome);
                self.carry_out();
            }
            Command::Message(text) => self.input(Input::Message(text)),
            Command::Instruct(text) => self.instruct(text),
            Command::End(reason) => self.input(Input::End(reason)),
        }
    }

    /// Adds an operator's words to the instructions of this call.
    fn instruct(&mut self, added: String) {
        if let Some(instructions) = self.prompt.add(added) {
            self.tell_provider(provider::Command::Instruct(instructions));
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        self.conversation.handle(self.now(), input);
        self.carry_out();
    }

    pub(super) fn now(&self) -> Moment {
        Moment::after(self.began.elapsed())
    }

    fn moment_of(&self, instant: std::time::Instant) -> Moment {
        Moment::after(instant.saturating_duration_since(self.began.into_std()))
    }

    pub(super) fn tell(&self, what: What) {
        self.hub.tell(self.app.clock.now(), what);
    }

    /// Ends everything in order: written down, told, and only then left.
    async fn finish(mut self, reason: EndReason, on_end: Option<oneshot::Sender<EndReason>>) {
        let end = self.app.clock.now();
        self.recorder.charge(self.bill);
        self.recorder.end(reason, end);
        let duration = (end - self.began_at).to_std().unwrap_or_default();
        self.tell(What::Ended { reason, duration });
        let reason_text = crate::store::calls::reason_text(reason);
        metrics::counter!("insta_agent_calls_ended", "reason" => reason_text).increment(1);
        let Bill { usage, cost } = self.bill;
        tracing::info!(
            call.id = %self.id,
            call.end_reason = reason_text,
            call.duration_ms = duration.as_millis() as u64,
            usage.text.input_tokens = usage.text.input,
            usage.text.cached_input_tokens = usage.text.cached,
            usage.text.output_tokens = usage.text.output,
            usage.audio.input_tokens = usage.audio.input,
            usage.audio.cached_input_tokens = usage.audio.cached,
            usage.audio.output_tokens = usage.audio.output,
            usage.transcription_tokens = usage.transcription_tokens,
            usage.transcription_seconds = usage.transcription_seconds,
            usage.cost_usd = cost,
            "Call ends"
        );
        for work in self.voices.values().chain(self.running_tools.values()) {
            work.abort();
        }
        if let Some(on_end) = on_end {
            // The worker may be gone; the room is left all the same.
            let _ = on_end.send(reason);
        }
        if let Some(room) = self.room.take() {
            if room.is_caller_here() {
                tokio::time::sleep(TAIL).await;
            }
            room.leave(&self.app, &self.room_name, reason).await;
        }
    }
}

/// The next event of the room; waits for ever while there is none.
async fn next_event(room: &mut Option<Room>) -> Option<livekit_rtc::Event> {
    match room {
        Some(room) => room.next_event().await,
        None => std::future::pending().await,
    }
}
