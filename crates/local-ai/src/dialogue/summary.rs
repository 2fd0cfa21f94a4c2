//! A summary of a conversation, made of what was asked and what was answered.

use std::sync::LazyLock;

use regex::Regex;

use super::smalltalk::{self, DOES_NOT_KNOW, NOT_IN_ACCOUNT};
use super::text::{pattern, sentence, sentences};
use super::{Turn, json};

/// Questions that a summary names: the last ones, which matter most to whoever speaks next.
const MAX_QUESTIONS: usize = 3;
/// Characters of a question and of an answer that it quotes.
const MAX_QUESTION: usize = 90;
const MAX_ANSWER: usize = 120;

/// A question and its answer.
struct Pair {
    question: String,
    answer: Option<String>,
}

/// Says what the person asked, in one sentence, and then what they were told.
pub(super) fn summarise(turns: &[Turn]) -> String {
    let mut pairs = pairs(turns);
    pairs.drain(..pairs.len().saturating_sub(MAX_QUESTIONS));
    if pairs.is_empty() {
        return "The caller asked nothing.".to_owned();
    }
    let is_open = |pair: &&Pair| {
        pair.answer
            .as_deref()
            .is_none_or(|answer| [DOES_NOT_KNOW, NOT_IN_ACCOUNT].contains(&answer))
    };
    let quoted = |pair: &Pair| format!("\"{}\"", pair.question);
    // The last question comes first: whoever reads on stops at the first sentence.
    let asked: Vec<String> = pairs.iter().rev().map(quoted).collect();
    let open: Vec<String> = pairs.iter().filter(is_open).map(quoted).collect();
    let told: Vec<&str> = pairs
        .iter()
        .filter(|pair| !is_open(pair))
        .filter_map(|pair| pair.answer.as_deref())
        .collect();
    let (last, before) = asked.split_first().expect("there is a pair");
    let mut summary = format!("The caller asked: {last}");
    if !before.is_empty() {
        summary.push_str(&format!(" Before that: {}", before.join(" ")));
    }
    if !told.is_empty() {
        summary.push_str(&format!(" They were told: {}", told.join(" ")));
    }
    if !open.is_empty() {
        summary.push_str(&format!(" There was no answer to {}.", json::list(&open)));
    }
    summary
}

fn pairs(turns: &[Turn]) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    // Whether what the assistant says answers the last pair.
    let mut open = false;
    for (is_person, text) in lines(turns) {
        if is_person {
            let asked = question(&text);
            open = !smalltalk::is_smalltalk(&text) && asked.chars().any(char::is_alphanumeric);
            if open {
                pairs.push(Pair {
                    question: asked,
                    answer: None,
                });
            }
        } else if open && let Some(pair) = pairs.last_mut() {
            pair.answer = Some(answer(&text));
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

/// A question as it was asked, without what leads up to it, and with a mark at its end; empty when
/// nothing but a lead-in was said.
fn question(text: &str) -> String {
    static LEAD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^\s*((sorry|wait|stop|um+|uh+|hm+|okay|ok|so|well|hey|hi|hello|and|actually|please)\b[,.!?…]*(\s+|$))+",
        )
    });
    sentence(&shortened(LEAD.replace(text, "").trim(), MAX_QUESTION))
}

/// The first sentences of an answer, at least one.
fn answer(text: &str) -> String {
    let mut answer = String::new();
    for part in sentences(text) {
        if !answer.is_empty() {
            if answer.len() + part.len() > MAX_ANSWER {
                break;
            }
            answer.push(' ');
        }
        answer.push_str(part);
    }
    sentence(&shortened(&answer, 2 * MAX_ANSWER))
}

/// At most so many characters, whole words, without quotation marks.
fn shortened(text: &str, most: usize) -> String {
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, '"' | '“' | '”'))
        .collect();
    match text.char_indices().nth(most) {
        None => text,
        Some((end, _)) => {
            let words = text[..end]
                .rsplit_once(' ')
                .map_or(&text[..end], |(words, _)| words);
            format!("{words}…")
        }
    }
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
            "The caller asked: \"What's the weather?\" Before that: \"What plan am I on?\" They were told: \
             Your subscription tier is pro. There was no answer to \"What's the weather?\"."
        );
    }

    #[test]
    fn what_leads_up_to_a_question_is_left_out() {
        assert_eq!(question("Sorry, wait, how big is it?"), "How big is it?");
        assert_eq!(question("So what now?"), "What now?");
        assert_eq!(question("Sort by date"), "Sort by date.");
    }

    #[test]
    fn who_only_interrupts_asks_nothing() {
        let turns = [
            Turn::User("How do I make signing in safer?".into()),
            Turn::Assistant("To turn on two-factor authentication,".into()),
            Turn::User("Sorry, wait!".into()),
            Turn::User("How big can a file be?".into()),
            Turn::Assistant("Up to 25 megabytes.".into()),
        ];
        assert_eq!(
            summarise(&turns),
            "The caller asked: \"How big can a file be?\" Before that: \"How do I make signing in safer?\" \
             They were told: To turn on two-factor authentication. Up to 25 megabytes."
        );
    }

    #[test]
    fn a_transcript_within_one_message_is_read_line_by_line() {
        let transcript = "Here is the call:\nCaller: How do I get a refund?\n\
            Assistant: Ask within 30 days.\nCaller: Thanks.";
        assert_eq!(
            summarise(&[Turn::User(transcript.into())]),
            "The caller asked: \"How do I get a refund?\" They were told: Ask within 30 days."
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
        assert!(summary.len() < 1_000, "{}", summary.len());
    }
}
