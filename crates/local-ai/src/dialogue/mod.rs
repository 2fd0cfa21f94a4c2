//! What to say next, without a language model.
//!
//! Nothing here knows a product: a tool is chosen by how close what was said is to the tool's own
//! description, and an answer is made of what the tool gave, nearest to the question first. What
//! no result holds is not known, and that is said. Everything is a pure function over [`Embed`].
//!
//! [`crate::chat`] takes this module's place when a chat endpoint is configured.

mod compose;
mod instructions;
mod json;
mod relevance;
mod smalltalk;
mod summary;
mod text;
mod tools;

use openai_realtime::{ToolChoice, ToolChoiceMode, ToolFunction};

pub use tools::ToolMemory;

use crate::engine::Embed;

/// What a response answers from.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The system prompt.
    pub instructions: String,
    /// The conversation, oldest first.
    pub turns: Vec<Turn>,
    /// The tools that may be called.
    pub tools: Vec<ToolFunction>,
    /// Whether and which tool must be called.
    pub tool_choice: Option<ToolChoice>,
}

/// An entry of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// What the person said.
    User(String),
    /// What we said, as far as it was heard.
    Assistant(String),
    /// Instructions within the conversation.
    System(String),
    /// A tool that we called.
    Call {
        /// Connects it with its output.
        call_id: String,
        /// The tool.
        name: String,
        /// JSON.
        arguments: String,
    },
    /// What the tool gave.
    Output {
        /// The call.
        call_id: String,
        /// Usually JSON.
        output: String,
    },
}

/// A part of a response.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Words to say; a piece of the text, not necessarily whole sentences.
    Say(String),
    /// A tool to call.
    Call {
        /// The tool.
        name: String,
        /// JSON.
        arguments: String,
    },
}

impl Part {
    fn say(text: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(text.into())]
    }
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum DialogueError {
    /// The embedding model failed.
    #[error(transparent)]
    Model(#[from] speech::Error),
}

/// The last thing the person said, and what has happened since.
struct Exchange<'a> {
    /// What was said, with what it refers back to.
    question: String,
    /// What was said, as it was said.
    said: &'a str,
    /// Calls made since.
    calls: Vec<Call<'a>>,
    /// Whether it has been answered already.
    answered: bool,
}

/// A call and what it gave.
struct Call<'a> {
    name: &'a str,
    output: Option<&'a str>,
}

/// Decides what to say or do next.
///
/// # Errors
/// The embedding model failed.
pub fn reply(
    context: &Context,
    embed: &dyn Embed,
    memory: &ToolMemory,
) -> Result<Vec<Part>, DialogueError> {
    if let Some(text) = instructions::verbatim(context) {
        return Ok(Part::say(text));
    }
    if instructions::asks_for_summary(&context.instructions) {
        return Ok(Part::say(summary::summarise(&context.turns)));
    }
    let Some(exchange) = Exchange::last(&context.turns) else {
        return Ok(Part::say(instructions::greeting(&context.instructions)));
    };
    if exchange.answered {
        return Ok(Part::say(smalltalk::ANYTHING_ELSE));
    }
    let dialogue = Dialogue {
        context,
        embed,
        memory,
        exchange: &exchange,
    };
    if exchange.calls.iter().any(|call| call.output.is_some()) {
        dialogue.answer()
    } else {
        dialogue.begin()
    }
}

impl<'a> Exchange<'a> {
    fn last(turns: &'a [Turn]) -> Option<Self> {
        let is_user = |turn: &Turn| matches!(turn, Turn::User(_));
        let index = turns.iter().rposition(is_user)?;
        let Turn::User(said) = &turns[index] else {
            return None;
        };
        let before = turns[..index].iter().rev().find_map(|turn| match turn {
            Turn::User(text) if !smalltalk::is_smalltalk(text) => Some(text.as_str()),
            _ => None,
        });
        let mut calls: Vec<(&str, Call<'_>)> = Vec::new();
        let mut answered = false;
        for turn in &turns[index + 1..] {
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
        Some(Self {
            question: text::with_reference(said, before),
            said,
            calls: calls.into_iter().map(|(_, call)| call).collect(),
            answered,
        })
    }
}

/// One decision.
struct Dialogue<'a> {
    context: &'a Context,
    embed: &'a dyn Embed,
    memory: &'a ToolMemory,
    exchange: &'a Exchange<'a>,
}

impl Dialogue<'_> {
    /// The first step after something was said.
    fn begin(&self) -> Result<Vec<Part>, DialogueError> {
        if self.exchange.said.trim().is_empty() {
            return Ok(Part::say(smalltalk::NOT_HEARD));
        }
        if let Some(parts) = smalltalk::reply(self.context, self.exchange.said) {
            return Ok(parts);
        }
        Ok(self
            .next_call()?
            .unwrap_or_else(|| Part::say(smalltalk::DOES_NOT_KNOW)))
    }

    /// The step after a tool has given something.
    fn answer(&self) -> Result<Vec<Part>, DialogueError> {
        let results: Vec<compose::Result<'_>> = self
            .exchange
            .calls
            .iter()
            .filter_map(|call| {
                Some(compose::Result {
                    tool: self.tool(call.name),
                    output: call.output?,
                })
            })
            .collect();
        let answer = compose::answer(&self.exchange.question, &results, self.embed)?;
        if answer.confidence == compose::Confidence::Sure {
            return Ok(Part::say(answer.text));
        }
        Ok(match self.next_call()? {
            Some(call) => call,
            None => Part::say(answer.text),
        })
    }

    /// The best tool not tried yet, if one fits.
    fn next_call(&self) -> Result<Option<Vec<Part>>, DialogueError> {
        let only = match &self.context.tool_choice {
            Some(ToolChoice::Mode(ToolChoiceMode::None)) => return Ok(None),
            Some(ToolChoice::Named {
                name: Some(name), ..
            }) => Some(name.as_str()),
            _ => None,
        };
        let required = only.is_some()
            || matches!(
                self.context.tool_choice,
                Some(ToolChoice::Mode(ToolChoiceMode::Required))
            );
        let tried = |tool: &&ToolFunction| {
            self.exchange
                .calls
                .iter()
                .any(|call| call.name == tool.name)
        };
        let untried: Vec<&ToolFunction> = self
            .context
            .tools
            .iter()
            .filter(|tool| only.is_none_or(|only| only == tool.name))
            .filter(|tool| !tried(tool))
            .collect();
        let chosen = tools::choose(
            &self.exchange.question,
            &untried,
            required,
            self.embed,
            self.memory,
        )?;
        Ok(chosen.map(|call| vec![call]))
    }

    fn tool(&self, name: &str) -> Option<&ToolFunction> {
        self.context.tools.iter().find(|tool| tool.name == name)
    }
}
