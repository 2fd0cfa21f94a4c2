//! Numbers and times of day as people say them.

use std::ops::Range;

use super::text::words;

/// A number and the words that it was said with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    /// The words that say it.
    pub(super) said: Range<usize>,
    /// The word after it: "gigabytes" in "two hundred gigabytes".
    pub(super) unit: Option<String>,
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// What one word adds to a number.
enum Piece {
    Add(f64),
    Times(f64),
}

/// The numbers in a text, in order.
pub(super) fn numbers(text: &str) -> Vec<Number> {
    let said = spoken_words(text);
    let mut numbers = Vec::new();
    let mut index = 0;
    while index < said.len() {
        match number_at(&said, index) {
            Some((value, end)) => {
                numbers.push(Number {
                    value,
                    said: index..end,
                    unit: said.get(end).cloned(),
                });
                index = end;
            }
            None => index += 1,
        }
    }
    numbers
}

/// Words, with the parts of "twenty-five" apart and "4.5" and "1,000" whole.
fn spoken_words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == '-')
        .flat_map(|part| {
            let plain = part
                .trim_matches(|c: char| !c.is_alphanumeric())
                .replace(',', "");
            if plain.parse::<f64>().is_ok_and(f64::is_finite) {
                vec![plain]
            } else {
                digits_apart(part)
            }
        })
        .collect()
}

/// "200GB" is a number and its unit.
fn digits_apart(part: &str) -> Vec<String> {
    let mut apart = Vec::new();
    for word in words(part) {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        if (1..word.len()).contains(&digits) {
            apart.push(word[..digits].to_owned());
            apart.push(word[digits..].to_owned());
        } else {
            apart.push(word);
        }
    }
    apart
}

/// The number that begins with this word, and where it ends.
fn number_at(said: &[String], start: usize) -> Option<(f64, usize)> {
    let word = |index: usize| said.get(index).map(String::as_str).unwrap_or_default();
    if word(start) == "half" && ["a", "an"].contains(&word(start + 1)) {
        let dozen = word(start + 2) == "dozen";
        return Some(if dozen {
            (6.0, start + 3)
        } else {
            (0.5, start + 2)
        });
    }
    if ["a", "an"].contains(&word(start)) {
        let times = match piece(word(start + 1))? {
            Piece::Times(times) => times,
            Piece::Add(_) => return None,
        };
        return Some(continued(said, times, 0.0, start + 2));
    }
    match piece(word(start))? {
        Piece::Add(value) => Some(continued(said, value, 0.0, start + 1)),
        Piece::Times(value) if word(start) == "dozen" => Some((value, start + 1)),
        Piece::Times(_) => None,
    }
}

/// Goes on reading: `value` since the last "thousand", `total` before it.
fn continued(said: &[String], mut value: f64, mut total: f64, mut index: usize) -> (f64, usize) {
    while let Some(word) = said.get(index) {
        let next = said.get(index + 1).map(String::as_str).unwrap_or_default();
        match piece(word) {
            Some(Piece::Times(times)) if times >= 1_000.0 => {
                total += value * times;
                value = 0.0;
            }
            Some(Piece::Times(times)) => value *= times,
            // "Twenty five", "two hundred six", "two thousand three hundred"; but not "five six".
            Some(Piece::Add(add)) if add < 10.0 && value % 10.0 == 0.0 && value >= 20.0 => {
                value += add;
            }
            Some(Piece::Add(add)) if add < 100.0 && value % 100.0 == 0.0 && value >= 100.0 => {
                value += add;
            }
            Some(Piece::Add(add)) if value == 0.0 && total > 0.0 => value += add,
            None if word == "and"
                && matches!(piece(next), Some(Piece::Add(_)))
                && value >= 100.0 => {}
            None if word == "and"
                && next == "a"
                && said.get(index + 2).is_some_and(|w| w == "half") =>
            {
                return (total + value + 0.5, index + 3);
            }
            None if word == "point" => match piece(next) {
                Some(Piece::Add(tenths)) if tenths < 10.0 => {
                    return (total + value + tenths / 10.0, index + 2);
                }
                _ => break,
            },
            _ => break,
        }
        index += 1;
    }
    (total + value, index)
}

fn piece(word: &str) -> Option<Piece> {
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return word
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Piece::Add);
    }
    let small = SMALL.iter().position(|known| *known == word);
    let tens = || {
        TENS.iter()
            .position(|known| *known == word)
            .map(|at| (at + 2) * 10)
    };
    if let Some(value) = small.or_else(tens) {
        return Some(Piece::Add(value as f64));
    }
    Some(Piece::Times(match word {
        "dozen" => 12.0,
        "hundred" => 100.0,
        "thousand" => 1_000.0,
        "million" => 1_000_000.0,
        _ => return None,
    }))
}

/// A time of day as HH:MM: "twenty past seven", "half past six in the evening", "7:20", "9 pm".
pub(super) fn time_of_day(text: &str) -> Option<String> {
    let said = spoken_words(&text.replace(':', " : "));
    let word = |index: usize| said.get(index).map(String::as_str).unwrap_or_default();
    let lower = text.to_lowercase();
    let is_late = ["pm", "p.m", "afternoon", "evening", "tonight", "night"]
        .iter()
        .any(|mark| lower.contains(mark));
    let is_early = ["am", "a.m", "morning"].iter().any(|mark| {
        lower
            .split(|c: char| !c.is_alphabetic() && c != '.')
            .any(|word| word == *mark)
    });
    if let Some(noon) = said.iter().find_map(|word| match word.as_str() {
        "noon" | "midday" => Some("12:00"),
        "midnight" => Some("00:00"),
        _ => None,
    }) {
        return Some(noon.to_owned());
    }
    let found = (0..said.len()).find_map(|index| {
        let (value, end) = match word(index) {
            "half" if word(index + 1) == "past" => (30.0, index + 1),
            "quarter" if ["past", "to"].contains(&word(index + 1)) => (15.0, index + 1),
            _ => number_at(&said, index)?,
        };
        let end = if ["minute", "minutes"].contains(&word(end)) {
            end + 1
        } else {
            end
        };
        if ["past", "after"].contains(&word(end)) {
            return Some((number_at(&said, end + 1)?.0, value));
        }
        if word(end) == "to" && value < 60.0 {
            let hour = number_at(&said, end + 1)?.0;
            return Some((hour - 1.0, 60.0 - value));
        }
        let is_time = ["o'clock", "oclock", "am", "pm", "a", "p", "in"].contains(&word(end))
            || ["at", "by", "until", "till", "from"].contains(&word(index.wrapping_sub(1)));
        let minutes = number_at(&said, end).filter(|(minutes, _)| (1.0..60.0).contains(minutes));
        match minutes {
            Some((minutes, _)) if value < 24.0 => Some((value, minutes)),
            _ if is_time && value < 25.0 => Some((value, 0.0)),
            _ => None,
        }
    });
    let (hour, minute) = found?;
    let hour = if is_late && !is_early && (1.0..12.0).contains(&hour) {
        hour + 12.0
    } else if hour < 0.0 {
        23.0
    } else {
        hour
    };
    ((0.0..24.0).contains(&hour) && (0.0..60.0).contains(&minute))
        .then(|| format!("{:02}:{:02}", hour as u32, minute as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_digits_and_words() {
        for (said, expected) in [
            ("for 12 people", vec![12.0]),
            ("for seven people", vec![7.0]),
            ("forty-two", vec![42.0]),
            ("three hundred", vec![300.0]),
            ("two hundred gigabytes", vec![200.0]),
            ("one thousand two hundred and fifty six", vec![1256.0]),
            ("1,500 dollars", vec![1500.0]),
            ("a dozen eggs", vec![12.0]),
            ("half a dozen", vec![6.0]),
            ("two dozen", vec![24.0]),
            ("a hundred", vec![100.0]),
            ("two and a half hours", vec![2.5]),
            ("four point five", vec![4.5]),
            ("4.5 miles", vec![4.5]),
            ("200GB", vec![200.0]),
            ("two adults and three children", vec![2.0, 3.0]),
            ("five six seven", vec![5.0, 6.0, 7.0]),
            ("three million", vec![3_000_000.0]),
            ("none of it", vec![]),
            ("", vec![]),
        ] {
            let values: Vec<f64> = numbers(said).iter().map(|number| number.value).collect();
            assert_eq!(values, expected, "{said}");
        }
        assert_eq!(
            numbers("two hundred gigabytes")[0].unit.as_deref(),
            Some("gigabytes")
        );
    }

    #[test]
    fn times_are_read_as_they_are_said() {
        for (said, expected) in [
            ("Wake me at twenty past seven", Some("07:20")),
            ("at half past six in the evening", Some("18:30")),
            ("quarter to nine", Some("08:45")),
            ("at 7:20", Some("07:20")),
            ("at 9 pm", Some("21:00")),
            ("at seven thirty", Some("07:30")),
            ("at ten o'clock tonight", Some("22:00")),
            ("around noon", Some("12:00")),
            ("for two people", None),
            ("tomorrow", None),
        ] {
            assert_eq!(time_of_day(said).as_deref(), expected, "{said}");
        }
    }
}
