//! A summary of a conversation, made of what was asked and what was answered.

use std::sync::LazyLock;

use regex::Regex;

use super::Turn;
use super::smalltalk::{self, DOES_NOT_KNOW};
use super::text::{pattern, sentences};

/// Questions that a summary names.
const MAX_QUESTIONS: usize = 4;
/// Characters of a question or an answer that it quotes.
const MAX_QUOTE: usize = 200;

/// A question and its answer.
struct Pair {
    question: String,
    answer: Option<String>,
}

/// Says what the person asked and what they were told.
pub(super) fn summarise(turns: &[Turn]) -> String {
    let pairs = pairs(turns);
    let mut asked: Vec<Pair> = pairs.into_iter().collect();
    // The last questions matter most to whoever speaks to the person next.
    let left_out = asked.len().saturating_sub(MAX_QUESTIONS);
    asked.drain(..left_out);
    if asked.is_empty() {
        return "The caller asked nothing.".to_owned();
    }
    let mut summary = String::new();
    for (index, pair) in asked.iter().enumerate() {
        let begin = if index == 0 {
            "The caller asked"
        } else {
            " They also asked"
        };
        summary.push_str(&format!("{begin}: \"{}\"", pair.question));
        match &pair.answer {
            Some(answer) if answer.contains(DOES_NOT_KNOW) || answer.contains("I don't know") => {
                summary.push_str(" and got no answer.");
            }
            Some(answer) => summary.push_str(&format!(" and was told: \"{answer}\"")),
            None => summary.push_str(" and got no answer."),
        }
    }
    summary
}

fn pairs(turns: &[Turn]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    // Whether what the assistant says answers the last pair.
    let mut open = false;
    for (is_person, text) in lines(turns) {
        if is_person {
            open = !smalltalk::is_smalltalk(&text) && text.chars().any(char::is_alphanumeric);
            if open {
                pairs.push(Pair {
                    question: quote(&text),
                    answer: None,
                });
            }
        } else if open && let Some(pair) = pairs.last_mut() {
            pair.answer = Some(quote(&text));
        }
    }
    pairs
}

/// Who said what; a transcript within a message is read line by line.
fn lines(turns: &[Turn]) -> Vec<(bool, String)> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?im)^[\s*\-\[]*(caller|user|customer|human|assistant|agent|bot|ai)[\]*]*\s*:\s*(.+)$",
        )
    });
    turns
        .iter()
        .flat_map(|turn| {
            let (is_user, text) = match turn {
                Turn::User(text) => (true, text),
                Turn::Assistant(text) => (false, text),
                Turn::System(_) | Turn::Call { .. } | Turn::Output { .. } => return Vec::new(),
            };
            let quoted: Vec<(bool, String)> = LINE
                .captures_iter(text)
                .map(|found| {
                    let who = found[1].to_lowercase();
                    let is_person = ["caller", "user", "customer", "human"].contains(&who.as_str());
                    (is_person, found[2].trim().to_owned())
                })
                .collect();
            if quoted.is_empty() {
                vec![(is_user, text.clone())]
            } else {
                quoted
            }
        })
        .collect()
}

/// As many whole sentences as a quotation may have, at least one.
fn quote(text: &str) -> String {
    let text = text.replace('"', "'");
    let mut quote = String::new();
    for sentence in sentences(&text) {
        if !quote.is_empty() && quote.len() + sentence.len() > MAX_QUOTE {
            break;
        }
        if !quote.is_empty() {
            quote.push(' ');
        }
        quote.push_str(sentence);
    }
    if quote.chars().count() > 2 * MAX_QUOTE {
        quote = quote.chars().take(2 * MAX_QUOTE).chain(['…']).collect();
    }
    quote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers_are_named_and_small_talk_is_not() {
        let turns = [
            Turn::Assistant("Hello! How can I help you?".into()),
            Turn::User("Hello.".into()),
            Turn::Assistant("What can I do for you?".into()),
            Turn::User("What plan am I on?".into()),
            Turn::Call {
                call_id: "c".into(),
                name: "f".into(),
                arguments: "{}".into(),
            },
            Turn::Output {
                call_id: "c".into(),
                output: "{}".into(),
            },
            Turn::Assistant("Your subscription tier is pro.".into()),
            Turn::User("What's the weather?".into()),
            Turn::Assistant(DOES_NOT_KNOW.into()),
            Turn::User("Bye.".into()),
            Turn::Assistant("Goodbye!".into()),
        ];
        assert_eq!(
            summarise(&turns),
            "The caller asked: \"What plan am I on?\" and was told: \"Your subscription tier is \
             pro.\" They also asked: \"What's the weather?\" and got no answer."
        );
    }

    #[test]
    fn a_transcript_within_one_message_is_read_line_by_line() {
        let transcript = "Here is the call:\nCaller: How do I get a refund?\n\
            Assistant: Ask within 30 days.\nCaller: Thanks.";
        assert_eq!(
            summarise(&[Turn::User(transcript.into())]),
            "The caller asked: \"How do I get a refund?\" and was told: \"Ask within 30 days.\""
        );
    }

    #[test]
    fn a_call_without_a_question_says_so_and_a_long_one_is_cut() {
        assert_eq!(summarise(&[]), "The caller asked nothing.");
        let turns: Vec<Turn> = (0..50)
            .map(|index| Turn::User(format!("Question {index}? {}", "x ".repeat(500))))
            .collect();
        let summary = summarise(&turns);
        assert!(summary.contains("Question 49") && !summary.contains("Question 40"));
        assert!(summary.len() < MAX_QUESTIONS * (2 * MAX_QUOTE + 100));
    }
}
