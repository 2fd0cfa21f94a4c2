//! From the voice that a client names to one that there is.

/// OpenAI's voices and those of ours that sound most alike, each another one. Chosen of those that
/// the recogniser hears best, in noise too.
const ALIKE: [(&str, &str); 13] = [
    ("alloy", "af_alloy"),
    ("ash", "am_michael"),
    ("ballad", "bm_george"),
    ("coral", "af_sarah"),
    ("echo", "am_echo"),
    ("fable", "bm_fable"),
    ("onyx", "am_onyx"),
    ("nova", "af_nova"),
    ("sage", "bf_emma"),
    ("shimmer", "bf_isabella"),
    ("verse", "am_eric"),
    ("marin", "af_heart"),
    ("cedar", "bm_daniel"),
];

/// The voice to speak with when `name` is asked for: one of ours by its name, or the nearest to
/// one of OpenAI's; `None` when the name is neither.
pub fn resolve<'a>(name: &str, voices: &'a [String]) -> Option<&'a str> {
    let ours = |name: &str| {
        voices
            .iter()
            .find(|voice| *voice == name)
            .map(String::as_str)
    };
    ours(name).or_else(|| {
        let (_, alike) = ALIKE.iter().find(|(openai, _)| *openai == name)?;
        ours(alike).or_else(|| voices.first().map(String::as_str))
    })
}

/// What to tell somebody who asked for a voice that there is not.
pub fn known(voices: &[String]) -> String {
    let openai = ALIKE.iter().map(|(name, _)| *name);
    voices
        .iter()
        .map(String::as_str)
        .chain(openai)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_openai_voices_are_the_same_of_ours() {
        let ours: BTreeSet<&str> = ALIKE.iter().map(|(_, ours)| *ours).collect();
        assert_eq!(ours.len(), ALIKE.len());
    }

    #[test]
    fn openai_names_find_the_nearest_voice_and_unknown_ones_none() {
        let voices = ["af_heart".to_owned(), "am_michael".to_owned()];
        assert_eq!(resolve("am_michael", &voices), Some("am_michael"));
        assert_eq!(resolve("ash", &voices), Some("am_michael"));
        assert_eq!(
            resolve("ballad", &voices),
            Some("af_heart"),
            "the nearest is not installed"
        );
        assert_eq!(resolve("nobody", &voices), None);
        assert!(known(&voices).starts_with("af_heart, am_michael, alloy"));
    }
}
