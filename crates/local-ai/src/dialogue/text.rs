//! Plain text: sentences, words and their stems.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that is written in this crate.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a literal, checked by a test that uses it")
}

/// Cuts a text into sentences, each with its mark.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for (index, mark) in text.char_indices() {
        let end = index + mark.len_utf8();
        let ends = match mark {
            '.' | '!' | '?' => is_sentence_end(text, index, end),
            '\n' => true,
            _ => end == bytes.len(),
        };
        if ends || end == bytes.len() {
            let sentence = text[start..end].trim();
            if sentence.chars().any(char::is_alphanumeric) {
                sentences.push(sentence);
            }
            start = end;
        }
    }
    sentences
}

/// A mark ends a sentence when a space and no small letter follow, and no abbreviation precedes.
fn is_sentence_end(text: &str, index: usize, end: usize) -> bool {
    let rest = &text[end..];
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return false;
    }
    let word = text[..index]
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let is_abbreviation =
        ["e.g", "i.e", "etc", "Mr", "Mrs", "Ms", "Dr", "vs", "No"].contains(&word);
    let goes_on = rest
        .trim_start_matches([' ', '\t'])
        .starts_with(char::is_lowercase);
    !is_abbreviation && !goes_on
}

/// Words in lower case, without punctuation.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Words that say nothing about what a sentence is about.
const EMPTY: &str = "a an the i me my mine we us our ours you your yours he she it its they them \
    their this that these those is are was were be been being am do does did done have has had \
    having can could will would shall should may might must to of in on at for from by with about \
    into over after before up down out off than then so as if or and but not no nor too very just \
    also only own same such what which who whom whose when where why how there here all any both \
    each few more most other some hi hello hey please okay ok well um uh i'm i'd i've i'll it's \
    what's that's there's don't doesn't didn't can't won't isn't aren't let's want need like get \
    got know tell quick question one ones thing things way somebody someone anybody anyone \
    everybody something anything now";

/// Whether a word says nothing by itself.
pub(super) fn is_empty_word(word: &str) -> bool {
    static WORDS: LazyLock<std::collections::HashSet<&'static str>> =
        LazyLock::new(|| EMPTY.split_whitespace().collect());
    WORDS.contains(word)
}

/// The words that carry meaning, without their endings.
pub(super) fn stems(text: &str) -> Vec<String> {
    words(text)
        .iter()
        .filter(|word| !is_empty_word(word))
        .map(|word| stem(word))
        .collect()
}

/// A word without what marks number, tense and the like.
pub(super) fn stem(word: &str) -> String {
    const ENDINGS: [(&str, &str); 7] = [
        ("ies", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("ed", ""),
        ("ly", ""),
        ("es", ""),
        ("s", ""),
    ];
    const IRREGULAR: [(&str, &[&str]); 8] = [
        ("use", &["used", "using", "usage"]),
        ("buy", &["bought"]),
        ("pay", &["paid", "payment", "payments"]),
        ("keep", &["kept"]),
        ("send", &["sent"]),
        ("lose", &["lost"]),
        ("cost", &["price", "prices"]),
        ("bill", &["invoice", "invoices"]),
    ];
    /// Shorter beginnings are words of their own.
    const SHORTEST: usize = 3;
    let word = word.strip_suffix("'s").unwrap_or(word);
    if let Some((stem, _)) = IRREGULAR.iter().find(|(_, forms)| forms.contains(&word)) {
        return (*stem).to_owned();
    }
    let cut = ENDINGS.iter().find_map(|(ending, instead)| {
        let rest = word.strip_suffix(ending)?;
        let is_ending = rest.len() >= SHORTEST && !(*ending == "s" && word.ends_with("ss"));
        is_ending.then(|| format!("{rest}{instead}"))
    });
    let mut stem = cut.unwrap_or_else(|| word.to_owned());
    if stem.len() > SHORTEST {
        let mut letters = stem.chars().rev();
        if let (Some(last), Some(before)) = (letters.next(), letters.next())
            && last == before
            && "bdgmnprt".contains(last)
        {
            stem.pop();
        }
        if stem.len() > SHORTEST && stem.ends_with('e') {
            stem.pop();
        }
    }
    stem
}

/// Identifiers in a text: words with a digit. A code that is spelled out ("P L 402") counts as one.
pub(super) fn codes(text: &str) -> Vec<String> {
    let plain: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    plain
        .split_whitespace()
        .filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()))
        .map(str::to_lowercase)
        .collect()
}

/// Names in a text: words with a capital letter that do not begin a sentence.
pub(super) fn names(text: &str) -> Vec<String> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\w,;:] ([A-Z][\p{L}\d]+)"));
    static COMMON: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^((Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August|September|October|November|December|I[A-Z]?)$",
        )
    });
    NAME.captures_iter(text)
        .map(|found| found[1].to_owned())
        .filter(|name| !COMMON.is_match(name))
        .map(|name| name.to_lowercase())
        .collect()
}

/// What was said without what leads up to it ("Hi, quick question, …").
pub(super) fn without_lead(text: &str) -> &str {
    static LEAD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^\W*((hi|hello|hey|good (morning|afternoon|evening)|okay|ok|so|well|right|alright|quick question|(just )?(a|one) (quick |more )?question|one more thing|sorry|excuse me|wait|stop|actually|please|um+|uh+|hm+|by the way|there|again)\b[ ,.!:…-]*)+",
        )
    });
    let text = text.trim();
    let rest = LEAD
        .find(text)
        .map_or(text, |lead| text[lead.end()..].trim());
    // Something that is nothing but a lead is what was said.
    if words(rest).len() < 2 { text } else { rest }
}

/// Whether a text is about something of the person who speaks.
pub(super) fn is_personal(text: &str) -> bool {
    static PERSONAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(my|mine|our|ours)\b"));
    PERSONAL.is_match(text)
}

/// The word that a label is built around: its last one, or the last one before "in the workspace".
pub(super) fn head(label: &[String]) -> Option<&String> {
    const PREPOSITIONS: [&str; 8] = ["of", "in", "on", "at", "for", "per", "with", "about"];
    let end = label
        .iter()
        .position(|word| PREPOSITIONS.contains(&word.as_str()))
        .filter(|end| *end > 0);
    label[..end.unwrap_or(label.len())].last()
}

/// A key such as `subscription_tier` or `subscriptionTier` as words.
pub(super) fn spoken_key(key: &str) -> String {
    let mut spoken = String::with_capacity(key.len() + 4);
    let mut previous = ' ';
    for letter in key.chars() {
        if letter == '_' || letter == '-' || letter == '.' {
            spoken.push(' ');
        } else {
            if letter.is_uppercase() && previous.is_lowercase() {
                spoken.push(' ');
            }
            spoken.extend(letter.to_lowercase());
        }
        previous = letter;
    }
    // A caller says plan where a program says tier.
    spoken
        .trim()
        .replace("subscription tier", "subscription plan")
}

/// The text with a capital first letter and a mark at its end.
pub(super) fn sentence(text: &str) -> String {
    // What was cut short ends in a comma.
    let text = text.trim().trim_end_matches([',', ';', ':']);
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_marks_and_not_within_numbers_or_abbreviations() {
        let text = "It costs 4.50 dollars, e.g. for teams. Really? Yes!\nA last line";
        let expected = [
            "It costs 4.50 dollars, e.g. for teams.",
            "Really?",
            "Yes!",
            "A last line",
        ];
        assert_eq!(sentences(text), expected);
        assert!(sentences(" ... ").is_empty());
        assert_eq!(sentences("naïve façade"), ["naïve façade"]);
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["export", "exports", "exported", "exporting"][..],
            &["policy", "policies"],
            &["change", "changes", "changed", "changing"],
            &["plan", "plans", "planned", "planning"],
            &["invoice", "bills"],
            &["used", "usage", "using"],
            &["address", "addresses"],
        ] {
            let stems: Vec<_> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{stems:?}");
        }
        assert_eq!(stems("How do I change the plans?"), ["chang", "plan"]);
        assert_eq!(stem("über"), "über");
    }

    #[test]
    fn codes_and_names_are_found() {
        assert_eq!(codes("I get the error P L 402, or PL-31."), ["402", "31"]);
        assert_eq!(names("Can I import from Notion on Monday?"), ["notion"]);
        assert!(names("Notion? How do I pay?").is_empty());
    }

    #[test]
    fn what_leads_up_is_left_out_unless_there_is_nothing_else() {
        for (said, rest) in [
            ("Hi, quick question, how do I pay?", "how do I pay?"),
            ("Sorry, wait, how big is it?", "how big is it?"),
            ("Okay.", "Okay."),
            ("Hello there", "Hello there"),
            ("So what?", "So what?"),
        ] {
            assert_eq!(without_lead(said), rest);
        }
    }

    #[test]
    fn keys_are_spoken_as_words() {
        for (key, spoken) in [
            ("subscription_tier", "subscription plan"),
            ("renewalDate", "renewal date"),
            ("name", "name"),
        ] {
            assert_eq!(spoken_key(key), spoken);
        }
    }
}
