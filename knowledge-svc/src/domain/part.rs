//! What of a passage has vectors of its own.
//!
//! The vector of a whole passage is the mean of all that it says; those of a few sentences each say what it says in
//! one place. Together they tell which of the candidates answers (README, Search).

use super::{passage::embedded_text, sentences};

/// The length of a part, in words. A longer sentence is a part by itself.
const MAX_WORDS: usize = 60;

/// What the embedder reads of a passage: the whole of it, and then its parts if there are several.
pub fn embedded_texts(title: &str, heading_path: &str, text: &str) -> Vec<String> {
    let parts = parts(text);
    let parts = if parts.len() > 1 { parts } else { Vec::new() };
    let texts = std::iter::once(text.to_owned()).chain(parts);
    texts
        .map(|text| embedded_text(title, heading_path, &text))
        .collect()
}

/// Sentences, joined as long as they are short enough together.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut words = 0;
    for sentence in sentences(text) {
        let more = sentence.split_whitespace().count();
        match parts.last_mut() {
            Some(part) if words + more <= MAX_WORDS => {
                part.push(' ');
                part.push_str(sentence);
                words += more;
            }
            _ => {
                parts.push(sentence.to_owned());
                words = more;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_passage_is_read_once() {
        let texts = embedded_texts("Refunds", "When", "Within 30 days. Not later.");
        assert_eq!(texts, ["Refunds\nWhen\nWithin 30 days. Not later."]);
    }

    #[test]
    fn a_long_passage_is_read_as_a_whole_and_in_parts_of_whole_sentences() {
        let sentence = "Nine words stand in each of these short sentences.";
        let text = [sentence; 14].join(" ");
        let texts = embedded_texts("Title", "", &text);
        let words: Vec<_> = texts
            .iter()
            .map(|text| text.split_whitespace().count() - 1)
            .collect();
        assert_eq!(words, [126, 54, 54, 18]);
        assert!(texts.iter().all(|text| text.starts_with("Title\nNine")));
    }

    #[test]
    fn an_endless_sentence_is_a_part_by_itself() {
        let endless = "Word ".repeat(100);
        assert_eq!(parts(&format!("Short. {endless}. Short.")).len(), 3);
    }
}
