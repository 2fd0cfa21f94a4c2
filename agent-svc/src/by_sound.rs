//! The assistant by sound, in virtual time: what a caller says goes through the detector, the
//! conversation and the judge's models as in a call, and what was decided about it is written down.
//! Something that answers at once and a loudspeaker stand in for provider and room.
//!
//! For evaluations (`examples/eval_turns`); nothing of the service uses it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use livekit_rtc::{
    AudioHandler, Content, FRAME_DURATION, FRAME_SAMPLES, Frame, Identity, Received, TrackSid,
};
use speech::Models;

pub use crate::domain::Heard;
use crate::domain::{
    AgentState, Conversation, Input, ItemId, Metric, Moment, Outcome, Output, Realtime, ResponseId,
    Samples, Settings, SpeechId, Ticket,
};
pub use crate::judge::{Ending, LastWords};
use crate::judge::{Judge, Recent};
use crate::media::{self, MediaHandle, Upload, VadSource};

/// How long it takes in a call to tell whether the caller has finished: 35 ms of a core for Smart Turn
/// and, where that takes the turn for finished, 50 to 90 ms for the last words.
pub const VOTE_LATENCY: Duration = Duration::from_millis(120);
/// How long it takes in a call to recognise a short sound.
pub const WORDS_LATENCY: Duration = Duration::from_millis(150);
/// How soon the first sound of an answer comes.
pub const ANSWER_LATENCY: Duration = Duration::from_millis(500);
/// What is answered when nothing else was asked for.
const ANSWER: (&str, Duration) = ("All right.", Duration::from_secs(1));

/// The models that listen. One set a thread: questions of several would wait for one another.
#[derive(Debug, Clone)]
pub struct Senses {
    vad: VadSource,
    judge: Judge,
}

impl Senses {
    /// Loads them.
    ///
    /// # Errors
    /// A model cannot be loaded.
    pub fn load(models: Models) -> Result<Self, speech::Error> {
        Ok(Self {
            judge: Judge::load(&models)?,
            vad: VadSource::new(models)?,
        })
    }
}

/// What decides.
#[derive(Debug, Clone, Copy)]
pub struct Judging {
    /// The silence that ends a turn; `None` where Smart Turn's vote decides, as in a call.
    pub fixed_delay: Option<Duration>,
    /// Whether the words of a sound over the assistant can be told, as in a call. Without them its
    /// length decides.
    pub words: bool,
}

/// What happened in a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// The caller's turn is over: it was committed and an answer asked for.
    TurnTaken,
    /// The assistant's voice can be heard, for the first time or again.
    Speaking,
    /// A sound of the caller paused the assistant.
    Paused,
    /// A sound over the assistant was none that it should stop for.
    Dismissed,
    /// A sound over the assistant took the floor.
    Interrupted,
    /// How what the caller had said so far ends.
    Judged(Ending),
    /// The words of a sound over the assistant.
    Heard(Heard),
}

/// A call of one caller. Time passes only by [`hear`](Self::hear).
pub struct Rehearsal {
    senses: Senses,
    judging: Judging,
    conversation: Conversation,
    /// The shard's end of the sound.
    shard: Box<dyn AudioHandler>,
    media: MediaHandle,
    recent: Recent,
    caller: Identity,
    track: TrackSid,
    began: Instant,
    now: Moment,
    /// What is on its way to the conversation, by when it arrives and in order.
    coming: BTreeMap<(Moment, u32), Input>,
    last_coming: u32,
    /// What the next answer is, and how long it sounds.
    answer: (String, Duration),
    last_item: u32,
    happened: Vec<(Duration, Happened)>,
}

impl Rehearsal {
    /// A call that begins now, in which nobody has said anything yet.
    ///
    /// # Errors
    /// As [`hear`](Self::hear).
    pub fn new(senses: Senses, judging: Judging) -> anyhow::Result<Self> {
        let mut settings = Settings::default();
        if let Some(delay) = judging.fixed_delay {
            settings.min_endpointing_delay = delay;
            settings.max_endpointing_delay = delay;
        }
        let (shard, media) =
            media::handler(senses.vad.clone(), settings.vad_silence, Upload::Speech);
        let caller = Identity::from("caller");
        media.send(media::Command::Listen(caller.clone()))?;
        let mut call = Self {
            senses,
            judging,
            conversation: Conversation::new(settings),
            shard,
            media,
            recent: Recent::default(),
            caller,
            track: TrackSid::from("TR_microphone"),
            began: Instant::now(),
            now: Moment::default(),
            coming: BTreeMap::new(),
            last_coming: 0,
            answer: answer(ANSWER.0, ANSWER.1),
            last_item: 0,
            happened: Vec::new(),
        };
        for input in [
            Input::Joined,
            Input::CallerJoined,
            Input::MicrophoneOpened,
            Input::Realtime(Realtime::Connected),
        ] {
            call.input(input)?;
        }
        Ok(call)
    }

    /// Has the assistant say something that sounds this long, as an answer to something written.
    ///
    /// # Errors
    /// As [`hear`](Self::hear).
    pub fn assistant_says(&mut self, text: &str, length: Duration) -> anyhow::Result<()> {
        self.answer = answer(text, length);
        self.input(Input::Message("Tell me.".into()))
    }

    /// Takes the next 10 ms from the caller's microphone.
    ///
    /// # Errors
    /// A model fails, or the sound of an answer is too long.
    pub fn hear(&mut self, samples: &Frame) -> anyhow::Result<()> {
        let then = self.now + FRAME_DURATION;
        while let Some(due) = self.next_due().filter(|due| *due <= then) {
            self.now = self.now.max(due);
            let entry = self.coming.first_entry();
            let input = match entry.filter(|entry| entry.key().0 <= self.now) {
                Some(entry) => entry.remove(),
                None => Input::Tick,
            };
            self.input(input)?;
        }
        self.now = then;
        let now = self.began + then.since_start();
        self.shard.received(Received {
            now,
            participant: &self.caller,
            track: &self.track,
            samples,
            content: Content::Decoded,
        });
        self.shard.playout(now, &mut [0; FRAME_SAMPLES]);
        while let Some(event) = self.media.try_recv() {
            self.reported(event)?;
        }
        Ok(())
    }

    /// Time since the call began.
    pub fn now(&self) -> Duration {
        self.now.since_start()
    }

    /// What has happened so far, and when.
    pub fn happened(&self) -> &[(Duration, Happened)] {
        &self.happened
    }

    fn next_due(&self) -> Option<Moment> {
        let arrival = self.coming.first_key_value().map(|((at, _), _)| *at);
        let deadline = self.conversation.next_deadline();
        arrival.into_iter().chain(deadline).min()
    }

    fn reported(&mut self, event: media::Event) -> anyhow::Result<()> {
        let moment = |at: Instant| Moment::after(at.saturating_duration_since(self.began));
        let input = match event {
            media::Event::Audio(samples) => {
                self.recent.push(&samples);
                return Ok(());
            }
            media::Event::SpeechStarted { voiced_from } => Input::SpeechStarted {
                voiced_from: moment(voiced_from),
            },
            media::Event::SpeechEnded { voiced_until } => Input::SpeechEnded {
                voiced_until: moment(voiced_until),
            },
            media::Event::CaughtUp => return Ok(()),
            media::Event::Playout(event) => Input::Playout(event),
        };
        self.input(input)
    }

    fn input(&mut self, input: Input) -> anyhow::Result<()> {
        self.conversation.handle(self.now, input);
        while let Some(output) = self.conversation.poll() {
            self.carry_out(output)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, output: Output) -> anyhow::Result<()> {
        match output {
            Output::JudgeTurn(pause) => {
                let ending = self.senses.judge.ending_here(&self.recent.to_vec())?;
                let complete = Some(ending.complete());
                self.note(Happened::Judged(ending));
                self.later(VOTE_LATENCY, Input::TurnJudged { pause, complete });
            }
            Output::RecogniseSound(sound) if self.judging.words => {
                let heard = self.senses.judge.words_here(&self.recent.to_vec())?;
                self.note(Happened::Heard(heard.clone()));
                let heard = Some(heard);
                self.later(WORDS_LATENCY, Input::SoundRecognised { sound, heard });
            }
            Output::CommitAudio => {
                self.note(Happened::TurnTaken);
                let item = self.next_item();
                self.realtime(Duration::ZERO, Realtime::Committed(item.clone()));
                self.realtime(Duration::ZERO, Realtime::CallerText { item, text: None });
                self.close_input()?;
            }
            Output::ClearAudio => self.close_input()?,
            Output::CreateResponse { ticket, .. } => self.respond(ticket),
            Output::Synthesise { speech, .. } => self.speak(speech),
            Output::Play { speech, audio } => self.tell(media::Command::Play(speech, audio))?,
            Output::FinishPlaying(speech) => self.tell(media::Command::Finish(speech))?,
            Output::Pause => {
                self.note(Happened::Paused);
                self.tell(media::Command::Pause)?;
            }
            Output::Resume => self.tell(media::Command::Resume)?,
            Output::Stop(_) => self.tell(media::Command::Stop)?,
            Output::SetState(AgentState::Speaking) => self.note(Happened::Speaking),
            Output::Metric(Metric::Interruption) => self.note(Happened::Interrupted),
            Output::Metric(Metric::FalseInterruption) => self.note(Happened::Dismissed),
            _ => {}
        }
        Ok(())
    }

    fn close_input(&mut self) -> anyhow::Result<()> {
        self.recent.clear();
        self.tell(media::Command::CloseInput)
    }

    /// The provider answers, all at once.
    fn respond(&mut self, ticket: Ticket) {
        let item = self.next_item();
        let response = ResponseId::from(format!("resp_{}", self.last_item));
        let (text, length) = std::mem::replace(&mut self.answer, answer(ANSWER.0, ANSWER.1));
        let created = Realtime::ResponseCreated {
            response: response.clone(),
            ticket: Some(ticket),
        };
        let text = Realtime::Text {
            response: response.clone(),
            item: item.clone(),
            delta: text,
        };
        let audio = Realtime::Audio {
            response: response.clone(),
            item,
            audio: sound(length),
        };
        let done = Realtime::ResponseDone {
            response,
            ticket: Some(ticket),
            outcome: Outcome::Completed,
        };
        for event in [created, text, audio, done] {
            self.realtime(ANSWER_LATENCY, event);
        }
    }

    /// The dedicated voice speaks.
    fn speak(&mut self, speech: SpeechId) {
        let (audio, complete) = (sound(ANSWER.1), true);
        self.later(ANSWER_LATENCY, Input::SpokenAudio { speech, audio });
        self.later(ANSWER_LATENCY, Input::SpokenEnd { speech, complete });
    }

    fn next_item(&mut self) -> ItemId {
        self.last_item += 1;
        ItemId::from(format!("item_{}", self.last_item))
    }

    fn realtime(&mut self, delay: Duration, event: Realtime) {
        self.later(delay, Input::Realtime(event));
    }

    fn later(&mut self, delay: Duration, input: Input) {
        self.last_coming += 1;
        let at = (self.now + delay, self.last_coming);
        self.coming.insert(at, input);
    }

    fn tell(&self, command: media::Command) -> anyhow::Result<()> {
        Ok(self.media.send(command)?)
    }

    fn note(&mut self, happened: Happened) {
        self.happened.push((self.now(), happened));
    }
}

fn answer(text: &str, length: Duration) -> (String, Duration) {
    (text.to_owned(), length)
}

/// Some sound; nobody listens to it.
fn sound(length: Duration) -> Vec<i16> {
    vec![1_000; Samples::lasting(length).0 as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tests::{models, sentence};

    /// What comes of a question, of the beginning of a long answer, and of the question said over it.
    fn call(judging: Judging) -> (Vec<Happened>, u128) {
        let senses = Senses::load(models()).expect("the models load");
        let mut call = Rehearsal::new(senses, judging).expect("a call begins");
        let (sound, voiced) = sentence(36_000);
        let hear = |call: &mut Rehearsal, sound: &[i16]| {
            for frame in sound.as_chunks::<FRAME_SAMPLES>().0 {
                call.hear(frame).expect("the models work");
            }
        };
        hear(&mut call, &sound);
        let taken = call
            .happened()
            .iter()
            .find(|(_, what)| *what == Happened::TurnTaken);
        let (taken, _) = taken.expect("the turn is taken");
        let wait = taken.as_millis() - 1_500 - voiced as u128 / 24;
        hear(&mut call, &[0; 48_000]);
        let before = call.happened().len();
        call.assistant_says("Your plan is Pro.", Duration::from_secs(20))
            .expect("it speaks");
        hear(&mut call, &[0; 96_000]);
        hear(&mut call, &sound);
        let happened = call.happened()[before..].iter();
        let kinds = happened.map(|(_, what)| what.clone());
        (
            kinds
                .filter(|what| !matches!(what, Happened::Judged(_) | Happened::Heard(_)))
                .collect(),
            wait,
        )
    }

    #[test]
    fn a_question_is_taken_soon_and_stops_an_answer() {
        let (happened, wait) = call(Judging {
            fixed_delay: None,
            words: true,
        });
        use Happened::{Interrupted, Paused, Speaking, TurnTaken};
        let expected = [Speaking, Paused, Interrupted, TurnTaken, Speaking];
        assert_eq!(happened, expected);
        assert!((350..700).contains(&wait), "{wait} ms");
    }

    #[test]
    fn a_fixed_delay_is_waited_for_whatever_the_sound() {
        let (_, wait) = call(Judging {
            fixed_delay: Some(Duration::from_millis(900)),
            words: true,
        });
        assert!((850..1_100).contains(&wait), "{wait} ms");
    }
}
