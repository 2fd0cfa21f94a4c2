//! Money, shares, units, versions, codes and plain numbers.

use regex::Captures;

use super::numbers::{cardinal, digits, money, number, ordinal, year};
use super::{Rule, group, is_readable, runs, spell};

const NUMBER: &str = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)";
const UNITS: [(&str, &str); 27] = [
    ("TB", "terabyte"),
    ("GB", "gigabyte"),
    ("MB", "megabyte"),
    ("KB", "kilobyte"),
    ("kB", "kilobyte"),
    ("ms", "millisecond"),
    ("kg", "kilogram"),
    ("km", "kilometer"),
    ("cm", "centimeter"),
    ("mm", "millimeter"),
    ("px", "pixel"),
    ("GHz", "gigahertz"),
    ("MHz", "megahertz"),
    ("kHz", "kilohertz"),
    ("Hz", "hertz"),
    ("hrs", "hour"),
    ("hr", "hour"),
    ("h", "hour"),
    ("mins", "minute"),
    ("min", "minute"),
    ("secs", "second"),
    ("sec", "second"),
    ("mos", "month"),
    ("mo", "month"),
    ("yrs", "year"),
    ("yr", "year"),
    ("wk", "week"),
];

pub(super) fn rules() -> Vec<Rule> {
    let units = UNITS.map(|(short, _)| short).join("|");
    let amount = format!(
        r"(-)?([$\u{{20ac}}\u{{a3}}\u{{a5}}])\s?{NUMBER}(?:\s?(k|K|M|B|thousand|million|billion)\b)?"
    );
    vec![
        // As they are written where commas stand before the cents.
        Rule::new(r"(\u{20ac}\s?\d+),(\d{2})\b", |c| {
            format!("{}.{}", &c[1], &c[2])
        }),
        Rule::new(&amount, |c| {
            signed(group(c, 1), amount_in(&c[2], &c[3], group(c, 4)))
        }),
        Rule::new(&format!(r"\b(USD|EUR|GBP)\s?{NUMBER}"), |c| {
            amount_in(&c[1], &c[2], "")
        }),
        Rule::new(
            &format!(r"\b{NUMBER}\s?(USD\b|EUR\b|GBP\b|\u{{20ac}})"),
            |c| amount_in(&c[2], &c[1], ""),
        ),
        Rule::new(
            r"\s?/\s?(month|mo|year|yr|week|day|hour|hr|minute|min|second|sec|s|user|seat|call|request|GB|MB)\b",
            |c| {
                let of = if &c[1] == "s" { "second" } else { unit(&c[1]) };
                format!(" per {of}")
            },
        ),
        Rule::new(&format!(r"(-)?\b{NUMBER}\s?%"), |c| {
            signed(group(c, 1), format!("{} percent", number(&c[2])))
        }),
        Rule::new(&format!(r"\b{NUMBER}\s?({units})\b"), |c| {
            let unit = unit(&c[2]);
            let is_same = &c[1] == "1" || unit.ends_with("hertz");
            let plural = if is_same { "" } else { "s" };
            format!("{} {unit}{plural}", number(&c[1]))
        }),
        Rule::new(r"(?i)\b(?:version\s+)?v\.?(\d+(?:\.\d+)*)\b", |c| {
            format!("version {}", points(&c[1]))
        }),
        Rule::new(r"\b(\d+(?:\.\d+){2,})\b", |c| points(&c[1])),
        Rule::new(r"\b((?:19|20)\d0)s\b", |c| {
            decade(&year(c[1].parse().unwrap_or(0)))
        }),
        Rule::new(r"\b(\d{1,15})(?:st|nd|rd|th)\b", |c| {
            ordinal(c[1].parse().unwrap_or(0))
        }),
        Rule::new(r"\b24/7\b", |_| "twenty four seven".to_owned()),
        Rule::new(r"\b(\d+)/(\d+)\b", fraction),
        Rule::new(r"\b(\d{1,3})x\b", |c| format!("{} times", number(&c[1]))),
        Rule::new(r"\b(\d+(?:\.\d+)?)[kK]\b", |c| {
            format!("{} thousand", number(&c[1]))
        }),
        Rule::new(r"\b(\d{1,15})-([a-z]{3,})", |c| {
            format!("{} {}", number(&c[1]), &c[2])
        }),
        Rule::new(&format!(r"\b{NUMBER}\s?-\s?{NUMBER}\b(-)?"), range),
        Rule::new(r"(?:#\s?|\bNo\.\s?)(\d+)\b", |c| {
            format!("number {}", code(&c[1]))
        }),
        Rule::new(r"\b[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b", identifier),
        Rule::new(r"\b((?:19|20)\d{2})\b(\.\d)?", |c| match c.get(2) {
            None => year(c[1].parse().unwrap_or(0)),
            Some(_) => c[0].to_owned(),
        }),
        Rule::new(&format!(r"(^|[\s(])-{NUMBER}"), |c| {
            format!("{}minus {}", &c[1], number(&c[2]))
        }),
        Rule::new(NUMBER, |c| {
            if c[1].len() > 6 && !c[1].contains([',', '.']) {
                digits(&c[1])
            } else {
                format!(" {} ", number(&c[1]))
            }
        }),
    ]
}

fn signed(sign: &str, words: String) -> String {
    if sign.is_empty() {
        words
    } else {
        format!("minus {words}")
    }
}

fn amount_in(currency: &str, amount: &str, scale: &str) -> String {
    let (unit, hundredth) = match currency {
        "$" | "USD" => (["dollar", "dollars"], ["cent", "cents"]),
        "\u{20ac}" | "EUR" => (["euro", "euros"], ["cent", "cents"]),
        "\u{a3}" | "GBP" => (["pound", "pounds"], ["penny", "pence"]),
        _ => (["yen", "yen"], ["sen", "sen"]),
    };
    let scale = match scale {
        "" => return money(amount, unit, hundredth),
        "k" | "K" => "thousand",
        "M" => "million",
        "B" => "billion",
        other => other,
    };
    format!("{} {scale} {}", number(amount), unit[1])
}

/// The full name of a unit that may be shortened.
fn unit(short: &str) -> &str {
    UNITS
        .iter()
        .find(|(name, _)| *name == short)
        .map_or(short, |(_, name)| name)
}

/// "nineteen ninety" as "nineteen nineties".
fn decade(year: &str) -> String {
    match year.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{year}s"),
    }
}

fn points(version: &str) -> String {
    version
        .split('.')
        .map(number)
        .collect::<Vec<_>>()
        .join(" point ")
}

fn fraction(captures: &Captures<'_>) -> String {
    let (top, bottom) = (&captures[1], &captures[2]);
    match (top, bottom) {
        ("1", "2") => "one half".to_owned(),
        ("1", "3") => "one third".to_owned(),
        ("2", "3") => "two thirds".to_owned(),
        ("1", "4") => "one quarter".to_owned(),
        ("3", "4") => "three quarters".to_owned(),
        _ if top.starts_with('0') => format!("{} slash {}", number(top), number(bottom)),
        _ => format!("{} out of {}", number(top), number(bottom)),
    }
}

/// "9-17" is a range; "2024-001" and "1-2-3" are codes and left to [`identifier`].
fn range(captures: &Captures<'_>) -> String {
    let is_code =
        |digits: &str| digits.len() > 1 && digits.starts_with('0') && !digits.contains('.');
    if captures.get(3).is_some() || is_code(&captures[1]) || is_code(&captures[2]) {
        return captures[0].to_owned();
    }
    format!("{} to {}", number(&captures[1]), number(&captures[2]))
}

/// Digits as one reads out a code: short ones as a number, longer ones one by one.
fn code(text: &str) -> String {
    match text.parse() {
        Ok(number) if text.len() <= 2 && !text.starts_with('0') => cardinal(number),
        _ => digits(text),
    }
}

/// A word that holds digits, such as "INV-2024-001" or "2FA"; other words stay as they are.
fn identifier(captures: &Captures<'_>) -> String {
    let text = &captures[0];
    let has_digit = text.contains(|c: char| c.is_ascii_digit());
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if !has_digit || is_number {
        return text.to_owned();
    }
    let said: Vec<String> = runs(text)
        .map(|run| {
            if run.starts_with(|c: char| c.is_ascii_digit()) {
                code(run)
            } else if is_readable(run)
                && (run.len() > 3 || !run.bytes().all(|b| b.is_ascii_uppercase()))
            {
                run.to_owned()
            } else {
                spell(run)
            }
        })
        .collect();
    // A long code is easier to follow with a breath after each part.
    let is_long = said.len() > 2 && text.len() > 6;
    said.join(if is_long { ", " } else { " " })
}
