//! Lists a page at a time: sizes with a default and a maximum, and opaque tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::field::FieldErrors;

/// The largest page that any list returns.
pub const MAX_PAGE_SIZE: u16 = 100;

/// One page of a list: how many rows, and after which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<K> {
    /// How many rows to return.
    pub size: u16,
    /// The key of the last row of the page before; `None` for the first page.
    pub after: Option<K>,
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads `page_size` and `page_token`, noting what is wrong with them.
    pub fn parse(errors: &mut FieldErrors, size: i32, token: &str, default_size: u16) -> Self {
        let size = match u16::try_from(size) {
            Ok(0) => default_size,
            Ok(size) if size <= MAX_PAGE_SIZE => size,
            _ => {
                errors.add("page_size", format_args!("must be 0 to {MAX_PAGE_SIZE}"));
                default_size
            }
        };
        let after = if token.is_empty() {
            None
        } else {
            errors.check(
                "page_token",
                decode(token).ok_or("must be a next_page_token of this list"),
            )
        };
        Self { size, after }
    }

    /// Cuts `rows`, of which one more than the page holds was read, to the page, and makes the token of the next.
    pub fn finish<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, String) {
        let size = usize::from(self.size);
        if rows.len() <= size {
            return (rows, String::new());
        }
        rows.truncate(size);
        let token = rows.last().map(|row| encode(&key(row))).unwrap_or_default();
        (rows, token)
    }

    /// How many rows to read: one more than the page holds.
    pub fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }
}

fn encode<K: Serialize>(key: &K) -> String {
    let json = serde_json::to_vec(key).expect("keys are plain values");
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

fn decode<K: DeserializeOwned>(token: &str) -> Option<K> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let all: Vec<u32> = (1..=5).collect();
        let (mut token, mut seen) = (String::new(), Vec::new());
        loop {
            let mut errors = FieldErrors::new();
            let page: Page<u32> = Page::parse(&mut errors, 2, &token, 50);
            errors.finish(Some(())).unwrap();
            let rows = all.iter().copied().filter(|row| Some(*row) > page.after);
            let rows: Vec<_> = rows.take(usize::try_from(page.limit()).unwrap()).collect();
            let (rows, next) = page.finish(rows, |row| *row);
            seen.extend(rows);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn wrong_sizes_and_foreign_tokens_are_named() {
        let mut errors = FieldErrors::new();
        let _: Page<u32> = Page::parse(&mut errors, 101, "nonsense", 50);
        let message = errors.finish(Some(())).unwrap_err().to_string();
        assert!(
            message.contains("page_size") && message.contains("page_token"),
            "{message}"
        );
    }
}
