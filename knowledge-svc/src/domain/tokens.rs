//! How long a text is to an embedding model.
//!
//! Each model has a tokenizer of its own, which lives with the embedder; this is an estimate from the text alone.
//! MiniLM's makes on average 1.00 times as many of the demo articles (0.96 to 1.06 for nine parts in ten of 150 words)
//! and 1.03 times as many of the PostgreSQL manual (0.93 to 1.17).

/// Letters of a word that are a token: a word of so many is one, a longer one is one more for each so many beyond.
const LETTERS: usize = 8;
/// Letters of each further token of a word.
const FURTHER: usize = 4;
/// Before it stand the letters of Latin, Greek and Cyrillic.
const FIRST_OTHER: char = '\u{530}';

/// About how many tokens a text has, never fewer than its words.
///
/// A run of letters or digits is a token and one more for each four beyond eight; any other character is one, also
/// those of scripts that part no words by blanks; blanks are none.
pub(super) fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut run = 0;
    for character in text.chars() {
        if character.is_alphanumeric() && character < FIRST_OTHER {
            run += 1;
            continue;
        }
        count += of_run(run);
        run = 0;
        count += usize::from(!character.is_whitespace());
    }
    count + of_run(run)
}

fn of_run(letters: usize) -> usize {
    match letters {
        0 => 0,
        1..=LETTERS => 1,
        more => 1 + (more - LETTERS).div_ceil(FURTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn words_marks_and_characters_of_other_scripts_count() {
        for (text, expected) in [
            ("", 0),
            (" \n ", 0),
            ("You get your money back.", 6),
            ("It's 19.50", 6),
            ("max_parallel_workers", 5),
            ("internationalisation", 4),
            ("Rückgabe läuft", 2),
            ("パスワード", 5),
        ] {
            assert_eq!(tokens(text), expected, "{text:?}");
        }
    }
}
