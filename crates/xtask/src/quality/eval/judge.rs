//! Whether an answer is right: the right tool, the right article, the right words; or declined.

use serde::Deserialize;
use serde_json::Value;

use super::questions::{Question, Tool};

/// What came of a question, as `ask_assistant` prints it.
#[derive(Debug, Clone, Deserialize)]
pub struct Reply {
    pub answer: String,
    pub calls: Vec<Call>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    pub name: String,
    pub output: String,
}

/// How a question was dealt with; `None` where the question does not ask for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The first tool called is the right one.
    pub tool: Option<bool>,
    /// The answer says what it has to, out of an article that holds it.
    pub answer: Option<bool>,
    /// The answer is that there is none.
    pub declined: Option<bool>,
}

/// How the assistant says that it has no answer.
const DECLINES: [&str; 6] = [
    "don't know",
    "don't have that",
    "can't help",
    "can't tell",
    "couldn't find",
    "not something i",
];
/// More than one sentence of declining would be an answer after all.
const LONGEST_DECLINE: usize = 120;

impl Verdict {
    pub fn of(question: &Question, reply: &Reply) -> Self {
        let first = reply
            .calls
            .first()
            .map_or("none", |call| call.name.as_str());
        let asks_for_words = !question.must_say.is_empty();
        Self {
            tool: (question.tool != Tool::Any).then(|| question.tool.name() == first),
            answer: asks_for_words.then(|| {
                says(&question.must_say, &reply.answer)
                    && (!question.names_documents() || is_from_article(question, reply))
            }),
            declined: question.must_decline.then(|| declines(&reply.answer)),
        }
    }

    pub fn is_right(self) -> bool {
        [self.tool, self.answer, self.declined]
            .iter()
            .all(|part| part.unwrap_or(true))
    }
}

fn says(groups: &[Vec<String>], answer: &str) -> bool {
    let answer = answer.to_lowercase();
    groups
        .iter()
        .all(|group| group.iter().any(|words| answer.contains(words.as_str())))
}

fn declines(answer: &str) -> bool {
    let lower = answer.to_lowercase();
    answer.len() <= LONGEST_DECLINE && DECLINES.iter().any(|words| lower.contains(words))
}

/// Whether some sentence of the answer stands in a passage of an article that answers.
fn is_from_article(question: &Question, reply: &Reply) -> bool {
    let sentences: Vec<String> = reply
        .answer
        .split_inclusive(['.', '?', '!'])
        .map(letters)
        .filter(|sentence| sentence.len() > 8)
        .collect();
    let outputs = reply
        .calls
        .iter()
        .filter_map(|call| serde_json::from_str::<Value>(&call.output).ok());
    outputs
        .flat_map(|output| output["passages"].as_array().cloned().unwrap_or_default())
        .filter(|passage| {
            let document = passage["document_id"].as_str().unwrap_or_default();
            question.is_answered_by(document)
        })
        .any(|passage| {
            let text = letters(passage["text"].as_str().unwrap_or_default());
            sentences.iter().any(|sentence| text.contains(sentence))
        })
}

/// Letters and digits alone: what is said differs from what is written in marks and menu arrows.
fn letters(text: &str) -> String {
    text.replace(", then ", " ")
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::eval::questions::Kind;

    fn question(tool: Tool, must_say: &[&[&str]], must_decline: bool) -> Question {
        Question {
            kind: Kind::Article,
            user: "ada@example.com".into(),
            before: Vec::new(),
            question: "How?".into(),
            tool,
            document_id: (!must_say.is_empty()).then(|| "how".into()),
            documents: Vec::new(),
            must_say: must_say
                .iter()
                .map(|group| group.iter().map(ToString::to_string).collect())
                .collect(),
            must_decline,
            detail: false,
            note: String::new(),
        }
    }

    fn reply(answer: &str, document: &str) -> Reply {
        let output = serde_json::json!({"passages": [{"document_id": document,
            "text": "Open **Settings > Plan**. It costs 9 dollars."}]});
        Reply {
            answer: answer.into(),
            calls: vec![Call {
                name: "search_knowledge".into(),
                output: output.to_string(),
            }],
        }
    }

    #[test]
    fn a_right_answer_says_the_words_out_of_the_right_article() {
        let asked = question(
            Tool::SearchKnowledge,
            &[&["settings"], &["plan", "tier"]],
            false,
        );
        let judged = |answer, document| Verdict::of(&asked, &reply(answer, document)).answer;
        assert_eq!(judged("Open Settings, then Plan.", "how"), Some(true));
        assert_eq!(judged("Open Settings, then Plan.", "other"), Some(false));
        assert_eq!(judged("It costs 9 dollars.", "how"), Some(false));
        assert_eq!(judged("Open the plan in the settings.", "how"), Some(false));
    }

    #[test]
    fn declining_is_one_sentence_that_says_so() {
        let asked = question(Tool::Any, &[], true);
        let judged = |answer: &str| Verdict::of(&asked, &reply(answer, "how")).declined;
        assert_eq!(judged("I'm sorry, I don't know that."), Some(true));
        assert_eq!(judged("It costs 9 dollars."), Some(false));
        let long = format!(
            "I don't know that. {}",
            "But it costs 9 dollars. ".repeat(6)
        );
        assert_eq!(judged(&long), Some(false));
    }

    #[test]
    fn the_first_tool_counts_and_none_means_none() {
        let asked = question(Tool::None, &[], false);
        let silent = Reply {
            answer: "Hello!".into(),
            calls: Vec::new(),
        };
        assert_eq!(Verdict::of(&asked, &silent).tool, Some(true));
        assert_eq!(Verdict::of(&asked, &reply("Hi.", "how")).tool, Some(false));
    }
}
