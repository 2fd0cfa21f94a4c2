//! Cuts an answer into the pieces that are spoken one after the other.

/// Length up to which the first clause is spoken as it is: about 1.3 s of speech, which two cores
/// make in 0.4 s. Lengths are in letters as [`cost`] counts them, some 19 a second.
const FIRST: usize = 26;
/// The same for the clauses after it, at least: one of ten letters is heard for as long as it takes
/// to make this.
const NEXT: usize = 36;
/// The same for the longest clause: about 11 s of speech.
const LONGEST: usize = 200;
/// How many letters a digit stands for: "$29.99" is "twenty nine dollars and ninety nine cents".
const DIGIT: usize = 5;
/// A clause is ready before the one before it has been heard if it is at most this many times as
/// long: a clause of n letters takes 0.14 + 0.010 n seconds on two free cores and is heard for
/// 0.053 n. The rest is for sharing them.
const GROWTH: usize = 2;
/// A comma ends a clause only if this much stands before it, because scraps sound chopped.
const SHORTEST: usize = 12;
/// And only if the sentence goes on for at least this much.
const SHORTEST_REST: usize = 16;
/// A cut without a comma leaves at least this much of the sentence.
const SHORTEST_TAIL: usize = 8;

/// Words with which another part of the sentence begins: a voice may pause before them.
const CONNECTIVES: [&str; 18] = [
    "and", "as", "because", "before", "but", "for", "if", "or", "so", "than", "that", "then", "to",
    "until", "when", "where", "which", "while",
];
/// Words with which a phrase begins: what a sentence says of its subject, or where and when. A
/// pause before them is less natural, and better than one elsewhere.
const PHRASES: [&str; 34] = [
    "are", "at", "by", "can", "comes", "costs", "could", "did", "does", "ends", "from", "had",
    "has", "have", "in", "includes", "into", "is", "may", "must", "on", "renews", "should",
    "since", "starts", "through", "under", "was", "were", "will", "with", "within", "without",
    "would",
];
/// Beginnings of verbs to which an "in" or "on" after them belongs.
const PARTICLE_VERBS: [&str; 6] = ["log", "opt", "plug", "sign", "switch", "turn"];
/// Words that belong to what comes after them: no voice pauses there.
const BINDING: [&str; 49] = [
    "a", "an", "and", "are", "as", "at", "be", "because", "but", "by", "can", "could", "for",
    "from", "has", "have", "her", "his", "i", "if", "in", "into", "is", "it", "its", "my", "no",
    "not", "of", "on", "or", "our", "that", "the", "their", "these", "this", "to", "was", "we",
    "were", "which", "will", "with", "would", "you", "your", "i'm", "you're",
];
/// Shortened words whose full stop never ends a sentence.
const TITLES: [&str; 13] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "no", "nos", "vs", "e.g", "i.e", "approx", "cf",
];
/// Shortened words whose full stop ends a sentence if a capital letter follows.
const SHORTENED: [&str; 10] = [
    "etc", "inc", "ltd", "co", "corp", "jr", "sr", "a.m", "p.m", "u.s",
];

/// Cuts a text into clauses while it arrives.
///
/// The first clause is short, so that speech begins soon, and each next one short enough to be
/// ready in time; apart from that, whole sentences are kept together, because they sound best.
/// The clauses, one after the other, are the text itself, white space included.
#[derive(Debug, Default, Clone)]
pub struct Clauses {
    waiting: String,
    /// Length of the clause before, 0 at first.
    before: usize,
}

impl Clauses {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next part of the text, which may end anywhere.
    pub fn push(&mut self, text: &str) {
        self.waiting.push_str(text);
    }

    /// The next clause, if it is certain where it ends. To be called until it gives none.
    pub fn next_clause(&mut self) -> Option<String> {
        let end = self.end(false)?;
        Some(self.cut(end))
    }

    /// The next clause after all of the text has arrived. To be called until it gives none.
    pub fn finish(&mut self) -> Option<String> {
        if self.waiting.trim().is_empty() {
            self.waiting.clear();
            return None;
        }
        let end = self.end(true).unwrap_or(self.waiting.len());
        Some(self.cut(end))
    }

    fn cut(&mut self, end: usize) -> String {
        let rest = self.waiting.split_off(end);
        let clause = std::mem::replace(&mut self.waiting, rest);
        self.before = clause.trim().chars().map(cost).sum();
        clause
    }

    /// Where the next clause ends. `complete` says that no more text will come.
    fn end(&self, complete: bool) -> Option<usize> {
        let text = self.waiting.as_str();
        let start = text.len() - text.trim_start().len();
        let limit = reach(text, start, self.limit());
        // A little more is taken whole rather than leaving a scrap.
        let stretched = reach(text, start, self.limit() * 5 / 4);
        let sentence = sentence_end(text, start, complete);
        let known = sentence.unwrap_or(text.len());
        let commas = || {
            ends_of_clauses(&text[..known])
                .filter(move |end| end - start >= SHORTEST && known - end >= SHORTEST_REST)
        };
        if self.before == 0 {
            // The first comma will do: what matters is to begin.
            if let Some(end) = commas().find(|&end| end <= stretched) {
                return Some(end);
            }
        }
        if known <= stretched {
            // If its end is not known yet, it may still fit.
            return sentence;
        }
        let halfway = start + (limit - start) / 2;
        let words = ends_of_words(&text[..known]).filter(|&end| end > start && end <= limit);
        commas()
            .rfind(|&end| end <= limit)
            .or_else(|| {
                // Of boundaries that are as good, the last: `max_by_key` gives that one.
                words.max_by_key(|&end| {
                    let is_balanced = end > halfway && known - end >= SHORTEST_TAIL;
                    (is_balanced, boundary(&text[start..end], &text[end..]))
                })
            })
            .or(Some(limit))
    }

    fn limit(&self) -> usize {
        if self.before == 0 {
            FIRST
        } else {
            (self.before * GROWTH).clamp(NEXT, LONGEST)
        }
    }
}

/// All clauses of a text.
pub fn clauses(text: &str) -> Vec<String> {
    let mut clauses = Clauses::new();
    clauses.push(text);
    std::iter::from_fn(|| clauses.finish()).collect()
}

/// How much speech a letter makes.
fn cost(letter: char) -> usize {
    if letter.is_ascii_digit() || "$%\u{20ac}\u{a3}@".contains(letter) {
        DIGIT
    } else {
        letter.len_utf8()
    }
}

/// How far from `start` the text reaches within `budget`.
fn reach(text: &str, start: usize, mut budget: usize) -> usize {
    let beyond = text[start..].char_indices().find(|(_, letter)| {
        let is_within = cost(*letter) <= budget;
        budget = budget.saturating_sub(cost(*letter));
        !is_within
    });
    beyond.map_or(text.len(), |(at, _)| start + at)
}

/// The end of the first sentence, white space after it included.
fn sentence_end(text: &str, start: usize, complete: bool) -> Option<usize> {
    let marks = text[start..]
        .char_indices()
        .map(|(at, mark)| (start + at, mark));
    for (at, mark) in marks {
        if mark == '\n' {
            return Some(at + 1);
        }
        if !matches!(mark, '.' | '!' | '?' | '\u{2026}') {
            continue;
        }
        let after = &text[at + mark.len_utf8()..];
        let closing =
            after.trim_start_matches(['.', '!', '?', '"', '\'', ')', '\u{2019}', '\u{201d}']);
        let Some(space) = closing.chars().next() else {
            // Whether more of the sentence comes is not known yet.
            return complete.then_some(text.len());
        };
        if !space.is_whitespace() {
            continue;
        }
        let next = closing.trim_start().chars().next();
        if next.is_none() && !complete {
            return None;
        }
        if mark == '.' && !is_full_stop(&text[start..at], next) {
            continue;
        }
        return Some(text.len() - closing.len() + space.len_utf8());
    }
    complete.then_some(text.len())
}

/// Does the dot after `before` end a sentence, if `next` is what follows?
fn is_full_stop(before: &str, next: Option<char>) -> bool {
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let word = word
        .trim_start_matches(['(', '"', '\''])
        .to_ascii_lowercase();
    let is_initial =
        word.len() == 1 && word != "i" && word.starts_with(|c: char| c.is_alphabetic());
    let is_list_number = before.trim() == word && word.bytes().all(|byte| byte.is_ascii_digit());
    if is_initial || is_list_number || TITLES.contains(&word.as_str()) {
        return next.is_none();
    }
    let goes_on = next.is_some_and(char::is_lowercase);
    !goes_on && (!SHORTENED.contains(&word.as_str()) || next.is_none_or(char::is_uppercase))
}

/// Places after a comma or the like and the space that follows it.
fn ends_of_clauses(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.match_indices([',', ';', ':', '\u{2014}', '\u{2013}'])
        .filter_map(|(at, mark)| {
            let mut after = text[at + mark.len()..].chars();
            let space = after.next().filter(|space| space.is_whitespace())?;
            // A number after a comma belongs to what stands before, as in "March 3, 2025".
            let goes_on = mark == "," && after.next().is_some_and(|next| next.is_ascii_digit());
            (!goes_on).then_some(at + mark.len() + space.len_utf8())
        })
}

fn ends_of_words(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.char_indices()
        .filter(|(_, letter)| letter.is_whitespace())
        .map(|(at, space)| at + space.len_utf8())
}

/// How natural a pause is between what stands before and after, from 0.
fn boundary(before: &str, after: &str) -> u8 {
    let word = |word: Option<&str>| word.unwrap_or_default().to_lowercase();
    let last = word(before.split_whitespace().next_back());
    let next = word(after.split_whitespace().next());
    let is_figure = last.contains(|c: char| c.is_ascii_digit());
    let is_particle = matches!(next.as_str(), "in" | "on")
        && PARTICLE_VERBS.iter().any(|verb| last.starts_with(verb));
    match () {
        () if is_particle => 0,
        () if BINDING.contains(&last.as_str()) => 0,
        () if CONNECTIVES.contains(&next.as_str()) => 3,
        // "25 people" and "March 3 at noon" stay together.
        () if is_figure => 0,
        () if PHRASES.contains(&next.as_str()) => 2,
        () => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_clause_is_short_and_sentences_stay_whole() {
        let text = "You are on the Pro plan, which renews on March 3, 2025. It costs $29.99 a \
                    month, paid by card, and has room for 25 people. Anything else?";
        insta::assert_debug_snapshot!(clauses(text), @r#"
        [
            "You are on the Pro plan, ",
            "which renews on March 3, 2025. ",
            "It costs $29.99 a month, paid by card, and has room for 25 people. ",
            "Anything else?",
        ]
        "#);
    }

    #[test]
    fn a_dot_does_not_always_end_a_sentence() {
        let text = "Ask Dr. Smith at 5 p.m. about v2.3, e.g. by mail. See example.com. Is that \
                    all, Mr. J. Doe? 1. Open it.\n2. Close it.\nWe work with the U.S. team. Thanks!";
        insta::assert_debug_snapshot!(clauses(text), @r#"
        [
            "Ask Dr. Smith ",
            "at 5 p.m. about ",
            "v2.3, e.g. by mail. ",
            "See example.com. ",
            "Is that all, Mr. J. Doe? ",
            "1. Open it.\n",
            "2. Close it.\n",
            "We work with the U.S. team. ",
            "Thanks!",
        ]
        "#);
    }

    #[test]
    fn a_long_sentence_without_commas_is_cut_before_a_connective() {
        let text = "To reset your password open the sign in page and choose the link below the \
                    form because that sends you a mail which holds everything that you need to go on.";
        insta::assert_debug_snapshot!(clauses(text), @r#"
        [
            "To reset your password ",
            "open the sign in page and choose the link ",
            "below the form because that sends you a mail which holds everything that you need to go on.",
        ]
        "#);
    }

    #[test]
    fn the_first_cut_of_an_answer_is_where_a_voice_would_pause() {
        let answers = [
            "Your subscription plan is enterprise.",
            "I'm sorry, I don't know that.",
            "Hello, this is Iris. How can I help you today?",
            "You can change your payment method in the billing settings.",
            "The last invoice was paid on March 3 by card.",
            "Your team has 14 of 20 seats in use at the moment.",
            "We keep deleted projects for thirty days so that you can restore them.",
            "Refunds are possible within fourteen days after the first payment.",
            "Two factor authentication is switched on under security.",
            "Nobody signed in from another country during the last seven days.",
        ];
        let first: Vec<String> = answers.map(|answer| clauses(answer).join("| ")).to_vec();
        insta::assert_snapshot!(first.join("\n"), @r#"
        Your subscription plan | is enterprise.
        I'm sorry, I don't know that.
        Hello, this is Iris. | How can I help you today?
        You can change | your payment method in the billing settings.
        The last invoice was paid | on March 3 by card.
        Your team | has 14 of 20 seats | in use at the moment.
        We keep deleted projects | for thirty days so that you can restore them.
        Refunds are possible | within fourteen days after the first payment.
        Two factor authentication | is switched on under security.
        Nobody signed in from | another country during the last seven days.
        "#);
    }

    #[test]
    fn a_clause_is_given_as_soon_as_it_is_certain() {
        let mut clauses = Clauses::new();
        let mut given = Vec::new();
        for word in "Sure. You are on the Pro plan. It renews in May".split_inclusive(' ') {
            clauses.push(word);
            while let Some(clause) = clauses.next_clause() {
                given.push(format!("{clause:?} at {word:?}"));
            }
        }
        given.extend(clauses.finish());
        insta::assert_debug_snapshot!(given, @r#"
        [
            "\"Sure. \" at \"You \"",
            "\"You are on the Pro plan. \" at \"It \"",
            "It renews in May",
        ]
        "#);
        assert_eq!(clauses.finish(), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_long(
            text in r#"([a-zA-Z]{1,12}|[0-9.,$]{1,6}|[,.!?;:\n\u{2014}"')(]|[äß世😀]{1,9}|[ ]{1,3}|[x世]{200,300}){0,60}"#,
            step in 1usize..40,
        ) {
            let whole = clauses(&text);
            let joined = whole.concat();
            prop_assert_eq!(joined.trim_end(), text.trim_end());
            for clause in &whole {
                prop_assert!(clause.trim().len() <= LONGEST * 5 / 4 && !clause.trim().is_empty(), "{:?}", clause);
            }
            let mut clauses = Clauses::new();
            let mut pieces = String::new();
            let letters: Vec<char> = text.chars().collect();
            for piece in letters.chunks(step) {
                clauses.push(&String::from_iter(piece));
                while let Some(clause) = clauses.next_clause() {
                    prop_assert!(clause.trim().len() <= LONGEST * 5 / 4 && !clause.trim().is_empty());
                    pieces.push_str(&clause);
                }
            }
            while let Some(clause) = clauses.finish() {
                pieces.push_str(&clause);
            }
            prop_assert_eq!(pieces.trim_end(), text.trim_end());
        }
    }
}
