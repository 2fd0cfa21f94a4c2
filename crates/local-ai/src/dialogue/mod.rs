//! What to say next, without a language model.
//!
//! Nothing here knows a product. Whether a question is about the asker's own account, which sentence
//! of the passages found answers it and whether any does, is judged by evidence (how close it is in
//! meaning, which words it shares, the kind of answer asked for) whose weights were learned from
//! examples (`learned`). Which tool is called follows from its own definition. What no result
//! holds is not known, and that is said. Everything is a pure function over [`Embed`].
//!
//! [`crate::chat`] takes this module's place when a chat endpoint is configured.

mod arguments;
mod compose;
mod evidence;
mod exchange;
mod follow_up;
mod instructions;
mod json;
mod learned;
mod literal;
mod memory;
mod numbers;
mod phrases;
mod question;
mod smalltalk;
mod summary;
mod text;
mod tools;
pub mod training;

use openai_realtime::{ToolChoice, ToolChoiceMode, ToolFunction};
use serde_json::{Map, Value};

pub use memory::Memory;

use crate::engine::Embed;
use evidence::Judge;
use exchange::{Exchange, Pending};
use learned::Weights;
use tools::{Choice, Role, Situation};

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

/// Decides what to say or do next.
///
/// # Errors
/// The embedding model failed.
pub fn reply(
    context: &Context,
    embed: &dyn Embed,
    memory: &Memory,
) -> Result<Vec<Part>, DialogueError> {
    if let Some(text) = instructions::verbatim(context) {
        return Ok(Part::say(text));
    }
    if instructions::asks_for_summary(&context.instructions) {
        return Ok(Part::say(summary::summarise(&context.turns)));
    }
    let exchange = match Exchange::last(&context.turns) {
        Some(exchange) if !exchange.answered => exchange,
        answered => {
            if let Some(context) = instructions::asked(context) {
                return reply(&context, embed, memory);
            }
            return Ok(Part::say(match (answered, context.turns.last()) {
                (Some(_), _) => smalltalk::ANYTHING_ELSE.to_owned(),
                (None, Some(Turn::Output { output, .. })) => compose::as_it_is(output),
                (None, _) => instructions::greeting(&context.instructions),
            }));
        }
    };
    let said = exchange.said;
    if exchange.calls.is_empty() {
        if said.trim().is_empty() {
            return Ok(Part::say(smalltalk::NOT_HEARD));
        }
        let kind = match exchange.pending {
            Some(Pending::Confirmation) if smalltalk::agrees(said) => None,
            Some(Pending::Confirmation) if smalltalk::refuses(said) => {
                return Ok(Part::say(smalltalk::NOT_DONE));
            }
            _ => smalltalk::kind(said, embed, memory)?,
        };
        if let Some(kind) = kind {
            return Ok(smalltalk::reply(context, kind));
        }
    }
    let weights = Weights::current();
    let company = instructions::company(&context.instructions);
    let judge = Judge::new(&exchange.question, embed, memory, weights, company)?;
    let dialogue = Dialogue {
        context,
        exchange: &exchange,
        judge,
        weights,
    };
    if exchange.calls.iter().any(|call| call.output.is_some()) {
        dialogue.answer()
    } else {
        let next = dialogue.next_call()?;
        Ok(next.unwrap_or_else(|| Part::say(smalltalk::DOES_NOT_KNOW)))
    }
}

/// One decision.
struct Dialogue<'a> {
    context: &'a Context,
    exchange: &'a Exchange<'a>,
    judge: Judge<'a>,
    weights: &'a Weights,
}

impl Dialogue<'_> {
    /// The step after a tool has given something.
    fn answer(&self) -> Result<Vec<Part>, DialogueError> {
        let calls = self.exchange.calls.iter();
        let results: Vec<compose::Result<'_>> = calls
            .filter_map(|call| {
                Some(compose::Result {
                    tool: self.tool(call.name),
                    output: call.output?,
                })
            })
            .collect();
        let said_before = self.exchange.said_before;
        Ok(
            match compose::answer(&results, said_before, &self.judge, self.weights)? {
                compose::Answer::Found(text) => Part::say(text),
                compose::Answer::NotFound(text) => match self.next_call()? {
                    Some(parts) => parts,
                    None => Part::say(text),
                },
            },
        )
    }

    /// What to do with the best tool not tried yet, if one fits.
    fn next_call(&self) -> Result<Option<Vec<Part>>, DialogueError> {
        let only = match &self.context.tool_choice {
            Some(ToolChoice::Mode(ToolChoiceMode::None)) => return Ok(None),
            Some(ToolChoice::Named {
                name: Some(name), ..
            }) => Some(name.as_str()),
            _ => None,
        };
        // What had to be called has been called.
        let is_required = self.exchange.calls.is_empty()
            && (only.is_some()
                || matches!(
                    self.context.tool_choice,
                    Some(ToolChoice::Mode(ToolChoiceMode::Required))
                ));
        let calls = &self.exchange.calls;
        let untried: Vec<&ToolFunction> = self
            .context
            .tools
            .iter()
            .filter(|tool| only.is_none_or(|only| only == tool.name))
            .filter(|tool| !calls.iter().any(|call| call.name == tool.name))
            .collect();
        let tried: Vec<Role> = calls
            .iter()
            .filter_map(|call| self.tool(call.name).map(Role::of))
            .collect();
        let situation = Situation {
            question: &self.exchange.question,
            tried: &tried,
            is_required,
        };
        let choice = tools::choose(situation, &untried, &self.judge)?;
        Ok(choice.map(|choice| self.carry_out(choice)))
    }

    fn carry_out(&self, choice: Choice<'_>) -> Vec<Part> {
        match (choice, self.exchange.pending) {
            (Choice::Ask(tool, name), Some(Pending::Argument)) => {
                // The answer to what was asked back is taken as it is.
                let mut arguments = arguments::fill_anyhow(tool, &self.exchange.question.text);
                let said = self.exchange.said.trim().trim_end_matches(['.', '!']);
                arguments.insert(name, Value::String(said.to_owned()));
                self.call(tool, arguments)
            }
            (Choice::Ask(_, name), _) => Part::say(smalltalk::ask_for(&name)),
            (Choice::Call(tool, arguments), _) => self.call(tool, arguments),
        }
    }

    /// Calls a tool, or asks first where its description wants that. One that takes the caller's word
    /// for it is called before, and asks itself.
    fn call(&self, tool: &ToolFunction, mut arguments: Map<String, Value>) -> Vec<Part> {
        let is_confirmed = self.exchange.pending == Some(Pending::Confirmation);
        if let Some(name) = arguments::confirmation(tool) {
            arguments.insert(name, Value::Bool(is_confirmed));
        } else if tools::wants_confirmation(tool) && !is_confirmed {
            return Part::say(smalltalk::confirm(tool, &arguments));
        }
        vec![Part::Call {
            name: tool.name.clone(),
            arguments: Value::Object(arguments).to_string(),
        }]
    }

    fn tool(&self, name: &str) -> Option<&ToolFunction> {
        self.context.tools.iter().find(|tool| tool.name == name)
    }
}
