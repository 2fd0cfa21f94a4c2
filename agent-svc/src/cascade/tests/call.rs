//! A whole call in virtual time: the conversation, its providers, a loudspeaker that plays at the
//! speed of speech, and a dedicated voice. What the caller hears is written down, with the time in
//! milliseconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::domain::{
    AgentState, Conversation, EndReason, Heard, Input, Moment, Output, Playout, Role, Samples,
    Settings, SpeechId, ToolResult, ToolStatus, Turn,
};
use crate::provider::{Command, Event, Link, Provider, Setup};

const TICK: u64 = 10;
const SAMPLES_PER_MS: u64 = 24;
/// When voice activity detection notices an end.
const VAD_LAG: u64 = 200;
const JUDGING: u64 = 60;
/// How long the dedicated voice takes to begin, and the sound of a character.
const VOICE: u64 = 150;
const CHARACTER: usize = 60 * 24;

/// A call.
pub(super) struct Call {
    conversation: Conversation,
    link: Link,
    began: Instant,
    later: BTreeMap<(u64, u64), Input>,
    scheduled: u64,
    speaker: Speaker,
    heard: String,
    /// How long the caller has waited without a sound, and the longest such time.
    is_waiting: bool,
    silent: u64,
    pub(super) longest_silence: u64,
    pub(super) turns: Vec<Turn>,
    pub(super) ended: Option<EndReason>,
}

#[derive(Default)]
struct Speaker {
    speech: Option<SpeechId>,
    queued: u64,
    played: u64,
    finishing: bool,
    paused: bool,
}

impl Call {
    /// Begins: the caller is there and is greeted.
    pub(super) async fn begin(providers: Vec<Arc<dyn Provider>>) -> Self {
        let (send, setup) = oneshot::channel();
        let known = Setup {
            instructions: "Be kind.".to_owned(),
            tools: crate::tools::definitions(),
        };
        assert!(send.send(known).is_ok());
        let settings = Settings {
            echo_warm_up: Duration::ZERO,
            ..Settings::default()
        };
        let mut call = Self {
            conversation: Conversation::new(settings),
            link: Link::open(providers, setup),
            began: Instant::now(),
            later: BTreeMap::new(),
            scheduled: 0,
            speaker: Speaker::default(),
            heard: String::new(),
            is_waiting: false,
            silent: 0,
            longest_silence: 0,
            turns: Vec::new(),
            ended: None,
        };
        for input in [Input::Joined, Input::CallerJoined, Input::MicrophoneOpened] {
            call.input(input);
        }
        call.input(Input::Greeting("Hello, this is Iris.".to_owned()));
        call
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Lets so many milliseconds pass.
    pub(super) async fn run(&mut self, millis: u64) {
        for _ in 0..millis / TICK {
            self.tick().await;
        }
    }

    /// The caller speaks for so long.
    pub(super) async fn say(&mut self, millis: u64) {
        let from = moment(self.now());
        self.schedule(60, Input::SpeechStarted { voiced_from: from });
        for _ in 0..millis / TICK {
            let samples = vec![7; (TICK * SAMPLES_PER_MS) as usize];
            // Without anybody who listens it is lost.
            let _ = self.link.send(Command::Append(samples));
            self.tick().await;
        }
        let voiced_until = moment(self.now());
        self.schedule(VAD_LAG, Input::SpeechEnded { voiced_until });
    }

    async fn tick(&mut self) {
        sleep(Duration::from_millis(TICK)).await;
        while let Some(Some(event)) = self.link.recv().now_or_never() {
            match event {
                Event::Conversation(event) => self.input(Input::Realtime(event)),
                Event::Trouble(trouble) => self.write(&format!("({})", trouble.reason())),
                Event::Used(_) => {}
            }
        }
        let now = self.now();
        while let Some(entry) = self.later.first_entry().filter(|e| e.key().0 <= now) {
            let input = entry.remove();
            self.input(input);
        }
        self.play();
        let due = self.conversation.next_deadline();
        if due.is_some_and(|due| due <= moment(self.now())) {
            self.input(Input::Tick);
        }
    }

    fn schedule(&mut self, delay: u64, input: Input) {
        self.scheduled += 1;
        self.later
            .insert((self.now() + delay, self.scheduled), input);
    }

    fn play(&mut self) {
        let Some(speech) = self.speaker.speech else {
            return self.nothing_plays();
        };
        let more = (TICK * SAMPLES_PER_MS).min(self.speaker.queued - self.speaker.played);
        if self.speaker.paused || more == 0 {
            self.nothing_plays();
        } else {
            self.silent = 0;
            self.speaker.played += more;
        }
        let played = Samples(self.speaker.played);
        if self.speaker.finishing && self.speaker.played == self.speaker.queued {
            self.speaker = Speaker::default();
            self.input(Input::Playout(Playout::Finished { speech, played }));
        } else if more > 0 && !self.speaker.paused {
            self.input(Input::Playout(Playout::Progress { speech, played }));
        }
    }

    fn nothing_plays(&mut self) {
        self.silent = if self.is_waiting {
            self.silent + TICK
        } else {
            0
        };
        self.longest_silence = self.longest_silence.max(self.silent);
    }

    pub(super) fn input(&mut self, input: Input) {
        self.conversation.handle(moment(self.now()), input);
        while let Some(output) = self.conversation.poll() {
            self.output(output);
        }
    }

    fn output(&mut self, output: Output) {
        let command = match output {
            Output::JudgeTurn(pause) => {
                let complete = Some(0.95);
                return self.schedule(JUDGING, Input::TurnJudged { pause, complete });
            }
            Output::RecogniseSound(sound) => {
                let heard = Some(Heard::of("no that is not", 0.9));
                return self.schedule(JUDGING, Input::SoundRecognised { sound, heard });
            }
            Output::CommitAudio => Command::Commit,
            Output::ClearAudio => Command::Clear,
            Output::CreateResponse { ticket, tools } => Command::CreateResponse { ticket, tools },
            Output::CancelResponse(response) => Command::Cancel(response),
            Output::Truncate { item, audio_end_ms } => Command::Truncate { item, audio_end_ms },
            Output::Delete(item) => Command::Delete(item),
            Output::AddAssistantText(text) => Command::AddAssistantText(text),
            Output::AnswerTool { call, output } => Command::AnswerTool { call, output },
            Output::StoreTurn(turn) => self.store(turn),
            other => return self.act(other),
        };
        // One that has failed takes no more.
        let _ = self.link.send(command);
    }

    /// What is no order to the provider.
    fn act(&mut self, output: Output) {
        match output {
            Output::CallTool { request, .. } => {
                self.write(&format!("({} is called)", request.name));
                let result = ToolResult {
                    status: ToolStatus::Ok,
                    output: r#"{"plan":"Pro"}"#.to_owned(),
                    sources: Vec::new(),
                    effect: None,
                };
                let call = request.call;
                self.schedule(100, Input::ToolFinished { call, result });
            }
            Output::Synthesise { speech, text, .. } => {
                let audio = vec![5; text.chars().count() * CHARACTER];
                self.schedule(VOICE, Input::SpokenAudio { speech, audio });
                let complete = true;
                self.schedule(VOICE, Input::SpokenEnd { speech, complete });
            }
            Output::Play { speech, audio } => {
                self.speaker.speech = Some(speech);
                self.speaker.queued += audio.len() as u64;
            }
            Output::FinishPlaying(_) => self.speaker.finishing = true,
            Output::Pause => self.speaker.paused = true,
            Output::Resume => self.speaker.paused = false,
            Output::Stop(_) => self.speaker = Speaker::default(),
            Output::Transcript {
                role,
                text,
                is_final: true,
                ..
            } => {
                let who = match role {
                    Role::User => "Caller",
                    Role::Assistant => "Assistant",
                };
                self.write(&format!("{who}: {text}"));
            }
            Output::SetState(state) => self.is_waiting = state == AgentState::Thinking,
            Output::End(reason) => {
                self.write(&format!("(the end: {reason:?})"));
                self.ended = Some(reason);
            }
            _ => {}
        }
    }

    fn store(&mut self, turn: Turn) -> Command {
        let command = Command::Remember {
            position: turn.position,
            role: turn.role,
            text: turn.text.clone(),
            items: turn.items.clone(),
        };
        self.turns.push(turn);
        command
    }

    fn write(&mut self, what: &str) {
        let now = self.now();
        self.heard += &format!("{now:>8}  {what}\n");
    }

    /// What was heard so far.
    pub(super) fn heard(&self) -> &str {
        &self.heard
    }
}

fn moment(millis: u64) -> Moment {
    Moment::after(Duration::from_millis(millis))
}
