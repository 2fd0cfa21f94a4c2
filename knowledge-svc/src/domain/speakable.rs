//! The one or two sentences of a passage that answer best, made to be spoken.
//!
//! Writers put the answer first, so the first sentence wins unless another holds clearly more of what the question
//! asks beyond the headings: those words are in every sentence's favour alike.

use std::collections::HashSet;

use super::Question;

/// How much more of the question another sentence must hold to be taken before the first.
const FIRST_BONUS: f64 = 0.45;
/// What the sentence after counts beside the sentence itself.
const NEXT_WEIGHT: f64 = 0.5;
/// A second sentence is left out when the two would be longer than this, in words.
const MAX_WORDS: usize = 60;

/// A sentence with its lexemes, each once.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub(crate) text: String,
    pub(crate) lexemes: Vec<String>,
}

/// The sentences to speak out of a passage whose title and headings hold the lexemes of `context`.
pub(crate) fn speakable(question: &Question, context: &[String], sentences: &[Sentence]) -> String {
    let context: HashSet<&str> = context.iter().map(String::as_str).collect();
    let coverage = |sentences: &[Sentence]| {
        let lexemes: HashSet<&str> = sentences
            .iter()
            .flat_map(|sentence| &sentence.lexemes)
            .map(String::as_str)
            .filter(|lexeme| !context.contains(lexeme))
            .collect();
        question.coverage(lexemes)
    };
    let score = |index: usize| {
        let pair = &sentences[index..sentences.len().min(index + 2)];
        let bonus = if index == 0 { FIRST_BONUS } else { 0.0 };
        coverage(&pair[..1]) + NEXT_WEIGHT * coverage(pair) + bonus
    };
    // The earlier of equals.
    let best = (0..sentences.len())
        .rev()
        .max_by(|a, b| score(*a).total_cmp(&score(*b)));
    let Some(best) = best else {
        return String::new();
    };
    let mut spoken = to_be_spoken(&sentences[best].text);
    if let Some(next) = sentences.get(best + 1) {
        let both = format!("{spoken} {}", to_be_spoken(&next.text));
        if both.split_whitespace().count() <= MAX_WORDS {
            spoken = both;
        }
    }
    spoken
}

/// Menu paths in words, and an end that lets the voice fall.
fn to_be_spoken(sentence: &str) -> String {
    let mut spoken = sentence.replace(" > ", ", then ");
    while spoken.ends_with([':', ';', ',']) {
        spoken.pop();
    }
    if !spoken.ends_with(['.', '!', '?', '…', '"', '”', ')']) {
        spoken.push('.');
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str) -> Sentence {
        let lexemes: HashSet<_> = text
            .to_lowercase()
            .split_whitespace()
            .map(ToOwned::to_owned)
            .collect();
        Sentence {
            text: text.into(),
            lexemes: lexemes.into_iter().collect(),
        }
    }

    fn spoken(question: &[&str], context: &str, sentences: &[&str]) -> String {
        let lexemes = question
            .iter()
            .map(|word| ((*word).to_owned(), 10))
            .collect();
        let sentences: Vec<_> = sentences.iter().map(|text| sentence(text)).collect();
        speakable(
            &Question::new(lexemes, 1000),
            &sentence(context).lexemes,
            &sentences,
        )
    }

    #[test]
    fn the_answer_stands_at_the_beginning_unless_another_sentence_says_more() {
        let passage = [
            "Choose forgot password",
            "We send a link",
            "Five links an hour are allowed",
            "Ask us",
        ];
        assert_eq!(
            spoken(&["reset", "phone", "link"], "", &passage),
            "Choose forgot password. We send a link."
        );
        assert_eq!(
            spoken(&["links", "hour"], "", &passage),
            "Five links an hour are allowed. Ask us."
        );
    }

    #[test]
    fn words_of_the_headings_do_not_decide() {
        let passage = ["First", "second", "the password again"];
        assert_eq!(
            spoken(&["password"], "password", &passage),
            "First. second."
        );
    }

    #[test]
    fn what_is_written_for_the_eye_is_put_into_words() {
        assert_eq!(spoken(&[], "", &["Open A > B:"]), "Open A, then B.");
        assert_eq!(
            spoken(&[], "", &["It costs $3 (plus tax)"]),
            "It costs $3 (plus tax)"
        );
        assert_eq!(spoken(&[], "", &[]), "");
        let long = "word ".repeat(60);
        assert_eq!(spoken(&[], "", &["Short.", &long]), "Short.");
    }
}
