//! Sound of a call on the media shard's thread: what the caller says comes in as speech events and
//! samples, what the assistant says goes out with an exact position.
//!
//! [`handler`] gives the two ends. The handler runs on the shard, takes no lock and waits for
//! nothing; the [`MediaHandle`] belongs to the call's task. Between them are two bounded queues.
//! Who may speak when is not decided here.

mod backlog;
mod ear;
mod mouth;
pub(crate) mod preconnect;
pub(crate) mod webm;

use std::collections::VecDeque;
use std::time::Instant;

use livekit_rtc::{AudioHandler, FRAME_DURATION, Frame, Identity, Received};
use tokio::sync::mpsc;

use crate::domain;
use backlog::Backlog;
pub use ear::VadSource;
use ear::{Ear, Said};
use mouth::Mouth;

/// Commands that may wait for the shard: the sound of a long answer comes in pieces of 20 to 100 ms.
const COMMAND_CAPACITY: usize = 4096;
/// Events that may wait for the call's task: 20 s of speech in pieces of 20 ms.
const EVENT_CAPACITY: usize = 1024;
/// Commands taken in one tick, so that a burst cannot hold the shard up.
const COMMANDS_PER_TICK: usize = 64;
/// Events that are kept for the next tick when the queue is full. Sound is not kept.
const MAX_UNSENT: usize = 64;

/// What the call's task asks of the shard.
#[derive(Debug)]
pub enum Command {
    /// From now on this participant is the caller.
    Listen(Identity),
    /// Let the caller's sound wait for what they said before: [`Command::Earlier`] brings it.
    Wait,
    /// What the caller said before, 24 kHz; may be nothing.
    Earlier(Vec<i16>),
    /// Send from now on. Only with [`Upload::OnRequest`].
    OpenInput,
    /// Send no more than what is said from now on. Only with [`Upload::All`].
    SendSpeechOnly,
    /// What was sent so far was committed or forgotten: send nothing until the next speech.
    CloseInput,
    /// Play this after what is playing.
    Play(domain::SpeechId, Vec<i16>),
    /// No more of this speech comes.
    Finish(domain::SpeechId),
    /// Pause with a short fade.
    Pause,
    /// Go on where it paused.
    Resume,
    /// Drop what is not played yet.
    Stop,
}

/// What the shard reports.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// The caller began to speak.
    SpeechStarted {
        /// First voiced sound.
        voiced_from: Instant,
    },
    /// The caller is silent.
    SpeechEnded {
        /// Last voiced sound.
        voiced_until: Instant,
    },
    /// What is sent of the caller's sound: 24 kHz.
    Audio(Vec<i16>),
    /// All sound that has waited was heard, or none came in time.
    CaughtUp,
    /// Something about playing.
    Playout(domain::Playout),
}

/// What is sent of the caller's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// What they say, from a little before they spoke, until the input is closed.
    Speech,
    /// All of it.
    All,
    /// What comes between [`Command::OpenInput`] and [`Command::CloseInput`].
    OnRequest,
}

/// The call's end of its sound.
#[derive(Debug)]
pub struct MediaHandle {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<Event>,
}

/// The shard does not take commands any more, or not fast enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media shard takes no more commands")]
pub struct MediaStalled;

impl MediaHandle {
    /// Hands a command to the shard.
    ///
    /// # Errors
    /// [`MediaStalled`] when the participant is gone or the shard has stopped.
    pub fn send(&self, command: Command) -> Result<(), MediaStalled> {
        self.commands.try_send(command).map_err(|_| MediaStalled)
    }

    /// The next event; `None` when the participant is gone. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The next event if there is one already.
    pub(crate) fn try_recv(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

/// The two ends of one call's sound.
pub fn handler(
    vad: VadSource,
    vad_silence: std::time::Duration,
    upload: Upload,
) -> (Box<dyn AudioHandler>, MediaHandle) {
    let (commands, command_queue) = mpsc::channel(COMMAND_CAPACITY);
    let (event_queue, events) = mpsc::channel(EVENT_CAPACITY);
    let handler = Handler {
        commands: command_queue,
        reports: Reports {
            queue: event_queue,
            unsent: VecDeque::new(),
        },
        caller: None,
        backlog: Backlog::default(),
        ear: Ear::new(vad, vad_silence, upload),
        mouth: Mouth::default(),
    };
    (Box::new(handler), MediaHandle { commands, events })
}

struct Handler {
    commands: mpsc::Receiver<Command>,
    reports: Reports,
    caller: Option<Identity>,
    backlog: Backlog,
    ear: Ear,
    mouth: Mouth,
}

impl AudioHandler for Handler {
    fn received(&mut self, frame: Received<'_>) {
        self.take_commands();
        if self.caller.as_ref() == Some(frame.participant)
            && let Some(samples) = self.backlog.live(frame.samples)
        {
            let said = Said::now(frame.now);
            self.ear.hear(said, samples, &mut self.reports);
        }
    }

    fn playout(&mut self, now: Instant, frame: &mut Frame) -> livekit_rtc::Playout {
        self.take_commands();
        self.reports.flush();
        let waited = self.backlog.tick();
        for (samples, left) in waited.iter().zip((0..waited.len()).rev()) {
            let behind = FRAME_DURATION * (self.backlog.len() + left) as u32;
            let said = Said { heard: now, behind };
            self.ear.hear(said, samples, &mut self.reports);
        }
        if self.backlog.has_caught_up() {
            self.reports.send(Event::CaughtUp);
        }
        self.mouth.speak(frame, &mut self.reports)
    }
}

impl Handler {
    fn take_commands(&mut self) {
        for _ in 0..COMMANDS_PER_TICK {
            let Ok(command) = self.commands.try_recv() else {
                return;
            };
            match command {
                Command::Listen(identity) => {
                    self.caller = Some(identity);
                    self.backlog = Backlog::default();
                    self.ear.reset();
                }
                Command::Wait => {
                    if !self.backlog.wait() {
                        self.reports.send(Event::CaughtUp);
                    }
                }
                Command::Earlier(sound) => {
                    if !self.backlog.earlier(&sound) {
                        tracing::info!("What the caller said while connecting came too late");
                    }
                }
                Command::OpenInput => self.ear.open(),
                Command::SendSpeechOnly => self.ear.send_speech_only(),
                Command::CloseInput => self.ear.close(),
                Command::Play(speech, audio) => self.mouth.play(speech, audio),
                Command::Finish(speech) => self.mouth.finish(speech),
                Command::Pause => self.mouth.pause(),
                Command::Resume => self.mouth.resume(),
                Command::Stop => self.mouth.stop(),
            }
        }
    }
}

/// The way to the call's task. Sound is dropped when the task does not keep up; events wait.
struct Reports {
    queue: mpsc::Sender<Event>,
    unsent: VecDeque<Event>,
}

impl Reports {
    fn send(&mut self, event: Event) {
        self.flush();
        if !self.unsent.is_empty() {
            return self.keep(event);
        }
        if let Err(mpsc::error::TrySendError::Full(event)) = self.queue.try_send(event) {
            self.keep(event);
        }
    }

    fn keep(&mut self, event: Event) {
        let is_sound = matches!(event, Event::Audio(_));
        if !is_sound && self.unsent.len() < MAX_UNSENT {
            self.unsent.push_back(event);
        }
    }

    fn flush(&mut self) {
        while let Some(event) = self.unsent.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(event)) = self.queue.try_send(event) {
                self.unsent.push_front(event);
                return;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
