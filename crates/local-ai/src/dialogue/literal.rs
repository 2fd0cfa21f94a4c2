//! Values as Python writes them. LiveKit Agents sends what a tool gave as Python's `str()` of it, so a
//! dict comes with single quotes and capital truths.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

/// Reads a dict, list or tuple of plain values; `None` when it is anything else.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut chars = text.trim().chars().peekable();
    if !matches!(chars.peek(), Some('{' | '[' | '(')) {
        return None;
    }
    let mut json = String::with_capacity(text.len());
    while let Some(char) = chars.next() {
        match char {
            '\'' | '"' => json.push_str(&Value::String(string(&mut chars, char)?).to_string()),
            '(' => json.push('['),
            '}' | ']' | ')' => {
                // Python allows a comma before the end, and needs one in a tuple of one.
                json.truncate(json.trim_end().len());
                if json.ends_with(',') {
                    json.pop();
                }
                json.push(if char == '}' { '}' } else { ']' });
            }
            char if char.is_alphanumeric() || "+-.".contains(char) => {
                json.push_str(&plain(&mut chars, char)?);
            }
            char => json.push(char),
        }
    }
    serde_json::from_str(&json).ok()
}

/// A number or a truth, in JSON's spelling.
fn plain(chars: &mut Peekable<Chars<'_>>, first: char) -> Option<String> {
    let mut word = String::from(first);
    while let Some(char) = chars.next_if(|c| c.is_alphanumeric() || "+-.".contains(*c)) {
        word.push(char);
    }
    match word.as_str() {
        "True" => Some("true".to_owned()),
        "False" => Some("false".to_owned()),
        "None" => Some("null".to_owned()),
        number => number.parse::<f64>().is_ok().then_some(word),
    }
}

/// The rest of a string that began with `quote`.
fn string(chars: &mut Peekable<Chars<'_>>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'x' => text.push(code(chars, 2)?),
                'u' => text.push(code(chars, 4)?),
                'U' => text.push(code(chars, 8)?),
                other => text.push(other),
            },
            char if char == quote => return Some(text),
            char => text.push(char),
        }
    }
}

fn code(chars: &mut Peekable<Chars<'_>>, digits: usize) -> Option<char> {
    let digits: String = chars.by_ref().take(digits).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        for (text, value) in [
            (
                "{'name': 'Ada', 'seats': 14, 'trial': False, 'until': None}",
                json!({"name": "Ada", "seats": 14, "trial": false, "until": null}),
            ),
            (
                r#"{'note': "it's \"due\"", 'path': 'a\\b\n', 'price': -1.5e3}"#,
                json!({"note": "it's \"due\"", "path": "a\\b\n", "price": -1.5e3}),
            ),
            ("[('a', 1), ('b',), ]", json!([["a", 1], ["b"]])),
            (
                r"{'city': 'K\xf6ln \u2013 Nord'}",
                json!({"city": "Köln – Nord"}),
            ),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
        }
    }

    #[test]
    fn anything_else_is_left_as_it_is() {
        for text in [
            "",
            "Paris",
            "(none found)",
            "{'open': ",
            "{'when': datetime.date(2026, 1, 1)}",
            "[1 2]",
            "{'a': '\\x'}",
            "{'a': inf}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
