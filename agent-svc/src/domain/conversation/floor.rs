//! Who has the floor: the caller's turns, and whether a sound of theirs is an interruption.

use super::super::speech::{Cut, Kind, Speech};
use super::super::transcript::CallerSaid;
use super::super::turns::{FinishedTurn, Hold, Silence};
use super::super::{EndReason, Metric, Moment, Output, Role, Turn};
use super::{Conversation, Exchange};

impl Conversation {
    pub(super) fn speech_started(&mut self, voiced_from: Moment) {
        self.limits.active(self.now);
        let was_open = self.caller.is_open();
        let max_turn = self.settings.max_turn;
        self.caller
            .speech_started(voiced_from, max_turn, &mut self.endpointing);
        if self.hold.is_some() || was_open || !self.can_be_interrupted() {
            return;
        }
        let paused = self.speeches.current.is_some();
        self.hold = Some(Hold {
            from: voiced_from,
            // Speech that ended in time is only known to have ended a little later.
            deadline: voiced_from + self.settings.min_interruption + self.settings.vad_silence,
            paused,
        });
        if paused {
            self.push(Output::Pause);
        }
    }

    pub(super) fn speech_ended(&mut self, voiced_until: Moment) {
        self.limits.active(self.now);
        if let Some(hold) = self.hold {
            if voiced_until.since(hold.from) < self.settings.min_interruption {
                return self.go_on();
            }
            self.interrupt();
        }
        match self.caller.speech_ended(voiced_until, &self.endpointing) {
            Silence::Pause(pause) if self.endpointing.is_judged() => {
                self.push(Output::JudgeTurn(pause));
            }
            Silence::Pause(_) => {}
            Silence::NoTurn => self.push(Output::ClearAudio),
        }
    }

    /// Takes the turn when it is over, and the floor when somebody speaks over the assistant.
    pub(super) fn run_floor(&mut self) {
        if self.hold.is_some_and(|hold| self.now >= hold.deadline) {
            self.interrupt();
        }
        if let Some(turn) = self.caller.take_finished(self.now) {
            if self.hold.is_some() {
                self.interrupt();
            }
            self.turn_finished(turn);
        }
        while let Some(said) = self.texts.expire(Some(self.now)) {
            self.caller_said(said);
        }
    }

    /// Whether there is something that the caller could interrupt.
    fn can_be_interrupted(&self) -> bool {
        match &self.speeches.current {
            Some(speech) => speech.kind != Kind::Notice,
            None => self.is_answering() && self.closing.as_ref().is_none_or(|c| !c.is_final()),
        }
    }

    /// It was a cough or a nod: the assistant goes on where it paused.
    fn go_on(&mut self) {
        let paused = self.hold.take().is_some_and(|hold| hold.paused);
        self.caller.reset();
        self.push(Output::ClearAudio);
        self.push(Output::Metric(Metric::FalseInterruption));
        if paused {
            self.push(Output::Resume);
        }
    }

    /// The caller takes the floor: what was not heard is taken back everywhere.
    fn interrupt(&mut self) {
        let paused = self.hold.take().is_some_and(|hold| hold.paused);
        self.push(Output::Metric(Metric::Interruption));
        if let Some(cancel) = self.responses.cancel(self.now) {
            self.push(cancel);
        }
        if let Some(speech) = self.speeches.current.take() {
            self.push(Output::Stop(speech.id));
            self.cut(&speech);
            self.keep(&speech, true);
        } else if paused {
            // It was played to its end before the pause took hold; the next must not find it paused.
            self.push(Output::Resume);
        }
        for speech in self.speeches.take_interrupted() {
            self.cut(&speech);
        }
        self.exchange = Exchange::default();
        if self
            .closing
            .as_ref()
            .is_some_and(|closing| !closing.is_final())
        {
            self.closing = None;
        }
    }

    /// Takes back what was not heard of a speech.
    pub(super) fn cut(&mut self, speech: &Speech) {
        for cut in speech.cuts() {
            self.push(match cut {
                Cut::Delete(item) => Output::Delete(item),
                Cut::Truncate(item, audio_end_ms) => Output::Truncate { item, audio_end_ms },
            });
        }
    }

    fn turn_finished(&mut self, turn: FinishedTurn) {
        if self.closing.as_ref().is_some_and(super::Closing::is_final) {
            self.push(Output::ClearAudio);
            return;
        }
        self.push(Output::CommitAudio);
        let (segment, position) = (self.next_segment(), self.next_position());
        let deadline = self.now + self.settings.transcript_timeout;
        if let Some(said) = self.texts.push(segment, position, turn.from, deadline) {
            self.caller_said(said);
        }
        self.push(Output::Transcript {
            segment,
            role: Role::User,
            text: String::new(),
            is_final: false,
        });
        self.begin_exchange(turn.until);
    }

    /// What the caller said is known as well as it will ever be.
    pub(super) fn caller_said(&mut self, said: CallerSaid) {
        self.push(Output::Transcript {
            segment: said.segment,
            role: Role::User,
            text: said.text.clone(),
            is_final: true,
        });
        self.push(Output::StoreTurn(Turn {
            position: said.position,
            role: Role::User,
            text: said.text,
            started: said.started,
            interrupted: false,
            tools: Vec::new(),
            latency: None,
        }));
    }

    pub(super) fn caller_left(&mut self, hung_up: bool) {
        if hung_up {
            return self.end(EndReason::UserHangup);
        }
        self.limits.caller_left(self.now);
        // Nobody hears the rest; what was said last is kept as far as it was heard.
        self.caller.reset();
        self.push(Output::ClearAudio);
        if self.can_be_interrupted() {
            self.interrupt();
        }
        self.hold = None;
    }
}
