//! What is said when nobody speaks, and before the call must end.

use super::super::limits::Reminder;
use super::super::speech::Kind;
use super::super::{Line, Moment, Output, Trouble};
use super::Conversation;

impl Conversation {
    pub(super) fn silence_deadline(&self) -> Option<Moment> {
        if self.closing.is_some() {
            return None;
        }
        let (at, _) = self.limits.next_reminder(&self.settings)?;
        Some(at)
    }

    pub(super) fn run_silence(&mut self) {
        while self.closing.is_none()
            && let Some((at, reminder)) = self.limits.next_reminder(&self.settings)
            && self.now >= at
        {
            self.limits.reminded(reminder);
            self.remind(reminder);
        }
    }

    fn remind(&mut self, reminder: Reminder) {
        match reminder {
            Reminder::NoMicrophone => self.push(Output::Trouble(Trouble::NoMicrophone)),
            Reminder::AreYouThere => {
                let line = if self.limits.has_microphone() {
                    Line::AreYouThere
                } else {
                    Line::NoMicrophone
                };
                let is_quiet = self.speeches.is_empty() && !self.caller.is_open();
                if is_quiet && !self.is_answering() {
                    self.speak_line(Kind::Prompt, line);
                }
            }
            Reminder::TimeWarning => {
                self.speak_line(Kind::Warning, Line::TimeWarning);
            }
        }
    }
}
