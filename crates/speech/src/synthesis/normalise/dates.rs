//! Dates and times of day.

use regex::Captures;

use super::numbers::{cardinal, ordinal, year};
use super::{Rule, group};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The months as they are written, shortened or not.
const MONTH: &str = r"\b(January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)";
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const NTH: &str = "(?:st|nd|rd|th)?";
/// Morning or afternoon; a group that matches if the sentence ends with its dot.
const HALF: &str = r"([AaPp])(?:[Mm]\b|\.[Mm]\.(\s*$)?)";

pub(super) fn rules() -> Vec<Rule> {
    let month_range = format!(r"{MONTH}\s+(\d{{1,2}})\s?-\s?(\d{{1,2}})\b");
    let month_day = format!(r"{MONTH}\s+(\d{{1,2}}){NTH}\b(?:,?\s+(\d{{4}})\b)?");
    let day_month = format!(r"\b(\d{{1,2}}){NTH}\s+(?:of\s+)?{MONTH}(?:,?\s+(\d{{4}})\b)?");
    let month_year = format!(r"{MONTH},?\s+(\d{{4}})\b");
    let clock_half = format!(r"\b(\d{{1,2}})(?::(\d{{2}}))?(?::\d{{2}})?\s?{HALF}");
    vec![
        Rule::new(
            r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s?-\s?(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b",
            |c| format!("{} to {}", full(&DAYS, &c[1]), full(&DAYS, &c[2])),
        ),
        Rule::new(
            r"\b(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?Z?)?\b",
            iso,
        ),
        Rule::new(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b", |c| {
            let (first, second) = (int(&c[1]), int(&c[2]));
            let (month, day) = if first > 12 {
                (second, first)
            } else {
                (first, second)
            };
            date(month, day, &c[3]).unwrap_or_else(|| c[0].to_owned())
        }),
        Rule::new(&month_range, |c| {
            format!(
                "{} {} to {}",
                month(&c[1]),
                ordinal(int(&c[2])),
                ordinal(int(&c[3]))
            )
        }),
        Rule::new(&month_day, |c| written(&c[1], &c[2], group(c, 3))),
        Rule::new(&day_month, |c| written(&c[2], &c[1], group(c, 3))),
        Rule::new(&month_year, |c| {
            format!("{} {}", month(&c[1]), year(int(&c[2])))
        }),
        Rule::new(r"\b(\d{1,2}:\d{2})\s?-\s?(\d{1,2}:\d{2})\b", |c| {
            format!("{} to {}", &c[1], &c[2])
        }),
        Rule::new(&clock_half, |c| {
            let half = if c[3].eq_ignore_ascii_case("a") {
                "A-M"
            } else {
                "P-M"
            };
            let end = if c.get(4).is_some() { "." } else { "" };
            let minutes = minutes(group(c, 2));
            format!("{}{minutes} {half}{end}", cardinal(int(&c[1])))
        }),
        Rule::new(r"\b([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?\b", |c| {
            clock(&c[1], &c[2])
        }),
    ]
}

fn int(digits: &str) -> u64 {
    digits.parse().unwrap_or(0)
}

/// The full name of a month that may be shortened.
fn month(name: &str) -> &str {
    full(&MONTHS, name)
}

/// The one of `names` that begins as `name` does.
fn full<'a>(names: &[&'static str], name: &'a str) -> &'a str {
    let stem = name.get(..3).unwrap_or(name);
    let found = names.iter().find(|full| full.starts_with(stem));
    found.copied().unwrap_or(name)
}

fn date(month: u64, day: u64, of_year: &str) -> Option<String> {
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    Some(written(MONTHS.get(month)?, &day.to_string(), of_year))
}

fn written(of: &str, day: &str, of_year: &str) -> String {
    let date = format!("{} {}", month(of), ordinal(int(day)));
    if of_year.is_empty() {
        date
    } else {
        format!("{date}, {}", year(int(of_year)))
    }
}

fn iso(captures: &Captures<'_>) -> String {
    let Some(date) = date(int(&captures[2]), int(&captures[3]), &captures[1]) else {
        return captures[0].to_owned();
    };
    match group(captures, 4) {
        "" => date,
        hour => format!("{date}, at {}", clock(hour, &captures[5])),
    }
}

/// A time on the 24-hour clock, said on the 12-hour one where that is clear.
fn clock(hour: &str, minute: &str) -> String {
    let (number, past) = (int(hour), minutes(minute));
    match number {
        0 => format!("twelve{past} A-M"),
        13.. => format!("{}{past} P-M", cardinal(number - 12)),
        _ if past.is_empty() => format!("{} o'clock", cardinal(number)),
        _ => format!("{}{past}", cardinal(number)),
    }
}

/// Minutes as they follow the hour, nothing for a full one.
fn minutes(minute: &str) -> String {
    match int(minute) {
        0 => String::new(),
        number @ 1..10 => format!(" oh {}", cardinal(number)),
        number => format!(" {}", cardinal(number)),
    }
}
