//! Values that stand in what somebody says: names, days, identifiers, places, quotations.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::numbers;
use super::text::{is_empty_word, pattern};

/// An e-mail address.
pub(super) fn email(said: &str) -> Option<String> {
    static EMAIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"));
    Some(EMAIL.find(said)?.as_str().to_owned())
}

/// A day as it was said; what it means depends on a calendar that we do not have.
pub(super) fn day(said: &str) -> Option<String> {
    static DAY: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(\d{4}-\d{2}-\d{2}|the day after tomorrow|today|tomorrow|tonight|yesterday|((this|next|last) )?((mon|tues|wednes|thurs|fri|satur|sun)day|week(end)?|month|year)|(the )?\d{1,2}(st|nd|rd|th)?( of)? (january|february|march|april|may|june|july|august|september|october|november|december)|(january|february|march|april|may|june|july|august|september|october|november|december) (the )?(\d{1,2}(st|nd|rd|th)?|\w+th|first|second|third))\b",
        )
    });
    Some(DAY.find(said)?.as_str().to_owned())
}

/// An identifier: digits, or letters and digits mixed.
pub(super) fn code(said: &str) -> Option<String> {
    let is_code = |word: &&str| word.bytes().any(|byte| byte.is_ascii_digit());
    let trimmed = said
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .find(is_code);
    trimmed.map(str::to_owned).or_else(|| {
        let number = numbers(said).into_iter().next()?.value;
        (number.fract() == 0.0).then(|| format!("{number:.0}"))
    })
}

/// What stands in quotation marks or after "called".
pub(super) fn quoted(said: &str) -> Option<String> {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#"["“]([^"”]+)["”]|(?i:\b(?:called|named|saying|that says|titled)) (.+?)[.?!]*$"#)
    });
    let found = QUOTED.captures(said)?;
    Some(found.get(1).or(found.get(2))?.as_str().trim().to_owned())
}

/// A name: capitalised words that do not begin the sentence, as in "the weather in New York".
pub(super) fn proper_name(said: &str) -> Option<String> {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[\w,] ((?:[A-Z][\p{L}'-]+)(?: (?:[A-Z][\p{L}'-]+|of|de|la))*)"));
    static CALENDAR: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|^(January|February|March|April|May|June|July|August|September|October|November|December)\b",
        )
    });
    let found = NAME.captures_iter(said).map(|found| found[1].to_owned());
    found
        .into_iter()
        .find(|name| name != "I" && !name.starts_with("I'") && !CALENDAR.is_match(name))
}

/// The words next to one that the parameter is described by: "the kitchen" for a room in "the
/// lights in the kitchen", "oat milk" for an item in "add oat milk to my list".
pub(super) fn after_a_word_of(says: &[String], said: &str) -> Option<String> {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:in|at|to|from|near|for|of) (?:the |my |our )?([\p{L}'-]+(?: [\p{L}'-]+)?)\s*(?:$|[.?!,]|\b(?:on|off|at|to|for|please|now|tomorrow|today|tonight)\b)",
        )
    });
    const PLACES: [&str; 10] = [
        "room", "city", "plac", "locat", "town", "where", "address", "zone", "area", "country",
    ];
    let is_place = says.iter().any(|word| PLACES.contains(&word.as_str()));
    let found = PLACE.captures(said).filter(|_| is_place)?;
    let words = found[1].trim();
    if !numbers(words).is_empty() {
        return None;
    }
    (!words
        .split(' ')
        .all(|word| is_empty_word(&word.to_lowercase())))
    .then(|| words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_they_stand() {
        assert_eq!(
            email("Write to ada@example.com."),
            Some("ada@example.com".into())
        );
        assert_eq!(code("order A-1027, please"), Some("A-1027".into()));
        assert_eq!(code("ticket forty two"), Some("42".into()));
        assert_eq!(day("on the 3rd of May"), Some("the 3rd of May".into()));
        assert_eq!(day("next Monday at nine"), Some("next Monday".into()));
        assert_eq!(day("some time"), None);
        assert_eq!(
            quoted("a list called weekend shopping."),
            Some("weekend shopping".into())
        );
        assert_eq!(
            proper_name("Fly to Rio de Janeiro on Monday"),
            Some("Rio de Janeiro".into())
        );
        assert_eq!(proper_name("What about Monday?"), None);
    }
}
