//! Where a passage holds words of the question.
//!
//! What a word means is PostgreSQL's decision, as everywhere; only where words begin and end is decided here. What
//! PostgreSQL may read as one word, an address or `pl-429`, is one.

use std::ops::Range;

/// What stands between words, beside blanks. PostgreSQL's parser gives none of it a meaning inside a word.
const GAPS: &str = ",;!|^*$()[]{}<>\"`\\“”„‚«»‹›…–—•·¿¡、。，！？；：（）「」『』";
/// What a word neither begins nor ends with, beside those.
const EDGES: &str = ".:?-_/@%&=+~#'’‘";

/// The words of a text, in order, each as a range of bytes.
pub(crate) fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut begin = 0;
    for (place, gap) in text.match_indices(is_gap).chain([(text.len(), "")]) {
        words.extend(word_within(text, begin..place));
        begin = place + gap.len();
    }
    words
}

fn is_gap(letter: char) -> bool {
    letter.is_whitespace() || GAPS.contains(letter)
}

/// The word in a stretch without a gap, if there is one.
fn word_within(text: &str, stretch: Range<usize>) -> Option<Range<usize>> {
    let is_edge = |letter| EDGES.contains(letter);
    let word = text[stretch.clone()].trim_start_matches(is_edge);
    let start = stretch.end - word.len();
    let word = word.trim_end_matches(is_edge);
    (!word.is_empty()).then(|| start..start + word.len())
}

/// The words of a text for which `is_asked` is true, each as a range of characters, Unicode scalar values.
pub(crate) fn highlights(text: &str, mut is_asked: impl FnMut(&str) -> bool) -> Vec<Range<usize>> {
    let (mut bytes, mut characters) = (0, 0);
    let mut found = Vec::new();
    for word in words(text) {
        characters += text[bytes..word.start].chars().count();
        let length = text[word.clone()].chars().count();
        if is_asked(&text[word.clone()]) {
            found.push(characters..characters + length);
        }
        characters += length;
        bytes = word.end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|word| &text[word]).collect()
    }

    #[test]
    fn words_are_what_postgresql_may_read_as_one() {
        assert_eq!(
            cut("Open “Billing” (see PL-429: e-mail help@example.com, or 19.50 $)."),
            [
                "Open",
                "Billing",
                "see",
                "PL-429",
                "e-mail",
                "help@example.com",
                "or",
                "19.50"
            ]
        );
        assert_eq!(
            cut("the customer's\n- größte Rückgabe — 返品、保証"),
            ["the", "customer's", "größte", "Rückgabe", "返品", "保証"]
        );
        assert_eq!(cut(" ... -- '' \n"), [] as [&str; 0]);
    }

    #[test]
    fn ranges_count_characters() {
        let text = "Größe: 🥚 Größe zählt";
        let found = highlights(text, |word| word == "Größe" || word == "zählt");
        assert_eq!(found, [0..5, 9..14, 15..20]);
        let letters: Vec<char> = text.chars().collect();
        let last = letters[15..20].iter().collect::<String>();
        assert_eq!(last, "zählt");
    }

    proptest::proptest! {
        #[test]
        fn words_stand_in_the_text_one_after_the_other(text in "[\\PC\n]{0,60}") {
            let mut end = 0;
            for word in words(&text) {
                proptest::prop_assert!(end <= word.start && word.start < word.end);
                proptest::prop_assert!(text.get(word.clone()).is_some());
                end = word.end;
            }
            let all = highlights(&text, |_| true);
            proptest::prop_assert!(all.last().is_none_or(|last| last.end <= text.chars().count()));
            proptest::prop_assert_eq!(all.len(), words(&text).len());
        }
    }
}
