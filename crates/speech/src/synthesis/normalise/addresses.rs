//! E-mail addresses, links, file names, telephone numbers and network addresses.

use regex::Captures;

use super::numbers::{cardinal, digits};
use super::{Rule, group, is_readable, runs, spell};

/// Endings by which a bare name such as "docs.example.com" is known as an address.
const TOP_LEVELS: &str =
    "com|org|net|io|dev|app|ai|co|edu|gov|uk|de|fr|eu|us|info|cloud|help|example|test";
const FILE_TYPES: &str = "csv|pdf|json|txt|html|js|ts|css|xlsx?|docx?|pptx?|png|jpe?g|gif|svg|zip|xml|md|ya?ml|toml|exe|log";

pub(super) fn rules() -> Vec<Rule> {
    let host = format!(
        r"(?i)\b(?:www\.)?((?:[a-z0-9-]+\.)+(?:{TOP_LEVELS}))\b((?:/[a-z0-9_.~%-]*[a-z0-9_~%-])*)/?(?:\?[a-z0-9_=&%.-]*[a-z0-9_=&%-])?"
    );
    let file = format!(r"(?i)\b([a-z0-9_-]+)\.({FILE_TYPES})\b");
    vec![
        Rule::new(
            r"(?i)\b([a-z0-9][a-z0-9._%+-]*)@((?:[a-z0-9-]+\.)+[a-z]{2,24})\b",
            |c| format!("{} at {}", name(&c[1]), name(&c[2])),
        ),
        Rule::new(
            r"(?i)\bhttps?://(?:www\.)?([a-z0-9.-]+)(?::(\d+))?((?:/[a-z0-9_.~%-]*[a-z0-9_~%-])*)/?(?:[?#][^\s,;)]*[a-z0-9])?",
            link,
        ),
        Rule::new(&host, |c| format!("{}{}", name(&c[1]), path(&c[2]))),
        Rule::new(&file, |c| {
            format!("{} dot {}", name(&c[1]), c[2].to_uppercase())
        }),
        Rule::new(r"\b(\d{1,3}(?:\.\d{1,3}){3})\b", |c| {
            c[1].split('.').map(count).collect::<Vec<_>>().join(" dot ")
        }),
        Rule::new(r"\+\d[\d ().-]{6,18}\d\b", telephone),
        Rule::new(
            r"(?:\b1[ .-])?(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b|\b\d{3}-\d{4}\b",
            telephone,
        ),
    ]
}

fn link(captures: &Captures<'_>) -> String {
    let port = match group(captures, 2) {
        "" => String::new(),
        port => format!(" colon {}", digits(port)),
    };
    format!("{}{port}{}", name(&captures[1]), path(group(captures, 3)))
}

fn path(path: &str) -> String {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| format!(" slash {}", name(part)))
        .collect()
}

/// A part of an address, its marks named.
fn name(text: &str) -> String {
    let mut said = Vec::new();
    for part in text.split_inclusive(['.', '-', '_', '+', '%', '~']) {
        said.extend(runs(part).map(|run| {
            if run.starts_with(|c: char| c.is_ascii_digit()) {
                digits(run)
            } else if is_readable(run) || run.eq_ignore_ascii_case("co") {
                run.to_lowercase()
            } else {
                spell(run)
            }
        }));
        said.extend(match part.as_bytes().last() {
            Some(b'.') => Some("dot".to_owned()),
            Some(b'-') => Some("dash".to_owned()),
            Some(b'_') => Some("underscore".to_owned()),
            Some(b'+') => Some("plus".to_owned()),
            Some(b'%') => Some("percent".to_owned()),
            Some(b'~') => Some("tilde".to_owned()),
            _ => None,
        });
    }
    said.join(" ")
}

fn count(digits: &str) -> String {
    digits.parse().map(cardinal).unwrap_or_default()
}

/// Digit by digit, with a breath between groups.
fn telephone(captures: &Captures<'_>) -> String {
    let groups: Vec<String> = runs(&captures[0])
        .map(|group| match group {
            "800" | "900" => format!("{} hundred", digits(&group[..1])),
            _ => digits(group),
        })
        .collect();
    let plus = if captures[0].starts_with('+') {
        "plus "
    } else {
        ""
    };
    format!("{plus}{}", groups.join(", "))
}
