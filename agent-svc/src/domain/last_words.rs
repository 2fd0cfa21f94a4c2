//! Whether the last words of a turn leave it open: "I'd like to change my".
//!
//! Melody alone does not tell somebody who searches for a word from somebody who has finished, and how
//! a sentence ends often does: hardly one ends with an article, a conjunction or a preposition. These
//! are rules of English about the last word and those before it. They are wrong now and then in both
//! directions, so one waits longer where they say so, and does not go without an answer.

use super::words::words;

/// Sounds of somebody who thinks.
const HESITATIONS: &[&str] = &["eh", "er", "erm", "hm", "hmm", "uh", "um", "umm"];

/// Articles, determiners, conjunctions, subjects, titles, what joins the parts of an address, and verbs that
/// are nothing without what follows.
const NEVER_LAST: &[&str] = &[
    "a", "although", "an", "and", "because", "between", "but", "called", "dot", "double", "dr",
    "during", "every", "except", "he", "he'd", "he'll", "i", "i'd", "i'll", "i'm", "i've", "if",
    "includes", "into", "it'd", "it'll", "it's", "means", "mr", "mrs", "ms", "my", "nor", "of",
    "onto", "or", "our", "per", "plus", "says", "she", "she'd", "she'll", "since", "than",
    "that'll", "that's", "the", "their", "there's", "they'd", "they'll", "they're", "they've",
    "towards", "unless", "until", "versus", "via", "we", "we'd", "we'll", "we're", "we've",
    "what's", "whereas", "whether", "whose", "you'd", "you'll", "your",
];

/// They end a sentence after a pronoun ("it is"), or in a question within it ("what my plan is").
const AUXILIARIES: &[&str] = &[
    "am", "are", "be", "been", "can", "can't", "could", "did", "didn't", "do", "does", "doesn't",
    "don't", "had", "has", "have", "haven't", "is", "isn't", "may", "might", "must", "shall",
    "should", "was", "wasn't", "were", "will", "won't", "would",
];
const PRONOUNS: &[&str] = &[
    "he", "i", "it", "one", "she", "that", "there", "they", "this", "we", "who", "you",
];

/// They end a sentence where they belong to a verb ("log in") or to a question ("who from").
const PREPOSITIONS: &[&str] = &[
    "about", "at", "by", "for", "from", "in", "on", "over", "through", "to", "under", "with",
    "without",
];
const PARTICLE_VERBS: &[&str] = &[
    "check", "come", "fill", "filled", "get", "go", "going", "hold", "keep", "log", "logged",
    "logging", "move", "plug", "sign", "signed", "signing", "switch", "switched", "turn", "turned",
];
const ASKING: &[&str] = &[
    "how", "what", "when", "where", "which", "who", "whom", "whose", "why",
];

/// After "how do I" they lack what is made, or added.
const WITH_OBJECT: &[&str] = &["add", "get", "give", "let", "make", "put", "set", "use"];

/// A "that" after one begins what was said.
const SAYING: &[&str] = &[
    "believe", "guess", "heard", "mean", "said", "say", "saw", "think", "thought", "told",
];
/// They begin what something is, after more words than that ("the reason why I call is that").
const BEING: &[&str] = &["is", "was"];
const BEFORE_THAT: usize = 3;
/// After a "the" they begin a date.
const TENS: &[&str] = &["twenty", "thirty"];
/// More words than that before a "how" are no whole sentence ("tell me how").
const BEFORE_HOW: usize = 3;

/// Whether whoever has said `text` so far goes on. A single word is a turn, or was misheard.
pub(crate) fn leave_open(text: &str) -> bool {
    let words = words(text);
    let Some((last, rest)) = words.split_last() else {
        return false;
    };
    let Some(before) = rest.last() else {
        return false;
    };
    let is_any = |kind: &[&str], words: &[String]| words.iter().any(|word| is(kind, word));
    if is(AUXILIARIES, last) {
        // At its beginning, "what" or "which" asks for what is still to come.
        return !is(PRONOUNS, before) && !is_any(ASKING, &rest[1..]);
    }
    if is(PREPOSITIONS, last) {
        return !is(PARTICLE_VERBS, before) && !is_any(ASKING, rest);
    }
    if is(WITH_OBJECT, last) {
        let [.., how, auxiliary, _] = rest else {
            return false;
        };
        return how == "how" && is(AUXILIARIES, auxiliary) && is(PRONOUNS, before);
    }
    is(HESITATIONS, last)
        || is(NEVER_LAST, last)
        || (last == "that" && !is(PREPOSITIONS, before) && is_any(SAYING, rest))
        || (last == "that" && is(BEING, before) && rest.len() > BEFORE_THAT && !is_any(ASKING, rest))
        || (is(TENS, last) && before == "the")
        || (last == "how" && rest.len() > BEFORE_HOW)
        // The recogniser hears the melody as well.
        || text.trim_end().ends_with(',')
}

fn is(kind: &[&str], word: &str) -> bool {
    kind.contains(&word)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn what_goes_on_is_told_from_what_is_all() {
        for text in [
            "I'd like to change my.",
            "We have about.",
            "So the thing is that I,",
            "Is it possible to?",
            "If I remove a user, does.",
            "Which of the plans has?",
            "What I wanted to ask is",
            "And then it told me that.",
            "I think that",
            "So the thing I called for is that",
            "He said that they'd",
            "It should be on the twenty",
            "That's for Mrs.",
            "My name at example dot.",
            "Could you tell me how?",
            "How do I make?",
            "The address is um.",
            "I’m calling about",
            "It’s for the two of us, and",
            "Well, the first one was blue,",
        ] {
            assert!(leave_open(text), "{text}");
        }
        for text in [
            "",
            "...",
            "Um.",
            "To.",
            "Stop.",
            "How do I log in?",
            "Which countries do you store data in?",
            "Who is it for?",
            "Where is that from?",
            "And how much is that?",
            "I need twenty.",
            "Yes, it is.",
            "I don't know what the price is.",
            "Tell me how.",
            "How many of them can I add?",
            "What can I make?",
            "I'd like that.",
            "What do you think about that?",
            "That's all I wanted to know, thank you.",
        ] {
            assert!(!leave_open(text), "{text}");
        }
    }
}
