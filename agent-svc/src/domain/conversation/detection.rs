//! Turns that others delimit: the provider by its own detection, or the caller with a button.
//!
//! Where the provider decides, our own voice activity detection still pauses the assistant at once and
//! decides whether a sound over it is an interruption; a turn that the provider makes of one that is
//! none is removed. While the provider is away, turns end as they do without it.

use std::time::Duration;

use super::super::turns::FinishedTurn;
use super::super::{ItemId, Moment, Output, TurnDetection};
use super::{Conversation, Provider};

/// What the provider makes of the caller's sound.
#[derive(Debug, Default)]
pub(super) struct ProvidersTurns {
    /// The turn that it hears.
    open: Option<ItemId>,
    /// Whether that was taken for nothing.
    is_dismissed: bool,
    /// Whether nobody but the provider heard it begin.
    only_provider: bool,
    /// Turns that it has ended and that may yet be found to be none.
    ended: Vec<ItemId>,
    /// What began before this moment was taken for nothing.
    dismissed_until: Moment,
}

impl ProvidersTurns {
    /// The caller speaks, again or for the first time: a turn that was nothing so far is one.
    pub(super) fn caller_speaks(&mut self) {
        self.is_dismissed = false;
        self.only_provider = false;
    }
}

/// Why a turn is not begun or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TurnRefused {
    /// No button delimits turns here.
    #[error("turns are not delimited by the caller")]
    NotManual,
    /// None has begun.
    #[error("no turn has begun")]
    NoTurn,
    /// The call is about to end.
    #[error("the call is about to end")]
    Ending,
}

impl Conversation {
    /// Begins a turn of a caller who has a button for it, and cuts the assistant short. One that has
    /// begun goes on.
    ///
    /// # Errors
    /// [`TurnRefused`], in which case nothing has changed.
    pub fn start_turn(&mut self, now: Moment) -> Result<(), TurnRefused> {
        self.check_button(now)?;
        self.limits.active(self.now);
        if !self.caller.is_open() {
            if self.can_be_interrupted() {
                self.interrupt();
            }
            self.push(Output::OpenInput);
        }
        self.caller.open(self.now, self.settings.max_turn);
        self.advance();
        Ok(())
    }

    /// Ends that turn: an answer is wanted.
    ///
    /// # Errors
    /// [`TurnRefused`], in which case nothing has changed.
    pub fn end_turn(&mut self, now: Moment) -> Result<(), TurnRefused> {
        self.check_open(now)?;
        self.caller.speech_ended(self.now, &self.endpointing);
        self.caller
            .wait_until(self.now + self.settings.release_tail);
        self.advance();
        Ok(())
    }

    /// Forgets that turn. What it cut short stays so.
    ///
    /// # Errors
    /// [`TurnRefused`], in which case nothing has changed.
    pub fn cancel_turn(&mut self, now: Moment) -> Result<(), TurnRefused> {
        self.check_open(now)?;
        self.forget_turn();
        self.advance();
        Ok(())
    }

    fn check_open(&mut self, now: Moment) -> Result<(), TurnRefused> {
        self.check_button(now)?;
        self.limits.active(self.now);
        if self.caller.is_open() {
            Ok(())
        } else {
            Err(TurnRefused::NoTurn)
        }
    }

    fn check_button(&mut self, now: Moment) -> Result<(), TurnRefused> {
        self.now = self.now.max(now);
        if self.settings.turn_detection != TurnDetection::Manual {
            Err(TurnRefused::NotManual)
        } else if self.ended || self.is_saying_goodbye() {
            Err(TurnRefused::Ending)
        } else {
            Ok(())
        }
    }

    /// Whether the provider decides at the moment.
    pub(super) fn provider_ends_turns(&self) -> bool {
        self.settings.turn_detection.is_providers() && matches!(self.provider, Provider::Here)
    }

    pub(super) fn provider_speech_started(&mut self, item: ItemId, ago: Duration) {
        if !self.provider_ends_turns() || self.is_saying_goodbye() {
            return;
        }
        let is_open = self.caller.is_open();
        let was_nothing = !is_open && self.now - ago < self.providers.dismissed_until;
        self.providers.open = Some(item);
        self.providers.is_dismissed = was_nothing;
        if is_open {
            self.wait_for_provider();
        } else if !was_nothing {
            // Its own idea of when that was counts padding in.
            self.speech_started(self.now);
            self.providers.only_provider = true;
        }
    }

    pub(super) fn provider_speech_stopped(&mut self, item: &ItemId, ago: Duration) {
        let is_known = self.providers.open.as_ref() == Some(item);
        if is_known && std::mem::take(&mut self.providers.only_provider) {
            self.speech_ended(self.now - ago);
        }
    }

    /// The provider has a turn: one of ours, or one that it has ended by itself.
    pub(super) fn turn_committed(&mut self, item: ItemId) {
        if self.texts.committed(&item) || !self.provider_ends_turns() {
            return;
        }
        let is_open = self.providers.open.as_ref() == Some(&item);
        let is_dismissed = is_open && self.providers.is_dismissed;
        if is_open {
            self.providers.open = None;
        }
        if is_dismissed || self.is_saying_goodbye() {
            return self.push(Output::Delete(item));
        }
        self.providers.ended.push(item);
    }

    /// Takes the turns that the provider has ended. Says whether there were any.
    pub(super) fn take_providers_turns(&mut self) -> bool {
        let ended = std::mem::take(&mut self.providers.ended);
        if ended.is_empty() {
            return false;
        }
        let turn = self.caller.finish(self.now);
        self.push(Output::CloseInput);
        if self.providers.open.is_some() && !self.providers.is_dismissed {
            // They have spoken on while it was not known whether they want the floor.
            self.caller.open(self.now, self.settings.max_turn);
        }
        if std::mem::take(&mut self.turn_damaged) {
            self.outputs.extend(ended.into_iter().map(Output::Delete));
            self.drop_exchange();
            self.ask_to_repeat();
            return true;
        }
        for item in ended {
            self.await_words(turn.from);
            self.texts.committed(&item);
        }
        self.begin_exchange(turn.until);
        true
    }

    /// A turn is over because nobody ended it in time, or because that is how turns end.
    pub(super) fn time_is_up(&mut self, turn: FinishedTurn) {
        if self.settings.turn_detection == TurnDetection::Manual {
            // Whoever holds the button is there.
            self.limits.active(self.now);
        }
        if self.provider_ends_turns() && self.providers.open.take().is_none() {
            // For the provider there was nothing.
            return self.forget_turn();
        }
        self.turn_finished(turn);
    }

    /// The caller is silent, and the provider decides what that means.
    pub(super) fn wait_for_provider(&mut self) {
        let patience = match self.providers.open {
            Some(_) => self.settings.provider_turn_timeout,
            None => self.settings.provider_claim,
        };
        self.caller.wait_until(self.now + patience);
    }

    /// What the provider makes of the caller's sound so far is nothing.
    pub(super) fn dismiss_providers_turns(&mut self) {
        self.providers.is_dismissed = true;
        self.providers.dismissed_until = self.now;
        let ended = std::mem::take(&mut self.providers.ended);
        self.outputs.extend(ended.into_iter().map(Output::Delete));
    }

    /// The sound since the last turn is nothing. Where the provider decides, only it knows where that
    /// begins.
    pub(super) fn forget_sound(&mut self) {
        self.push(if self.provider_ends_turns() {
            Output::CloseInput
        } else {
            Output::ClearAudio
        });
    }

    /// The provider decides about the turn that has begun.
    pub(super) fn provider_is_here(&mut self) {
        if self.provider_ends_turns() {
            self.wait_for_provider();
        }
    }

    /// The turn that has begun ends without the provider.
    pub(super) fn provider_is_away(&mut self) {
        self.providers = ProvidersTurns::default();
        if self.settings.turn_detection.is_providers() {
            self.caller.wait_alone(self.now, &self.endpointing);
        }
    }
}
