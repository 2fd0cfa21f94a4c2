//! Which tool to call for what was said.
//!
//! Three kinds of tools are told apart by their definitions: those that know whoever is speaking,
//! those that take the question itself, and those made for one thing. A tool made for one thing is
//! called when its description is closer than anything else; between the other two decides whether
//! the question is about the asker's own account.

use std::sync::LazyLock;

use openai_realtime::ToolFunction;
use regex::Regex;
use serde_json::{Map, Value};

use super::arguments::{self, Filled, parameters};
use super::evidence::Judge;
use super::question::Question;
use super::text::{pattern, sentences, spoken_key};
use super::{DialogueError, smalltalk};

/// A tool made for one thing that only looks it up may be called at this closeness; a wrong call
/// costs a moment.
const LOOKUP_FLOOR: f32 = 0.33;
/// One that changes something needs more; a wrong call costs trust.
const ACTION_FLOOR: f32 = 0.42;
/// A tool that knows the caller, where no other takes the question.
const ACCOUNT_FLOOR: f32 = 0.3;
/// How far from being about the caller a question may be for their account to be asked all the
/// same, when nothing else has the answer; and how sure it has to be that nothing else is asked.
const MAYBE_OWN: f32 = -1.5;
pub(super) const SURELY_OWN: f32 = 1.5;
/// Descriptions longer than this are not read to their end.
const MAX_DESCRIPTIONS: usize = 16;

/// What can be done about a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Knows whoever is speaking.
    Account,
    /// Takes the question itself.
    Knowledge,
    /// Made for one thing.
    Special,
    /// Ends the call.
    Ending,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Choice<'a> {
    Call(&'a ToolFunction, Map<String, Value>),
    /// The tool fits, but the parameter of this name was not said.
    Ask(&'a ToolFunction, String),
}

/// What has been done for the question so far, and what must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    pub(super) question: &'a Question,
    /// Tools that were called for it.
    pub(super) tried: &'a [Role],
    /// Whether some tool has to be called, whatever was said.
    pub(super) is_required: bool,
}

impl Role {
    pub(super) fn of(tool: &ToolFunction) -> Self {
        if smalltalk::ends_call(tool) {
            Self::Ending
        } else if parameters(tool)
            .iter()
            .any(|parameter| parameter.is_required && parameter.takes_question())
        {
            Self::Knowledge
        } else if is_lookup(tool) && is_about_caller(tool) {
            Self::Account
        } else {
            Self::Special
        }
    }
}

/// The best tool for the question with its arguments, or none.
pub(super) fn choose<'a>(
    situation: Situation<'_>,
    tools: &[&'a ToolFunction],
    judge: &Judge<'_>,
) -> Result<Option<Choice<'a>>, DialogueError> {
    let question = situation.question;
    let mut ranked: Vec<(f32, Role, &'a ToolFunction)> = Vec::new();
    for tool in tools {
        let role = Role::of(tool);
        // Ending the call is an answer to a goodbye only, and that is small talk. What changes
        // something is no answer to whoever asks how, where or when.
        let is_wanted = match role {
            Role::Ending => false,
            Role::Special => is_lookup(tool) || !question.asks_to_be_told(),
            Role::Account | Role::Knowledge => true,
        };
        if is_wanted || situation.is_required {
            let close = judge.closeness(&descriptions(tool))?;
            ranked.push((close.into_iter().fold(0.0, f32::max), role, tool));
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let Some((_, _, tool)) = ranked.first().filter(|_| situation.is_required) {
        // What is asked of the caller's own decides here as well.
        let own = judge.own() > 0.0;
        let fits = |(_, role, _): &&(f32, Role, &ToolFunction)| {
            matches!(
                (role, own),
                (Role::Account, true) | (Role::Knowledge, false)
            )
        };
        let special = ranked.first().is_some_and(|best| best.1 == Role::Special);
        let tool = match ranked.iter().find(fits).filter(|_| !special) {
            Some((_, _, tool)) => tool,
            None => tool,
        };
        let arguments = arguments::fill_anyhow(tool, &question.text);
        return Ok(Some(Choice::Call(tool, arguments)));
    }
    let best = |wanted: Role| ranked.iter().find(|(_, role, _)| *role == wanted);
    let general = ranked
        .iter()
        .filter(|(_, role, _)| *role != Role::Special)
        .map(|(close, ..)| *close)
        .fold(0.0, f32::max);
    if let Some((close, _, tool)) = best(Role::Special)
        && *close
            >= if is_lookup(tool) {
                LOOKUP_FLOOR
            } else {
                ACTION_FLOOR
            }
        && *close > general
    {
        // Whoever only tells something is not asked for what an action needs while another tool may
        // have an answer.
        let may_ask = is_lookup(tool) || question.is_order() || best(Role::Knowledge).is_none();
        match arguments::fill(tool, &question.text) {
            Filled::Complete(arguments) => return Ok(Some(Choice::Call(tool, arguments))),
            Filled::Missing(name) if may_ask => return Ok(Some(Choice::Ask(tool, name))),
            Filled::Missing(_) => {}
        }
    }
    let own = judge.own();
    let account = best(Role::Account).filter(|(close, ..)| {
        match (best(Role::Knowledge), situation.tried) {
            (Some(_), _) => own > 0.0,
            // The articles did not say.
            (None, [_, ..]) => own > MAYBE_OWN,
            (None, []) => own > 0.0 || *close >= ACCOUNT_FLOOR,
        }
    });
    let knowledge = best(Role::Knowledge)
        .filter(|_| own < SURELY_OWN || !situation.tried.contains(&Role::Account));
    let chosen = account.or(knowledge);
    Ok(
        chosen.and_then(|(_, _, tool)| match arguments::fill(tool, &question.text) {
            Filled::Complete(arguments) => Some(Choice::Call(tool, arguments)),
            Filled::Missing(_) => None,
        }),
    )
}

/// The texts that say what a tool is for: its name, each sentence, each parameter.
fn descriptions(tool: &ToolFunction) -> Vec<String> {
    let mut texts = vec![spoken_key(&tool.name)];
    let description = tool.description.as_deref().unwrap_or_default();
    texts.extend(sentences(description).into_iter().map(str::to_owned));
    texts.extend(parameters(tool).into_iter().filter_map(|parameter| {
        let description = parameter.schema.get("description")?.as_str()?;
        Some(description.trim().to_owned())
    }));
    texts.retain(|text| !text.is_empty());
    texts.truncate(MAX_DESCRIPTIONS);
    texts
}

/// Whether a tool only looks something up, so that a wrong call does no harm.
pub(super) fn is_lookup(tool: &ToolFunction) -> bool {
    static LOOKS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^(\w+ )?(get|gets|look|looks|lookup|find|finds|search|searches|list|lists|fetch|fetches|read|reads|check|checks|return|returns|retrieve|retrieves|show|shows|query|recall|recalls|tell|tells|give|gives|answer|answers)\b",
        )
    });
    let description = tool.description.as_deref().unwrap_or_default();
    !smalltalk::ends_call(tool)
        && (LOOKS.is_match(&spoken_key(&tool.name)) || LOOKS.is_match(description))
}

/// Whether a tool is about whoever is speaking and is told by the call who that is.
pub(super) fn is_about_caller(tool: &ToolFunction) -> bool {
    static CALLER: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)\b(caller|user|customer|their|account|profile|subscriber|member)\b")
    });
    let name = spoken_key(&tool.name);
    let parameters = parameters(tool);
    !parameters.iter().any(|parameter| parameter.is_required)
        && (CALLER.is_match(&name)
            || tool
                .description
                .as_deref()
                .is_some_and(|text| CALLER.is_match(text)))
}

/// Whether a tool changes something and wants that to be confirmed before.
pub(super) fn wants_confirmation(tool: &ToolFunction) -> bool {
    static CONFIRM: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)\b(confirm\w*|ask (first|before|the \w+ first)|make sure|double[ -]check)\b")
    });
    let description = tool.description.as_deref();
    !is_lookup(tool) && description.is_some_and(|text| CONFIRM.is_match(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str, description: &str, parameters: Value) -> ToolFunction {
        ToolFunction {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            parameters: Some(parameters),
        }
    }

    #[test]
    fn tools_are_told_apart_by_their_definitions() {
        let query = json!({"required": ["query"], "properties": {"query": {"type": "string"}}});
        let city = json!({"required": ["city"], "properties": {"city": {"type": "string"}}});
        for (name, description, parameters, role, looks, confirms) in [
            (
                "get_account",
                "The caller's own account.",
                json!({}),
                Role::Account,
                true,
                false,
            ),
            (
                "articles",
                "Search the help articles.",
                query,
                Role::Knowledge,
                true,
                false,
            ),
            (
                "get_weather",
                "Gets the weather of a city.",
                city,
                Role::Special,
                true,
                false,
            ),
            (
                "end_call",
                "Gets rid of the caller.",
                json!({}),
                Role::Ending,
                false,
                false,
            ),
            (
                "create_ticket",
                "Opens a ticket.",
                json!({}),
                Role::Special,
                false,
                false,
            ),
            (
                "cancel_order",
                "Cancels an order. Confirm with the user first.",
                json!({}),
                Role::Special,
                false,
                true,
            ),
        ] {
            let tool = tool(name, description, parameters);
            assert_eq!(
                (Role::of(&tool), is_lookup(&tool), wants_confirmation(&tool)),
                (role, looks, confirms),
                "{name}"
            );
        }
    }
}
