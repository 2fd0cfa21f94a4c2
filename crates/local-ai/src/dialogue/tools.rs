//! Which tool to call for what was said, and with which arguments.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use openai_realtime::ToolFunction;
use regex::Regex;
use serde_json::{Map, Value};

use super::text::{is_personal, is_procedural, pattern, sentences, spoken_key, words};
use super::{DialogueError, Part, smalltalk};
use crate::engine::{Embed, Embedding, similarity};

/// A tool that looks something up may be called at this score; a wrong call costs a moment.
const LOOKUP_FLOOR: f32 = 0.2;
/// A tool that changes something needs more; a wrong call costs trust.
const ACTION_FLOOR: f32 = 0.45;
/// What a tool gains that takes the question itself, and more for a "how do I".
const TAKES_QUESTION: f32 = 0.2;
const TAKES_HOW_TO: f32 = 0.25;
/// What a tool about the caller gains for a question about "my".
const ABOUT_CALLER: f32 = 0.35;
/// And loses for one that is about nobody.
const NOT_ABOUT_CALLER: f32 = 0.1;

/// Embeddings of tool descriptions, which are the same turn after turn and call after call.
#[derive(Debug, Default)]
pub struct ToolMemory(Mutex<HashMap<String, Embedding>>);

/// About 1 MB. Past it the memory starts anew.
const MAX_REMEMBERED: usize = 512;

impl ToolMemory {
    fn embed(&self, texts: &[String], embed: &dyn Embed) -> Result<Vec<Embedding>, DialogueError> {
        // A poisoned lock is harmless: entries are independent of each other.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown: Vec<&str> = {
            let known = lock();
            texts
                .iter()
                .map(String::as_str)
                .filter(|text| !known.contains_key(*text))
                .collect()
        };
        let fresh = if unknown.is_empty() {
            Vec::new()
        } else {
            embed.embed(&unknown)?
        };
        let mut known = lock();
        if known.len() + unknown.len() > MAX_REMEMBERED {
            known.clear();
        }
        let fresh: HashMap<&str, Embedding> = unknown.into_iter().zip(fresh).collect();
        let found = texts
            .iter()
            .filter_map(|text| {
                fresh
                    .get(text.as_str())
                    .or_else(|| known.get(text.as_str()))
                    .copied()
            })
            .collect();
        known.extend(
            fresh
                .into_iter()
                .map(|(text, embedding)| (text.to_owned(), embedding)),
        );
        Ok(found)
    }
}

/// The best tool for the question with its arguments, or none.
pub(super) fn choose(
    question: &str,
    tools: &[&ToolFunction],
    required: bool,
    embed: &dyn Embed,
    memory: &ToolMemory,
) -> Result<Option<Part>, DialogueError> {
    if tools.is_empty() {
        return Ok(None);
    }
    let asked = embed.embed(&[question])?;
    let Some(asked) = asked.first() else {
        return Ok(None);
    };
    let mut best: Option<(f32, &ToolFunction, String)> = None;
    for tool in tools {
        // Ending the call is an answer to a goodbye only, and that is small talk.
        if smalltalk::ends_call(tool) && !required {
            continue;
        }
        let Some(arguments) = arguments(tool, question, required) else {
            continue;
        };
        let score = score(tool, question, asked, embed, memory)?;
        let floor = if is_lookup(tool) {
            LOOKUP_FLOOR
        } else {
            ACTION_FLOOR
        };
        let fits = required || score >= floor;
        if fits && best.as_ref().is_none_or(|(best, ..)| score > *best) {
            best = Some((score, tool, arguments));
        }
    }
    Ok(best.map(|(_, tool, arguments)| Part::Call {
        name: tool.name.clone(),
        arguments,
    }))
}

fn score(
    tool: &ToolFunction,
    question: &str,
    asked: &Embedding,
    embed: &dyn Embed,
    memory: &ToolMemory,
) -> Result<f32, DialogueError> {
    let described = memory.embed(&descriptions(tool), embed)?;
    let closest = described
        .iter()
        .map(|text| similarity(asked, text))
        .fold(0.0, f32::max);
    let how_to = is_procedural(question);
    let mut score = closest;
    if takes_question(tool) {
        score += TAKES_QUESTION + if how_to { TAKES_HOW_TO } else { 0.0 };
    } else if is_lookup(tool) && is_about_caller(tool) && !how_to {
        score += if is_personal(question) {
            ABOUT_CALLER
        } else {
            -NOT_ABOUT_CALLER
        };
    }
    Ok(score)
}

/// The texts that say what a tool is for: its name, each sentence, each parameter.
fn descriptions(tool: &ToolFunction) -> Vec<String> {
    let mut texts = vec![spoken_key(&tool.name)];
    let description = tool.description.as_deref().unwrap_or_default();
    texts.extend(sentences(description).into_iter().map(str::to_owned));
    texts.extend(
        parameters(tool).into_iter().filter_map(|(_, schema, _)| {
            Some(schema.get("description")?.as_str()?.trim().to_owned())
        }),
    );
    texts.retain(|text| !text.is_empty());
    texts.truncate(16);
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
    !takes_question(tool)
        && (CALLER.is_match(&name)
            || tool
                .description
                .as_deref()
                .is_some_and(|text| CALLER.is_match(text)))
}

fn takes_question(tool: &ToolFunction) -> bool {
    parameters(tool)
        .iter()
        .any(|(name, schema, required)| *required && is_question(name, schema))
}

/// Name, schema and whether it is required, of each parameter.
fn parameters(tool: &ToolFunction) -> Vec<(&str, &Value, bool)> {
    let Some(schema) = &tool.parameters else {
        return Vec::new();
    };
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    properties
        .iter()
        .map(|(name, schema)| (name.as_str(), schema, required.contains(&name.as_str())))
        .collect()
}

fn is_question(name: &str, schema: &Value) -> bool {
    static QUESTION: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)\b(query|question|search|keywords?|topic|asked|looking for)\b")
    });
    let is_text = schema.get("type").is_none_or(|kind| kind == "string");
    let described = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    is_text
        && schema.get("enum").is_none()
        && (QUESTION.is_match(&spoken_key(name)) || QUESTION.is_match(described))
}

/// The arguments for a tool; `None` when a required one cannot be filled from what was said.
fn arguments(tool: &ToolFunction, question: &str, forced: bool) -> Option<String> {
    let mut arguments = Map::new();
    for (name, schema, required) in parameters(tool) {
        match argument(name, schema, question) {
            Some(value) => {
                arguments.insert(name.to_owned(), value);
            }
            None if required && forced => {
                arguments.insert(name.to_owned(), Value::String(question.to_owned()));
            }
            None if required => return None,
            None => {}
        }
    }
    Some(Value::Object(arguments).to_string())
}

/// Arguments of a tool that is called for a reason and not to answer something.
pub(super) fn arguments_without_question(tool: &ToolFunction, reason: &str) -> String {
    let mut arguments = Map::new();
    for (name, schema, required) in parameters(tool) {
        let first = schema
            .get("enum")
            .and_then(Value::as_array)
            .and_then(|values| values.first());
        let is_text = schema.get("type").is_none_or(|kind| kind == "string");
        if let Some(first) = first.filter(|_| required) {
            arguments.insert(name.to_owned(), first.clone());
        } else if is_text && first.is_none() && (required || name.contains("reason")) {
            arguments.insert(name.to_owned(), Value::String(reason.to_owned()));
        }
    }
    Value::Object(arguments).to_string()
}

fn argument(name: &str, schema: &Value, question: &str) -> Option<Value> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return mentioned(values, question);
    }
    let kind = schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("string");
    match kind {
        "string" if is_question(name, schema) => Some(Value::String(question.to_owned())),
        "string" => proper_name(question).map(Value::String),
        "integer" => number(question).map(|number| Value::from(number.round() as i64)),
        "number" => number(question).map(Value::from),
        "boolean" => is_mentioned(name, question).then_some(Value::Bool(true)),
        _ => None,
    }
}

/// The value of an enumeration that was said.
fn mentioned(values: &[Value], question: &str) -> Option<Value> {
    let said = words(question);
    values
        .iter()
        .find(|value| {
            let words = value
                .as_str()
                .map(|text| words(&spoken_key(text)))
                .unwrap_or_default();
            !words.is_empty() && said.windows(words.len()).any(|window| window == words)
        })
        .cloned()
}

fn is_mentioned(name: &str, question: &str) -> bool {
    let said = words(question);
    words(&spoken_key(name))
        .iter()
        .any(|word| word.len() > 3 && said.contains(word))
}

/// A name: capitalised words that do not begin the sentence, as in "the weather in New York".
fn proper_name(question: &str) -> Option<String> {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[\w,] ((?:[A-Z][\p{L}'-]+)(?: (?:[A-Z][\p{L}'-]+|of|de|la))*)"));
    let found = NAME
        .captures_iter(question)
        .map(|found| found[1].to_owned());
    found
        .into_iter()
        .find(|name| name != "I" && !name.starts_with("I'"))
}

/// A number in digits or words.
fn number(question: &str) -> Option<f64> {
    const SMALL: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let said = words(question);
    let small = |word: &str| SMALL.iter().position(|known| *known == word);
    let tens = |word: &str| {
        TENS.iter()
            .position(|known| *known == word)
            .map(|at| (at + 2) * 10)
    };
    said.iter().enumerate().find_map(|(index, word)| {
        if let Ok(number) = word.parse::<f64>() {
            return number.is_finite().then_some(number);
        }
        let next = said.get(index + 1).map(String::as_str).unwrap_or_default();
        if let Some(tens) = tens(word) {
            let ones = small(next)
                .filter(|ones| (1..10).contains(ones))
                .unwrap_or(0);
            return Some((tens + ones) as f64);
        }
        let number = small(word)?;
        Some(if next == "hundred" {
            number as f64 * 100.0
        } else {
            number as f64
        })
    })
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
    fn arguments_are_filled_by_what_the_schema_says() {
        let schema = json!({"type": "object", "required": ["query"], "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "description": "How many."},
            "plan": {"type": "string", "enum": ["free", "pro_plus"]},
            "archived": {"type": "boolean"}}});
        let search = tool("search", "Searches.", schema);
        let said = "Show me twenty five archived articles about pro plus.";
        let filled: Value =
            serde_json::from_str(&arguments(&search, said, false).unwrap()).unwrap();
        assert_eq!(
            filled,
            json!({"query": said, "limit": 25, "plan": "pro_plus", "archived": true})
        );
    }

    #[test]
    fn a_required_argument_that_was_not_said_rules_a_tool_out_unless_it_is_forced() {
        let schema = json!({"type": "object", "required": ["city"],
            "properties": {"city": {"type": "string", "description": "Where."}}});
        let weather = tool("get_weather", "Gets the weather.", schema);
        assert_eq!(arguments(&weather, "Will it rain?", false), None);
        assert!(arguments(&weather, "Will it rain?", true).is_some());
        assert_eq!(
            arguments(&weather, "Will it rain in New York tomorrow?", false).unwrap(),
            r#"{"city":"New York"}"#
        );
    }

    #[test]
    fn numbers_are_read_in_digits_and_words() {
        for (said, expected) in [
            ("for 12 people", Some(12.0)),
            ("for seven people", Some(7.0)),
            ("forty two", Some(42.0)),
            ("three hundred", Some(300.0)),
            ("none of it", None),
        ] {
            assert_eq!(number(said), expected, "{said}");
        }
    }

    #[test]
    fn looking_up_is_told_from_doing() {
        let plain = |name, description| tool(name, description, json!({}));
        assert!(is_lookup(&plain("get_account", "")));
        assert!(is_lookup(&plain("articles", "Search the help articles.")));
        assert!(!is_lookup(&plain("end_call", "Gets rid of the caller.")));
        assert!(!is_lookup(&plain("create_ticket", "Opens a ticket.")));
    }
}
