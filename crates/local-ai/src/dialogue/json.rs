//! From a tool's result, whatever its shape, to sentences that could be spoken.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::literal;
use super::text::{head, pattern, sentence, sentences, spoken_key, words};

/// What a result holds, in its order.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Named values.
    pub(super) facts: Vec<Fact>,
    /// Running text.
    pub(super) passages: Vec<Passage>,
    /// Whether the result says that something failed.
    pub(super) failed: bool,
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    /// What it is called.
    pub(super) label: String,
    /// What it is.
    pub(super) value: String,
    /// Both as a sentence.
    pub(super) sentence: String,
}

/// A piece of running text about one thing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Passage {
    /// What it is about, when the result says so.
    pub(super) topic: Option<String>,
    /// Whether it stands above all headings, where writers put what matters most.
    pub(super) opens: bool,
    /// How likely it is that it answers, 0 to 1, when the result says so.
    pub(super) confidence: Option<f32>,
    /// Its sentences, made for the ear.
    pub(super) sentences: Vec<String>,
}

/// What a result says of a piece of running text.
#[derive(Debug, Clone, Default)]
struct About {
    topic: Option<String>,
    opens: bool,
    confidence: Option<f32>,
}

/// More would cost more time to compare than a caller waits.
const MAX_FACTS: usize = 48;
const MAX_SENTENCES: usize = 96;
/// So few words are the name of what the next sentence is about.
const NAME_WORDS: usize = 2;
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
const TITLES: [&str; 3] = ["title", "name", "question"];
/// What is below the title, above the text.
const HEADINGS: [&str; 3] = ["heading", "heading_path", "section"];

/// Reads a result; `owner` begins sentences about plain fields ("Your", "The").
pub(super) fn read(output: &str, owner: &str) -> Findings {
    let mut findings = Findings::default();
    let value = serde_json::from_str(output).ok();
    match value.or_else(|| literal::read(output)) {
        Some(value @ (Value::Object(_) | Value::Array(_))) => {
            findings.failed = says_failed(&value);
            if !findings.failed {
                findings.value(&value, None, owner, MAX_DEPTH);
            }
        }
        Some(Value::String(text)) => findings.running_text(&text, About::default()),
        Some(Value::Null) => {}
        Some(_) | None => findings.running_text(output, About::default()),
    }
    findings
}

/// What a result asks back.
pub(super) fn question(output: &str) -> Option<String> {
    let value: Value = serde_json::from_str(output).ok()?;
    let question = value.get("question")?.as_str()?.trim();
    (!question.is_empty()).then(|| question.to_owned())
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
        if depth == 0 {
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
        let first_of = |keys: &[&str]| {
            keys.iter()
                .find_map(|key| text(key).filter(|text| !text.is_empty()))
        };
        let topic = match (first_of(&TITLES), first_of(&HEADINGS)) {
            (Some(title), Some(heading)) => Some(format!("{title} - {heading}")),
            (title, heading) => title.or(heading).map(str::to_owned),
        };
        let said = SPEAKABLE
            .iter()
            .find_map(|key| spoken_text(fields.get(*key)?));
        let running = first_of(&RUNNING);
        if said.is_some() || (running.is_some() && topic.is_some()) {
            let confidence = fields.get("confidence").and_then(Value::as_f64);
            let about = About {
                topic,
                opens: first_of(&HEADINGS).is_none(),
                confidence: confidence.map(|confidence| confidence as f32),
            };
            // The text holds what was picked from it for the ear, and more.
            if let Some(text) = running {
                self.running_text(text, about.clone());
            }
            if let Some(text) = said {
                self.running_text(&text, about);
            }
            return;
        }
        for (key, value) in fields.iter().filter(|(key, _)| is_speakable_key(key)) {
            match value {
                Value::String(text) if RUNNING.contains(&key.as_str()) => {
                    self.running_text(text, About::default());
                }
                value => self.value(value, Some(key), owner, depth - 1),
            }
        }
    }

    fn fact(&mut self, label: &str, value: &str, owner: &str) {
        if self.facts.len() < MAX_FACTS {
            let verb = if is_plural(label) { "are" } else { "is" };
            self.facts.push(Fact {
                label: label.to_owned(),
                value: value.to_owned(),
                sentence: sentence(&format!("{owner} {label} {verb} {value}")),
            });
        }
    }

    fn running_text(&mut self, text: &str, about: About) {
        let known: Vec<&String> = self
            .passages
            .iter()
            .flat_map(|found| &found.sentences)
            .collect();
        let plain = for_the_ear(text);
        let mut spoken: Vec<String> = Vec::new();
        let mut name = String::new();
        let found = sentences(&plain);
        let count = found.len();
        for (index, prose) in found.into_iter().enumerate() {
            if !is_prose(prose) {
                continue;
            }
            let prose = sentence(&format!("{name}{prose}"));
            // "Viewer." says nothing without what follows.
            if words(&prose).len() <= NAME_WORDS && index + 1 < count {
                name = format!("{prose} ");
                continue;
            }
            name.clear();
            let is_new =
                !spoken.contains(&prose) && !known.iter().any(|said| said.contains(&prose));
            if is_new && known.len() + spoken.len() < MAX_SENTENCES {
                spoken.push(prose);
            }
        }
        if !spoken.is_empty() {
            let About {
                topic,
                opens,
                confidence,
            } = about;
            self.passages.push(Passage {
                topic,
                opens,
                confidence,
                sentences: spoken,
            });
        }
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

/// Not a row of a table, the beginning of a list, or what was cut off.
fn is_prose(sentence: &str) -> bool {
    !sentence.starts_with('|') && !sentence.ends_with([':', '…']) && !words(sentence).is_empty()
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
        let findings = read(output, "Your");
        let facts = findings.facts.into_iter().map(|fact| fact.sentence);
        let prose = findings
            .passages
            .into_iter()
            .flat_map(|found| found.sentences);
        facts.chain(prose).collect()
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
    fn passages_are_cut_into_sentences_below_their_topics() {
        let output = r#"{"passages":[
            {"document_id":"a","title":"Refunds","heading":"How","text":"Ask us. Then wait a day.","speakable":"Then wait a day.","confidence":0.25},
            {"document_id":"b","title":"Plans","text":"Three is here. Four is there. It was cut…"},
            {"title":"Lists","speakable":["Five comes now.","- **Six** is last."]}]}"#;
        let passages = read(output, "").passages;
        let shown: Vec<_> = passages
            .iter()
            .map(|found| {
                let (topic, sentences) = (found.topic.as_deref(), &found.sentences);
                format!("{topic:?} {:?} {sentences:?}", found.confidence)
            })
            .collect();
        assert_eq!(
            shown,
            [
                r#"Some("Refunds - How") Some(0.25) ["Ask us. Then wait a day."]"#,
                r#"Some("Plans") None ["Three is here.", "Four is there."]"#,
                r#"Some("Lists") None ["Five comes now.", "Six is last."]"#,
            ]
        );
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
                findings.failed && findings.facts.is_empty() && findings.passages.is_empty(),
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
        assert_eq!(said(&many).len(), MAX_FACTS);
    }

    #[track_caller]
    fn says(actual: &[String], expected: &[&str]) {
        assert_eq!(actual, expected);
    }
}
