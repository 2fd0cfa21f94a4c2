//! Takes out what is for the eye: markup, emoji, typographic variants.

use std::sync::LazyLock;

use regex::Regex;

static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[([^\]\n]*)\]\([^)\s]*\)"));
static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"</?[a-zA-Z][^<>]*>"));
static LINE_MARK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^[ \t]*(?:#{1,6}|[-*+\u{2022}>]|(\d{1,2})[.)])[ \t]+"));
static SPACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s+"));
static SPACE_BEFORE_MARK: LazyLock<Regex> = LazyLock::new(|| pattern(r" +([.,;:!?\u{2026})])"));
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[.,;:!?\u{2026}](?: *[.,;:!?\u{2026}])+"));

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are constants, and tests use them")
}

/// The text in plain ASCII with the symbols that the rules know.
pub(super) fn clean(text: &str) -> String {
    let text = LINK.replace_all(text, "$1");
    let text = TAG.replace_all(&text, " ");
    let text = LINE_MARK.replace_all(&text, |captures: &regex::Captures<'_>| {
        captures
            .get(1)
            .map_or_else(String::new, |number| format!("{}, ", number.as_str()))
    });
    let mut plain = String::with_capacity(text.len());
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .peekable();
    while let Some(line) = lines.next() {
        line.chars().for_each(|letter| fold(letter, &mut plain));
        // A line of a list ends like a sentence, even without its mark.
        let is_open = !line.ends_with(['.', '!', '?', ',', ';', ':', '\u{2026}']);
        if lines.peek().is_some() {
            plain.push_str(if is_open { ". " } else { " " });
        }
    }
    plain
}

/// Writes one letter in plain ASCII, or what stands for it.
fn fold(letter: char, plain: &mut String) {
    plain.push_str(match letter {
        '\u{2019}' | '\u{2018}' | '\u{2bc}' => "'",
        '\u{201c}' | '\u{201d}' | '\u{ab}' | '\u{bb}' => "\"",
        '\u{2013}' | '\u{2212}' | '\u{2010}' | '\u{2011}' => "-",
        '\u{2014}' => " - ",
        '\u{2192}' => " to ",
        '\u{d7}' => " by ",
        '\u{b0}' => " degrees ",
        '\u{2022}' => ", ",
        '\u{bd}' => " 1/2",
        '\u{bc}' => " 1/4",
        '\u{be}' => " 3/4",
        '\u{2026}' | '\u{20ac}' | '\u{a3}' | '\u{a5}' => return plain.push(letter),
        '\u{c6}' | '\u{e6}' => "ae",
        '\u{152}' | '\u{153}' => "oe",
        '\u{df}' => "ss",
        '\u{de}' | '\u{fe}' => "th",
        '*' | '`' => "",
        ' '..='~' => return plain.push(letter),
        _ => return plain.push(base_letter(letter).unwrap_or(' ')),
    });
}

/// The letters of a group share the base letter that comes first.
const ACCENTED: [&str; 36] = [
    "AÀÁÂÃÄÅĀĂĄ",
    "aàáâãäåāăą",
    "CÇĆĈĊČ",
    "cçćĉċč",
    "DĎĐÐ",
    "dďđð",
    "EÈÉÊËĒĔĖĘĚ",
    "eèéêëēĕėęě",
    "GĜĞĠĢ",
    "gĝğġģ",
    "HĤĦ",
    "hĥħ",
    "IÌÍÎÏĨĪĬĮİ",
    "iìíîïĩīĭįı",
    "KĶ",
    "kķ",
    "LĹĻĽŁ",
    "lĺļľł",
    "NÑŃŅŇ",
    "nñńņň",
    "OÒÓÔÕÖØŌŎŐ",
    "oòóôõöøōŏő",
    "RŔŖŘ",
    "rŕŗř",
    "SŚŜŞŠȘ",
    "sśŝşšș",
    "TŢŤȚ",
    "tţťț",
    "UÙÚÛÜŨŪŬŮŰŲ",
    "uùúûüũūŭůűų",
    "YÝŶŸ",
    "yýÿŷ",
    "ZŹŻŽ",
    "zźżž",
    "JĴ",
    "jĵ",
];

fn base_letter(letter: char) -> Option<char> {
    ACCENTED
        .iter()
        .find(|group| group.contains(letter))?
        .chars()
        .next()
}

/// One space between words, none before punctuation, and one mark where several met.
pub(super) fn tidy(text: &str) -> String {
    let text = SPACE.replace_all(text, " ");
    let text = SPACE_BEFORE_MARK.replace_all(&text, "$1");
    let text = MARKS.replace_all(&text, |marks: &regex::Captures<'_>| strongest(&marks[0]));
    let text = text.trim_start_matches([' ', ',', ';', ':', '.', '!', '?', '\u{2026}', '-', ')']);
    if text.contains(|c: char| c.is_ascii_alphabetic()) {
        text.trim().to_owned()
    } else {
        String::new()
    }
}

/// The one mark to keep of several in a row.
fn strongest(marks: &str) -> String {
    // The dot of a short form, and the comma after it.
    if matches!(marks, ".," | ".;" | ".:") {
        return marks.to_owned();
    }
    let end = marks.chars().find(|mark| ".!?\u{2026}".contains(*mark));
    end.or_else(|| marks.chars().next()).into_iter().collect()
}
