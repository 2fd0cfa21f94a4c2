//! The orders of the conversation: given to the session there is, and kept in the history for those to
//! come.

use std::sync::Arc;

use futures::FutureExt as _;
use openai_realtime::client::SendError;
use tokio::time::Instant;

use super::{End, Keeper, MAX_SAID_AWAY};
use crate::domain::{self, ItemId};
use crate::provider::{Command, Setup};

impl Keeper {
    pub(super) async fn command(&mut self, command: Command) -> Result<(), End> {
        // Where the provider decides about turns, sound never ends.
        let is_sound = matches!(command, Command::Append(_));
        if !is_sound || self.provider.turn_detection.is_none() {
            self.last_active = Instant::now();
        }
        // Who waits for the answer is not the one who asked for it any more.
        if matches!(command, Command::Commit | Command::Cancel(_)) {
            self.release().await?;
        }
        match self.carry_out(command).await {
            // How it ended is told in its place among the events.
            Ok(()) | Err(SendError::Closed) => Ok(()),
            Err(error) => self.lost(error.into()).await,
        }
    }

    /// The history first: what is not sent now is told to the next session.
    async fn carry_out(&mut self, command: Command) -> Result<(), SendError> {
        let history = &mut self.history;
        let Some(live) = &mut self.live else {
            self.carry_out_away(command);
            return Ok(());
        };
        match command {
            Command::Append(samples) => {
                history.append(&samples);
                if live.hears_silence() {
                    history.trim();
                }
                live.append(&samples).await
            }
            Command::Commit => {
                self.back_off.renew();
                let entry = history.commit();
                live.commit(entry).await
            }
            Command::Clear => {
                history.clear();
                live.clear().await
            }
            Command::CreateResponse { ticket, tools } => live.create_response(ticket, tools).await,
            Command::Cancel(response) => live.cancel(&response).await,
            Command::Truncate { item, audio_end_ms } => live.truncate(&item, audio_end_ms).await,
            Command::Delete(item) => {
                history.forget(&item);
                live.delete(&item).await
            }
            Command::Instruct(instructions) => self.instruct(instructions).await,
            Command::AddAssistantText(text) => live.add_assistant_text(text).await,
            Command::AnswerTool { call, output } => live.answer(history, &call, output).await,
            Command::Remember {
                position,
                role,
                text,
                items,
            } => self.remember(position, role, text, items).await,
        }
    }

    /// Changes the instructions of every session there is and will be.
    async fn instruct(&mut self, instructions: String) -> Result<(), SendError> {
        self.instruct_later(instructions.clone());
        if let Some(spare) = &self.spare
            && spare.instruct(instructions.clone()).await.is_err()
        {
            self.spare = None;
        }
        match &self.live {
            Some(live) => live.instruct(instructions).await,
            None => Ok(()),
        }
    }

    /// Changes the instructions of sessions to come.
    fn instruct_later(&mut self, instructions: String) {
        let setup = self.setup.clone();
        let changed = async move {
            let tools = setup.await?.tools.clone();
            Some(Arc::new(Setup {
                instructions,
                tools,
            }))
        };
        self.setup = changed.boxed().shared();
        // One that is being made is told the old ones.
        self.making = None;
    }

    /// Without a session: its responses and items are gone.
    fn carry_out_away(&mut self, command: Command) {
        match command {
            Command::Append(samples) => self.history.append(&samples),
            Command::Commit => {
                self.back_off.renew();
                self.history.commit();
            }
            Command::Clear => self.history.clear(),
            Command::Instruct(instructions) => self.instruct_later(instructions),
            Command::AddAssistantText(text) => {
                self.said_away.truncate(MAX_SAID_AWAY - 1);
                self.said_away.push(text);
            }
            Command::AnswerTool { call, output } => {
                self.history.answered(&call, &output);
            }
            Command::Remember {
                position,
                role,
                text,
                items,
            } => {
                self.said_away.retain(|said| *said != text);
                self.history.remember(position, role, text, items);
            }
            Command::Delete(item) => self.history.forget(&item),
            Command::CreateResponse { .. } | Command::Cancel(_) | Command::Truncate { .. } => {}
        }
    }

    async fn remember(
        &mut self,
        position: u32,
        role: domain::Role,
        text: String,
        items: Vec<ItemId>,
    ) -> Result<(), SendError> {
        let said_away = self.said_away.iter().position(|said| *said == text);
        if let Some(index) = said_away {
            self.said_away.remove(index);
        }
        let remembered = self.history.remember(position, role, text, items.clone());
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        // The session was told what the dedicated voice said if it was there then.
        let by_voice = role == domain::Role::Assistant && items.is_empty();
        let knows = live.made(&items) || (by_voice && said_away.is_none());
        let known = remembered.filter(|(_, is_new)| knows || !is_new);
        live.remembered(known.map(|(entry, _)| entry), &items);
        live.catch_up(&self.history).await
    }
}
