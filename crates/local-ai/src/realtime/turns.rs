//! The person's turns: their audio, where a turn begins and ends, and the items they become.

use std::time::Duration;

use openai_realtime::{
    BufferCommitted, ContentPart, ErrorDetail, Item, ItemStatus, Message, NoFields, Nullable,
    ResponseParams, ResponseStatus, Role, ServerEvent, SpeechStarted, SpeechStopped,
    TimeoutTriggered, TurnDetection, audio, code, reason,
};
use tokio::time::Instant;

use super::input_audio::{Change, InputAudio, STEP};
use super::listening::Listening;
use super::recognition::Finishing;
use super::session::Session;
use super::{Internal, checks, new_id};
use crate::engine::Detector;

/// Steps of audio that are looked at before others have their turn: a second, which costs a few
/// milliseconds.
const STEPS_AT_ONCE: usize = 32;

pub(super) struct Turns {
    pub(super) input: InputAudio,
    /// Appended and not yet looked at.
    unheard: Unheard,
    /// What is being said.
    pub(super) listening: Listening,
    /// What was said and is still being recognised.
    pub(super) finishing: Vec<Finishing>,
    pub(super) utterances: u64,
    idle: Option<Idle>,
}

#[derive(Default)]
struct Unheard {
    samples: Vec<i16>,
    heard: usize,
}

/// Nobody has said anything since the last answer.
struct Idle {
    until: Instant,
    /// Where the person could have begun to speak.
    from_ms: u64,
}

impl Turns {
    pub(super) fn new(
        detector: Box<dyn Detector>,
        detection: Option<&TurnDetection>,
    ) -> Result<Self, speech::Error> {
        Ok(Self {
            input: InputAudio::new(detector, detection)?,
            unheard: Unheard::default(),
            listening: Listening::new(0),
            finishing: Vec::new(),
            utterances: 0,
            idle: None,
        })
    }

    /// Begins with another utterance and gives what was found out about the one before.
    pub(super) fn next_utterance(&mut self) -> Listening {
        self.utterances += 1;
        std::mem::replace(&mut self.listening, Listening::new(self.utterances))
    }

    /// When the person has been silent for too long.
    pub(super) fn idle_deadline(&self) -> Option<Instant> {
        self.idle.as_ref().map(|idle| idle.until)
    }
}

impl Session {
    pub(super) fn append(&mut self, text: &str) -> Result<(), ErrorDetail> {
        self.turns.unheard = Unheard {
            samples: checks::samples("audio", text)?,
            heard: 0,
        };
        Ok(())
    }

    /// Whether appended audio waits to be looked at, by [`Session::hear`]; before that, no other
    /// event of the client may come in.
    pub(super) fn has_unheard(&self) -> bool {
        self.turns.unheard.heard < self.turns.unheard.samples.len()
    }

    /// Looks at some of what was appended.
    pub(super) fn hear(&mut self) {
        let Unheard { samples, heard } = std::mem::take(&mut self.turns.unheard);
        let mut end = heard;
        for step in samples[heard..].chunks(STEP).take(STEPS_AT_ONCE) {
            if let Err(error) = self.turns.input.push(step) {
                tracing::error!(%error, "Speech detection failed");
                let error = ErrorDetail::server("model_failed", "Speech detection failed.");
                return self.error(error);
            }
            while let Some(change) = self.turns.input.change() {
                self.changed(change);
            }
            self.judge_pause();
            self.recognise();
            self.prepare();
            end += step.len();
        }
        self.turns.unheard = Unheard {
            samples,
            heard: end,
        };
    }

    fn changed(&mut self, change: Change) {
        match change {
            Change::Started { at_ms } => self.speech_started(at_ms),
            Change::Stopped { at_ms } => self.turn_ended(at_ms),
        }
    }

    fn speech_started(&mut self, audio_start_ms: u64) {
        self.turns.idle = None;
        let item_id = new_id("item");
        self.turns.listening.item_id = Some(item_id.clone());
        self.turns.listening.is_speaking = true;
        self.emit(ServerEvent::SpeechStarted(SpeechStarted {
            item_id,
            audio_start_ms,
        }));
        let detection = self.settings.turn_detection();
        if detection.is_some_and(TurnDetection::interrupts_response) {
            self.end_active(ResponseStatus::Cancelled, reason::TURN_DETECTED);
        }
    }

    fn turn_ended(&mut self, audio_end_ms: u64) {
        self.speech_stopped(audio_end_ms);
        if !self.commit() {
            return;
        }
        let detection = self.settings.turn_detection();
        if detection.is_some_and(TurnDetection::creates_response) {
            self.answer();
        }
    }

    /// Each `speech_started` has one `speech_stopped`, however the speech ends.
    fn speech_stopped(&mut self, audio_end_ms: u64) {
        if !std::mem::take(&mut self.turns.listening.is_speaking) {
            return;
        }
        let item_id = self.turns.listening.item_id.clone().unwrap_or_default();
        self.emit(ServerEvent::SpeechStopped(SpeechStopped {
            item_id,
            audio_end_ms,
        }));
    }

    /// Asks, once a pause, whether the turn sounds complete.
    fn judge_pause(&mut self) {
        let Some(pause) = self.turns.input.unjudged_pause() else {
            return;
        };
        let (engine, internal) = (self.app.engine.clone(), self.internal.clone());
        self.tasks.spawn(async move {
            let complete = engine.end_of_turn(pause.pcm).await;
            if let Err(error) = &complete {
                tracing::warn!(%error, "The end of a turn could not be judged");
            }
            // A session that is gone needs no judgement.
            let _ = internal
                .send(Internal::Judged {
                    since: pause.since,
                    complete: complete.ok(),
                })
                .await;
        });
    }

    pub(super) fn judged(&mut self, since: u64, complete: Option<f32>) {
        if let Some(change) = self.turns.input.judge(since, complete) {
            self.changed(change);
        }
    }

    pub(super) fn commit_by_client(&mut self) -> Result<(), ErrorDetail> {
        if !self.turns.input.can_commit() {
            let least = audio::MIN_COMMIT_MS;
            return Err(ErrorDetail::invalid(
                code::COMMIT_EMPTY,
                format!(
                    "Error committing input audio buffer: buffer too small. Expected at least {least}ms of audio."
                ),
            ));
        }
        self.speech_stopped(self.turns.input.end_ms());
        self.commit();
        Ok(())
    }

    /// Makes a user item of the buffer, unless the conversation is full.
    fn commit(&mut self) -> bool {
        self.turns.idle = None;
        let mut utterance = self.turns.input.take();
        let mut listening = self.turns.next_utterance();
        let item_id = listening
            .item_id
            .get_or_insert_with(|| new_id("item"))
            .clone();
        let part = ContentPart::InputAudio {
            audio: None,
            transcript: Nullable::Null,
        };
        let item = Item::Message(Message::new(Role::User, vec![part]))
            .with_id(&item_id)
            .with_status(ItemStatus::Completed);
        let previous_item_id = match self.conversation.add(item.clone(), None) {
            Ok(previous) => previous,
            Err(error) => {
                self.error(error);
                return false;
            }
        };
        let wave = std::mem::take(&mut utterance.wave);
        let seconds = wave.len() as f64 / f64::from(audio::SAMPLE_RATE);
        self.conversation.set_audio(&item_id, wave);
        self.emit(ServerEvent::InputAudioBufferCommitted(BufferCommitted {
            item_id: item_id.clone(),
            previous_item_id: previous_item_id.clone(),
        }));
        self.item_added(previous_item_id, item);
        self.finish_recognising(Finishing {
            listening,
            pcm: utterance.pcm,
            until: utterance.voiced_until,
            item_id,
            seconds,
            is_spoken: true,
        });
        true
    }

    pub(super) fn clear(&mut self) {
        self.speech_stopped(self.turns.input.end_ms());
        self.turns.input.take();
        self.turns.next_utterance();
        self.emit(ServerEvent::InputAudioBufferCleared(NoFields {}));
    }

    /// Turn detection was changed; what is in the buffer stays.
    pub(super) fn detect_turns(&mut self) {
        self.turns.idle = None;
        self.speech_stopped(self.turns.input.end_ms());
        self.turns.input.detect(self.settings.turn_detection());
    }

    /// Begins to wait for the person, who still hears so much of the last answer.
    pub(super) fn wait_for_person(&mut self, playing: Duration) {
        let Some(TurnDetection::ServerVad(vad)) = self.settings.turn_detection() else {
            return;
        };
        let Some(timeout) = vad.idle_timeout_ms else {
            return;
        };
        if self.turns.listening.is_speaking {
            return;
        }
        let playing_ms = u64::try_from(playing.as_millis()).unwrap_or(u64::MAX);
        self.turns.idle = Some(Idle {
            until: Instant::now() + playing + Duration::from_millis(timeout.into()),
            from_ms: self.turns.input.end_ms().saturating_add(playing_ms),
        });
    }

    /// It is our turn now.
    pub(super) fn stop_waiting_for_person(&mut self) {
        self.turns.idle = None;
    }

    /// The person was silent for too long: their silence becomes an item, and is answered.
    pub(super) fn idle_timeout(&mut self) {
        let Some(idle) = self.turns.idle.take() else {
            return;
        };
        let item_id = new_id("item");
        self.turns.listening.item_id = Some(item_id.clone());
        let audio_end_ms = self.turns.input.end_ms();
        self.emit(ServerEvent::TimeoutTriggered(TimeoutTriggered {
            item_id,
            audio_start_ms: idle.from_ms.min(audio_end_ms),
            audio_end_ms,
        }));
        if self.commit() {
            self.begin_response(ResponseParams::default());
        }
    }
}
