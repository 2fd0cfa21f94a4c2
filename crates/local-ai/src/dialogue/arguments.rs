//! Arguments of a tool out of what was said, by what its schema says of each parameter.

use std::sync::LazyLock;

use openai_realtime::ToolFunction;
use regex::Regex;
use serde_json::{Map, Value};

use super::numbers::{Number, numbers, time_of_day};
use super::phrases::{after_a_word_of, code, day, email, proper_name, quoted};
use super::text::{is_empty_word, pattern, spoken_key, stem, words};

/// A parameter as its schema describes it.
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) schema: &'a Value,
    pub(super) is_required: bool,
}

/// What a tool would be called with.
#[derive(Debug, PartialEq)]
pub(super) enum Filled {
    /// All that is required is there.
    Complete(Map<String, Value>),
    /// The name of a required parameter that was not said.
    Missing(String),
}

/// The parameters of a tool.
pub(super) fn parameters(tool: &ToolFunction) -> Vec<Parameter<'_>> {
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
        .map(|(name, schema)| Parameter {
            name,
            schema,
            is_required: required.contains(&name.as_str()),
        })
        .collect()
}

impl Parameter<'_> {
    fn description(&self) -> &str {
        let description = self.schema.get("description").and_then(Value::as_str);
        description.unwrap_or_default()
    }

    /// The type, which may be one of several, "null" among them.
    fn kind(&self) -> &str {
        match self.schema.get("type") {
            Some(Value::String(kind)) => kind,
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .find(|kind| *kind != "null")
                .unwrap_or("string"),
            _ => "string",
        }
    }

    fn choices(&self) -> Option<&Vec<Value>> {
        self.schema.get("enum").and_then(Value::as_array)
    }

    /// Whether it takes the question itself.
    pub(super) fn takes_question(&self) -> bool {
        static QUESTION: LazyLock<Regex> = LazyLock::new(|| {
            pattern(r"(?i)\b(query|question|search|keywords?|topic|asked|looking for)\b")
        });
        self.kind() == "string"
            && self.choices().is_none()
            && (QUESTION.is_match(&spoken_key(self.name)) || QUESTION.is_match(self.description()))
    }

    fn is_time(&self) -> bool {
        let format = self.schema.get("format").and_then(Value::as_str);
        self.kind() == "string"
            && (format == Some("time")
                || words(&spoken_key(self.name))
                    .iter()
                    .any(|word| word == "time"))
    }

    /// Whether a number was said with a word of this parameter: "gigabytes", "children".
    fn counts(&self, number: &Number) -> bool {
        let unit = number.unit.as_deref().filter(|unit| !is_empty_word(unit));
        unit.is_some_and(|unit| {
            ["integer", "number"].contains(&self.kind()) && self.says().contains(&stem(unit))
        })
    }

    /// Its words: of its name and its description.
    fn says(&self) -> Vec<String> {
        let text = format!("{} {}", spoken_key(self.name), self.description());
        words(&text).iter().map(|word| stem(word)).collect()
    }
}

/// The arguments for a tool out of what was said.
pub(super) fn fill(tool: &ToolFunction, said: &str) -> Filled {
    let mut arguments = Map::new();
    let mut missing = None;
    let mut numbers = numbers(said);
    let parameters = parameters(tool);
    let counted = parameters
        .iter()
        .filter(|parameter| ["integer", "number"].contains(&parameter.kind()))
        .count();
    // The numbers of a time of day are no others, unless they come with a unit.
    if parameters.iter().any(|parameter| parameter.is_time()) && time_of_day(said).is_some() {
        numbers.retain(|number| parameters.iter().any(|parameter| parameter.counts(number)));
    }
    for parameter in &parameters {
        let value = match parameter.kind() {
            _ if parameter.choices().is_some() => chosen(parameter, said),
            "integer" => taken(&mut numbers, parameter, counted)
                .map(|value| Value::from(value.round() as i64)),
            "number" => taken(&mut numbers, parameter, counted).map(Value::from),
            "boolean" => stated(parameter, said).map(Value::Bool),
            "string" => text(parameter, said).map(Value::String),
            "array" => listed(parameter, said),
            _ => None,
        };
        match value {
            Some(value) => {
                arguments.insert(parameter.name.to_owned(), value);
            }
            None if parameter.is_required && missing.is_none() => {
                missing = Some(parameter.name.to_owned());
            }
            None => {}
        }
    }
    match missing {
        Some(name) => Filled::Missing(name),
        None => Filled::Complete(arguments),
    }
}

/// The arguments for a tool that has to be called whatever was said.
pub(super) fn fill_anyhow(tool: &ToolFunction, said: &str) -> Map<String, Value> {
    let mut arguments = match fill(tool, said) {
        Filled::Complete(arguments) => return arguments,
        Filled::Missing(_) => Map::new(),
    };
    for parameter in parameters(tool) {
        let mut alone = tool.clone();
        alone.parameters = Some(serde_json::json!({
            "properties": {parameter.name: parameter.schema}, "required": [parameter.name]}));
        let value = match fill(&alone, said) {
            Filled::Complete(mut found) => found.remove(parameter.name),
            Filled::Missing(_) if parameter.is_required => Some(stand_in(&parameter, said)),
            Filled::Missing(_) => None,
        };
        if let Some(value) = value {
            arguments.insert(parameter.name.to_owned(), value);
        }
    }
    arguments
}

/// The parameter that says whether the caller has agreed to what the tool does.
pub(super) fn confirmation(tool: &ToolFunction) -> Option<String> {
    static CONFIRMED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)^(is |has |user |caller )*(confirm\w*|agreed|approved)$"));
    let says = |parameter: &Parameter<'_>| {
        parameter.kind() == "boolean" && CONFIRMED.is_match(&spoken_key(parameter.name))
    };
    let found = parameters(tool).into_iter().find(says);
    found.map(|parameter| parameter.name.to_owned())
}

/// A value of the right type for what was not said.
fn stand_in(parameter: &Parameter<'_>, said: &str) -> Value {
    if let Some(first) = parameter.choices().and_then(|choices| choices.first()) {
        return first.clone();
    }
    match parameter.kind() {
        "integer" | "number" => Value::from(0),
        "boolean" => Value::Bool(false),
        "array" => Value::Array(Vec::new()),
        "object" => Value::Object(Map::new()),
        _ => Value::String(said.to_owned()),
    }
}

/// Arguments of a tool that is called for a reason and not to answer something.
pub(super) fn fill_with_reason(tool: &ToolFunction, reason: &str) -> Map<String, Value> {
    let mut arguments = Map::new();
    for parameter in parameters(tool) {
        let first = parameter.choices().and_then(|choices| choices.first());
        let is_text = parameter.kind() == "string";
        if let Some(first) = first.filter(|_| parameter.is_required) {
            arguments.insert(parameter.name.to_owned(), first.clone());
        } else if is_text
            && first.is_none()
            && (parameter.is_required || parameter.name.contains("reason"))
        {
            arguments.insert(parameter.name.to_owned(), Value::String(reason.to_owned()));
        }
    }
    arguments
}

/// The value of an enumeration that was said.
fn chosen(parameter: &Parameter<'_>, said: &str) -> Option<Value> {
    let said: Vec<String> = words(said).iter().map(|word| stem(word)).collect();
    let is_said = |value: &&Value| {
        let stems: Vec<String> = value
            .as_str()
            .map(|text| {
                words(&spoken_key(text))
                    .iter()
                    .map(|word| stem(word))
                    .collect()
            })
            .unwrap_or_default();
        !stems.is_empty() && said.windows(stems.len()).any(|window| window == stems)
    };
    let choices = parameter.choices()?;
    // The longest: "pro plus" says more than "pro".
    let length = |value: &&Value| value.as_str().map_or(0, str::len);
    choices.iter().filter(is_said).max_by_key(length).cloned()
}

/// Takes the number meant for this parameter: the one said with a word of it, else the next one
/// that was said with no word of another.
fn taken(numbers: &mut Vec<Number>, parameter: &Parameter<'_>, counted: usize) -> Option<f64> {
    let of_it = |number: &Number| parameter.counts(number);
    let index = numbers.iter().position(of_it).or_else(|| {
        let only = counted == 1 && numbers.len() == 1;
        let without_unit = |number: &Number| number.unit.as_deref().is_none_or(is_empty_word);
        if only {
            Some(0)
        } else if counted == 1 {
            numbers
                .iter()
                .position(without_unit)
                .or(Some(0))
                .filter(|_| !numbers.is_empty())
        } else {
            numbers.iter().position(without_unit)
        }
    })?;
    Some(numbers.remove(index).value)
}

/// Whether something is wanted; `None` when nothing was said about it.
fn stated(parameter: &Parameter<'_>, said: &str) -> Option<bool> {
    static NEGATION: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)\b(not?|without|don't|do not|doesn't|isn't|never|off|disable|stop|un\w+)\b")
    });
    static SWITCH: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\b(on|off|enabled?|disabled?|active)\b"));
    let name = spoken_key(parameter.name);
    let of_name: Vec<String> = words(&name)
        .iter()
        .filter(|word| !is_empty_word(word) && word.len() > 2)
        .map(|word| stem(word))
        .collect();
    let stems: Vec<String> = words(said).iter().map(|word| stem(word)).collect();
    let is_named = of_name.iter().any(|word| stems.contains(word));
    let is_switch = SWITCH.is_match(&name) && SWITCH.is_match(said);
    (is_named || is_switch).then(|| !NEGATION.is_match(said))
}

/// A text: the question itself, a time, a date, a number of something, a name.
fn text(parameter: &Parameter<'_>, said: &str) -> Option<String> {
    if parameter.takes_question() {
        return Some(said.to_owned());
    }
    let says = parameter.says();
    let has = |names: &[&str]| says.iter().any(|word| names.contains(&word.as_str()));
    let format = parameter.schema.get("format").and_then(Value::as_str);
    let name = words(&spoken_key(parameter.name));
    let named = |names: &[&str]| name.iter().any(|word| names.contains(&word.as_str()));
    if format == Some("email") || named(&["email", "mail"]) {
        return email(said);
    }
    if parameter.is_time() {
        return time_of_day(said);
    }
    if format == Some("date") || named(&["date", "day", "when"]) {
        return day(said);
    }
    if named(&["id", "number", "code", "reference"]) {
        return code(said);
    }
    if has(&[
        "text", "messag", "titl", "note", "name", "content", "subject", "body",
    ]) && let Some(quoted) = quoted(said)
    {
        return Some(quoted);
    }
    proper_name(said).or_else(|| after_a_word_of(&says, said))
}

/// Several values of an enumeration, or several names.
fn listed(parameter: &Parameter<'_>, said: &str) -> Option<Value> {
    let items = parameter.schema.get("items")?;
    let said_words: Vec<String> = words(said).iter().map(|word| stem(word)).collect();
    let choices = items.get("enum").and_then(Value::as_array)?;
    let found: Vec<Value> = choices
        .iter()
        .filter(|value| {
            let stems: Vec<String> = words(&spoken_key(value.as_str().unwrap_or_default()))
                .iter()
                .map(|word| stem(word))
                .collect();
            !stems.is_empty()
                && said_words
                    .windows(stems.len())
                    .any(|window| window == stems)
        })
        .cloned()
        .collect();
    (!found.is_empty()).then_some(Value::Array(found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(required: &[&str], properties: &Value, said: &str) -> String {
        let tool = ToolFunction {
            name: "tool".to_owned(),
            description: None,
            parameters: Some(
                json!({"type": "object", "required": required, "properties": properties}),
            ),
        };
        match fill(&tool, said) {
            Filled::Complete(arguments) => Value::Object(arguments).to_string(),
            Filled::Missing(name) => format!("{name}?"),
        }
    }

    #[test]
    fn arguments_are_filled_by_what_the_schema_says() {
        let search = json!({
            "query": {"type": "string"},
            "limit": {"type": "integer", "description": "How many."},
            "plan": {"type": "string", "enum": ["free", "pro", "pro_plus"]},
            "archived": {"type": "boolean"}});
        let said = "Show me twenty five archived articles about pro plus.";
        assert_eq!(
            serde_json::from_str::<Value>(&filled(&["query"], &search, said)).unwrap(),
            json!({"query": said, "limit": 25, "plan": "pro_plus", "archived": true})
        );
    }

    #[test]
    fn values_of_every_type_are_found_in_what_was_said() {
        let city = json!({"city": {"type": "string", "description": "Where."}});
        let order = json!({"order_id": {"type": "string"}});
        let alarm = json!({"time": {"type": "string"}, "day": {"type": ["string", "null"]}});
        let room = json!({"room": {"type": "string"}, "on": {"type": "boolean"},
            "brightness": {"type": "integer", "description": "In percent."}});
        let table = json!({"adults": {"type": "integer"}, "children": {"type": "integer"}});
        let disk = json!({"size": {"type": "number", "description": "In gigabytes."}});
        let mail = json!({"email": {"type": "string"}});
        let toppings = json!({"toppings": {"type": "array",
            "items": {"type": "string", "enum": ["cheese", "mushrooms", "olives"]}}});
        for (properties, required, said, expected) in [
            (
                &city,
                "city",
                "Will it rain in New York tomorrow?",
                r#"{"city":"New York"}"#,
            ),
            (&city, "city", "Will it rain?", "city?"),
            (
                &order,
                "order_id",
                "Where is order A-1027?",
                r#"{"order_id":"A-1027"}"#,
            ),
            (
                &order,
                "order_id",
                "Where is my order forty two?",
                r#"{"order_id":"42"}"#,
            ),
            (
                &alarm,
                "time",
                "Wake me at twenty past seven tomorrow",
                r#"{"day":"tomorrow","time":"07:20"}"#,
            ),
            (
                &room,
                "room",
                "Turn off the lights in the kitchen",
                r#"{"on":false,"room":"kitchen"}"#,
            ),
            (&room, "room", "Set the bedroom to thirty percent", "room?"),
            (
                &table,
                "adults",
                "A table for two adults and three children",
                r#"{"adults":2,"children":3}"#,
            ),
            (
                &disk,
                "size",
                "Add two hundred gigabytes please",
                r#"{"size":200.0}"#,
            ),
            (
                &mail,
                "email",
                "Send it to ada@example.com.",
                r#"{"email":"ada@example.com"}"#,
            ),
            (
                &toppings,
                "toppings",
                "With olives and cheese",
                r#"{"toppings":["cheese","olives"]}"#,
            ),
        ] {
            assert_eq!(filled(&[required], properties, said), expected, "{said}");
        }
    }

    #[test]
    fn a_forced_tool_gets_a_value_of_the_right_type_for_what_was_not_said() {
        let tool = ToolFunction {
            name: "tool".to_owned(),
            description: None,
            parameters: Some(
                json!({"required": ["count", "plan", "text", "flag"], "properties": {
                "count": {"type": "integer"}, "plan": {"enum": ["a", "b"]},
                "text": {"type": "string"}, "flag": {"type": "boolean"}}}),
            ),
        };
        let arguments = Value::Object(fill_anyhow(&tool, "Go on."));
        assert_eq!(
            arguments,
            json!({"count": 0, "plan": "a", "text": "Go on.", "flag": false})
        );
    }
}
