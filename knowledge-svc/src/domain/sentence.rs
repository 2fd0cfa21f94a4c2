//! Cutting plain text into sentences.

use unicode_segmentation::UnicodeSegmentation;

/// The sentences of a text, in order. A line ends a sentence whatever it ends with.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    text.lines()
        .flat_map(UnicodeSegmentation::split_sentence_bounds)
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::sentences;

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        let text = "Pro costs 19.50 dollars, e.g. monthly. Is that all? Yes!\nOpen Billing:\nDone";
        assert_eq!(
            sentences(text),
            [
                "Pro costs 19.50 dollars, e.g. monthly.",
                "Is that all?",
                "Yes!",
                "Open Billing:",
                "Done"
            ]
        );
        assert!(sentences(" \n ").is_empty());
    }
}
