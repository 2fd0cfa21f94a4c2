//! [`Conversation`]: takes inputs, keeps deadlines, gives outputs.
//!
//! The parts: [`floor`](self) decides who speaks, `detection` takes the turns that the provider or a
//! button delimits, `answers` follows the provider's responses and
//! tools, `playing` turns speeches into sound and transcript, `silence` speaks
//! up when nobody does, `ending` keeps limits and closes.

mod answers;
mod detection;
mod ending;
mod floor;
mod playing;
mod silence;

use std::collections::VecDeque;
use std::time::Duration;

use super::endpointing::Endpointing;
use super::hold::Hold;
use super::limits::Limits;
use super::responses::Responses;
use super::speech::{Kind, SpeechQueue};
use super::tools::Tools;
use super::transcript::CallerTexts;
use super::turns::CallerTurn;
use super::{AgentState, EndReason, Input, Moment, Output, Samples, SegmentId, Settings};
use answers::{Exchange, Outage, Provider};
use detection::ProvidersTurns;
pub use detection::TurnRefused;
use ending::Closing;

/// No network that can be talked over takes longer.
const MAX_PLAYOUT_DELAY: Duration = Duration::from_secs(1);

/// One conversation of one caller. See the module above for how it is driven.
#[derive(Debug)]
pub struct Conversation {
    settings: Settings,
    now: Moment,
    outputs: VecDeque<Output>,
    state: AgentState,
    joined: bool,
    /// Until when the caller waits for a greeting by name.
    greeting_due: Option<Moment>,
    greeted: bool,
    caller: CallerTurn,
    providers: ProvidersTurns,
    /// Sound of the turn that goes on was lost.
    turn_damaged: bool,
    endpointing: Endpointing,
    hold: Option<Hold>,
    last_sound: u32,
    /// When the assistant was heard first.
    first_heard: Option<Moment>,
    texts: CallerTexts,
    /// Turns of the caller, as tools count them, and whether an answer was heard since the last.
    caller_turns: u32,
    answer_heard: bool,
    exchange: Exchange,
    provider: Provider,
    responses: Responses,
    tools: Tools,
    speeches: SpeechQueue,
    /// How long sound takes from here to the caller's ear.
    playout_delay: Samples,
    limits: Limits,
    /// Why the call cannot be held. The caller is told as soon as they listen.
    hopeless: Option<EndReason>,
    closing: Option<Closing>,
    ended: bool,
    last_segment: u32,
    last_position: u32,
}

/// Too many texts wait to be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many texts wait to be spoken")]
pub struct QueueFull;

impl Conversation {
    /// A conversation that begins now.
    pub fn new(settings: Settings) -> Self {
        Self {
            now: Moment::default(),
            outputs: VecDeque::from([Output::SetState(AgentState::Initializing)]),
            state: AgentState::Initializing,
            joined: false,
            greeting_due: None,
            greeted: false,
            caller: CallerTurn::default(),
            providers: ProvidersTurns::default(),
            turn_damaged: false,
            endpointing: Endpointing::new(&settings),
            hold: None,
            last_sound: 0,
            first_heard: None,
            texts: CallerTexts::default(),
            caller_turns: 0,
            answer_heard: false,
            exchange: Exchange::default(),
            provider: Provider::Away(Outage::default()),
            responses: Responses::new(settings.confirm_timeout, settings.response_timeout),
            tools: Tools::default(),
            speeches: SpeechQueue::default(),
            playout_delay: Samples::default(),
            limits: Limits::new(),
            hopeless: None,
            closing: None,
            ended: false,
            last_segment: 0,
            last_position: 0,
            settings,
        }
    }

    /// Takes what happened. Time never runs backwards: an earlier `now` counts as the latest.
    pub fn handle(&mut self, now: Moment, input: Input) {
        self.now = self.now.max(now);
        if self.ended {
            return;
        }
        match input {
            Input::Joined => self.joined = true,
            Input::CallerJoined => self.caller_joined(),
            Input::CallerLeft { hung_up } => self.caller_left(hung_up),
            Input::MicrophoneOpened => self.limits.microphone_opened(self.now),
            Input::PlayoutDelay(delay) => {
                self.playout_delay = Samples::lasting(delay.min(MAX_PLAYOUT_DELAY));
            }
            Input::Greeting(text) => self.greet(text),
            Input::SpeechStarted { voiced_from } => self.speech_started(voiced_from),
            Input::SpeechEnded { voiced_until } => self.speech_ended(voiced_until),
            Input::TurnJudged { pause, complete } => {
                self.caller.judged(pause, complete, &self.endpointing);
            }
            Input::SoundRecognised { sound, heard } => self.sound_recognised(sound, heard),
            Input::Message(text) => self.message(text),
            Input::Realtime(event) => self.realtime(event),
            Input::SpokenAudio { speech, audio } => self.spoken_audio(speech, audio),
            Input::SpokenEnd { speech, complete } => self.spoken_end(speech, complete),
            Input::Playout(event) => self.playout(event),
            Input::ToolFinished { call, result } => self.tool_finished(call, result),
            Input::End(reason) => self.end(reason),
            Input::GiveUp(reason) => self.hopeless = Some(reason),
            Input::Tick => {}
        }
        self.advance();
    }

    /// Has a text spoken, word for word, once the assistant has finished what it is saying.
    ///
    /// # Errors
    /// [`QueueFull`] when too many texts wait. After the end the text is dropped.
    pub fn say(&mut self, now: Moment, text: String) -> Result<(), QueueFull> {
        self.now = self.now.max(now);
        if self.ended || self.closing.is_some() {
            return Ok(());
        }
        if self.speeches.queued_texts() >= self.settings.max_queued_speech {
            return Err(QueueFull);
        }
        self.speak(Kind::Say, text);
        self.advance();
        Ok(())
    }

    /// The next thing to do; `None` when all is done for now.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back at the latest; `None` when the conversation is over.
    pub fn next_deadline(&self) -> Option<Moment> {
        if self.ended {
            return None;
        }
        [
            self.floor_deadline(),
            self.texts.deadline(),
            self.responses.deadline(),
            self.tools.deadline(),
            self.filler_deadline(),
            self.silence_deadline(),
            self.ending_deadline(),
            self.greeting_due,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due, then whatever has become possible.
    fn advance(&mut self) {
        if self.greeting_due.take_if(|due| *due <= self.now).is_some() {
            self.push(Output::GreetStranger);
        }
        self.run_floor();
        self.run_answers();
        self.run_silence();
        self.run_ending();
        if self.ended {
            return;
        }
        self.run_playing();
        self.finish_closing();
        if !self.ended {
            self.show_state();
        }
    }

    fn caller_joined(&mut self) {
        self.limits.caller_joined(self.now);
        if !self.greeted {
            self.greeting_due = Some(self.now + self.settings.greeting_grace);
        }
    }

    fn greet(&mut self, text: String) {
        self.greeting_due = None;
        self.greeted = true;
        if !self.is_saying_goodbye() {
            self.speak(Kind::Greeting, text);
        }
    }

    fn show_state(&mut self) {
        let state = if !self.joined {
            AgentState::Initializing
        } else if self.speeches.current.is_some() && !self.is_paused() {
            AgentState::Speaking
        } else if self.caller.is_open() {
            AgentState::Listening
        } else if self.is_answering() {
            AgentState::Thinking
        } else if self.limits.is_caller_here() {
            AgentState::Listening
        } else {
            AgentState::Idle
        };
        if state != self.state {
            self.state = state;
            self.push(Output::SetState(state));
        }
    }

    fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn next_segment(&mut self) -> SegmentId {
        self.last_segment += 1;
        SegmentId(self.last_segment)
    }

    fn next_position(&mut self) -> u32 {
        self.last_position += 1;
        self.last_position
    }
}
