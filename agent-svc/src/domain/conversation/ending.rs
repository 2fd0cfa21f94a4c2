//! The end: limits, goodbyes, and closing so that nothing is left open.

use super::super::speech::Kind;
use super::super::{EndReason, Line, Moment, Output};
use super::Conversation;
use super::playing::Cutoff;

/// The call is about to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Closing {
    reason: EndReason,
    /// Set when the last words are ours; until then the caller may still take the floor.
    deadline: Option<Moment>,
    /// No more tools can be used; it is said before the end.
    at_tool_limit: bool,
}

impl Closing {
    /// Ends when the answer that is being made has been heard.
    pub(super) fn after_answer(reason: EndReason) -> Self {
        Self {
            reason,
            deadline: None,
            at_tool_limit: false,
        }
    }

    /// The same, with a word about why.
    pub(super) fn at_tool_limit() -> Self {
        Self {
            at_tool_limit: true,
            ..Self::after_answer(EndReason::ToolLimit)
        }
    }

    /// Whether nothing the caller says changes it.
    pub(super) fn is_final(&self) -> bool {
        self.deadline.is_some()
    }
}

impl Conversation {
    /// Says a last line and ends, whether or not the line can be spoken.
    pub(super) fn say_goodbye(&mut self, reason: EndReason, line: Line) {
        if self.is_saying_goodbye() {
            return;
        }
        if !self.limits.is_caller_here() || !self.joined {
            return self.end(reason);
        }
        self.dismiss_caller();
        if let Some(cancel) = self.responses.cancel(self.now) {
            self.push(cancel);
        }
        self.exchange.close();
        self.speeches.clear_waiting();
        if let Some(speech) = self.speeches.current.take() {
            self.push(Output::Stop(speech.id));
            self.cut(&speech);
            self.keep(&speech, Cutoff::None);
        }
        self.closing = Some(Closing {
            reason,
            deadline: Some(self.now + self.settings.farewell_timeout),
            at_tool_limit: false,
        });
        self.speak_line(Kind::Notice, line);
    }

    /// Whether the last words of the call are being said.
    pub(super) fn is_saying_goodbye(&self) -> bool {
        self.closing.as_ref().is_some_and(Closing::is_final)
    }

    pub(super) fn ending_deadline(&self) -> Option<Moment> {
        match self.closing {
            Some(Closing {
                deadline: Some(deadline),
                ..
            }) => Some(deadline),
            _ => {
                let (limit, _) = self.limits.next(&self.settings);
                Some(
                    self.provider_deadline()
                        .map_or(limit, |provider| provider.min(limit)),
                )
            }
        }
    }

    pub(super) fn run_ending(&mut self) {
        if self.ended {
            return;
        }
        if let Some(reason) = self.hopeless.take_if(|_| self.limits.is_caller_here()) {
            self.say_goodbye(reason, Line::TechnicalProblem);
        }
        if let Some(closing) = self.closing
            && let Some(deadline) = closing.deadline
        {
            if self.now >= deadline {
                self.end(closing.reason);
            }
            return;
        }
        let (limit, reason) = self.limits.next(&self.settings);
        if self.now >= limit {
            self.limit_reached(reason);
        } else if self
            .provider_deadline()
            .is_some_and(|deadline| self.now >= deadline)
        {
            self.provider_lost();
        }
    }

    fn limit_reached(&mut self, reason: EndReason) {
        let line = match reason {
            EndReason::MicrophoneMissing => Line::StillNoMicrophone,
            EndReason::Silence => Line::Silence,
            EndReason::TimeLimit => Line::TimeLimit,
            _ => return self.end(reason),
        };
        self.say_goodbye(reason, line);
    }

    /// Ends once there is nothing left to say.
    pub(super) fn finish_closing(&mut self) {
        if let Some(closing) = self.closing
            && self.speeches.is_empty()
            && !self.is_answering()
            && !self.caller.is_open()
        {
            if closing.at_tool_limit {
                self.say_goodbye(closing.reason, Line::ToolLimit);
                self.run_playing();
            } else {
                self.end(closing.reason);
            }
        }
    }

    /// Ends now. Everything open is closed first: speech, turns, tool calls.
    pub(super) fn end(&mut self, reason: EndReason) {
        if self.ended {
            return;
        }
        self.outputs.extend(self.responses.cancel(self.now));
        while let Some((cancel, ended)) = self.tools.cancel_one(self.now) {
            self.push(cancel);
            self.push(ended.answer);
            self.push(Output::ToolEnded(ended.record.clone()));
            self.exchange.tools.push(ended.record);
        }
        if let Some(speech) = self.speeches.current.take() {
            self.push(Output::Stop(speech.id));
            let cut_short = speech.played < speech.received() || !speech.complete;
            let cutoff = if cut_short {
                Cutoff::Otherwise
            } else {
                Cutoff::None
            };
            self.keep(&speech, cutoff);
        }
        self.speeches.clear_waiting();
        while let Some(said) = self.texts.expire(None) {
            self.caller_said(said);
        }
        self.ended = true;
        self.push(Output::End(reason));
    }
}
