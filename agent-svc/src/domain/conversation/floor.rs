//! Who has the floor: the caller's turns, and whether a sound of theirs is an interruption.

use super::super::hold::{Hold, Verdict};
use super::super::speech::{Cut, Speech};
use super::super::transcript::CallerSaid;
use super::super::turns::{FinishedTurn, Silence};
use super::super::words::{Heard, Sense};
use super::super::{
    EndReason, ItemId, Metric, Moment, Output, Role, Samples, SoundId, Turn, TurnDetection,
};
use super::playing::Cutoff;
use super::{Conversation, Exchange};

impl Conversation {
    pub(super) fn speech_started(&mut self, voiced_from: Moment) {
        if self.is_saying_goodbye() {
            return;
        }
        self.limits.microphone_opened(self.now);
        if self.settings.turn_detection == TurnDetection::Manual {
            // What is said without the button is not for us.
            return;
        }
        self.limits.active(self.now);
        self.providers.caller_speaks();
        let was_open = self.caller.is_open();
        let max_turn = self.settings.max_turn;
        self.caller
            .speech_started(voiced_from, max_turn, &mut self.endpointing);
        if let Some(hold) = &mut self.hold {
            return hold.speech_started();
        }
        if was_open || !self.can_be_interrupted() {
            return;
        }
        let is_speaking = self.speeches.current.is_some();
        let echoes = is_speaking && self.may_be_echo(voiced_from);
        let paused = is_speaking && !echoes;
        let paused_at = paused.then_some(self.now);
        self.hold = Some(Hold::new(voiced_from, paused_at, echoes));
        if paused {
            self.push(Output::Pause);
        }
    }

    pub(super) fn speech_ended(&mut self, voiced_until: Moment) {
        if self.settings.turn_detection == TurnDetection::Manual {
            return;
        }
        if self.is_saying_goodbye() {
            // Nothing that is said now becomes a turn.
            return self.forget_sound();
        }
        self.limits.active(self.now);
        if let Some(hold) = &mut self.hold {
            hold.speech_ended(voiced_until);
            self.settle_hold();
            if !self.caller.is_open() {
                return;
            }
        }
        match self.caller.speech_ended(voiced_until, &self.endpointing) {
            Silence::Pause(_) if self.provider_ends_turns() => self.wait_for_provider(),
            Silence::Pause(pause) if self.endpointing.is_judged() => {
                self.push(Output::JudgeTurn(pause));
            }
            Silence::Pause(_) => {}
            Silence::NoTurn => self.forget_sound(),
        }
    }

    pub(super) fn sound_recognised(&mut self, sound: SoundId, heard: Option<Heard>) {
        let Some(hold) = &mut self.hold else {
            return;
        };
        let current = self.speeches.current.as_ref();
        let spoken = current.map(Speech::text).unwrap_or_default();
        let boundary = Samples::lasting(self.settings.backchannel_boundary);
        let is_asked = !hold.echoes
            && spoken.trim_end().ends_with('?')
            && current.is_some_and(|speech| speech.complete && speech.remaining() <= boundary);
        let is_whole = hold.is_whole(sound);
        let sense = heard.map(
            |heard| match Sense::of(&heard, is_whole, &spoken, hold.echoes) {
                // A "yes" to a question whose last words are being heard is its answer.
                Sense::Backchannel if is_asked => Sense::Speech,
                sense => sense,
            },
        );
        hold.recognised(sound, sense);
    }

    /// Takes the floor when somebody speaks over the assistant, and the turn when it is over.
    pub(super) fn run_floor(&mut self) {
        self.settle_hold();
        if self.hold.is_none()
            && !self.take_providers_turns()
            && let Some(turn) = self.caller.take_finished(self.now)
        {
            self.time_is_up(turn);
        }
        while let Some(said) = self.texts.expire(Some(self.now)) {
            self.caller_said(said);
        }
    }

    /// When a decision about the floor is due. A turn is not over before it is known to be one.
    pub(super) fn floor_deadline(&self) -> Option<Moment> {
        match &self.hold {
            Some(hold) => Some(hold.deadline(self.now, &self.settings)),
            None => self.caller.deadline(),
        }
    }

    /// Decides about a sound over the assistant as soon as that can be done.
    fn settle_hold(&mut self) {
        let may_interrupt = self.can_be_interrupted();
        let Some(hold) = &mut self.hold else {
            return;
        };
        if !hold.paused && !may_interrupt {
            // What it spoke over has ended by itself: it is a turn like any other.
            self.hold = None;
            return;
        }
        match hold.verdict(self.now, &self.settings) {
            Verdict::Interruption => self.interrupt(),
            Verdict::Dismissed => self.go_on(),
            Verdict::Open(_) => {
                let question = SoundId(self.last_sound + 1);
                if hold.ask(self.now, question, &self.settings) {
                    self.last_sound = question.0;
                    self.push(Output::RecogniseSound(question));
                }
            }
        }
    }

    /// Whether there is something that the caller could interrupt.
    pub(super) fn can_be_interrupted(&self) -> bool {
        match &self.speeches.current {
            Some(speech) => speech.kind.is_interruptible(),
            None => {
                let is_owed = self.is_answering() || self.speeches.has_waiting_reply();
                is_owed && !self.is_saying_goodbye()
            }
        }
    }

    /// Whether the assistant may hear itself. What began before its first sound is nobody's echo.
    fn may_be_echo(&self, voiced_from: Moment) -> bool {
        self.first_heard.is_some_and(|first| {
            voiced_from >= first && self.now < first + self.settings.echo_warm_up
        })
    }

    /// Whether the assistant's words wait for a sound of the caller.
    pub(super) fn is_paused(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.paused)
    }

    /// From here on nothing that the caller says changes anything.
    pub(super) fn dismiss_caller(&mut self) {
        if self.hold.is_some() {
            self.interrupt();
        }
        if self.caller.is_open() {
            self.forget_turn();
        }
    }

    /// What the caller has said of a turn that goes on is nothing.
    pub(super) fn forget_turn(&mut self) {
        self.caller.reset();
        self.turn_damaged = false;
        self.dismiss_providers_turns();
        self.forget_sound();
    }

    /// It was a cough, a nod or an echo: the assistant goes on where it paused.
    fn go_on(&mut self) {
        let paused = self.hold.take().is_some_and(|hold| hold.paused);
        self.forget_turn();
        self.push(Output::Metric(Metric::FalseInterruption));
        if paused {
            self.push(Output::Resume);
        }
    }

    /// The caller takes the floor: what was not heard is taken back everywhere.
    pub(super) fn interrupt(&mut self) {
        let hold = self.hold.take();
        let paused = hold.as_ref().is_some_and(|hold| hold.paused);
        self.push(Output::Metric(Metric::Interruption));
        if let (Some(hold), Some(timing)) = (&hold, self.exchange.timing)
            && self.speeches.current.is_none()
        {
            // Nothing was heard yet: the caller had not finished but was taken to have.
            let pause = hold.from().since(timing.voiced_until);
            self.endpointing.went_on(pause, None);
        }
        if let Some(cancel) = self.responses.cancel(self.now) {
            self.push(cancel);
        }
        if let Some(speech) = self.speeches.current.take() {
            self.push(Output::Stop(speech.id));
            self.cut(&speech);
            let after = hold.as_ref().map(|hold| hold.silence(self.now));
            self.keep(&speech, after.map_or(Cutoff::Otherwise, Cutoff::ByVoice));
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

    pub(super) fn turn_finished(&mut self, turn: FinishedTurn) {
        if std::mem::take(&mut self.turn_damaged) {
            self.push(Output::ClearAudio);
            self.drop_exchange();
            return self.ask_to_repeat();
        }
        self.push(Output::CommitAudio);
        self.await_words(turn.from);
        self.begin_exchange(turn.until);
    }

    /// There is a turn whose words are not known yet.
    pub(super) fn await_words(&mut self, started: Moment) {
        let (segment, position) = (self.next_segment(), self.next_position());
        let deadline = self.now + self.settings.transcript_timeout;
        if let Some(said) = self.texts.push(segment, position, started, deadline) {
            self.caller_said(said);
        }
        self.push(Output::Transcript {
            segment,
            role: Role::User,
            text: String::new(),
            is_final: false,
        });
    }

    /// A written turn. The caller who is speaking meanwhile gets one answer to both.
    pub(super) fn message(&mut self, text: String) {
        if self.closing.as_ref().is_some_and(super::Closing::is_final) {
            return;
        }
        self.limits.active(self.now);
        let is_speaking = self.caller.is_open();
        // A sound over the assistant is no cough any more: whoever writes wants the floor.
        if self.hold.is_some() || (!is_speaking && self.can_be_interrupted()) {
            self.interrupt();
        }
        let (segment, position) = (self.next_segment(), self.next_position());
        let said = CallerSaid {
            segment,
            position,
            started: self.now,
            // No provider has it yet; a name of its own tells it from what is being recognised.
            item: Some(ItemId::from(format!("message_{position}"))),
            text,
        };
        self.caller_said(said);
        if !is_speaking {
            self.begin_exchange(self.now);
        }
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
            items: said.item.into_iter().collect(),
            started: said.started,
            interrupted: false,
            silenced_after: None,
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
        self.forget_turn();
        if self.can_be_interrupted() {
            self.interrupt();
        }
        self.hold = None;
    }
}
