//! What the words of a short sound over the assistant mean.

/// What a recogniser makes of a short sound.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// The words, empty if there are none.
    pub text: String,
    /// How sure it is of them, 0 to 1.
    pub confidence: f32,
}

/// Words that are less sure than this were murmured, or are no English.
const CLEAR: f32 = 0.6;

/// What somebody who hears the words of a sound makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// There are none: a cough, a key, a noise.
    Nothing,
    /// "Mhm", "okay": the caller follows and does not want the floor.
    Backchannel,
    /// The assistant's own words, as the caller's microphone picks them up.
    Echo,
    /// There are some, but nobody knows which: "mhm" through the nose, or another language.
    Unclear,
    /// Something the caller wants to say.
    Speech,
}

impl Sense {
    /// What `heard` means while the assistant says `spoken`; `echoes` when the caller's side may
    /// not cancel echoes yet.
    pub(super) fn of(heard: &Heard, spoken: &str, echoes: bool) -> Self {
        let is_clear = heard.confidence >= CLEAR;
        let heard = words(&heard.text);
        if heard.is_empty() {
            Self::Nothing
        } else if is_backchannel(&heard) {
            Self::Backchannel
        } else if !is_clear {
            Self::Unclear
        } else if echoes && is_echo(&heard, &words(spoken)) {
            Self::Echo
        } else {
            Self::Speech
        }
    }
}

/// What people say to show that they follow. Longer ones first.
const BACKCHANNELS: [&[&str]; 52] = [
    &["that", "makes", "sense"],
    &["all", "right"],
    &["got", "it"],
    &["i", "see"],
    &["make", "sense"],
    &["makes", "sense"],
    &["of", "course"],
    &["oh", "wow"],
    &["sounds", "good"],
    &["that's", "right"],
    &["very", "good"],
    &["ah"],
    &["aha"],
    &["alright"],
    &["cool"],
    &["exactly"],
    &["fine"],
    &["good"],
    &["great"],
    &["ha"],
    &["hm"],
    &["hmm"],
    &["hmmm"],
    &["huh"],
    &["indeed"],
    &["interesting"],
    &["m"],
    &["mhm"],
    &["mhmm"],
    &["mm"],
    &["mmhm"],
    &["mmhmm"],
    &["mmm"],
    &["nice"],
    &["oh"],
    &["ok"],
    &["okay"],
    &["perfect"],
    &["really"],
    &["right"],
    &["sir"],
    &["sure"],
    &["true"],
    &["uh"],
    &["uhhuh"],
    &["um"],
    &["wow"],
    &["ya"],
    &["yeah"],
    &["yep"],
    &["yes"],
    &["yup"],
];

/// More words than this are said to be heard.
const MAX_BACKCHANNEL: usize = 4;

fn is_backchannel(heard: &[String]) -> bool {
    let mut rest = heard;
    while !rest.is_empty() {
        let known = BACKCHANNELS.iter().find(|known| {
            rest.len() >= known.len() && rest.iter().zip(**known).all(|(a, b)| a == b)
        });
        match known {
            Some(known) => rest = &rest[known.len()..],
            None => return false,
        }
    }
    heard.len() <= MAX_BACKCHANNEL
}

/// Whether nearly all of it is what the assistant says.
fn is_echo(heard: &[String], spoken: &[String]) -> bool {
    let said = heard.iter().filter(|word| spoken.contains(word)).count();
    said * 4 >= heard.len() * 3
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|mark: char| !mark.is_alphanumeric() && mark != '\'' && mark != '’')
        .map(|word| {
            word.trim_matches(['\'', '’'])
                .to_lowercase()
                .replace('’', "'")
        })
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn following_is_told_from_wanting_the_floor() {
        let clear = |text: &str| Heard {
            text: text.to_owned(),
            confidence: 0.9,
        };
        let sense = |heard: &str| Sense::of(&clear(heard), "Hello Ada, how can I help you?", true);
        for heard in ["", " ... ", "-"] {
            assert_eq!(sense(heard), Sense::Nothing, "{heard}");
        }
        for heard in [
            "Mhm.",
            "Mm-hmm.",
            "Uh-huh.",
            "Okay.",
            "OK, yeah!",
            "Right. Right.",
            "I see.",
            "Oh, got it.",
            "That’s right.",
            "Yeah, that makes sense.",
        ] {
            assert_eq!(sense(heard), Sense::Backchannel, "{heard}");
        }
        for heard in [
            "Stop.",
            "No.",
            "Wait, what?",
            "Okay, but why?",
            "Yeah yeah yeah yeah yeah.",
            "Nope, wait.",
            "Right, and the other plan?",
        ] {
            assert_eq!(sense(heard), Sense::Speech, "{heard}");
        }
        assert_eq!(sense("Hello Ada, how can"), Sense::Echo);
        assert_eq!(sense("How can I cancel?"), Sense::Echo);
        assert_eq!(sense("Cancel my plan."), Sense::Speech);
        let said = Sense::of(&clear("help you"), "help you", false);
        assert_eq!(said, Sense::Speech);
    }

    #[test]
    fn words_that_are_not_sure_are_some_words() {
        let murmured = |text: &str| {
            let heard = Heard {
                text: text.to_owned(),
                confidence: 0.5,
            };
            Sense::of(&heard, "Your plan is Pro.", false)
        };
        let found = ["Emil.", "Okay.", "", "Your plan is Pro."].map(murmured);
        use Sense::{Backchannel, Nothing, Unclear};
        assert_eq!(found, [Unclear, Backchannel, Nothing, Unclear]);
    }
}
