//! How well what a tool gave answers a question: by meaning, by words, and by the kind of answer
//! that is asked for.

use std::sync::LazyLock;

use regex::Regex;

use super::DialogueError;
use super::json::Candidate;
use super::text::{head, pattern, words};
use crate::engine::{Embed, similarity};

/// How much the topic of a sentence counts next to the sentence.
const TOPIC: f32 = 0.4;
/// How close a label alone has to be, compared with a whole sentence: values say little.
const LABEL: f32 = 0.9;
/// What a fact gains whose label ends in a word of the question ("plan" in "What plan am I on?"),
/// and in rank one that shares another word with it.
const SAME_NOUN: f32 = 0.2;
const SAME_WORD: f32 = 0.1;
/// What is lost by what is no answer to "when" or "how many".
const WRONG_KIND: f32 = 0.3;

/// How well a candidate answers.
pub(super) struct Score {
    /// Whether it answers at all.
    pub(super) relevance: f32,
    /// Which answers best.
    pub(super) rank: f32,
}

/// The score of each candidate, in order.
pub(super) fn scores(
    question: &str,
    candidates: &[Candidate],
    embed: &dyn Embed,
) -> Result<Vec<Score>, DialogueError> {
    let mut topics: Vec<&str> = Vec::new();
    for topic in candidates.iter().filter_map(|found| found.topic.as_deref()) {
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    let mut texts = vec![question];
    texts.extend(candidates.iter().map(|found| found.text.as_str()));
    texts.extend(&topics);
    let embeddings = embed.embed(&texts)?;
    let close = |index: usize| match (embeddings.first(), embeddings.get(index)) {
        (Some(asked), Some(text)) => similarity(asked, text),
        _ => 0.0,
    };
    let asked = Asked::new(question);
    let score = |(index, found): (usize, &Candidate)| {
        let text = close(1 + index);
        let topic = found.topic.as_deref().and_then(|topic| {
            let at = topics.iter().position(|known| *known == topic)?;
            Some((topic, close(1 + candidates.len() + at)))
        });
        let kind = |is_wanted| if is_wanted { 0.0 } else { WRONG_KIND };
        let mixed = topic.map_or(text, |(_, by_topic)| {
            text.max((1.0 - TOPIC) * text + TOPIC * by_topic)
        });
        let (Some((topic, by_topic)), Some(value)) = (topic, &found.value) else {
            let relevance = mixed - kind(asked.wants(&[&found.text]));
            return Score {
                relevance,
                rank: relevance + found.prominence,
            };
        };
        let (noun, word) = asked.shares(topic);
        let kind = kind(asked.wants(&[topic, value]));
        let relevance = mixed.max(LABEL * by_topic) + noun - kind;
        Score {
            relevance,
            rank: relevance + word + found.prominence,
        }
    };
    Ok(candidates.iter().enumerate().map(score).collect())
}

/// What a question says about its answer.
struct Asked {
    words: Vec<String>,
    kind: Option<&'static Regex>,
}

impl Asked {
    fn new(question: &str) -> Self {
        static WHEN: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"(?i)\b(when|what (date|day|time)|until when|since when)\b"));
        static HOW_MANY: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"(?i)\bhow (many|much|long|often|big|large)\b"));
        static TIME: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?i)\d|\b(january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow|yesterday|first|second|third|day|days|week|weeks|month|months|year|years|never|due|date|yet|now)\b",
            )
        });
        static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?i)\d|\b(no|none|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|half|quarter|dozen|unlimited|all|every)\b",
            )
        });
        let kind = if WHEN.is_match(question) {
            Some(&*TIME)
        } else if HOW_MANY.is_match(question) {
            Some(&*NUMBER)
        } else {
            None
        };
        Self {
            words: words(question).iter().map(|word| stem(word)).collect(),
            kind,
        }
    }

    /// What a label gains by the words that it shares with the question: its noun, another word.
    fn shares(&self, label: &str) -> (f32, f32) {
        let label = words(label);
        let has = |word: &String| word.len() > 2 && self.words.contains(&stem(word));
        if noun(&label).is_some_and(has) {
            (SAME_NOUN, 0.0)
        } else if label.iter().any(has) {
            (0.0, SAME_WORD)
        } else {
            (0.0, 0.0)
        }
    }

    /// Whether one of these texts is the kind of answer asked for.
    fn wants(&self, texts: &[&str]) -> bool {
        self.kind
            .is_none_or(|kind| texts.iter().any(|text| kind.is_match(text)))
    }
}

/// What a label names. A "number of projects" names projects.
fn noun(label: &[String]) -> Option<&String> {
    const MEASURES: [&str; 4] = ["number", "amount", "count", "total"];
    head(label)
        .filter(|head| !MEASURES.contains(&head.as_str()))
        .or(label.last())
}

/// A word without the mark of its plural.
fn stem(word: &str) -> String {
    let singular = word
        .strip_suffix('s')
        .filter(|rest| rest.len() > 2 && !rest.ends_with('s'));
    singular.unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_gains_by_its_noun_more_than_by_other_words() {
        let asked = Asked::new("What plan am I on?");
        assert_eq!(asked.shares("subscription plan"), (SAME_NOUN, 0.0));
        assert_eq!(asked.shares("plan renewal"), (0.0, SAME_WORD));
        assert_eq!(asked.shares("name"), (0.0, 0.0));
        let asked = Asked::new("Is my workspace encrypted?");
        assert_eq!(asked.shares("role in the workspace"), (0.0, SAME_WORD));
        let asked = Asked::new("How many projects do I have?");
        assert_eq!(asked.shares("number of projects"), (SAME_NOUN, 0.0));
        assert_eq!(
            Asked::new("How many seats do we have?").shares("seat"),
            (SAME_NOUN, 0.0)
        );
    }

    #[test]
    fn when_and_how_many_want_times_and_numbers() {
        let when = Asked::new("When does my contract end?");
        assert!(when.wants(&["next invoice", "May 4th"]) && when.wants(&["due date", "soon"]));
        assert!(!when.wants(&["plan", "pro"]));
        let many = Asked::new("How much storage have I used?");
        assert!(many.wants(&["half a gigabyte"]) && many.wants(&["231 of 300"]));
        assert!(!many.wants(&["account manager", "Robert Hayes"]));
        assert!(Asked::new("Who is my account manager?").wants(&["Robert Hayes"]));
    }
}
