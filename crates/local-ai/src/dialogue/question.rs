//! A question: its words, the kind of answer it asks for, and whose affairs it is about.

use std::sync::LazyLock;

use regex::Regex;

use super::learned::Evidence;
use super::text::{pattern, stems, without_lead, words};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The whole of it, with what it refers back to.
    pub text: String,
    /// What is new in it, where it goes on from the question before.
    pub news: Option<String>,
}

/// The kind of answer that a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Time,
    Number,
    Person,
    Place,
}

impl Question {
    /// A question that stands alone.
    pub fn new(text: &str) -> Self {
        Self {
            text: without_lead(text).to_owned(),
            news: None,
        }
    }

    /// The part that says what is asked for.
    pub(super) fn focus(&self) -> &str {
        self.news.as_deref().unwrap_or(&self.text)
    }

    /// The words that carry its meaning, without endings, each once.
    pub(super) fn stems(&self) -> Vec<String> {
        let mut stems = stems(self.focus());
        if stems.is_empty() {
            stems = super::text::stems(&self.text);
        }
        let mut seen = std::collections::HashSet::new();
        stems.retain(|stem| seen.insert(stem.clone()));
        stems
    }

    /// The kind of answer that is asked for, if the question says so.
    pub(super) fn kind(&self) -> Option<Kind> {
        static WHEN: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?i)\b(when|what (date|day|time|hours)|which day|(until|since|by) when|how (long|soon|often|quickly|early|late)|date)\b",
            )
        });
        static HOW_MANY: LazyLock<Regex> = LazyLock::new(|| {
            pattern(r"(?i)\b(how (many|much|big|large|far|full|old)|costs?|prices?)\b")
        });
        static WHO: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(who|whom|whose)\b"));
        static WHERE: LazyLock<Regex> = LazyLock::new(|| {
            pattern(r"(?i)\b(where|(in )?which (country|region|city|place|page|menu))\b")
        });
        let focus = self.focus();
        if WHEN.is_match(focus) {
            Some(Kind::Time)
        } else if HOW_MANY.is_match(focus) {
            Some(Kind::Number)
        } else if WHO.is_match(focus) {
            Some(Kind::Person)
        } else if WHERE.is_match(focus) {
            Some(Kind::Place)
        } else {
            None
        }
    }

    /// Whether it asks to be told something, so that nothing is to be done for it.
    pub(super) fn asks_to_be_told(&self) -> bool {
        static ASKS: LazyLock<Regex> = LazyLock::new(|| {
            pattern(r"(?i)^\W*(how|what|what's|when|where|which|who|who's|whom|whose|why)\b")
        });
        ASKS.is_match(self.focus())
    }

    /// Whether it asks for something to be done: an order, a wish, a request. Who only tells something
    /// begins with somebody or something.
    pub(super) fn is_order(&self) -> bool {
        static ASKS: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?i)\b(please|(can|could|would|will|may) (you|i|we)|(want|need|like|have) (you )?to|let me)\b",
            )
        });
        const TELLING: [&str; 24] = [
            "i", "i'm", "i've", "my", "we", "we're", "we've", "our", "the", "a", "an", "it",
            "it's", "this", "that", "there", "you", "your", "is", "are", "am", "do", "does", "if",
        ];
        let first = words(self.focus()).into_iter().next();
        ASKS.is_match(self.focus()) || first.is_some_and(|word| !TELLING.contains(&word.as_str()))
    }

    /// Evidence for a question about the state of the asker's own account.
    pub fn about_own(&self) -> Evidence {
        static SIGNS: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
            [
                ("possessive", r"\b(my|our|mine|ours)\b"),
                ("subject", r"\b(do|did|have|are|were|am|can|should|could) (i|we)\b"),
                ("first_person", r"\b(i|we|i'm|i've|we're|we've)\b"),
                ("how_to", r"\bhow (do|can|could|would|should|to) ?(i|we|you)?\b"),
                ("may", r"\b(can|could|may|must|should) (i|we|you|my)\b"),
                ("impersonal", r"^(is|are|does|do) (there|it|you|your|the)\b"),
                ("second_person", r"\b(you|your)\b"),
                (
                    "state",
                    r"\b(have|had) (i|we)\b|\bdo (i|we) (still |already |currently )?(have|owe|pay|use)\b|\bam i\b|\bare we\b|\b(i|we) (have|'ve|'m|are|am)\b",
                ),
                (
                    "at_present",
                    r"\b(now|currently|right now|so far|already|left|at the moment|this month|next|last|still)\b",
                ),
                ("in_general", r"\bwhat happens|what if|how long (does|do|is|will)\b"),
                ("wish", r"\b(want|need|would like|like) to\b"),
                (
                    "what_of_mine",
                    r"^(what|which|when|who|where|how (many|much|far|often))\b.*\b(my|our|i|we)\b",
                ),
                ("indefinite", r"\b(a|an|any)\b"),
                ("condition", r"\bif\b"),
            ]
            .into_iter()
            .map(|(name, text)| (name, pattern(&format!("(?i){text}"))))
            .collect()
        });
        let flag = |is_so: bool| f32::from(u8::from(is_so));
        let mut evidence: Evidence = SIGNS
            .iter()
            .map(|(name, sign)| (*name, flag(sign.is_match(&self.text))))
            .collect();
        let has = |word: &str| words(&self.text).iter().any(|said| said == word);
        let is_mine = [
            "i", "i'm", "i've", "me", "my", "we", "we're", "we've", "us", "our",
        ]
        .into_iter()
        .any(has);
        evidence.push(("only_yours", flag(has("your") && !is_mine)));
        evidence
    }
}

impl Kind {
    /// Whether a text can be such an answer.
    pub(super) fn is_answered_by(self, text: &str) -> bool {
        static TIME: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?i)\b(january|february|march|april|may|june|july|august|september|october|november|december|(mon|tues|wednes|thurs|fri|satur|sun)days?|week(day|end)s?|today|tomorrow|yesterday|seconds?|minutes?|hours?|days?|weeks?|months?|years?|quarters?|nights?|mornings?|evenings?|am|pm|never|always|at once|immediately|daily|weekly|hourly|monthly|yearly|since|until|yet|now|renewal|ended)\b|\b(19|20)\d\d\b",
            )
        });
        static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?i)\d|\b(no|none|nothing|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|half|quarter|dozen|unlimited|free|all|every)\b",
            )
        });
        static PERSON: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"^[A-Z]\w+ [A-Z]\w+|(?i)\b(owners?|admins?|administrators?|members?|viewers?|editors?|staff|team|people|person|everybody|everyone|anyone|nobody|customers?|whoever|manager|engineers?|users?|head)\b",
            )
        });
        static PLACE: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?i)\b(in|at|under|on|by|near|next to|beside|open|choose|settings|page|menu|street|lane|road|country|city)\b|(?-i:[a-z,] [A-Z])",
            )
        });
        match self {
            Self::Time => TIME.is_match(text),
            Self::Number => NUMBER.is_match(text),
            Self::Person => PERSON.is_match(text),
            Self::Place => PLACE.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_says_what_kind_of_answer_it_wants() {
        for (text, expected) in [
            ("When does my contract end?", Some(Kind::Time)),
            ("How long does it take?", Some(Kind::Time)),
            ("How much storage have I used?", Some(Kind::Number)),
            ("Who is my account manager?", Some(Kind::Person)),
            ("Where is my data kept?", Some(Kind::Place)),
            ("What plan am I on?", None),
        ] {
            assert_eq!(Question::new(text).kind(), expected, "{text}");
        }
        assert!(Kind::Time.is_answered_by("May 4th") && !Kind::Time.is_answered_by("pro"));
        assert!(Kind::Number.is_answered_by("231 of 300"));
        assert!(!Kind::Number.is_answered_by("Robert Hayes"));
        assert!(Kind::Person.is_answered_by("Robert Hayes"));
        assert!(Kind::Place.is_answered_by("Frankfurt, Germany"));
    }

    #[test]
    fn a_question_that_asks_to_be_told_something_is_no_order() {
        for (text, expected) in [
            ("Hi, how do I change my name?", true),
            ("What would be a good name for a puppy?", true),
            ("Can you change my name?", false),
            ("Change my name, please.", false),
        ] {
            assert_eq!(Question::new(text).asks_to_be_told(), expected, "{text}");
        }
    }

    #[test]
    fn an_order_asks_for_something_to_be_done() {
        for (text, expected) in [
            ("Change my name, please.", true),
            ("Change my name.", true),
            ("I want to speak to a person.", true),
            ("Can I talk to a human?", true),
            (
                "I just got married and my last name should be different.",
                false,
            ),
            ("My light is broken.", false),
        ] {
            assert_eq!(Question::new(text).is_order(), expected, "{text}");
        }
    }

    #[test]
    fn what_leads_up_to_a_question_does_not_count() {
        let question = Question::new("Hi, quick question, how do I pay?");
        assert_eq!(question.text, "how do I pay?");
        assert_eq!(question.stems(), ["pay"]);
    }
}
