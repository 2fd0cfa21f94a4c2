//! The stage: drives a call as its task does, and writes down what happens.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use realtime_script::Server;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::caller::{END_LAG, Loudspeaker, Mouth, PIECE, PIECE_SAMPLES, START_LAG};
use crate::domain::{
    Conversation, EndReason, Heard, Input, Moment, Output, Realtime, Role, Settings, SpeechId,
    ToolCallId, ToolEffect, ToolRequest, ToolResult, ToolStatus, Turn,
};
use crate::provider::{self, Command, Link, Setup};
use crate::realtime::{Breaker, RealtimeApi};
use crate::tts::{Speaker, TtsError, Voice};

/// How long Smart Turn and the recogniser of short sounds take.
const JUDGING: Duration = Duration::from_millis(80);
const RECOGNISING: Duration = Duration::from_millis(70);
/// A voice takes so long for a character.
pub(super) const CHARACTER: Duration = Duration::from_millis(60);
/// How long the voice may give nothing.
const VOICE_TIMEOUT: Duration = Duration::from_secs(8);
/// More happens in no moment.
const MAX_AT_ONCE: u32 = 20_000;

/// What the dedicated voice does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum VoiceIs {
    #[default]
    Well,
    Refused,
    /// It begins and breaks off.
    Breaking,
    /// Nothing comes of it.
    Silent,
}

/// The dedicated voice.
#[derive(Default)]
pub(super) struct Voices(Mutex<VoiceIs>);

impl Voice for Voices {
    fn speak(&self, text: String) -> BoxStream<'static, Result<Vec<i16>, TtsError>> {
        let is = *self.0.lock().unwrap();
        let samples = text.chars().count() * CHARACTER.as_millis() as usize * 24;
        let sound = vec![7; samples];
        let broken = || Err(TtsError::BrokenOff("it was to".into()));
        let mut pieces: Vec<_> = sound.chunks(4_800).map(|p| Ok(p.to_vec())).collect();
        match is {
            VoiceIs::Well => {}
            VoiceIs::Refused => pieces = vec![Err(TtsError::Refused { status: 401 })],
            VoiceIs::Breaking => pieces = vec![Ok(vec![7; 4_800]), broken()],
            VoiceIs::Silent => {
                let late = async {
                    tokio::time::sleep(VOICE_TIMEOUT).await;
                    Err(TtsError::TimedOut(VOICE_TIMEOUT))
                };
                return stream::once(late).boxed();
            }
        }
        let later = |piece| async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            piece
        };
        stream::iter(pieces).then(later).boxed()
    }
}

/// What becomes of a tool call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Gives(Duration),
    Fails(Duration),
    /// It never answers.
    Hangs,
    /// The model hangs up.
    EndsCall(Duration),
}

/// What came of a call.
#[derive(Default)]
pub(super) struct Came {
    pub(super) ended: Vec<EndReason>,
    /// Final pieces of transcript.
    pub(super) shown: Vec<(Role, String)>,
    pub(super) stored: Vec<Turn>,
    pub(super) called: Vec<ToolCallId>,
    pub(super) answered: Vec<ToolCallId>,
}

pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) came: Came,
    pub(super) loudspeaker: Loudspeaker,
    conversation: Conversation,
    link: Option<Link>,
    speaker: Arc<Speaker>,
    voices: Arc<Voices>,
    began: Instant,
    mouth: Mouth,
    coming: BTreeMap<(Instant, u32), Input>,
    last_coming: u32,
    next_piece: Instant,
    spoken: mpsc::Receiver<Input>,
    speaks: mpsc::Sender<Input>,
    speaking: HashMap<SpeechId, AbortHandle>,
    fates: Box<dyn FnMut() -> Fate>,
    written: String,
}

impl Stage {
    /// A call that begins now, with a caller who is there.
    pub(super) fn begin(server: Server, settings: Settings) -> Self {
        let (send, setup) = oneshot::channel();
        let sent = send.send(Setup {
            instructions: "Be kind.".into(),
            tools: crate::tools::definitions(),
        });
        sent.expect("the link waits for it");
        let api = RealtimeApi {
            client: server.client(),
            voice: "marin".into(),
            transcription_model: "gpt-transcribe".into(),
            turn_detection: None,
            reconnect_timeout: Duration::from_secs(30),
            max_session_duration: Duration::from_secs(60),
            prices: None,
            breaker: Breaker::default(),
            has_fallback: false,
        };
        let voices = Arc::new(Voices::default());
        let (speaks, spoken) = mpsc::channel(256);
        let mut stage = Self {
            link: Some(Link::open(vec![Arc::new(api)], setup)),
            server,
            came: Came::default(),
            loudspeaker: Loudspeaker::default(),
            conversation: Conversation::new(settings),
            speaker: Arc::new(Speaker::new(voices.clone()).expect("the recordings are whole")),
            voices,
            began: Instant::now(),
            mouth: Mouth::default(),
            coming: BTreeMap::new(),
            last_coming: 0,
            next_piece: Instant::now(),
            spoken,
            speaks,
            speaking: HashMap::new(),
            fates: Box::new(|| Fate::Gives(Duration::from_millis(50))),
            written: String::new(),
        };
        for input in [Input::Joined, Input::CallerJoined, Input::MicrophoneOpened] {
            stage.input(input);
        }
        stage
    }

    /// Says what becomes of tool calls.
    pub(super) fn fates(&mut self, fates: impl FnMut() -> Fate + 'static) {
        self.fates = Box::new(fates);
    }

    pub(super) fn voice(&self, is: VoiceIs) {
        *self.voices.0.lock().unwrap() = is;
    }

    /// The caller speaks from now on, for so many milliseconds.
    pub(super) fn say(&mut self, millis: u64, text: &str) {
        let (now, length) = (Instant::now(), Duration::from_millis(millis));
        let from = self.moment();
        self.mouth.say(now, length, text);
        self.write(&format!("caller says {text:?} for {millis} ms"));
        self.later(START_LAG, Input::SpeechStarted { voiced_from: from });
        let voiced_until = from + length;
        self.later(length + END_LAG, Input::SpeechEnded { voiced_until });
    }

    pub(super) fn is_caller_speaking(&self) -> bool {
        self.mouth.is_speaking(Instant::now())
    }

    pub(super) fn is_over(&self) -> bool {
        !self.came.ended.is_empty()
    }

    /// Lets so many milliseconds pass.
    pub(super) async fn run(&mut self, millis: u64) {
        let end = Instant::now() + Duration::from_millis(millis);
        let (mut at, mut steps) = (Instant::now(), 0);
        while !self.is_over() {
            let now = Instant::now();
            steps = if at == now { steps + 1 } else { 0 };
            at = now;
            assert!(
                steps < MAX_AT_ONCE,
                "stuck at {}",
                self.moment().since_start().as_millis()
            );
            let next = self.next_due().min(end);
            tokio::select! {
                biased;
                event = recv(&mut self.link) => self.provider(event),
                Some(input) = self.spoken.recv() => self.input(input),
                () = sleep_until(next) => {
                    self.do_due();
                    if Instant::now() >= end {
                        return;
                    }
                }
            }
        }
    }

    /// Lets time pass until nobody speaks, or for so many milliseconds.
    pub(super) async fn run_until_calm(&mut self, millis: u64) {
        let end = Instant::now() + Duration::from_millis(millis);
        while !self.is_over() && Instant::now() < end {
            self.run(100).await;
            if !self.loudspeaker.is_sounding() && !self.is_caller_speaking() {
                return;
            }
        }
    }

    fn next_due(&self) -> Instant {
        let coming = self.coming.first_key_value().map(|((at, _), _)| *at);
        let deadline = self.conversation.next_deadline();
        let deadline = deadline.map(|deadline| self.began + deadline.since_start());
        let is_busy = self.loudspeaker.is_busy() || self.mouth.is_sent;
        let piece = is_busy.then_some(self.next_piece);
        let far = Instant::now() + Duration::from_secs(60);
        let all = [coming, deadline, piece].into_iter().flatten();
        all.fold(far, std::cmp::min)
    }

    fn do_due(&mut self) {
        let now = Instant::now();
        if self.next_piece <= now {
            self.next_piece = now + PIECE;
            let heard = self.loudspeaker.heard.len();
            let playout = self.loudspeaker.tick(now);
            if let Some((speech, ..)) = self.loudspeaker.heard.get(heard) {
                self.write(&format!("speech {} is heard", speech.0));
            }
            if let Some(playout) = playout {
                self.input(Input::Playout(playout));
            }
            if self.mouth.is_sent {
                let sample = if self.mouth.is_speaking(now) { 7 } else { 0 };
                self.append(vec![sample; PIECE_SAMPLES as usize]);
            }
        }
        while let Some(entry) = self.coming.first_entry().filter(|e| e.key().0 <= now) {
            let input = entry.remove();
            if matches!(input, Input::SpeechStarted { .. }) && !self.mouth.is_sent {
                self.mouth.is_sent = true;
                self.append(vec![7; 3 * PIECE_SAMPLES as usize]);
            }
            self.input(input);
        }
        let deadline = self.conversation.next_deadline();
        if deadline.is_some_and(|deadline| deadline <= self.moment()) {
            self.input(Input::Tick);
        }
    }

    fn append(&mut self, samples: Vec<i16>) {
        if !self.tell(Command::Append(samples)) {
            self.input(Input::Realtime(Realtime::InputLost));
        }
    }

    fn tell(&mut self, command: Command) -> bool {
        let link = self.link.as_ref();
        link.is_some_and(|link| link.send(command).is_ok())
    }

    fn provider(&mut self, event: Option<provider::Event>) {
        match event {
            Some(provider::Event::Conversation(event)) => {
                if let Realtime::ToolCall { request, .. } = &event {
                    self.came.called.push(request.call.clone());
                }
                if matches!(
                    event,
                    Realtime::Connected | Realtime::Disconnected | Realtime::Failed
                ) {
                    self.write(&format!("{event:?}"));
                }
                self.input(Input::Realtime(event));
            }
            Some(provider::Event::Trouble(trouble)) => self.write(trouble.reason()),
            Some(provider::Event::Used(_)) => {}
            None => {
                self.link = None;
                self.input(Input::Realtime(Realtime::Failed));
            }
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        self.conversation.handle(self.moment(), input);
        self.carry_out();
    }

    /// Somebody has the assistant say something.
    pub(super) fn ask_to_say(&mut self, text: &str) {
        // Too many may wait.
        let _ = self.conversation.say(self.moment(), text.to_owned());
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.conversation.poll() {
            self.carry_out_one(output);
        }
    }

    fn carry_out_one(&mut self, output: Output) {
        match output {
            Output::JudgeTurn(pause) => {
                let complete = Some(if self.mouth.sounds_finished() {
                    0.95
                } else {
                    0.05
                });
                self.later(JUDGING, Input::TurnJudged { pause, complete });
            }
            Output::RecogniseSound(sound) => {
                let heard = Some(Heard::of(&self.mouth.words(), 0.9));
                self.later(RECOGNISING, Input::SoundRecognised { sound, heard });
            }
            Output::CloseInput => self.mouth.close(Instant::now()),
            Output::CommitAudio => {
                self.write("turn taken");
                self.tell(Command::Commit);
                self.mouth.close(Instant::now());
            }
            Output::ClearAudio => {
                self.write("sound forgotten");
                self.tell(Command::Clear);
                self.mouth.close(Instant::now());
            }
            Output::CreateResponse { ticket, tools } => {
                self.tell(Command::CreateResponse { ticket, tools });
            }
            Output::CancelResponse(response) => {
                self.tell(Command::Cancel(response));
            }
            Output::Truncate { item, audio_end_ms } => {
                self.tell(Command::Truncate { item, audio_end_ms });
            }
            Output::Delete(item) => {
                self.tell(Command::Delete(item));
            }
            Output::AddAssistantText(text) => {
                self.tell(Command::AddAssistantText(text));
            }
            Output::CallTool { request, .. } => self.call_tool(request),
            Output::CancelTool(call) => self.cancel_tool(&call),
            Output::AnswerTool { call, output } => {
                self.came.answered.push(call.clone());
                self.tell(Command::AnswerTool { call, output });
            }
            Output::Synthesise { speech, text, line } => {
                let mut pieces = self.speaker.speak(text, line);
                let speaks = self.speaks.clone();
                let speaking = tokio::spawn(async move {
                    let mut complete = true;
                    while let Some(piece) = pieces.next().await {
                        complete = piece.is_ok();
                        if let Ok(audio) = piece {
                            let _ = speaks.send(Input::SpokenAudio { speech, audio }).await;
                        }
                    }
                    let _ = speaks.send(Input::SpokenEnd { speech, complete }).await;
                });
                self.speaking.insert(speech, speaking.abort_handle());
            }
            Output::Play { speech, audio } => self.loudspeaker.play(speech, audio.len() as u64),
            Output::FinishPlaying(speech) => self.loudspeaker.finish(speech),
            Output::Pause => {
                if let Some(paused) = self.loudspeaker.pause() {
                    self.later(Duration::from_millis(10), Input::Playout(paused));
                }
            }
            Output::Resume => self.loudspeaker.resume(),
            Output::Stop(speech) => {
                self.write("assistant stops");
                if let Some(speaking) = self.speaking.remove(&speech) {
                    speaking.abort();
                }
                self.loudspeaker.stop();
            }
            Output::Transcript {
                role,
                text,
                is_final: true,
                ..
            } => self.came.shown.push((role, text)),
            Output::StoreTurn(turn) => self.store(turn),
            Output::End(reason) => {
                self.write(&format!("ends: {reason:?}"));
                self.came.ended.push(reason);
            }
            _ => {}
        }
    }

    fn store(&mut self, turn: Turn) {
        let cut = if turn.interrupted { " (cut short)" } else { "" };
        self.write(&format!("{:?}: {}{cut}", turn.role, turn.text));
        self.tell(Command::Remember {
            position: turn.position,
            role: turn.role,
            text: turn.text.clone(),
            items: turn.items.clone(),
        });
        self.came.stored.push(turn);
    }

    fn call_tool(&mut self, request: ToolRequest) {
        let fate = (self.fates)();
        self.write(&format!("calls {}: {fate:?}", request.name));
        let (status, after, effect) = match fate {
            Fate::Gives(after) => (ToolStatus::Ok, after, None),
            Fate::Fails(after) => (ToolStatus::Failed, after, None),
            Fate::EndsCall(after) => (ToolStatus::Ok, after, Some(ToolEffect::EndCall)),
            Fate::Hangs => return,
        };
        let result = ToolResult {
            status,
            output: r#"{"plan":"Pro"}"#.into(),
            sources: Vec::new(),
            effect,
        };
        let call = request.call;
        self.later(after, Input::ToolFinished { call, result });
    }

    fn cancel_tool(&mut self, called_off: &ToolCallId) {
        self.coming.retain(
            |_, input| !matches!(input, Input::ToolFinished { call, .. } if call == called_off),
        );
    }

    /// An input that comes in a while.
    pub(super) fn later(&mut self, delay: Duration, input: Input) {
        self.last_coming += 1;
        let at = Instant::now() + delay;
        self.coming.insert((at, self.last_coming), input);
    }

    fn moment(&self) -> Moment {
        Moment::after(self.began.elapsed())
    }

    pub(super) fn write(&mut self, what: &str) {
        let now = self.began.elapsed().as_millis();
        writeln!(self.written, "{now:>7}  {what}").expect("a string takes everything");
    }

    /// What happened so far.
    pub(super) fn written(&self) -> String {
        self.written.clone()
    }

    /// When something was first heard after a moment, in milliseconds since the call began.
    pub(super) fn heard_after(&self, millis: u64) -> Option<u64> {
        let from = self.began + Duration::from_millis(millis);
        let heard = self.loudspeaker.heard.iter().find(|(_, at, _)| *at >= from);
        heard.map(|(_, at, _)| at.duration_since(self.began).as_millis() as u64)
    }
}

async fn recv(link: &mut Option<Link>) -> Option<provider::Event> {
    match link {
        Some(link) => link.recv().await,
        None => std::future::pending().await,
    }
}
