//! What the words of a short sound over the assistant mean.

/// What a recogniser makes of a short sound.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// The words, empty if there are none.
    pub text: String,
    /// How sure it is of them, 0 to 1.
    pub confidence: f32,
    /// How sure it is of the last of them.
    pub last_confidence: f32,
}

/// Words that are less sure than this were murmured, or are no English.
const CLEAR: f32 = 0.6;
/// The same once a sound is over, of the last of them too: it is whole then, and more is asked of it.
const CLEAR_WHOLE: f32 = 0.7;

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
    /// not cancel echoes yet. The last word of a sound that is not over (`is_whole`) is never sure.
    pub(super) fn of(heard: &Heard, is_whole: bool, spoken: &str, echoes: bool) -> Self {
        let is_clear = if is_whole {
            heard.confidence.min(heard.last_confidence) >= CLEAR_WHOLE
        } else {
            heard.confidence >= CLEAR
        };
        let heard = words(&heard.text);
        if heard.is_empty() {
            Self::Nothing
        } else if is_backchannel(&heard, is_whole) {
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
#[rustfmt::skip]
const BACKCHANNELS: &[&[&str]] = &[
    &["that", "makes", "sense"], &["that", "sounds", "good"],
    &["all", "right"], &["fair", "enough"], &["for", "sure"], &["go", "ahead"], &["go", "on"],
    &["got", "it"], &["i", "know"], &["i", "see"], &["i", "understand"], &["make", "sense"],
    &["makes", "sense"], &["my", "goodness"], &["nice", "one"], &["no", "problem"],
    &["no", "worries"], &["of", "course"], &["oh", "dear"], &["oh", "wow"], &["sounds", "good"],
    &["sounds", "great"], &["sure", "thing"], &["thank", "you"], &["that's", "cool"],
    &["that's", "fine"], &["that's", "good"], &["that's", "great"], &["that's", "nice"],
    &["that's", "okay"], &["that's", "right"], &["that's", "true"], &["very", "good"],
    &["very", "well"],
    &["absolutely"], &["agreed"], &["ah"], &["aha"], &["alright"], &["amazing"], &["awesome"],
    &["brilliant"], &["certainly"], &["cool"], &["definitely"], &["exactly"], &["excellent"],
    &["fantastic"], &["fine"], &["good"], &["gotcha"], &["great"], &["ha"], &["hm"], &["hmm"],
    &["hmmm"], &["huh"], &["indeed"], &["interesting"], &["lovely"], &["m"], &["mhm"], &["mhmm"],
    &["mm"], &["mmhm"], &["mmhmm"], &["mmm"], &["nice"], &["oh"], &["ok"], &["okay"],
    &["perfect"], &["really"], &["right"], &["sir"], &["sure"], &["thanks"], &["totally"],
    &["true"], &["uh"], &["uhhuh"], &["um"], &["understood"], &["wonderful"], &["wow"], &["ya"],
    &["yeah"], &["yep"], &["yes"], &["yup"],
];

/// More words than this are said to be heard.
const MAX_BACKCHANNEL: usize = 4;

/// Whether it is nothing but such words. What is not over may go on in the beginning of some; one that
/// begins so is not waited for, because it begins anything ("no", "I").
fn is_backchannel(heard: &[String], is_whole: bool) -> bool {
    let mut rest = heard;
    while !rest.is_empty() {
        let known = BACKCHANNELS.iter().find(|known| {
            rest.len() >= known.len() && rest.iter().zip(**known).all(|(a, b)| a == b)
        });
        match known {
            Some(known) => rest = &rest[known.len()..],
            None if !is_whole && rest.len() < heard.len() && begins_backchannel(rest) => break,
            None => return false,
        }
    }
    heard.len() <= MAX_BACKCHANNEL
}

/// Whether these words begin one, the last of them perhaps cut short.
fn begins_backchannel(words: &[String]) -> bool {
    let Some((last, before)) = words.split_last() else {
        return false;
    };
    BACKCHANNELS.iter().any(|known| {
        let is_same = before.iter().zip(*known).all(|(a, b)| a == b);
        let next = known.get(before.len());
        is_same && next.is_some_and(|next| next.starts_with(last.as_str()))
    })
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
            last_confidence: 0.9,
        };
        let spoken = "Hello Ada, how can I help you?";
        let sense = |heard: &str| Sense::of(&clear(heard), true, spoken, true);
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
        let said = Sense::of(&clear("help you"), true, "help you", false);
        assert_eq!(said, Sense::Speech);
    }

    #[test]
    fn words_that_are_not_sure_are_some_words() {
        let murmured = |text: &str| {
            let heard = Heard {
                text: text.to_owned(),
                confidence: 0.5,
                last_confidence: 0.9,
            };
            Sense::of(&heard, false, "Your plan is Pro.", false)
        };
        let found = ["Emil.", "Okay.", "", "Your plan is Pro."].map(murmured);
        use Sense::{Backchannel, Nothing, Unclear};
        assert_eq!(found, [Unclear, Backchannel, Nothing, Unclear]);
    }

    #[test]
    fn the_beginning_of_a_nod_is_one_until_it_is_over() {
        let sense = |text: &str| {
            let heard = Heard {
                text: text.to_owned(),
                confidence: 0.9,
                last_confidence: 0.9,
            };
            [false, true].map(|is_whole| Sense::of(&heard, is_whole, "", false))
        };
        use Sense::{Backchannel, Speech};
        assert_eq!(sense("Yeah, that"), [Backchannel, Speech]);
        assert_eq!(sense("Oh, of c"), [Backchannel, Speech]);
        assert_eq!(sense("No"), [Speech, Speech], "it may be meant");
        assert_eq!(sense("Yeah, that's fine."), [Backchannel, Backchannel]);
        assert_eq!(sense("No, I"), [Speech, Speech]);
        assert_eq!(sense("Okay, but"), [Speech, Speech]);
    }

    #[test]
    fn a_last_word_that_is_not_sure_counts_once_the_sound_is_over() {
        let heard = Heard {
            text: "Yellow king.".to_owned(),
            confidence: 0.7,
            last_confidence: 0.4,
        };
        let found = [false, true].map(|is_whole| Sense::of(&heard, is_whole, "", false));
        assert_eq!(found, [Sense::Speech, Sense::Unclear]);
    }
}
