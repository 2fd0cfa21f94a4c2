//! The stage that a script is played on: a caller, a provider, a voice, tools and a loudspeaker,
//! all in virtual time. What the conversation does to them is written down.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use super::super::*;

/// Voice activity detection notices a start and an end this much later.
const VAD_START_LAG: u64 = 60;
const VAD_END_LAG: u64 = 200;
/// How long it takes to judge the sound of a turn.
const JUDGING: u64 = 80;
/// How long it takes to recognise a short sound.
const RECOGNISING: u64 = 70;
/// The provider notices a start so much later, and ends a turn after so much silence.
const PROVIDER_LAG: u64 = 200;
const PROVIDER_SILENCE: u64 = 500;
/// Sound of a character, in milliseconds.
const CHAR_MS: usize = 60;

/// Plays a script and gives the transcript.
pub(super) fn transcript(script: &str) -> String {
    let echo_warm_up = if script.contains("echoes at first") {
        Settings::default().echo_warm_up
    } else {
        Duration::ZERO
    };
    let max_tool_calls = if script.contains("at most 1 tools") {
        1
    } else {
        Settings::default().max_tool_calls
    };
    let turn_detection = script
        .lines()
        .find_map(|line| line.trim().strip_prefix("0 turns by "))
        .map_or_else(TurnDetection::default, |name| name.parse().unwrap());
    let mut stage = Stage::new(Settings {
        turn_detection,
        max_tool_calls,
        echo_warm_up,
        ..Settings::default()
    });
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (at, what) = line.split_once(' ').expect("a line is a time and an event");
        let at = at.parse().expect("a time in milliseconds");
        stage.schedule(at, Event::Line(what.trim().to_owned()));
    }
    stage.run();
    stage.written
}

enum Event {
    Line(String),
    Input(Input),
    /// The provider notices that the caller speaks.
    ProviderHears,
    /// The provider looks whether the caller has been silent for long enough.
    ProviderListens,
}

struct Stage {
    conversation: Conversation,
    turn_detection: TurnDetection,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    /// What the model does at the next requests.
    plans: VecDeque<String>,
    /// What the caller says, as far as it was neither committed nor forgotten.
    sayings: Vec<Saying>,
    /// When the sound was taken for a turn or for nothing last.
    closed: u64,
    /// The turn that the provider hears, and whether it never ends one.
    heard_by_provider: Option<ItemId>,
    provider_waits: bool,
    /// How a caller is greeted whom nobody knows.
    stranger: Option<String>,
    /// Whether the words of short sounds cannot be told.
    deaf: bool,
    /// Whether the caller publishes one.
    microphone: bool,
    /// What the next judgements of how a turn sounds are, where its words do not tell.
    votes: VecDeque<Option<f32>>,
    tools: HashMap<String, String>,
    speaker: Speaker,
    commits: u32,
    responses: u32,
    cancelled: Vec<ResponseId>,
    connected: bool,
    written: String,
}

/// Words of the caller in a sound.
struct Saying {
    from: u64,
    length: u64,
    text: String,
    /// How sure the recogniser is of its words.
    clarity: f32,
}

/// Plays what it is given, ten milliseconds at a time.
#[derive(Default)]
struct Speaker {
    speech: Option<SpeechId>,
    queued: u64,
    played: u64,
    paused: bool,
    finishing: bool,
}

impl Stage {
    fn new(settings: Settings) -> Self {
        Self {
            turn_detection: settings.turn_detection,
            conversation: Conversation::new(settings),
            now: 0,
            events: BTreeMap::new(),
            scheduled: 0,
            plans: VecDeque::new(),
            sayings: Vec::new(),
            closed: 0,
            heard_by_provider: None,
            provider_waits: false,
            stranger: None,
            deaf: false,
            microphone: true,
            votes: VecDeque::new(),
            tools: HashMap::new(),
            speaker: Speaker::default(),
            commits: 0,
            responses: 0,
            cancelled: Vec::new(),
            connected: false,
            written: String::new(),
        }
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), event);
    }

    fn later(&mut self, delay: u64, input: Input) {
        self.schedule(self.now + delay, Event::Input(input));
    }

    fn run(&mut self) {
        while self.now < 4_000_000 {
            while let Some(entry) = self.events.first_entry().filter(|e| e.key().0 <= self.now) {
                match entry.remove() {
                    Event::Line(line) => self.line(&line),
                    Event::Input(input) => self.input(input),
                    Event::ProviderHears => self.provider_hears(),
                    Event::ProviderListens => self.provider_listens(),
                }
            }
            self.speaker_tick();
            let due = self.conversation.next_deadline();
            if due.is_some_and(|due| due <= moment(self.now)) {
                self.input(Input::Tick);
            }
            if self.written.contains("end call") {
                return;
            }
            self.now += 10;
        }
    }

    fn line(&mut self, line: &str) {
        let (text, rest) = match line.split_once('"') {
            Some((head, tail)) => (tail.trim_end_matches('"').to_owned(), head.trim()),
            None => (String::new(), line),
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        match words.as_slice() {
            ["call", "begins"] => {
                for input in [Input::Joined, Input::CallerJoined] {
                    self.input(input);
                }
                if self.microphone {
                    self.input(Input::MicrophoneOpened);
                }
                self.connect();
            }
            ["joined"] => self.input(Input::Joined),
            ["caller", "joins"] => self.input(Input::CallerJoined),
            ["caller", "hangs", "up"] => self.input(Input::CallerLeft { hung_up: true }),
            ["message"] => self.input(Input::Message(text)),
            ["caller", "is", "lost"] => self.input(Input::CallerLeft { hung_up: false }),
            ["at", "most", "1", "tools"] | ["turns", "by", _] => {}
            ["provider", "never", "ends", "turns"] => self.provider_waits = true,
            ["button", "down"] => self.press(Conversation::start_turn),
            ["button", "up"] => self.press(Conversation::end_turn),
            ["turn", "is", "cancelled"] => self.press(Conversation::cancel_turn),
            ["caller", "echoes", "at", "first"] => {}
            ["no", "microphone"] => self.microphone = false,
            ["playout", "takes", ms] => {
                let delay = Duration::from_millis(ms.parse().unwrap());
                self.input(Input::PlayoutDelay(delay));
            }
            ["input", "is", "lost"] => self.input(Input::Realtime(Realtime::InputLost)),
            ["words", "cannot", "be", "told"] => self.deaf = true,
            ["pause", "sounds", vote] => self.votes.push_back(vote.parse().ok()),
            ["caller", "speaks", length] => self.caller_speaks(length.parse().unwrap(), text, 0.9),
            ["caller", "spoke", ago] => self.caller_spoke(ago.parse().unwrap(), text),
            ["caller", "murmurs", length] => self.caller_speaks(length.parse().unwrap(), text, 0.5),
            ["provider", "connects"] => self.connect(),
            ["provider", "is", "lost"] => {
                self.connected = false;
                self.heard_by_provider = None;
                self.input(Input::Realtime(Realtime::Disconnected));
            }
            ["provider", "is", "replaced"] => {
                self.turn_detection = TurnDetection::Local;
                self.heard_by_provider = None;
                self.input(Input::Realtime(Realtime::Replaced));
                self.connect();
            }
            ["provider", "fails"] => self.input(Input::Realtime(Realtime::Failed)),
            ["greeting"] => self.input(Input::Greeting(text)),
            ["nobody", "knows", "the", "caller"] => self.stranger = Some(text),
            ["say"] => {
                let outcome = self.conversation.say(moment(self.now), text);
                if outcome.is_err() {
                    self.write("queue full");
                }
                self.outputs();
            }
            ["model", plan @ ..] => self.plans.push_back(format!("{} {text}", plan.join(" "))),
            ["tool", name, does @ ..] => {
                self.tools.insert((*name).to_owned(), does.join(" "));
            }
            ["nobody", "can", "say", "who", "calls"] => {
                self.input(Input::GiveUp(EndReason::MediaError));
            }
            ["operator", "ends"] => self.input(Input::End(EndReason::Operator)),
            _ => panic!("unknown line: {line}"),
        }
    }

    fn connect(&mut self) {
        self.connected = true;
        let is_speaking = |saying: &Saying| saying.from + saying.length > self.now;
        if self.turn_detection.is_providers() && self.sayings.iter().any(is_speaking) {
            // It is told what was said so far.
            self.schedule(self.now + 50, Event::ProviderHears);
        }
        self.input(Input::Realtime(Realtime::Connected));
    }

    fn caller_speaks(&mut self, length: u64, text: String, clarity: f32) {
        let voiced_from = moment(self.now);
        let voiced_until = moment(self.now + length);
        let from = self.now;
        self.sayings.push(Saying {
            from,
            length,
            text,
            clarity,
        });
        self.later(VAD_START_LAG, Input::SpeechStarted { voiced_from });
        self.later(length + VAD_END_LAG, Input::SpeechEnded { voiced_until });
        // It overhears what is too short.
        if self.turn_detection.is_providers() && length >= PROVIDER_LAG {
            self.schedule(from + PROVIDER_LAG, Event::ProviderHears);
            self.schedule(from + length + PROVIDER_SILENCE, Event::ProviderListens);
        }
    }

    /// What was said this long ago is heard in a moment: a recording of what came before the call.
    fn caller_spoke(&mut self, ago: u64, text: String) {
        let voiced_from = moment(self.now.saturating_sub(ago));
        self.sayings.push(Saying {
            from: self.now,
            length: 100,
            text,
            clarity: 0.9,
        });
        self.input(Input::SpeechStarted { voiced_from });
        let voiced_until = moment(self.now + 100);
        self.later(100 + VAD_END_LAG, Input::SpeechEnded { voiced_until });
    }

    fn press(&mut self, button: fn(&mut Conversation, Moment) -> Result<(), TurnRefused>) {
        if let Err(refused) = button(&mut self.conversation, moment(self.now)) {
            self.write(&format!("refused: {refused}"));
        }
        self.outputs();
    }

    fn provider_hears(&mut self) {
        if !self.connected || self.heard_by_provider.is_some() {
            return;
        }
        self.commits += 1;
        let item = ItemId::from(format!("user_{}", self.commits));
        self.heard_by_provider = Some(item.clone());
        self.write("provider hears speech");
        // With its padding.
        let ago = Duration::from_millis(PROVIDER_LAG + 300);
        self.input(Input::Realtime(Realtime::SpeechStarted { item, ago }));
    }

    fn provider_listens(&mut self) {
        let (now, silence) = (self.now, PROVIDER_SILENCE);
        let is_over =
            |saying: &Saying| saying.from > now || saying.from + saying.length + silence <= now;
        if !self.connected || self.provider_waits || !self.sayings.iter().all(is_over) {
            return;
        }
        let Some(item) = self.heard_by_provider.take() else {
            return;
        };
        self.write("provider ends turn");
        let ago = Duration::from_millis(silence);
        let stopped = item.clone();
        self.input(Input::Realtime(Realtime::SpeechStopped {
            item: stopped,
            ago,
        }));
        let text = Some(self.take_sayings());
        self.input(Input::Realtime(Realtime::Committed(item.clone())));
        self.realtime(200, Realtime::CallerText { item, text });
    }

    /// Takes what the caller has said so far.
    fn take_sayings(&mut self) -> String {
        let now = self.now;
        let said = self.sayings.extract_if(.., |saying| saying.from <= now);
        said.map(|saying| saying.text).collect::<Vec<_>>().join(" ")
    }

    /// The words tell whether the caller has finished, unless the script says what it sounds like.
    fn judge(&mut self, pause: PauseId) {
        let vote = match (self.votes.pop_front(), self.sayings.last()) {
            (Some(vote), _) => vote,
            (None, Some(Saying { text, .. })) if text.ends_with(char::is_alphabetic) => Some(0.05),
            (None, _) => Some(0.95),
        };
        match vote {
            Some(_) => self.write(&format!("judge pause {}", pause.0)),
            None => return self.write(&format!("judge pause {} in vain", pause.0)),
        }
        let complete = vote;
        self.later(JUDGING, Input::TurnJudged { pause, complete });
    }

    /// The words of what the caller is saying, as far as they have come.
    fn recognise(&mut self, sound: SoundId) {
        if self.deaf {
            return self.write(&format!("recognise sound {} in vain", sound.0));
        }
        let heard = || {
            let recent = |saying: &&Saying| {
                saying.from <= self.now && saying.from + saying.length > self.closed
            };
            self.sayings.iter().filter(recent)
        };
        let confidence = heard().map(|saying| saying.clarity).fold(1.0, f32::min);
        let text: Vec<&str> = heard()
            .flat_map(|saying| {
                let words: Vec<&str> = saying.text.split_whitespace().collect();
                let spoken = (self.now - saying.from).min(saying.length) as usize;
                let count = words.len() * spoken / saying.length.max(1) as usize;
                words.into_iter().take(count)
            })
            .collect();
        let text = text.join(" ");
        self.write(&format!("recognise sound {}: {text}", sound.0));
        let heard = Some(Heard::of(&text, confidence));
        self.later(RECOGNISING, Input::SoundRecognised { sound, heard });
    }

    fn input(&mut self, input: Input) {
        self.conversation.handle(moment(self.now), input);
        self.outputs();
    }

    fn outputs(&mut self) {
        while let Some(output) = self.conversation.poll() {
            self.output(output);
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::GreetStranger => {
                if let Some(text) = self.stranger.take() {
                    self.write("greet a stranger");
                    self.later(0, Input::Greeting(text));
                }
            }
            Output::JudgeTurn(pause) => self.judge(pause),
            Output::RecogniseSound(sound) => self.recognise(sound),
            Output::CommitAudio => {
                self.commits += 1;
                let item = ItemId::from(format!("user_{}", self.commits));
                self.realtime(20, Realtime::Committed(item.clone()));
                let text = Some(self.take_sayings());
                self.realtime(200, Realtime::CallerText { item, text });
                self.write("commit audio");
            }
            Output::OpenInput => {
                // What was said before was not sent.
                self.take_sayings();
                self.write("open input");
            }
            Output::CloseInput => self.closed = self.now,
            Output::SendSpeechOnly => self.write("send speech only"),
            Output::ClearAudio => {
                self.take_sayings();
                self.write("clear audio");
            }
            Output::CreateResponse { ticket, tools } => self.create(ticket, tools),
            Output::CancelResponse(id) => {
                self.write(&format!("cancel {id}"));
                self.cancelled.push(id.clone());
                let (response, outcome) = (id, Outcome::Cancelled);
                self.realtime(
                    30,
                    Realtime::ResponseDone {
                        response,
                        ticket: None,
                        outcome,
                    },
                );
            }
            Output::CallTool { request, turn } => self.tool(request, turn),
            Output::Synthesise { speech, text, .. } => {
                self.write(&format!("synthesise {}: {text}", speech.0));
                let samples = text.chars().count() * CHAR_MS * 24;
                self.later(
                    100,
                    Input::SpokenAudio {
                        speech,
                        audio: vec![1; samples],
                    },
                );
                self.later(
                    110,
                    Input::SpokenEnd {
                        speech,
                        complete: true,
                    },
                );
            }
            Output::Play { speech, audio } => self.play(speech, audio.len() as u64),
            Output::FinishPlaying(_) => self.speaker.finishing = true,
            Output::Pause => {
                self.write("pause");
                self.speaker.paused = true;
                if let Some(speech) = self.speaker.speech {
                    let played = Samples(self.speaker.played);
                    self.later(10, Input::Playout(Playout::Paused { speech, played }));
                }
            }
            Output::Resume => {
                self.write("resume");
                self.speaker.paused = false;
            }
            Output::Stop(speech) => {
                self.write(&format!("stop {}", speech.0));
                self.speaker = Speaker::default();
            }
            other => self.write_plain(other),
        }
    }

    fn write_plain(&mut self, output: Output) {
        let line = match output {
            Output::Truncate { item, audio_end_ms } => format!("truncate {item} at {audio_end_ms}"),
            Output::Delete(item) => format!("delete {item}"),
            Output::AddAssistantText(text) => format!("tell model: {text}"),
            Output::CancelTool(call) => format!("cancel tool {call}"),
            Output::AnswerTool { call, output } => format!("answer {call}: {output}"),
            Output::HandOver(wanted) => format!("hand over: {}", wanted.reason),
            Output::ToolEnded(record) => {
                let took = record.took.as_millis();
                format!("tool {} {:?} after {took} ms", record.name, record.status)
            }
            Output::SetState(state) => format!("-> {state:?}"),
            Output::Transcript {
                is_final: false, ..
            } => return,
            Output::Transcript { role, text, .. } => format!("{role:?}: {text}"),
            Output::StoreTurn(turn) => store_line(&turn),
            Output::Metric(metric) => format!("count {metric:?}"),
            Output::End(reason) => format!("end call: {reason:?}"),
            other => format!("{other:?}"),
        };
        self.write(&line);
    }

    fn create(&mut self, ticket: Ticket, tools: bool) {
        let without = if tools { "" } else { " without tools" };
        self.write(&format!("create response {}{without}", ticket.0));
        self.responses += 1;
        let response = ResponseId::from(format!("resp_{}", self.responses));
        let plan = self
            .plans
            .pop_front()
            .unwrap_or_else(|| "says All right.".into());
        let (verb, what) = plan.split_once(' ').unwrap_or((&plan, ""));
        if verb == "hangs" {
            return;
        }
        let created = Realtime::ResponseCreated {
            response: response.clone(),
            ticket: Some(ticket),
        };
        self.realtime(40, created);
        match verb {
            "says" => self.model_says(&response, what.trim()),
            "breaks" => {
                let text = what.trim_start_matches("off after").trim();
                return self.model_says(&response, text);
            }
            "calls" => {
                for (index, name) in what.split_whitespace().enumerate() {
                    let call = format!("call_{}_{}", self.responses, index + 1);
                    let request = ToolRequest {
                        call: call.into(),
                        name: name.into(),
                        arguments: "{}".into(),
                    };
                    let response = response.clone();
                    self.realtime(150, Realtime::ToolCall { response, request });
                }
            }
            "fails" => {}
            other => panic!("unknown plan: {other}"),
        }
        let outcome = if verb == "fails" {
            Outcome::Failed
        } else {
            Outcome::Completed
        };
        let ticket = Some(ticket);
        self.realtime(
            300,
            Realtime::ResponseDone {
                response,
                ticket,
                outcome,
            },
        );
    }

    fn model_says(&mut self, response: &ResponseId, text: &str) {
        let item = ItemId::from(format!("item_{}", self.responses));
        for (index, word) in text.split_inclusive(' ').enumerate() {
            let delay = 200 + 5 * index as u64;
            let (response, item) = (response.clone(), item.clone());
            let audio = vec![1; word.chars().count() * CHAR_MS * 24];
            let delta = word.to_owned();
            self.realtime(
                delay,
                Realtime::Text {
                    response: response.clone(),
                    item: item.clone(),
                    delta,
                },
            );
            self.realtime(
                delay,
                Realtime::Audio {
                    response,
                    item,
                    audio,
                },
            );
        }
    }

    fn realtime(&mut self, delay: u64, event: Realtime) {
        self.later(delay, Input::Realtime(event));
    }

    fn tool(&mut self, request: ToolRequest, turn: u32) {
        let (name, call) = (&request.name, &request.call);
        let place = if turn > 1 {
            format!(" in turn {turn}")
        } else {
            String::new()
        };
        self.write(&format!("call {name} {call}{place}"));
        let does = self
            .tools
            .get(&request.name)
            .cloned()
            .unwrap_or_else(|| "takes 50".into());
        let effect = if does.contains("ending") {
            Some(ToolEffect::EndCall)
        } else if does.contains("handing over") {
            Some(ToolEffect::HandOver(HandOver {
                reason: "asked for it".into(),
                summary: "A refund.".into(),
            }))
        } else {
            None
        };
        let Some(delay) = does
            .split_whitespace()
            .nth(1)
            .and_then(|ms| ms.parse().ok())
        else {
            return;
        };
        let result = ToolResult {
            status: ToolStatus::Ok,
            output: r#"{"ok":true}"#.into(),
            sources: Vec::new(),
            effect,
        };
        self.later(
            delay,
            Input::ToolFinished {
                call: request.call,
                result,
            },
        );
    }

    fn play(&mut self, speech: SpeechId, samples: u64) {
        if self.speaker.speech != Some(speech) {
            self.write(&format!("play {}", speech.0));
            let paused = self.speaker.paused;
            self.speaker = Speaker {
                speech: Some(speech),
                paused,
                ..Speaker::default()
            };
        }
        self.speaker.queued += samples;
    }

    fn speaker_tick(&mut self) {
        let Some(speech) = self.speaker.speech.filter(|_| !self.speaker.paused) else {
            return;
        };
        let step = self.speaker.queued.min(240);
        self.speaker.queued -= step;
        self.speaker.played += step;
        let played = Samples(self.speaker.played);
        if self.speaker.queued == 0 && self.speaker.finishing {
            self.speaker = Speaker::default();
            self.input(Input::Playout(Playout::Finished { speech, played }));
        } else if step > 0 && (self.now.is_multiple_of(100) || self.speaker.played == step) {
            self.input(Input::Playout(Playout::Progress { speech, played }));
        }
    }

    fn write(&mut self, line: &str) {
        let now = self.now;
        writeln!(self.written, "{now:6}  {line}").expect("a string takes everything");
    }
}

fn store_line(turn: &Turn) -> String {
    let mut line = format!("store {} {:?}: {}", turn.position, turn.role, turn.text);
    if turn.interrupted {
        match turn.silenced_after {
            Some(after) => {
                let _ = write!(line, " (interrupted in {} ms)", after.as_millis());
            }
            None => line.push_str(" (interrupted)"),
        }
    }
    for tool in &turn.tools {
        let _ = write!(line, " [{}]", tool.name);
    }
    if let Some(latency) = turn.latency {
        let ms = |length: Duration| length.as_millis();
        let first = if latency.first_token == latency.first_audio {
            String::new()
        } else {
            format!("{}, ", ms(latency.first_token))
        };
        let _ = write!(
            line,
            " ({} + {first}{} -> {} ms)",
            ms(latency.end_of_turn),
            ms(latency.first_audio),
            ms(latency.voice_to_voice)
        );
    }
    line
}

fn moment(ms: u64) -> Moment {
    Moment::after(Duration::from_millis(ms))
}
