//! Questions that go on from the one before: "and on the pro plan?", "no, I meant the yearly one".

use std::sync::LazyLock;

use regex::Regex;

use super::question::Question;
use super::text::{pattern, words};

/// Longer things said stand alone, whatever they begin with.
const MAX_CONTINUED: usize = 12;
const MAX_PRONOUN: usize = 9;
const MAX_FRAGMENT: usize = 4;

/// What was said, understood with the question before it.
pub(super) fn question(said: &str, before: Option<&Question>) -> Question {
    let alone = Question::new(said);
    let Some(before) = before else {
        return alone;
    };
    let core = match refers(&alone.text) {
        Some(core) => core,
        None => return alone,
    };
    if is_question(core) {
        return Question {
            text: format!("{} {core}", before.text),
            news: Some(core.to_owned()),
        };
    }
    Question {
        text: replaced(&before.text, core),
        news: None,
    }
}

/// What is new in something said, when that goes on from what was asked before.
fn refers(said: &str) -> Option<&str> {
    static CORRECTS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^\W*(no|nope|not that|wrong)?[ ,.!]*(i (meant|mean|said|was asking about|was talking about)|rather|make that|that's not what i (meant|asked))\b[ ,.:]*(the one |what about )?",
        )
    });
    static CONTINUES: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^\W*((and|or|but|then|so)\b[ ,]*)*((what|how) about|what of|and|or|but|then)\b[ ,]*((for|with|if) )?",
        )
    });
    static WHAT_IF: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)^\W*(and |but )?(what if|why( is| not)?\b|since when|until when)")
    });
    static PRONOUN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)\b(it|that|this|those|these|them|they|one|there|he|she|then)\b")
    });
    let count = words(said).len();
    if let Some(lead) = CORRECTS.find(said) {
        let rest = said[lead.end()..].trim();
        return (!rest.is_empty()).then_some(rest);
    }
    if count <= MAX_CONTINUED
        && let Some(lead) = CONTINUES.find(said)
    {
        let end = keeping_preposition(said, lead.end());
        let rest = said[end..].trim();
        return (!rest.is_empty()).then_some(rest);
    }
    let refers = (count <= MAX_CONTINUED && WHAT_IF.is_match(said))
        || (count <= MAX_PRONOUN && PRONOUN.is_match(said) && !is_idiom(said))
        || (count <= MAX_FRAGMENT && !is_question(said) && !says_more(said));
    refers.then_some(said)
}

/// "And for teams?" is about teams, but "and with a card?" keeps its preposition.
fn keeping_preposition(said: &str, end: usize) -> usize {
    let lead = said[..end].trim_end();
    let start = lead.rfind(' ').map_or(0, |space| space + 1);
    let last = lead[start..].to_lowercase();
    if ["for", "with", "if"].contains(&last.as_str()) {
        start
    } else {
        end
    }
}

/// "That" and "it" that refer to nothing said before.
fn is_idiom(said: &str) -> bool {
    static IDIOM: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(is it (possible|true|safe|raining)|is there|are there|there (is|are)|what time is it|how is it going|this (month|year|week|call)|that('s| is) (all|it|fine|great))\b",
        )
    });
    IDIOM.is_match(said)
}

fn is_question(text: &str) -> bool {
    static QUESTION: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)^\W*(what|which|when|where|who|whom|whose|why|how|can|could|do|does|did|is|are|am|was|were|will|would|should|may|must|has|have|tell|show|give|explain|if)\b",
        )
    });
    QUESTION.is_match(text)
}

/// A short sentence of its own ("I forgot my password").
fn says_more(text: &str) -> bool {
    static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(i|we|you|please|my|our|want|need|write|tell|sing|play|set|turn|cancel|call|send|open|book|order|show|find|get)\b",
        )
    });
    SENTENCE.is_match(text)
}

/// The question before with the new piece in the place of what it replaces, or at its end.
fn replaced(before: &str, piece: &str) -> String {
    let piece = piece.trim().trim_end_matches(['?', '.', '!']);
    let base = before.trim_end_matches(['?', '.', '!', ' ']);
    let new: Vec<&str> = piece.split_whitespace().collect();
    let old: Vec<&str> = base.split_whitespace().collect();
    match slot(&old, &new) {
        Some((start, end)) => {
            let mut said: Vec<&str> = old[..start].to_vec();
            said.extend(&new);
            said.extend(&old[end..]);
            format!("{}?", said.join(" "))
        }
        None => format!("{base} {piece}?"),
    }
}

/// Which words of the question before the new piece takes the place of: those that end in the same
/// word, as far back as the piece is long ("the free plan", "the pro plan"), or the phrase that the
/// same preposition begins.
fn slot(old: &[&str], new: &[&str]) -> Option<(usize, usize)> {
    const PREPOSITIONS: [&str; 10] = [
        "on", "in", "for", "with", "at", "by", "from", "to", "as", "under",
    ];
    let same = |a: &str, b: &str| {
        let plain = |word: &str| {
            word.to_lowercase()
                .replace(|c: char| !c.is_alphanumeric(), "")
        };
        plain(a) == plain(b)
    };
    let first = new.first()?;
    let last = new.last()?;
    if PREPOSITIONS.contains(&first.to_lowercase().as_str())
        && let Some(start) = old.iter().rposition(|word| same(word, first))
    {
        let end = old[start..]
            .iter()
            .position(|word| same(word, last))
            .map_or(old.len(), |length| start + length + 1);
        return Some((start, end));
    }
    if new.len() >= 2
        && let Some(end) = old.iter().rposition(|word| same(word, last))
    {
        let is_article = |word: &&str| ["the", "a", "an", "my", "our"].contains(word);
        let start = (end + 1).saturating_sub(new.len());
        // An article that the piece lacks stays.
        let start = if is_article(&old[start]) && !is_article(first) {
            start + 1
        } else {
            start
        };
        return (start <= end).then_some((start, end + 1));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: &str, said: &str) -> (String, Option<String>) {
        let question = question(said, Some(&Question::new(before)));
        (question.text, question.news)
    }

    #[test]
    fn a_piece_takes_its_place_in_the_question_before() {
        for (before, said, expected) in [
            (
                "How much storage do I get on the free plan?",
                "And on the pro plan?",
                "How much storage do I get on the pro plan?",
            ),
            (
                "What does the pro plan cost?",
                "What about yearly?",
                "What does the pro plan cost yearly?",
            ),
            (
                "What does the pro plan cost per month?",
                "and the enterprise plan?",
                "What does the enterprise plan cost per month?",
            ),
            (
                "Do you deliver to Spain?",
                "And to Portugal?",
                "Do you deliver to Portugal?",
            ),
            (
                "When does the monthly subscription end?",
                "No, I meant the annual subscription.",
                "When does the annual subscription end?",
            ),
            (
                "How long does delivery take?",
                "And for express parcels?",
                "How long does delivery take for express parcels?",
            ),
            (
                "How many users can I have on basic?",
                "on premium?",
                "How many users can I have on premium?",
            ),
        ] {
            assert_eq!(after(before, said), (expected.to_owned(), None), "{said}");
        }
    }

    #[test]
    fn a_question_that_goes_on_keeps_what_is_new_apart() {
        for (said, news) in [
            ("And how much is it?", "how much is it?"),
            ("What if it does not arrive?", "What if it does not arrive?"),
            ("When does it end?", "When does it end?"),
        ] {
            let expected = (
                format!("What's our next invoice? {news}"),
                Some(news.to_owned()),
            );
            assert_eq!(after("What's our next invoice?", said), expected);
        }
    }

    #[test]
    fn what_stands_alone_is_left_alone() {
        for said in [
            "How do I reset my password?",
            "I forgot my password.",
            "Write me a poem",
            "What time is it in Tokyo?",
            "Is there a discount for students?",
        ] {
            assert_eq!(after("What does it cost?", said), (said.to_owned(), None));
        }
        assert_eq!(question("And now?", None).text, "And now?");
    }
}
