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
    /// How likely it is that they show that somebody follows and wants no more, 0 to 1.
    pub nod: f32,
}

/// Words that are less sure than this were murmured, or are no English.
const CLEAR: f32 = 0.6;
/// The same once a sound is over, of the last of them too: it is whole then, and more is asked of it.
const CLEAR_WHOLE: f32 = 0.7;
/// What is more likely than this to be a back-channel is one.
const NOD: f32 = 0.4;

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
        let (nod, heard) = (heard.nod, words(&heard.text));
        if heard.is_empty() {
            Self::Nothing
        } else if nod >= NOD {
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

/// Whether nearly all of it is what the assistant says.
fn is_echo(heard: &[String], spoken: &[String]) -> bool {
    let said = heard.iter().filter(|word| spoken.contains(word)).count();
    said * 4 >= heard.len() * 3
}

/// The words of a text, in lower case and without marks.
pub(crate) fn words(text: &str) -> Vec<String> {
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
impl Heard {
    /// As it would be heard and judged.
    pub(crate) fn of(text: &str, confidence: f32) -> Self {
        const NODS: &[&str] = &["hm", "mhm", "mm", "okay", "right", "yeah", "yes"];
        let words = words(text);
        let is_nod = words.iter().all(|word| NODS.contains(&word.as_str()));
        Self {
            text: text.to_owned(),
            confidence,
            last_confidence: confidence,
            nod: f32::from(u8::from(is_nod)),
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn sense(heard: &Heard, is_whole: bool) -> Sense {
        Sense::of(heard, is_whole, "Your plan is Pro.", false)
    }

    #[test]
    fn following_is_told_from_wanting_the_floor() {
        let spoken = "Hello Ada, how can I help you?";
        let sense = |heard: &str| Sense::of(&Heard::of(heard, 0.9), true, spoken, true);
        for heard in ["", " ... ", "-"] {
            assert_eq!(sense(heard), Sense::Nothing, "{heard}");
        }
        assert_eq!(sense("Okay, yeah!"), Sense::Backchannel);
        assert_eq!(sense("Okay, but why?"), Sense::Speech);
        assert_eq!(sense("Hello Ada, how can"), Sense::Echo);
        assert_eq!(sense("How can I cancel?"), Sense::Echo);
        assert_eq!(sense("Cancel my plan."), Sense::Speech);
        let said = Sense::of(&Heard::of("help you", 0.9), true, "help you", false);
        assert_eq!(said, Sense::Speech);
    }

    #[test]
    fn words_that_are_not_sure_are_some_words() {
        let found = ["Emil.", "Okay.", "", "Your plan is Pro."]
            .map(|text| sense(&Heard::of(text, 0.5), false));
        use Sense::{Backchannel, Nothing, Unclear};
        assert_eq!(found, [Unclear, Backchannel, Nothing, Unclear]);
    }

    #[test]
    fn a_last_word_that_is_not_sure_counts_once_the_sound_is_over() {
        let heard = Heard {
            last_confidence: 0.4,
            ..Heard::of("Yellow king.", 0.7)
        };
        let found = [false, true].map(|is_whole| sense(&heard, is_whole));
        assert_eq!(found, [Sense::Speech, Sense::Unclear]);
    }
}
