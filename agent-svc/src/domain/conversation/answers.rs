//! Answers: the provider's responses, the tools they call, and what happens when none comes.

use super::super::speech::Kind;
use super::super::tools::Ended;
use super::super::{
    EndReason, ItemId, Line, Metric, Moment, Outcome, Output, Realtime, ResponseId, Role, Samples,
    Ticket, ToolCallId, ToolEffect, ToolRecord, ToolRequest, ToolResult, TurnDetection,
};
use super::{Closing, Conversation};

/// The answer to one turn of the caller, over all its responses and tools.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// The response that is being made or whose tools run.
    ticket: Option<Ticket>,
    rounds: u32,
    /// A tool of this round was answered, so another response must follow.
    answered: bool,
    retried: bool,
    filler_said: bool,
    pub(super) timing: Option<Timing>,
    pub(super) tools: Vec<ToolRecord>,
}

/// When the parts of an answer happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) voiced_until: Moment,
    pub(super) decided: Moment,
    /// When the model gave anything.
    pub(super) first_token: Option<Moment>,
    pub(super) first_audio: Option<Moment>,
}

/// The provider's session.
#[derive(Debug, Clone, Copy)]
pub(super) enum Provider {
    Here,
    Away(Outage),
}

/// A time without a session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outage {
    since: Moment,
    /// Whether there was one before.
    was_here: bool,
    /// When the caller, who waits, was last told of it.
    told: Option<Moment>,
}

impl Conversation {
    /// The caller's turn is over: an answer is wanted.
    pub(super) fn begin_exchange(&mut self, voiced_until: Moment) {
        self.drop_exchange();
        if std::mem::take(&mut self.answer_heard) || self.caller_turns == 0 {
            self.caller_turns += 1;
        }
        self.exchange = Exchange {
            timing: Some(Timing {
                voiced_until,
                decided: self.now,
                first_token: None,
                first_audio: None,
            }),
            ..Exchange::default()
        };
        self.want_response();
    }

    /// Wants a response and gives it a place among the speeches.
    fn want_response(&mut self) {
        let tools = self.exchange.rounds < self.settings.max_tool_rounds;
        let ticket = self.responses.want(tools);
        self.exchange.ticket = Some(ticket);
        let segment = self.next_segment();
        self.speeches.push(Kind::Reply(ticket), segment, None);
    }

    /// Whether the caller waits for an answer that was not completed yet.
    pub(super) fn is_answering(&self) -> bool {
        self.exchange.ticket.is_some()
    }

    pub(super) fn realtime(&mut self, event: Realtime) {
        match event {
            Realtime::Connected => {
                self.provider = Provider::Here;
                self.provider_is_here();
                let deadline = self.now + self.settings.transcript_timeout;
                self.texts.found(deadline);
            }
            Realtime::Disconnected => self.provider_away(),
            Realtime::Replaced => self.provider_replaced(),
            Realtime::Failed => self.provider_lost(),
            Realtime::InputLost => self.input_lost(),
            Realtime::SpeechStarted { item, ago } => self.provider_speech_started(item, ago),
            Realtime::SpeechStopped { item, ago } => self.provider_speech_stopped(&item, ago),
            Realtime::Committed(item) => self.turn_committed(item),
            Realtime::CommitRejected => self.commit_rejected(),
            Realtime::CallerTextDelta { item, delta } => self.caller_text_delta(&item, &delta),
            Realtime::CallerText { item, text } => {
                if let Some(said) = self.texts.finish(&item, text) {
                    self.caller_said(said);
                }
            }
            Realtime::ResponseCreated { response, ticket } => {
                if let Some(cancel) = self.responses.created(self.now, response, ticket) {
                    self.push(Output::Metric(Metric::LateResponse));
                    self.push(cancel);
                }
            }
            Realtime::ResponseRejected(ticket) => {
                if let Some(ticket) = self.responses.rejected(ticket) {
                    self.response_failed(ticket);
                }
            }
            Realtime::Audio {
                response,
                item,
                audio,
            } => self.response_audio(&response, item, audio),
            Realtime::Text {
                response,
                item,
                delta,
            } => self.response_text(&response, item, &delta),
            Realtime::ToolCall { response, request } => self.tool_call(&response, request),
            Realtime::ResponseDone {
                response,
                ticket,
                outcome,
            } => {
                if let Some(ticket) = self.responses.done(&response, ticket) {
                    self.response_done(ticket, outcome);
                }
            }
        }
    }

    fn caller_text_delta(&mut self, item: &ItemId, delta: &str) {
        if let Some((segment, text)) = self.texts.append(item, delta) {
            self.push(Output::Transcript {
                segment,
                role: Role::User,
                text,
                is_final: false,
            });
        }
    }

    fn commit_rejected(&mut self) {
        // One that the provider had made a turn of by itself is no loss.
        if let Some(said) = self.texts.rejected() {
            self.caller_said(said);
            self.drop_exchange();
        }
    }

    /// Nobody waits for the answer any more.
    pub(super) fn drop_exchange(&mut self) {
        if let Some(cancel) = self.responses.cancel(self.now) {
            self.push(cancel);
        }
        if let Some(ticket) = self.exchange.ticket {
            self.give_up_reply(ticket);
        }
        self.close_exchange();
    }

    /// Something of a response came. Gives its ticket if somebody still waits for it.
    fn progressed(&mut self, response: &ResponseId) -> Option<Ticket> {
        let ticket = self.responses.progressed(self.now, response)?;
        if let Some(timing) = &mut self.exchange.timing {
            timing.first_token.get_or_insert(self.now);
        }
        Some(ticket)
    }

    fn response_audio(&mut self, response: &ResponseId, item: ItemId, audio: Vec<i16>) {
        let Some(ticket) = self.progressed(response) else {
            return;
        };
        self.limits.active(self.now);
        if let Some(timing) = &mut self.exchange.timing {
            timing.first_audio.get_or_insert(self.now);
        }
        let limit = Samples::lasting(self.settings.max_speech);
        let Some(speech) = self.speeches.reply_mut(ticket) else {
            return;
        };
        speech.push_audio(Some(item), audio);
        if speech.received() > limit {
            speech.break_off();
            if let Some(cancel) = self.responses.cancel(self.now) {
                self.push(cancel);
            }
            self.close_exchange();
        }
    }

    fn response_text(&mut self, response: &ResponseId, item: ItemId, delta: &str) {
        let ticket = self.progressed(response);
        if let Some(speech) = ticket.and_then(|ticket| self.speeches.reply_mut(ticket)) {
            speech.push_text(Some(item), delta);
        }
    }

    fn response_done(&mut self, ticket: Ticket, outcome: Outcome) {
        let has_sound = match outcome {
            Outcome::Completed => self.complete_reply(ticket),
            Outcome::Cancelled | Outcome::Failed => self.break_off_reply(ticket),
        };
        if self.exchange.ticket != Some(ticket) {
            return;
        }
        let has_tools = self.exchange.answered || self.tools.is_running(ticket);
        if has_tools || (has_sound && outcome != Outcome::Failed) {
            return self.close_round(ticket);
        }
        match outcome {
            Outcome::Cancelled => self.close_exchange(),
            Outcome::Completed | Outcome::Failed => self.response_failed(ticket),
        }
    }

    /// No more sound of this reply comes. Says whether there was any.
    fn complete_reply(&mut self, ticket: Ticket) -> bool {
        self.speeches.reply_mut(ticket).is_some_and(|speech| {
            speech.complete = true;
            speech.has_sound()
        })
    }

    /// The same of one that is not whole.
    fn break_off_reply(&mut self, ticket: Ticket) -> bool {
        self.speeches.reply_mut(ticket).is_some_and(|speech| {
            speech.break_off();
            speech.has_sound()
        })
    }

    /// A reply that was broken off. One of which nothing was played yet is taken back, so that it
    /// can be asked for again; says whether it is being heard.
    fn give_up_reply(&mut self, ticket: Ticket) -> bool {
        match self.speeches.take_waiting_reply(ticket) {
            Some(speech) => {
                self.cut(&speech);
                false
            }
            None => self.break_off_reply(ticket),
        }
    }

    /// The provider made no answer: it is asked once more, then the caller is told.
    fn response_failed(&mut self, ticket: Ticket) {
        self.push(Output::Metric(Metric::ResponseFailed));
        let has_sound = self.give_up_reply(ticket);
        if self.exchange.ticket != Some(ticket) {
            return;
        }
        if has_sound || self.closing.is_some() {
            self.close_exchange();
        } else if self.tools.is_running(ticket) || self.exchange.answered {
            self.close_round(ticket);
        } else if self.exchange.retried {
            self.close_exchange();
            self.speak_line(Kind::Filler, Line::Apology);
        } else {
            self.exchange.retried = true;
            self.want_response();
        }
    }

    fn tool_call(&mut self, response: &ResponseId, request: ToolRequest) {
        self.limits.active(self.now);
        let ticket = self.progressed(response);
        let has_round = self.exchange.rounds < self.settings.max_tool_rounds;
        let wanted = ticket.filter(|_| has_round);
        let may_call = wanted.is_some();
        let place = (wanted, self.caller_turns);
        let Some(output) = self.tools.call(self.now, place, request, &self.settings) else {
            return;
        };
        // The model must hear that a tool was refused, but not without end.
        let is_refused = matches!(output, Output::AnswerTool { .. });
        self.exchange.answered |= has_round && is_refused;
        self.push(output);
        if is_refused && may_call && self.closing.is_none() {
            self.closing = Some(Closing::at_tool_limit());
        }
    }

    pub(super) fn tool_finished(&mut self, call: ToolCallId, result: ToolResult) {
        if let Some(ended) = self.tools.finished(self.now, call, result) {
            self.tool_ended(ended);
        }
    }

    pub(super) fn tool_ended(&mut self, ended: Ended) {
        self.limits.active(self.now);
        self.push(ended.answer);
        self.push(Output::ToolEnded(ended.record.clone()));
        // Somebody takes over even if the caller did not wait to be told so.
        if let Some(ToolEffect::HandOver(wanted)) = &ended.effect {
            self.push(Output::HandOver(wanted.clone()));
        }
        if self.exchange.ticket != Some(ended.ticket) {
            return;
        }
        self.exchange.tools.push(ended.record);
        self.exchange.answered = true;
        if ended.effect == Some(ToolEffect::EndCall) && self.closing.is_none() {
            self.closing = Some(Closing::after_answer(EndReason::AgentHangup));
        }
        if !self.responses.is_busy() {
            self.close_round(ended.ticket);
        }
    }

    /// A response is complete. Its tools, once all have answered, ask for another.
    fn close_round(&mut self, ticket: Ticket) {
        if self.tools.is_running(ticket) {
            return;
        }
        if std::mem::take(&mut self.exchange.answered) {
            self.exchange.rounds += 1;
            self.want_response();
        } else {
            self.close_exchange();
        }
    }

    /// No more of the answer will come; what is there is still played.
    fn close_exchange(&mut self) {
        self.exchange.close();
    }

    fn provider_away(&mut self) {
        if matches!(self.provider, Provider::Here) {
            self.provider = Provider::Away(Outage {
                since: self.now,
                was_here: true,
                told: None,
            });
            self.texts.lost();
            self.provider_is_away();
        }
        let Some(ticket) = self.responses.lost() else {
            return;
        };
        if self.give_up_reply(ticket) {
            self.answer_broke_off(ticket);
        } else if self.exchange.ticket == Some(ticket) && !self.tools.is_running(ticket) {
            self.want_response();
        }
    }

    /// Another goes on, which ends no turns: we do from now on.
    fn provider_replaced(&mut self) {
        self.provider_away();
        if self.settings.turn_detection.is_providers() {
            self.settings.turn_detection = TurnDetection::Local;
            self.push(Output::SendSpeechOnly);
        }
    }

    /// What came of the answer is played, and all of it is asked for once more.
    fn answer_broke_off(&mut self, ticket: Ticket) {
        if self.exchange.ticket != Some(ticket) || self.tools.is_running(ticket) {
            return;
        }
        if self.closing.is_some() || std::mem::replace(&mut self.exchange.retried, true) {
            return self.close_exchange();
        }
        self.told_of_outage();
        self.speak_line(Kind::Filler, Line::BrokenOff);
        self.want_response();
    }

    /// Sound of the caller was lost: they are asked to say it again, once they have finished.
    fn input_lost(&mut self) {
        if self.caller.is_open() {
            self.turn_damaged = true;
        } else if self.is_answering() && !self.is_saying_goodbye() {
            self.drop_exchange();
            self.ask_to_repeat();
        }
    }

    pub(super) fn ask_to_repeat(&mut self) {
        self.speak_line(Kind::Filler, Line::Repeat);
    }

    pub(super) fn provider_lost(&mut self) {
        self.say_goodbye(EndReason::ProviderError, Line::TechnicalProblem);
    }

    /// While nobody is there the provider may take its time.
    pub(super) fn provider_deadline(&self) -> Option<Moment> {
        match self.provider {
            Provider::Here => None,
            Provider::Away(outage) => {
                let missed_since = outage.since.max(self.limits.here_since()?);
                Some(missed_since + self.settings.provider_grace)
            }
        }
    }

    pub(super) fn run_answers(&mut self) {
        while let Some((cancel_tool, ended)) = self.tools.expire(self.now) {
            self.push(cancel_tool);
            self.tool_ended(ended);
        }
        if let Some((cancel, ticket)) = self.responses.expire(self.now) {
            self.outputs.extend(cancel);
            if let Some(ticket) = ticket {
                self.response_failed(ticket);
            }
        }
        if self
            .filler_deadline()
            .is_some_and(|deadline| self.now >= deadline)
        {
            self.bridge_wait();
        }
        if matches!(self.provider, Provider::Here)
            && let Some(create) = self.responses.ask(self.now)
        {
            self.push(create);
        }
    }

    /// When the caller has waited so long that something must be said.
    pub(super) fn filler_deadline(&self) -> Option<Moment> {
        let waiting = self.is_answering() && self.closing.is_none() && !self.speeches.has_sound();
        if !waiting {
            return None;
        }
        let timing = self.exchange.timing;
        match self.provider {
            Provider::Away(outage) if outage.was_here => {
                let heard_nothing_since = match (outage.told, timing) {
                    (Some(told), _) => return Some(told + self.settings.outage_filler_every),
                    (None, Some(timing)) => timing.decided.max(outage.since),
                    (None, None) => outage.since,
                };
                Some(heard_nothing_since + self.settings.reconnecting_after)
            }
            provider => {
                let timing = timing.filter(|timing| timing.first_audio.is_none())?;
                let here = timing.decided + self.settings.filler_after;
                let deadline = match provider {
                    Provider::Here => here,
                    Provider::Away(outage) => {
                        here.min(timing.decided.max(outage.since) + self.settings.away_filler_after)
                    }
                };
                (!self.exchange.filler_said).then_some(deadline)
            }
        }
    }

    /// Says something to a caller who waits.
    fn bridge_wait(&mut self) {
        let line = match self.provider {
            Provider::Away(outage) if outage.was_here && outage.told.is_none() => {
                Line::Reconnecting
            }
            _ => Line::Filler,
        };
        self.told_of_outage();
        self.exchange.filler_said = true;
        self.speak_line(Kind::Filler, line);
    }

    /// The caller knows for a while why they hear no answer.
    fn told_of_outage(&mut self) {
        if let Provider::Away(outage) = &mut self.provider {
            outage.told = Some(self.now);
        }
    }
}

impl Exchange {
    pub(super) fn close(&mut self) {
        self.ticket = None;
    }
}
