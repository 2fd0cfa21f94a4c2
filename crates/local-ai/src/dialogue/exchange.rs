//! The last thing that the person said, what it refers back to, and what has happened since.

use super::question::Question;
use super::{Turn, follow_up, smalltalk};

/// The last thing the person said, and what has happened since.
pub(super) struct Exchange<'a> {
    /// What was said, with what it refers back to.
    pub(super) question: Question,
    /// What was said, as it was said.
    pub(super) said: &'a str,
    /// What we said before, where the question goes on from there.
    pub(super) said_before: Option<&'a str>,
    /// What we had asked back.
    pub(super) pending: Option<Pending>,
    /// Calls made since.
    pub(super) calls: Vec<Call<'a>>,
    /// Whether it has been answered already.
    pub(super) answered: bool,
}

/// Something that we asked the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pending {
    /// Whether to do what they asked for.
    Confirmation,
    /// What a tool needs.
    Argument,
}

/// A call and what it gave.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) output: Option<&'a str>,
}

impl<'a> Exchange<'a> {
    /// `None` when the person has not said anything.
    pub(super) fn last(turns: &'a [Turn]) -> Option<Self> {
        let mut question: Option<Question> = None;
        let mut said_before: Option<&str> = None;
        let mut pending = None;
        let mut last = None;
        for (index, turn) in turns.iter().enumerate() {
            match turn {
                Turn::User(said) => {
                    pending = said_before.and_then(Pending::of);
                    question = Some(understood(said, pending, question));
                    last = Some((index, said.as_str(), said_before));
                }
                Turn::Assistant(said) => said_before = Some(said),
                Turn::System(_) | Turn::Call { .. } | Turn::Output { .. } => {}
            }
        }
        let (index, said, before) = last?;
        let question = question?;
        let (calls, answered) = since(&turns[index + 1..]);
        Some(Self {
            said_before: before.filter(|_| question.news.is_some()),
            question,
            said,
            pending,
            calls,
            answered,
        })
    }
}

impl Pending {
    fn of(said: &str) -> Option<Self> {
        if smalltalk::asked_to_confirm(said) {
            Some(Self::Confirmation)
        } else if smalltalk::asked_for_argument(said) {
            Some(Self::Argument)
        } else {
            None
        }
    }
}

/// What is asked, after the question before it. Small talk leaves that as it was.
fn understood(said: &str, pending: Option<Pending>, before: Option<Question>) -> Question {
    match (pending, before) {
        (Some(Pending::Confirmation), Some(before))
            if smalltalk::agrees(said) || smalltalk::refuses(said) =>
        {
            before
        }
        (Some(Pending::Argument), Some(before)) if said.split_whitespace().count() <= 4 => {
            let base = before.text.trim_end_matches(['?', '.', '!']);
            Question::new(&format!("{base}, {}", said.trim()))
        }
        (_, Some(before)) if smalltalk::is_smalltalk(said) => before,
        (_, before) => follow_up::question(said, before.as_ref()),
    }
}

/// The calls made in these turns, and whether something was said after them.
fn since(turns: &[Turn]) -> (Vec<Call<'_>>, bool) {
    let mut calls: Vec<(&str, Call<'_>)> = Vec::new();
    let mut answered = false;
    for turn in turns {
        match turn {
            Turn::Call { call_id, name, .. } => {
                calls.push((call_id, Call { name, output: None }));
            }
            Turn::Output { call_id, output } => {
                answered = false;
                match calls.iter_mut().find(|(id, _)| id == call_id) {
                    Some((_, call)) => call.output = Some(output),
                    None => calls.push((
                        call_id,
                        Call {
                            name: "",
                            output: Some(output),
                        },
                    )),
                }
            }
            Turn::Assistant(text) => answered = !text.trim().is_empty(),
            Turn::User(_) | Turn::System(_) => {}
        }
    }
    (calls.into_iter().map(|(_, call)| call).collect(), answered)
}
