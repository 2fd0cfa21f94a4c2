//! What people say before they ask.
//!
//! "So, uh, I was wondering, who is blocking my query?" has more words that nobody has written than words that count.
//! Leaving them out answered half of the spoken questions to the PostgreSQL manual that were declined for them
//! (README, Search). Only English is known; other words stay.

/// What says nothing at the beginning of a question, in lower case.
const FILLERS: [&str; 21] = [
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
    "what i wanted to ask is",
    "i wanted to ask",
    "can you tell me",
];
/// A question is never cut down to fewer words.
const MIN_WORDS: usize = 2;

/// The question without what was said before it.
pub(crate) fn without_fillers(question: &str) -> &str {
    let mut rest = question;
    loop {
        let begun = rest.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let Some(after) = FILLERS.iter().find_map(|filler| after(begun, filler)) else {
            return rest;
        };
        let after = after.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        if after.split_whitespace().count() < MIN_WORDS {
            return rest;
        }
        rest = after;
    }
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
