//! Speeches become sound, and what was heard of them becomes transcript and turns.

use std::time::Duration;

use super::super::speech::{Kind, Speech};
use super::super::{Latency, Line, Moment, Output, Playout, Role, Samples, SpeechId, Turn};
use super::{Conversation, Exchange};

/// What cut a speech short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cutoff {
    /// Nothing.
    None,
    /// The end of the call, a written message or a button.
    Otherwise,
    /// The caller's voice, so long after its first sound.
    ByVoice(Duration),
}

impl Conversation {
    /// Has a text spoken by the dedicated voice.
    pub(super) fn speak(&mut self, kind: Kind, text: String) {
        let segment = self.next_segment();
        self.speeches.push(kind, segment, Some(text));
    }

    /// The same with a sentence that never changes.
    pub(super) fn speak_line(&mut self, kind: Kind, line: Line) {
        let segment = self.next_segment();
        self.speeches.push_line(kind, segment, line);
    }

    pub(super) fn spoken_audio(&mut self, speech: SpeechId, audio: Vec<i16>) {
        let limit = Samples::lasting(self.settings.max_speech);
        if let Some(speech) = self.speeches.get_mut(speech) {
            speech.push_audio(None, audio);
            if speech.received() > limit {
                speech.break_off();
            }
        }
    }

    pub(super) fn spoken_end(&mut self, speech: SpeechId, complete: bool) {
        match self.speeches.get_mut(speech) {
            Some(speech) if complete => speech.complete = true,
            Some(speech) => speech.break_off(),
            None => {}
        }
    }

    pub(super) fn playout(&mut self, event: Playout) {
        let (Playout::Progress { speech, played }
        | Playout::Paused { speech, played }
        | Playout::Finished { speech, played }) = event;
        let Some(current) = &mut self.speeches.current else {
            return;
        };
        if current.id != speech {
            return;
        }
        let on_its_way = match event {
            // Nothing will take it back any more.
            Playout::Finished { .. } => Samples::default(),
            Playout::Progress { .. } | Playout::Paused { .. } => self.playout_delay,
        };
        current.played(played, on_its_way);
        if current.kind.breaks_silence() {
            self.limits.active(self.now);
        }
        self.mark_started();
        if matches!(event, Playout::Finished { .. }) {
            if let Some(speech) = self.speeches.current.take_if(|speech| speech.complete) {
                self.keep(&speech, Cutoff::None);
            }
        } else {
            self.show_heard();
        }
    }

    /// The first sound of a speech was played: it is a turn now.
    fn mark_started(&mut self) {
        let is_new = |speech: &Speech| speech.started.is_none() && speech.played.0 > 0;
        if self.speeches.current.as_ref().is_some_and(is_new) {
            self.first_heard.get_or_insert(self.now);
            let place = (self.now, self.next_position());
            if let Some(speech) = &mut self.speeches.current {
                speech.started = Some(place);
                self.answer_heard |= matches!(speech.kind, Kind::Reply(_));
            }
        }
    }

    fn show_heard(&mut self) {
        let Some(speech) = &mut self.speeches.current else {
            return;
        };
        let segment = speech.segment;
        if let Some(text) = speech.newly_heard() {
            self.push(Output::Transcript {
                segment,
                role: Role::Assistant,
                text,
                is_final: false,
            });
        }
    }

    /// A speech is over: what was heard of it is shown, told to the model and kept.
    pub(super) fn keep(&mut self, speech: &Speech, cutoff: Cutoff) {
        let text = speech.heard().trim_end().to_owned();
        let Some((started, position)) = speech.started else {
            return;
        };
        let is_reply = matches!(speech.kind, Kind::Reply(_));
        if !(speech.was_heard() || is_reply && self.exchange.has_tools()) {
            return;
        }
        self.push(Output::Transcript {
            segment: speech.segment,
            role: Role::Assistant,
            text: text.clone(),
            is_final: true,
        });
        if !is_reply && speech.kind != Kind::Filler && !text.is_empty() {
            self.push(Output::AddAssistantText(text.clone()));
        }
        let (tools, latency) = if is_reply {
            self.exchange.close_turn(started)
        } else {
            (Vec::new(), None)
        };
        self.push(Output::StoreTurn(Turn {
            position,
            role: Role::Assistant,
            text,
            items: speech.items(),
            started,
            interrupted: cutoff != Cutoff::None,
            silenced_after: match cutoff {
                Cutoff::ByVoice(after) => Some(after),
                Cutoff::None | Cutoff::Otherwise => None,
            },
            tools,
            latency,
        }));
    }

    /// Gives the playout what there is to play.
    pub(super) fn run_playing(&mut self) {
        self.outputs.extend(self.speeches.synthesise_next());
        let audible = self.joined && self.limits.is_caller_here() && self.hold.is_none();
        if audible && self.speeches.start_next(self.caller.is_open()) {
            self.outputs.extend(self.speeches.synthesise_next());
        }
        let Some(speech) = &mut self.speeches.current else {
            return;
        };
        let id = speech.id;
        self.outputs.extend(
            speech
                .take_backlog()
                .map(|audio| Output::Play { speech: id, audio }),
        );
        if speech.complete && !std::mem::replace(&mut speech.finish_sent, true) {
            self.outputs.push_back(Output::FinishPlaying(id));
        }
    }
}

impl Exchange {
    fn has_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    /// What belongs to the turn whose first sound was played at `started`. Later turns of the same
    /// exchange get no latency: the caller had heard something before.
    fn close_turn(&mut self, started: Moment) -> (Vec<super::super::ToolRecord>, Option<Latency>) {
        let tools = std::mem::take(&mut self.tools);
        let latency = self.timing.take().and_then(|timing| {
            Some(Latency {
                end_of_turn: timing.decided.since(timing.voiced_until),
                first_token: timing.first_token?.since(timing.decided),
                first_audio: timing.first_audio?.since(timing.decided),
                voice_to_voice: started.since(timing.voiced_until),
            })
        });
        (tools, latency)
    }
}
