//! From a tool's result, whatever its shape, to sentences that could be spoken.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::text::{head, pattern, sentence, sentences, spoken_key, words};

/// Something that could be said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    /// The sentence.
    pub(super) text: String,
    /// What it is about, when the result says so: a title, or the label of a fact.
    pub(super) topic: Option<String>,
    /// The value of a fact; `None` for running text.
    pub(super) value: Option<String>,
    /// Which passage it is from; sentences of one passage may be said together.
    pub(super) passage: usize,
    /// How prominently the result shows it: what comes first was meant to be seen first.
    pub(super) prominence: f32,
}

/// What a result holds.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What could be said, in the result's order.
    pub(super) candidates: Vec<Candidate>,
    /// Whether the result says that something failed.
    pub(super) failed: bool,
    passages: usize,
}

/// More would cost more time to compare than a caller waits.
const MAX_CANDIDATES: usize = 24;
/// What a passage gains by its place in the result, and a sentence by its place in the passage.
const BY_PASSAGE: [f32; 3] = [0.18, 0.08, 0.03];
const BY_SENTENCE: [f32; 3] = [0.15, 0.1, 0.03];
/// A fact stands alone.
const BY_FACT: f32 = 0.15;
/// Shorter pieces of running text are headings and list marks.
const MIN_WORDS: usize = 2;
/// Nesting that is followed.
const MAX_DEPTH: usize = 8;
/// Fields made to be spoken, best first, and then fields of running text.
const SPEAKABLE: [&str; 4] = ["speakable", "best_sentence", "answer", "spoken"];
const RUNNING: [&str; 7] = [
    "text",
    "snippet",
    "content",
    "body",
    "summary",
    "description",
    "message",
];
const TITLES: [&str; 4] = ["title", "heading", "name", "question"];

/// Reads a result; `owner` begins sentences about plain fields ("Your", "The").
pub(super) fn read(output: &str, owner: &str) -> Findings {
    let mut findings = Findings::default();
    match serde_json::from_str::<Value>(output) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => {
            findings.failed = says_failed(&value);
            if !findings.failed {
                findings.value(&value, None, owner, MAX_DEPTH);
            }
        }
        Ok(Value::String(text)) => findings.running_text(&text, None),
        Ok(Value::Null) => {}
        Ok(_) | Err(_) => findings.running_text(output, None),
    }
    findings.candidates.truncate(MAX_CANDIDATES);
    findings
}

/// Whether the result reports an error instead of an answer.
fn says_failed(value: &Value) -> bool {
    let Some(fields) = value.as_object() else {
        return false;
    };
    let is_set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
    fields.get("error").is_some_and(is_set)
        || ["ok", "success"]
            .iter()
            .any(|key| fields.get(*key) == Some(&Value::Bool(false)))
        || fields
            .get("status")
            .and_then(Value::as_str)
            .is_some_and(|status| {
                ["error", "failed", "failure", "timeout"].contains(&status.to_lowercase().as_str())
            })
}

impl Findings {
    fn value(&mut self, value: &Value, key: Option<&str>, owner: &str, depth: usize) {
        if depth == 0 || self.candidates.len() >= MAX_CANDIDATES {
            return;
        }
        match value {
            Value::Object(fields) => self.object(fields, owner, depth),
            Value::Array(values) => {
                let scalars: Vec<String> = values.iter().filter_map(spoken_scalar).collect();
                if !scalars.is_empty()
                    && let Some(key) = key
                {
                    self.fact(&spoken_key(key), &list(&scalars), owner);
                }
                for value in values.iter().filter(|value| !is_scalar(value)) {
                    self.value(value, key, owner, depth - 1);
                }
            }
            scalar => {
                if let (Some(key), Some(value)) = (key, spoken_scalar(scalar)) {
                    self.fact(&spoken_key(key), &value, owner);
                }
            }
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, owner: &str, depth: usize) {
        let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::trim);
        if let (Some(label), Some(value)) =
            (text("label"), fields.get("value").and_then(spoken_scalar))
        {
            self.fact(label, &value, owner);
            return;
        }
        let title = TITLES
            .iter()
            .find_map(|key| text(key))
            .filter(|title| !title.is_empty());
        let said = SPEAKABLE
            .iter()
            .find_map(|key| spoken_text(fields.get(*key)?));
        let running = RUNNING
            .iter()
            .find_map(|key| text(key))
            .filter(|text| !text.is_empty());
        if said.is_some() || (running.is_some() && title.is_some()) {
            if let Some(text) = said.as_deref().or(running) {
                self.running_text(text, title);
            }
            return;
        }
        for (key, value) in fields.iter().filter(|(key, _)| is_speakable_key(key)) {
            match value {
                Value::String(text) if RUNNING.contains(&key.as_str()) => {
                    self.running_text(text, None);
                }
                value => self.value(value, Some(key), owner, depth - 1),
            }
        }
    }

    fn fact(&mut self, label: &str, value: &str, owner: &str) {
        let verb = if is_plural(label) { "are" } else { "is" };
        self.passages += 1;
        self.candidates.push(Candidate {
            text: sentence(&format!("{owner} {label} {verb} {value}")),
            topic: Some(label.to_owned()),
            value: Some(value.to_owned()),
            passage: self.passages,
            prominence: BY_FACT,
        });
    }

    fn running_text(&mut self, text: &str, title: Option<&str>) {
        let by_passage = BY_PASSAGE.get(self.passages).copied().unwrap_or_default();
        self.passages += 1;
        let plain = for_the_ear(text);
        let spoken = sentences(&plain)
            .into_iter()
            .filter(|sentence| is_prose(sentence));
        self.candidates
            .extend(spoken.enumerate().map(|(place, sentence)| Candidate {
                text: super::text::sentence(sentence),
                topic: title.map(str::to_owned),
                value: None,
                passage: self.passages,
                prominence: by_passage + BY_SENTENCE.get(place).copied().unwrap_or_default(),
            }));
    }
}

/// Running text without the marks that are for the eye.
fn for_the_ear(text: &str) -> String {
    static LINE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^[ \t]*([-*+]|\d+[.)]|#+|>)[ \t]+"));
    static MARKS: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\[([^\]]*)\]\([^)]*\)|\*+|`+|\b_+|_+\b"));
    static PATH: LazyLock<Regex> = LazyLock::new(|| pattern(r"[ \t]+>[ \t]+"));
    let plain = LINE.replace_all(text, "");
    let plain = MARKS.replace_all(&plain, "$1");
    PATH.replace_all(&plain, ", then ").into_owned()
}

/// Not a row of a table, a heading or the beginning of a list. One word alone may be an answer.
fn is_prose(sentence: &str) -> bool {
    let count = words(sentence).len();
    !sentence.starts_with('|') && !sentence.ends_with(':') && (count >= MIN_WORDS || count == 1)
}

fn spoken_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Array(texts) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        _ => None,
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

fn spoken_scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::Null | Value::Object(_) | Value::Array(_) => None,
    }
}

/// Values as they are enumerated in a sentence.
pub(super) fn list(values: &[String]) -> String {
    match values {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Identifiers, addresses and remarks for programs are not for the ear.
fn is_speakable_key(key: &str) -> bool {
    let key = key.to_lowercase();
    let technical = [
        "id", "uid", "uuid", "etag", "url", "uri", "href", "key", "token", "note", "score", "ok",
        "success", "degraded",
    ];
    !technical.contains(&key.as_str())
        && !["_id", "_uid", "_url", "_token", "_etag", "_score"]
            .iter()
            .any(|end| key.ends_with(end))
}

fn is_plural(label: &str) -> bool {
    let label = words(label);
    let is_plural = |head: &String| {
        head.ends_with('s') && !["ss", "us", "is"].iter().any(|end| head.ends_with(end))
    };
    head(&label).is_some_and(is_plural)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(output: &str) -> Vec<String> {
        read(output, "Your")
            .candidates
            .into_iter()
            .map(|candidate| candidate.text)
            .collect()
    }

    #[test]
    fn facts_fields_and_lists_become_sentences() {
        let output = r#"{"user_id":"u1","name":"Ada","subscription_tier":"pro","beta":true,
            "nothing":null,"facts":[{"key":"seats","label":"seats in use","value":"14 of 20"},
            {"key":"x","label":"invoices","value":3}],"colours":["red","green","blue"]}"#;
        says(
            &said(output),
            &[
                "Your beta is yes.",
                "Your colours are red, green and blue.",
                "Your seats in use are 14 of 20.",
                "Your invoices are 3.",
                "Your name is Ada.",
                "Your subscription plan is pro.",
            ],
        );
    }

    #[test]
    fn passages_are_cut_into_sentences_and_speakable_ones_win() {
        let output = r#"{"passages":[
            {"document_id":"a","title":"Refunds","text":"One. Two.","speakable":"It was said."},
            {"document_id":"b","title":"Plans","text":"Three is here. Four is there."},
            {"title":"Lists","speakable":["Five comes now.","- **Six** is last."]}]}"#;
        says(
            &said(output),
            &[
                "It was said.",
                "Three is here.",
                "Four is there.",
                "Five comes now.",
                "Six is last.",
            ],
        );
        let topics: Vec<_> = read(output, "")
            .candidates
            .into_iter()
            .filter_map(|found| found.topic)
            .collect();
        assert_eq!(topics, ["Refunds", "Plans", "Plans", "Lists", "Lists"]);
    }

    #[test]
    fn plain_text_is_taken_as_it_is_and_nothing_gives_nothing() {
        says(&said("sunny, 20 degrees"), &["Sunny, 20 degrees."]);
        says(&said("\"It rains.\""), &["It rains."]);
        for empty in [
            "null",
            "{}",
            "[]",
            "",
            r#"{"passages":[],"note":"nothing found"}"#,
        ] {
            assert_eq!(said(empty), Vec::<String>::new(), "{empty}");
        }
    }

    #[test]
    fn failures_are_noticed_and_say_nothing() {
        for output in [
            r#"{"error":"deadline exceeded"}"#,
            r#"{"error":{"code":5}}"#,
            r#"{"ok":false,"x":"y"}"#,
            r#"{"status":"failed"}"#,
        ] {
            let findings = read(output, "The");
            assert!(
                findings.failed && findings.candidates.is_empty(),
                "{output}"
            );
        }
        assert!(!read(r#"{"error":null,"status":"active"}"#, "The").failed);
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
        assert!(said(&deep).is_empty());
        let many = format!("[{}]", vec![r#"{"label":"x","value":1}"#; 500].join(","));
        assert_eq!(said(&many).len(), MAX_CANDIDATES);
    }

    #[track_caller]
    fn says(actual: &[String], expected: &[&str]) {
        assert_eq!(actual, expected);
    }
}
