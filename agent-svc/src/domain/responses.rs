//! The one writer of responses: at most one is asked for or running at any time.

use std::time::Duration;

use super::{Moment, Output, ResponseId, Ticket};

/// Which response is asked for, running, or wanted next.
#[derive(Debug)]
pub(super) struct Responses {
    state: State,
    wanted: Option<Wanted>,
    next_ticket: u32,
    confirm_timeout: Duration,
    timeout: Duration,
}

#[derive(Debug)]
enum State {
    Idle,
    /// Asked for; not confirmed yet.
    Requested {
        ticket: Ticket,
        cancelled: bool,
        deadline: Moment,
    },
    Running {
        ticket: Ticket,
        id: ResponseId,
        cancelled: bool,
        deadline: Moment,
    },
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    ticket: Ticket,
    tools: bool,
}

impl Responses {
    pub(super) fn new(confirm_timeout: Duration, timeout: Duration) -> Self {
        Self {
            state: State::Idle,
            wanted: None,
            next_ticket: 1,
            confirm_timeout,
            timeout,
        }
    }

    /// Wants a response; it is asked for as soon as none is running. Replaces one wanted before.
    pub(super) fn want(&mut self, tools: bool) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.wanted = Some(Wanted { ticket, tools });
        ticket
    }

    /// Asks for what is wanted, if nothing stands in the way.
    pub(super) fn ask(&mut self, now: Moment) -> Option<Output> {
        if !matches!(self.state, State::Idle) {
            return None;
        }
        let Wanted { ticket, tools } = self.wanted.take()?;
        self.state = State::Requested {
            ticket,
            cancelled: false,
            deadline: now + self.confirm_timeout,
        };
        Some(Output::CreateResponse { ticket, tools })
    }

    /// Stops whatever is wanted, asked for or running.
    pub(super) fn cancel(&mut self, now: Moment) -> Option<Output> {
        self.wanted = None;
        match &mut self.state {
            State::Idle => None,
            State::Requested { cancelled, .. } => {
                // It has no id yet: a cancel now could hit another response.
                *cancelled = true;
                None
            }
            State::Running {
                cancelled: true, ..
            } => None,
            State::Running {
                id,
                cancelled,
                deadline,
                ..
            } => {
                *cancelled = true;
                *deadline = now + self.timeout;
                Some(Output::CancelResponse(id.clone()))
            }
        }
    }

    /// A response began. Gives what is to be done about one that is not, or no longer, wanted.
    pub(super) fn created(
        &mut self,
        now: Moment,
        response: ResponseId,
        ticket: Option<Ticket>,
    ) -> Option<Output> {
        match self.state {
            State::Requested {
                ticket: asked,
                cancelled,
                ..
            } if ticket == Some(asked) => {
                self.state = State::Running {
                    ticket: asked,
                    id: response.clone(),
                    cancelled,
                    deadline: now + self.timeout,
                };
                cancelled.then_some(Output::CancelResponse(response))
            }
            _ if self.is_known(&response) => None,
            _ => Some(Output::CancelResponse(response)),
        }
    }

    /// Whether this is the running response, in full or only until its end is confirmed.
    fn is_known(&self, response: &ResponseId) -> bool {
        matches!(&self.state, State::Running { id, .. } if id == response)
    }

    /// Something of this response came. Gives its ticket unless nobody wants it any more.
    pub(super) fn progressed(&mut self, now: Moment, response: &ResponseId) -> Option<Ticket> {
        match &mut self.state {
            State::Running {
                id,
                ticket,
                cancelled: false,
                deadline,
            } if id == response => {
                *deadline = now + self.timeout;
                Some(*ticket)
            }
            _ => None,
        }
    }

    /// A response ended. Gives its ticket unless nobody wants it any more.
    pub(super) fn done(&mut self, response: &ResponseId, ticket: Option<Ticket>) -> Option<Ticket> {
        let (own, cancelled) = match &self.state {
            State::Running {
                id,
                ticket,
                cancelled,
                ..
            } if id == response => (*ticket, *cancelled),
            // A provider may end a response that it never reported as begun.
            State::Requested {
                ticket: asked,
                cancelled,
                ..
            } if ticket == Some(*asked) => (*asked, *cancelled),
            _ => return None,
        };
        self.state = State::Idle;
        (!cancelled).then_some(own)
    }

    /// The provider refused. Gives the ticket unless nobody wants it any more.
    pub(super) fn rejected(&mut self, ticket: Ticket) -> Option<Ticket> {
        match self.state {
            State::Requested {
                ticket: asked,
                cancelled,
                ..
            } if asked == ticket => {
                self.state = State::Idle;
                (!cancelled).then_some(asked)
            }
            _ => None,
        }
    }

    /// The session is gone and its responses with it. Gives the ticket of the one that was wanted.
    pub(super) fn lost(&mut self) -> Option<Ticket> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Requested {
                ticket,
                cancelled: false,
                ..
            }
            | State::Running {
                ticket,
                cancelled: false,
                ..
            } => Some(ticket),
            _ => None,
        }
    }

    /// Gives up a response of which nothing came for too long.
    pub(super) fn expire(&mut self, now: Moment) -> Option<(Option<Output>, Option<Ticket>)> {
        let deadline = self.deadline()?;
        if now < deadline {
            return None;
        }
        let cancel = match &self.state {
            State::Running {
                id,
                cancelled: false,
                ..
            } => Some(Output::CancelResponse(id.clone())),
            _ => None,
        };
        Some((cancel, self.lost()))
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Idle => None,
            State::Requested { deadline, .. } | State::Running { deadline, .. } => Some(*deadline),
        }
    }

    /// Whether an answer is wanted, asked for or running.
    pub(super) fn is_busy(&self) -> bool {
        self.wanted.is_some()
            || matches!(
                self.state,
                State::Requested {
                    cancelled: false,
                    ..
                } | State::Running {
                    cancelled: false,
                    ..
                }
            )
    }
}
