//! What the conversation asks for.

use std::sync::Arc;

use super::{End, Reply, Session};
use crate::domain::{Outcome, Realtime, ResponseId, Role, Ticket};
use crate::provider::{Command, Setup};

/// A turn that is shorter holds no word: 100 ms, as at OpenAI.
const MIN_TURN: usize = 2_400;

impl Session {
    pub(super) async fn command(&mut self, command: Command) -> Result<(), End> {
        let history = &mut self.desk.history;
        match command {
            Command::Append(samples) => history.append(&samples),
            Command::Commit => return self.commit().await,
            Command::Clear => history.clear(),
            Command::CreateResponse { ticket, tools } => return self.answer(ticket, tools).await,
            Command::Cancel(response) => {
                // The words of the turn are wanted all the same: they are part of what was said.
                if self
                    .reply
                    .as_ref()
                    .is_some_and(|reply| reply.response == response)
                {
                    return self.end_reply(Outcome::Cancelled).await;
                }
            }
            Command::Delete(item) => history.forget(&item),
            Command::Instruct(instructions) => {
                let tools = self.setup.tools.clone();
                self.setup = Arc::new(Setup {
                    instructions,
                    tools,
                });
            }
            Command::AnswerTool { call, output } => {
                history.answered(&call, &output);
            }
            Command::Remember {
                position,
                role,
                text,
                items,
            } => {
                // One that is new here was written.
                let remembered = history.remember(position, role, text, items);
                if role == Role::User && remembered.is_some_and(|(_, is_new)| is_new) {
                    self.words = Some(true);
                }
            }
            // What was heard comes as a turn to remember.
            Command::Truncate { .. } | Command::AddAssistantText(_) => {}
        }
        Ok(())
    }

    /// The sound so far is a turn.
    async fn commit(&mut self) -> Result<(), End> {
        self.is_resting = false;
        if self.desk.history.input().len() < MIN_TURN {
            self.desk.history.clear();
            return self.tell(Realtime::CommitRejected).await;
        }
        let item = self.next_item();
        self.desk.history.commit();
        self.desk.history.committed(&item);
        self.tell(Realtime::Committed(item)).await
    }

    /// An answer is asked for.
    async fn answer(&mut self, ticket: Ticket, may_call: bool) -> Result<(), End> {
        self.is_resting = false;
        if self.reply.is_some() {
            return self.tell(Realtime::ResponseRejected(ticket)).await;
        }
        let item = self.next_item();
        let response = ResponseId::from(format!("cascade_{}", self.last_id));
        self.reply = Some(Reply {
            ticket,
            response: response.clone(),
            item,
            may_call,
            text: String::new(),
            has_sound: false,
            has_called: false,
            making: None,
        });
        let ticket = Some(ticket);
        self.tell(Realtime::ResponseCreated { response, ticket })
            .await
    }
}
