//! Recognition of the person's words: while they speak, and of what they said.

use openai_realtime::{
    AudioInput, ErrorDetail, ServerEvent, TranscriptionCompleted, TranscriptionDelta,
    TranscriptionFailed, TranscriptionUsage, audio,
};
use speech::recognition::Transcript;
use speech::resample::{extend_f32, resample};

use super::Internal;
use super::listening::Listening;
use super::session::Session;
use crate::engine::EngineError;

/// An item of the person's without its final text.
pub(super) struct Finishing {
    pub(super) listening: Listening,
    /// What to recognise; nothing when nothing was said.
    pub(super) pcm: Vec<f32>,
    /// Where the last word ends, as [`Listening::covered`] counts.
    pub(super) until: u64,
    pub(super) item_id: String,
    pub(super) seconds: f64,
    /// Whether it came through the buffer, which is what transcription events are about.
    pub(super) is_spoken: bool,
}

impl Session {
    /// Recognises what has been said so far, when that pays.
    pub(super) fn recognise(&mut self) {
        let listening = &mut self.turns.listening;
        if listening.is_busy {
            return;
        }
        if let Some((pcm, covered)) = self.turns.input.to_recognise(listening.covered) {
            listening.is_busy = true;
            let (serial, draft) = (listening.serial, listening.draft.clone());
            self.start_recognising(serial, pcm, covered, draft);
        }
    }

    fn start_recognising(&mut self, serial: u64, pcm: Vec<f32>, covered: u64, draft: Transcript) {
        let (engine, internal) = (self.app.engine.clone(), self.internal.clone());
        self.tasks.spawn(async move {
            let outcome = engine.transcribe(pcm, draft).await;
            // A session that is gone needs no words.
            let _ = internal
                .send(Internal::Heard {
                    serial,
                    covered,
                    outcome,
                })
                .await;
        });
    }

    /// Recognises audio that the client put into an item.
    pub(super) fn recognise_item(&mut self, item_id: String) {
        let wave = self.conversation.audio(&item_id);
        let seconds = wave.len() as f64 / f64::from(audio::SAMPLE_RATE);
        self.turns.utterances += 1;
        let listening = Listening::new(self.turns.utterances);
        self.finish_recognising(Finishing {
            listening,
            pcm: at_16k(wave),
            until: 1,
            item_id,
            seconds,
            is_spoken: false,
        });
    }

    /// Ends the recognition of an item, or lets it go on.
    pub(super) fn finish_recognising(&mut self, mut finishing: Finishing) {
        let listening = &mut finishing.listening;
        if !listening.is_busy {
            let is_known = listening.covered >= finishing.until;
            if finishing.pcm.is_empty() || is_known {
                return self.recognised(finishing);
            }
            listening.is_busy = true;
            let pcm = std::mem::take(&mut finishing.pcm);
            let (serial, draft) = (listening.serial, listening.draft.clone());
            self.start_recognising(serial, pcm, finishing.until, draft);
        }
        self.turns.finishing.push(finishing);
    }

    pub(super) fn heard(
        &mut self,
        serial: u64,
        covered: u64,
        outcome: Result<Transcript, EngineError>,
    ) {
        if serial == self.turns.listening.serial {
            let listening = &mut self.turns.listening;
            listening.is_busy = false;
            // A failed draft costs nothing: the next one begins anew.
            if let Ok(transcript) = outcome
                && let Some(delta) = listening.heard(transcript, covered)
                && let Some(item_id) = listening.item_id.clone()
            {
                self.transcription_delta(item_id, delta);
            }
            self.prepare();
            return;
        }
        let is_it = |finishing: &Finishing| finishing.listening.serial == serial;
        let Some(index) = self.turns.finishing.iter().position(is_it) else {
            return;
        };
        let mut finishing = self.turns.finishing.remove(index);
        finishing.listening.is_busy = false;
        match outcome {
            Ok(transcript) => {
                let delta = finishing.listening.heard(transcript, covered);
                if let Some(delta) = delta.filter(|_| finishing.is_spoken) {
                    self.transcription_delta(finishing.item_id.clone(), delta);
                }
                self.finish_recognising(finishing);
            }
            Err(error) => {
                tracing::warn!(%error, "Recognition failed");
                self.not_recognised(finishing);
            }
        }
    }

    fn recognised(&mut self, finished: Finishing) {
        let Finishing {
            listening, item_id, ..
        } = finished;
        self.conversation
            .set_transcript(&item_id, &listening.draft.text);
        if finished.is_spoken {
            if let Some(rest) = listening.rest() {
                self.transcription_delta(item_id.clone(), rest.to_owned());
            }
            if self.transcribes() {
                self.emit(ServerEvent::TranscriptionCompleted(
                    TranscriptionCompleted {
                        item_id,
                        content_index: 0,
                        transcript: listening.draft.text,
                        usage: Some(TranscriptionUsage::Duration {
                            seconds: finished.seconds,
                        }),
                        logprobs: None,
                    },
                ));
            }
        }
        self.start_waiting();
    }

    fn not_recognised(&mut self, finished: Finishing) {
        self.conversation.set_transcript(&finished.item_id, "");
        if finished.is_spoken && self.transcribes() {
            self.emit(ServerEvent::TranscriptionFailed(TranscriptionFailed {
                item_id: finished.item_id,
                content_index: 0,
                error: ErrorDetail::server("transcription_failed", "The audio was not recognised."),
            }));
        }
        self.start_waiting();
    }

    fn transcribes(&self) -> bool {
        let transcription = |input: &AudioInput| input.transcription.value().is_some();
        self.settings.audio_input().is_some_and(transcription)
    }

    fn transcription_delta(&mut self, item_id: String, delta: String) {
        if self.transcribes() {
            self.emit(ServerEvent::TranscriptionDelta(TranscriptionDelta {
                item_id,
                content_index: 0,
                delta,
                logprobs: None,
            }));
        }
    }
}

/// Sound as the recogniser wants it; nothing when there is none.
pub(super) fn at_16k(wave: &[i16]) -> Vec<f32> {
    let mut wide = Vec::with_capacity(wave.len());
    extend_f32(wave, &mut wide);
    resample(audio::SAMPLE_RATE, 16_000, &wide).unwrap_or_else(|error| {
        tracing::error!(%error, "Audio could not be resampled");
        Vec::new()
    })
}
