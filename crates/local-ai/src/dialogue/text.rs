//! Plain text: sentences, words and references back.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that is written in this crate.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a literal, checked by a test that uses it")
}

/// Cuts a text into sentences, each with its mark.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for (index, mark) in text.char_indices() {
        let end = index + mark.len_utf8();
        let ends = match mark {
            '.' | '!' | '?' => is_sentence_end(text, index, end),
            '\n' => true,
            _ => end == bytes.len(),
        };
        if ends || end == bytes.len() {
            let sentence = text[start..end].trim();
            if sentence.chars().any(char::is_alphanumeric) {
                sentences.push(sentence);
            }
            start = end;
        }
    }
    sentences
}

/// A mark ends a sentence when a space and no small letter follow, and no abbreviation precedes.
fn is_sentence_end(text: &str, index: usize, end: usize) -> bool {
    let rest = &text[end..];
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return false;
    }
    let word = text[..index]
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let is_abbreviation =
        ["e.g", "i.e", "etc", "Mr", "Mrs", "Ms", "Dr", "vs", "No"].contains(&word);
    let goes_on = rest.trim_start().starts_with(char::is_lowercase);
    !is_abbreviation && !goes_on
}

/// Words in lower case, without punctuation.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The word that a label is built around: its last one, or the last one before "in the workspace".
pub(super) fn head(label: &[String]) -> Option<&String> {
    const PREPOSITIONS: [&str; 8] = ["of", "in", "on", "at", "for", "per", "with", "about"];
    let end = label
        .iter()
        .position(|word| PREPOSITIONS.contains(&word.as_str()))
        .filter(|end| *end > 0);
    label[..end.unwrap_or(label.len())].last()
}

/// What was said, with the question before it when it refers back ("and on the pro plan?").
pub(super) fn with_reference(said: &str, before: Option<&str>) -> String {
    static REFERS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)^\s*(and|or|what about|how about|what if|why|since when|until when)\b")
    });
    static PRONOUN: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\b(it|that|this|those|these|them|one)\b"));
    let count = words(said).len();
    let refers = (REFERS.is_match(said) && count <= 8) || (PRONOUN.is_match(said) && count <= 5);
    match before {
        Some(before) if refers => format!("{} {}", before.trim(), said.trim()),
        _ => said.trim().to_owned(),
    }
}

/// Whether the text asks how something is done rather than how something is.
pub(super) fn is_procedural(text: &str) -> bool {
    static PROCEDURAL: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(how (do|can|could|should|would|to|does)|(can|could|may|should|must|do) (i|we|you|our|my|someone|anyone|a)\b|is it possible|is there a way|what happens|what should|where (do|can) (i|we)|steps|instructions|explain)",
        )
    });
    // "How many seats do I have?" asks how something is.
    static POSSESSION: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(how many|how much|what|which)\b.*\b(do|did) (i|we) (still |currently )?(have|use|own|owe|pay)\b( [^t]|[^ ]|$)",
        )
    });
    PROCEDURAL.is_match(text) && !POSSESSION.is_match(text)
}

/// Whether the text is about the person who speaks.
pub(super) fn is_personal(text: &str) -> bool {
    static PERSONAL: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\b(my|mine|i|i'm|i've|me|our|ours|we|we're|us)\b"));
    PERSONAL.is_match(text)
}

/// A key such as `subscription_tier` or `subscriptionTier` as words.
pub(super) fn spoken_key(key: &str) -> String {
    let mut spoken = String::with_capacity(key.len() + 4);
    let mut previous = ' ';
    for letter in key.chars() {
        if letter == '_' || letter == '-' || letter == '.' {
            spoken.push(' ');
        } else {
            if letter.is_uppercase() && previous.is_lowercase() {
                spoken.push(' ');
            }
            spoken.extend(letter.to_lowercase());
        }
        previous = letter;
    }
    // A caller says plan where a program says tier.
    spoken
        .trim()
        .replace("subscription tier", "subscription plan")
}

/// The text with a capital first letter and a mark at its end.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_marks_and_not_within_numbers_or_abbreviations() {
        let text = "It costs 4.50 dollars, e.g. for teams. Really? Yes!\nA last line";
        let expected = [
            "It costs 4.50 dollars, e.g. for teams.",
            "Really?",
            "Yes!",
            "A last line",
        ];
        assert_eq!(sentences(text), expected);
        assert!(sentences(" ... ").is_empty());
        assert_eq!(sentences("naïve façade"), ["naïve façade"]);
    }

    #[test]
    fn a_reference_back_brings_the_question_before_it() {
        let before = Some("What does the free plan cost?");
        for (said, expected) in [
            (
                "And on the pro plan?",
                "What does the free plan cost? And on the pro plan?",
            ),
            (
                "When does it end?",
                "What does the free plan cost? When does it end?",
            ),
            ("How do I reset my password?", "How do I reset my password?"),
        ] {
            assert_eq!(with_reference(said, before), expected);
        }
        assert_eq!(with_reference("And now?", None), "And now?");
    }

    #[test]
    fn how_something_is_done_is_told_from_what_the_caller_has() {
        for said in [
            "How do I reset my password?",
            "Can I get a refund?",
            "What do I have to do to export a report?",
        ] {
            assert!(is_procedural(said), "{said}");
        }
        for said in ["How many projects do I have?", "Which plan do we use now?"] {
            assert!(!is_procedural(said), "{said}");
        }
    }

    #[test]
    fn keys_are_spoken_as_words() {
        for (key, spoken) in [
            ("subscription_tier", "subscription plan"),
            ("renewalDate", "renewal date"),
            ("name", "name"),
        ] {
            assert_eq!(spoken_key(key), spoken);
        }
    }
}
