//! A text that comes in pieces, clause by clause: what can be spoken before the rest is there.

/// A clause is no shorter, unless it is the last: a word alone sounds cut off.
const MIN_CHARS: usize = 12;
/// After so much, a comma is enough.
const MIN_PHRASE: usize = 40;
/// After so much, a space is.
const MAX_CHARS: usize = 240;
/// A full stop behind these ends nothing.
const ABBREVIATIONS: [&str; 12] = [
    "mr", "mrs", "ms", "dr", "st", "vs", "no", "approx", "e.g", "i.e", "inc", "etc",
];

/// Cuts a text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    rest: String,
}

impl Clauses {
    /// Takes more. Gives the clauses that are complete, with the space behind them.
    pub(super) fn push(&mut self, text: &str) -> Vec<String> {
        // Markup is not spoken.
        self.rest
            .extend(text.chars().filter(|c| !matches!(c, '*' | '`')));
        let mut clauses = Vec::new();
        while let Some(end) = self.end() {
            let rest = self.rest.split_off(end);
            clauses.push(std::mem::replace(&mut self.rest, rest));
        }
        clauses
    }

    /// What is left at the end of the text.
    pub(super) fn finish(self) -> Option<String> {
        Some(self.rest).filter(|rest| is_spoken(rest))
    }

    /// Where the first clause ends: behind a space, because "3." may become "3.5".
    fn end(&self) -> Option<usize> {
        let mut spaces = self.rest.char_indices().filter(|(_, c)| c.is_whitespace());
        spaces.find_map(|(index, space)| {
            let clause = &self.rest[..index];
            let chars = clause.chars().count();
            let is_end = match clause.trim_end().chars().next_back() {
                _ if !is_spoken(clause) => false,
                Some('.') => chars >= MIN_CHARS && !is_abbreviated(clause),
                Some('!' | '?' | '…' | ':' | ';') => chars >= MIN_CHARS,
                Some(',') => chars >= MIN_PHRASE,
                _ => space == '\n' || chars >= MAX_CHARS,
            };
            is_end.then_some(index + space.len_utf8())
        })
    }
}

/// Whether there is anything to speak.
fn is_spoken(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

fn is_abbreviated(clause: &str) -> bool {
    let word = clause
        .trim_end_matches('.')
        .rsplit(char::is_whitespace)
        .next();
    let word = word.unwrap_or_default().to_lowercase();
    ABBREVIATIONS.contains(&word.trim_start_matches('('))
}

#[cfg(test)]
mod unit {
    use proptest::prelude::*;

    use super::*;

    /// The clauses of a text that comes in pieces of this many characters.
    fn cut(text: &str, size: usize) -> Vec<String> {
        let mut clauses = Clauses::default();
        let chars: Vec<char> = text.chars().collect();
        let mut all: Vec<String> = chars
            .chunks(size)
            .flat_map(|piece| clauses.push(&piece.iter().collect::<String>()))
            .collect();
        all.extend(clauses.finish());
        all
    }

    #[test]
    fn a_clause_ends_where_a_voice_would_pause() {
        let text = "Yes. You are on the Pro plan, which has three seats at 3.50 each, and Dr. Ng \
                    owns it. **Anything** else?\n- One thing\n- Another";
        for size in [1, 7, 500] {
            insta::allow_duplicates! {
                insta::assert_debug_snapshot!(cut(text, size), @r#"
                [
                    "Yes. You are on the Pro plan, which has three seats at 3.50 each, ",
                    "and Dr. Ng owns it. ",
                    "Anything else?\n",
                    "- One thing\n",
                    "- Another",
                ]
                "#);
            }
        }
    }

    #[test]
    fn what_has_no_end_is_cut_at_a_space() {
        let clauses = cut(&"word ".repeat(200), 13);
        assert!(clauses.len() > 3 && clauses.iter().all(|clause| clause.len() <= 245));
    }

    proptest! {
        #[test]
        fn no_word_is_lost(text in "[a-zA-Z0-9 .,!?äé\n]{0,300}", size in 1..20_usize) {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let cut = cut(&text, size).concat();
            let (whole, cut) = (words(&text), words(&cut));
            prop_assert!(whole.starts_with(&cut));
            // Only marks without a word can be missing at the end.
            prop_assert!(whole[cut.len()..].iter().all(|word| !is_spoken(word)));
        }
    }
}
