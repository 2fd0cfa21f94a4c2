//! What people say before they ask.
//!
//! "So, uh, I was wondering, who is blocking my query?" has more words that nobody has written than words that count.
//! Leaving them out answered half of the spoken questions to the PostgreSQL manual that were declined for them
//! (README, Search). Only English is known; other words stay.

/// What says nothing at the beginning of a question, in lower case.
const FILLERS: [&str; 20] = [
    "um",
    "uh",
    "hi",
    "hello",
    "hey",
    "yeah",
    "yes",
    "okay",
    "ok",
    "so",
    "sorry",
    "right,",
    "well,",
    "there",
    "please",
    "i was wondering",
    "i have a question",
    "maybe a silly question",
    "i wanted to ask",
    "can you tell me",
];
/// Before it stands nothing of the question, however it was heard ("Write them. What I want it to ask is"), if
/// somebody wants to ask there.
const TO_ASK: &str = "to ask is";
/// How many words may stand before it, and be it.
const MAX_TO_ASK: usize = 9;
/// A question is never cut down to fewer words.
const MIN_WORDS: usize = 2;

/// The question without what was said before it.
pub(crate) fn without_fillers(question: &str) -> &str {
    let mut rest = question;
    loop {
        let begun = rest.trim_start_matches(is_mark);
        let filler = FILLERS.iter().find_map(|filler| after(begun, filler));
        match filler.or_else(|| after_to_ask(begun)).and_then(left) {
            Some(left) => rest = left,
            None => return rest,
        }
    }
}

fn is_mark(letter: char) -> bool {
    !letter.is_alphanumeric()
}

/// What is left of a question, if that is still one.
fn left(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(is_mark);
    (rest.split_whitespace().count() >= MIN_WORDS).then_some(rest)
}

fn after_to_ask(text: &str) -> Option<&str> {
    let (begin, _) = text
        .char_indices()
        .find(|(place, _)| after(&text[*place..], TO_ASK).is_some())?;
    let (before, rest) = text.split_at(begin + TO_ASK.len());
    let wants = before
        .split_whitespace()
        .any(|word| word.to_ascii_lowercase().starts_with("want"));
    let is_word = before[..begin].ends_with(char::is_whitespace);
    let is_short = before.split_whitespace().count() <= MAX_TO_ASK;
    (wants && is_word && is_short).then_some(rest)
}

/// What follows `filler` as whole words.
fn after<'a>(text: &'a str, filler: &str) -> Option<&'a str> {
    let head = text.get(..filler.len())?;
    let rest = &text[filler.len()..];
    let ends = !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '\'');
    (ends && head.eq_ignore_ascii_case(filler)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::without_fillers;

    #[test]
    fn what_is_said_before_a_question_is_left_out() {
        for (said, asked) in [
            (
                "So, uh, who is blocking my query?",
                "who is blocking my query?",
            ),
            ("Hi there, I was wondering, how do I pay?", "how do I pay?"),
            ("Sorry, maybe a silly question. Can I pay?", "Can I pay?"),
            (
                "Right, um, what I wanted to ask is, can I pay?",
                "can I pay?",
            ),
            (
                "So, what I wanted to ask is, um, how do I pay?",
                "how do I pay?",
            ),
            (
                "Write 'em. What I want it to ask is can I pay?",
                "can I pay?",
            ),
            (
                "I want to come back tomorrow with my boss and to ask is that right",
                "I want to come back tomorrow with my boss and to ask is that right",
            ),
            (
                "Who do I have to ask is it the owner?",
                "Who do I have to ask is it the owner?",
            ),
            ("What to ask isn't clear", "What to ask isn't clear"),
            ("Um.", "Um."),
            ("well well", "well well"),
            ("Okay, refunds?", "Okay, refunds?"),
            ("Rightly so", "Rightly so"),
            ("Right, how do I pay?", "how do I pay?"),
            ("Right clicks do nothing", "Right clicks do nothing"),
            ("So's your plan", "So's your plan"),
            ("Wie zahle ich?", "Wie zahle ich?"),
            ("ümlaut über", "ümlaut über"),
        ] {
            assert_eq!(without_fillers(said), asked, "{said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_an_end_of_what_was_said(said in "\\PC{0,40}") {
            proptest::prop_assert!(said.ends_with(without_fillers(&said)));
        }
    }
}
