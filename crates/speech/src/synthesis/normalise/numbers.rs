//! Numbers in words.

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
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const SCALES: [(u64, &str); 4] = [
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];
/// Numbers with more digits than this are read digit by digit.
const MAX_DIGITS: usize = 15;

/// A whole number: 1234 is "one thousand two hundred thirty four".
pub(super) fn cardinal(number: u64) -> String {
    let below_hundred = |number: u64| match number {
        0..20 => SMALL[number as usize].to_owned(),
        _ if number.is_multiple_of(10) => TENS[number as usize / 10].to_owned(),
        _ => format!(
            "{} {}",
            TENS[number as usize / 10],
            SMALL[number as usize % 10]
        ),
    };
    if number < 100 {
        return below_hundred(number);
    }
    let scale = SCALES.iter().find(|(scale, _)| number >= *scale);
    let (size, name) = scale.copied().unwrap_or((100, "hundred"));
    let head = format!("{} {name}", cardinal(number / size));
    match number % size {
        0 => head,
        rest => format!("{head} {}", cardinal(rest)),
    }
}

/// A place in a row: 21 is "twenty first".
pub(super) fn ordinal(number: u64) -> String {
    let words = cardinal(number);
    let (before, last) = words.rsplit_once(' ').unwrap_or(("", &words));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        _ => match last.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{last}th"),
        },
    };
    format!("{before} {last}").trim_start().to_owned()
}

/// A year: 1999 is "nineteen ninety nine", 2005 "two thousand five".
pub(super) fn year(number: u64) -> String {
    let (century, rest) = (number / 100, number % 100);
    if !(1_100..=2_099).contains(&number) || (2_000..2_010).contains(&number) {
        return cardinal(number);
    }
    match rest {
        0 => format!("{} hundred", cardinal(century)),
        1..10 => format!("{} oh {}", cardinal(century), cardinal(rest)),
        _ => format!("{} {}", cardinal(century), cardinal(rest)),
    }
}

/// Each digit by itself; anything else is left out.
pub(super) fn digits(text: &str) -> String {
    let digits = text.chars().filter_map(|digit| digit.to_digit(10));
    digits
        .map(|digit| SMALL[digit as usize])
        .collect::<Vec<_>>()
        .join(" ")
}

/// A number as it is written: "1,234.50" is "one thousand two hundred thirty four point five
/// zero". One that no one would count with, like "007" or one of many digits, is read digit by
/// digit.
pub(super) fn number(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = whole.replace(',', "");
    let is_code = (plain.len() > 1 && plain.starts_with('0')) || plain.len() > MAX_DIGITS;
    let words = match plain.parse() {
        Ok(number) if !is_code => cardinal(number),
        _ => digits(&plain),
    };
    if fraction.is_empty() {
        words
    } else {
        format!("{words} point {}", digits(fraction))
    }
}

/// An amount in a currency: "29.99" dollars is "twenty nine dollars and ninety nine cents".
pub(super) fn money(amount: &str, unit: [&str; 2], hundredth: [&str; 2]) -> String {
    let named = |words: &str, names: [&str; 2]| {
        format!(
            "{words} {}",
            if words == "one" { names[0] } else { names[1] }
        )
    };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let hundredths = match fraction.len() {
        0 => 0,
        2 => fraction.parse().unwrap_or(0),
        _ => return named(&number(amount), unit),
    };
    let whole = number(whole);
    match (whole.as_str(), hundredths) {
        (_, 0) => named(&whole, unit),
        ("zero", _) => named(&cardinal(hundredths), hundredth),
        _ => format!(
            "{} and {}",
            named(&whole, unit),
            named(&cardinal(hundredths), hundredth)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_read_them() {
        assert_eq!(cardinal(0), "zero");
        assert_eq!(cardinal(1_000_042), "one million forty two");
        assert_eq!(cardinal(999), "nine hundred ninety nine");
        assert_eq!(cardinal(u64::MAX).split(' ').next(), Some("eighteen"));
        assert_eq!(ordinal(12), "twelfth");
        assert_eq!(ordinal(20), "twentieth");
        assert_eq!(ordinal(103), "one hundred third");
        assert_eq!(year(2025), "twenty twenty five");
        assert_eq!(year(2005), "two thousand five");
        assert_eq!(year(1905), "nineteen oh five");
        assert_eq!(year(1900), "nineteen hundred");
        assert_eq!(
            number("1,234.50"),
            "one thousand two hundred thirty four point five zero"
        );
        assert_eq!(number("007"), "zero zero seven");
        assert_eq!(number("0.5"), "zero point five");
        assert_eq!(number("99999999999999999999"), digits(&"9".repeat(20)));
        let dollars = |amount| money(amount, ["dollar", "dollars"], ["cent", "cents"]);
        assert_eq!(dollars("1.01"), "one dollar and one cent");
        assert_eq!(dollars("0.50"), "fifty cents");
        assert_eq!(dollars("1.5"), "one point five dollars");
        assert_eq!(dollars("0"), "zero dollars");
    }
}
