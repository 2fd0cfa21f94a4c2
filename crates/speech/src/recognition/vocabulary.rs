//! The recogniser's tokens and how they make text.

use std::ops::Range;
use std::path::PathBuf;

use crate::Error;
use crate::runtime::existing;

/// What a token begins with that begins a word: U+2581.
const WORD: &[u8] = b"\xE2\x96\x81";
/// Number of tokens the model knows.
pub(super) const SIZE: usize = 32_768;

/// The bytes of each token.
#[derive(Debug)]
pub(super) struct Vocabulary {
    tokens: Vec<Token>,
}

#[derive(Debug)]
enum Token {
    /// Controls the model and is not text.
    Special,
    Text(Vec<u8>),
}

impl Vocabulary {
    /// Reads `tokenizer.bin`: one record a token, a length and as many bytes. A length of 128 or
    /// more takes two bytes, low part first.
    pub(super) fn load(path: PathBuf) -> Result<Self, Error> {
        let path = existing(path)?;
        let damaged = |reason: String| Error::Damaged {
            path: path.clone(),
            reason,
        };
        let file = std::fs::read(&path).map_err(|error| damaged(error.to_string()))?;
        let tokens = parse(&file).ok_or_else(|| damaged("a token is cut off".to_owned()))?;
        if tokens.len() != SIZE {
            return Err(damaged(format!(
                "{} tokens instead of {SIZE}",
                tokens.len()
            )));
        }
        Ok(Self { tokens })
    }

    /// Which of some tokens make the last word, without a mark after it.
    pub(super) fn last_word(&self, tokens: &[i64]) -> Range<usize> {
        let text = |token: &i64| {
            let token = usize::try_from(*token).ok();
            match token.and_then(|token| self.tokens.get(token)) {
                Some(Token::Text(text)) => &text[..],
                _ => &[],
            }
        };
        let is_word = |token: &i64| text(token).iter().any(|byte| byte.is_ascii_alphanumeric());
        let end = tokens.iter().rposition(is_word).map_or(0, |last| last + 1);
        let begins = |token: &i64| text(token).starts_with(WORD);
        let start = tokens[..end].iter().rposition(begins).unwrap_or(0);
        start..end
    }

    /// The text of some tokens, without white space around it.
    pub(super) fn text(&self, tokens: &[i64]) -> String {
        let mut bytes = Vec::new();
        for &token in tokens {
            let token = usize::try_from(token)
                .ok()
                .and_then(|token| self.tokens.get(token));
            if let Some(Token::Text(text)) = token {
                bytes.extend_from_slice(text);
            }
        }
        let text = String::from_utf8_lossy(&bytes).replace('\u{2581}', " ");
        text.trim().to_owned()
    }
}

fn parse(mut file: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::with_capacity(SIZE);
    while let Some((&first, mut rest)) = file.split_first() {
        let mut length = usize::from(first);
        if length >= 128 {
            let (&second, after) = rest.split_first()?;
            length = usize::from(second) * 128 + length - 128;
            rest = after;
        }
        let (bytes, after) = rest.split_at_checked(length)?;
        tokens.push(token(bytes));
        file = after;
    }
    Some(tokens)
}

fn token(bytes: &[u8]) -> Token {
    let Some(inside) = bytes
        .strip_prefix(b"<")
        .and_then(|rest| rest.strip_suffix(b">"))
    else {
        return Token::Text(bytes.to_vec());
    };
    // `<0x41>` is a single byte, any other `<...>` a control token.
    let hex = inside
        .strip_prefix(b"0x")
        .and_then(|hex| std::str::from_utf8(hex).ok());
    match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
        Some(byte) => Token::Text(vec![byte]),
        None => Token::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(file: &[u8]) -> Option<Vocabulary> {
        parse(file).map(|tokens| Vocabulary { tokens })
    }

    #[test]
    fn tokens_become_text() {
        let file = b"\x03<s>\x00\x06<0xC3>\x06<0xA9>\x05\xE2\x96\x81hi\x01<\x02!>";
        let vocabulary = vocabulary(file).unwrap();
        assert_eq!(
            vocabulary.text(&[0, 4, 1, 2, 3, 5, 6, -1, 99]),
            "hi\u{e9}<!>"
        );
    }

    #[test]
    fn the_last_word_is_all_of_its_tokens_and_no_mark() {
        let file = b"\x03<s>\x05\xE2\x96\x81go\x06\xE2\x96\x81lat\x02er\x01.";
        let vocabulary = vocabulary(file).unwrap();
        let cases = [
            (&[1, 2, 3, 4][..], 1..3),
            (&[1, 2], 1..2),
            (&[3, 4], 0..1),
            (&[0, 4], 0..0),
            (&[], 0..0),
        ];
        for (tokens, word) in cases {
            assert_eq!(vocabulary.last_word(tokens), word, "{tokens:?}");
        }
    }

    #[test]
    fn a_long_token_has_a_length_of_two_bytes() {
        let mut file = vec![0x80 + 2, 1];
        file.extend([b'x'; 130]);
        assert_eq!(vocabulary(&file).unwrap().text(&[0]), "x".repeat(130));
    }

    #[test]
    fn a_file_that_ends_within_a_token_is_refused() {
        assert!(vocabulary(b"\x03ab").is_none());
        assert!(vocabulary(b"\x81").is_none());
    }
}
