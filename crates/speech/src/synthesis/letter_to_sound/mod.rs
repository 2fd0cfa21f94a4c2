//! How words are spoken that no dictionary knows: product names, people's names, new compounds.
//!
//! In turn: a small table of names, the parts of a compound that the dictionary knows, letters one
//! by one when there is no vowel, and rules from letters to sounds. A guess, but a word that is
//! left out would be worse.

mod rules;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use misaki_rs::Fallback;
use misaki_rs::fallback::FallbackError;
use misaki_rs::lexicon::{Lexicon, PhonemeEntry};

/// Names that rules get wrong, in lower case, and their phonemes.
const NAMES: [(&str, &str); 26] = [
    ("anthropic", "ænθɹˈɑpɪk"),
    ("asana", "əsˈɑnə"),
    ("auth", "ˈɔθ"),
    ("azure", "ˈæʒəɹ"),
    ("config", "kənfˈɪɡ"),
    ("figma", "fˈɪɡmə"),
    ("github", "ɡˈɪthˌʌb"),
    ("gmail", "ʤˈimˌAl"),
    ("jira", "ʤˈɪɹə"),
    ("kubernetes", "kˌubəɹnˈɛTiz"),
    ("linux", "lˈɪnəks"),
    ("nguyen", "wˈɪn"),
    ("nginx", "ˌɛnʤɪnˈɛks"),
    ("niamh", "nˈiv"),
    ("okta", "ˈɑktə"),
    ("openai", "ˌOpᵊnˌAˈI"),
    ("postgres", "pˈOstɡɹɛs"),
    ("saml", "sˈæməl"),
    ("shopify", "ʃˈɑpəfˌI"),
    ("siobhan", "ʃəvˈɔn"),
    ("trello", "tɹˈɛlO"),
    ("ubuntu", "ubˈuntu"),
    ("webhook", "wˈɛbhˌʊk"),
    ("yaml", "jˈæməl"),
    ("zapier", "zˈApiəɹ"),
    ("zendesk", "zˈɛndˌɛsk"),
];

/// Letters as they are called.
const LETTERS: [&str; 26] = [
    "ˈA",
    "bˈi",
    "sˈi",
    "dˈi",
    "ˈi",
    "ˈɛf",
    "ʤˈi",
    "ˈAʧ",
    "ˈI",
    "ʤˈA",
    "kˈA",
    "ˈɛl",
    "ˈɛm",
    "ˈɛn",
    "ˈO",
    "pˈi",
    "kjˈu",
    "ˈɑɹ",
    "ˈɛs",
    "tˈi",
    "jˈu",
    "vˈi",
    "dˈʌbᵊlju",
    "ˈɛks",
    "wˈI",
    "zˈi",
];

/// Shortest first and second part of a compound.
const SHORTEST_PART: usize = 3;
/// Second parts that may be shorter: "signup", "plugin".
const SHORT_PARTS: [&str; 5] = ["up", "in", "on", "by", "to"];

/// Words that compounds are made of, and their phonemes.
pub(super) type Parts = HashMap<Box<str>, Box<str>>;

/// Guesses at the phonemes of unknown words.
#[derive(Debug, Default, Clone)]
pub(super) struct LetterToSound {
    /// Filled once the dictionary is loaded, which is after this is given to it.
    parts: Arc<OnceLock<Parts>>,
}

impl LetterToSound {
    /// Takes the common short words of a dictionary as parts of compounds.
    pub(super) fn learn(&self, lexicon: &Lexicon) {
        let parts = lexicon.golds.iter().filter_map(|(word, entry)| {
            let is_part =
                (2..=9).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase());
            let phonemes = match entry {
                PhonemeEntry::Simple(phonemes) => phonemes,
                PhonemeEntry::Tagged(by_tag) => by_tag.get("DEFAULT")?.as_ref()?,
            };
            is_part.then(|| (word.as_str().into(), phonemes.as_str().into()))
        });
        // A dictionary teaches once; what a second one would say is the same.
        let _ = self.parts.set(parts.collect());
    }

    /// The phonemes of any text, word by word. Never empty if there is a letter in it.
    fn guess(&self, text: &str) -> String {
        let words = text.split(|c: char| !c.is_ascii_alphabetic() && c != '\'');
        let guesses = words
            .filter(|word| !word.is_empty())
            .map(|word| self.word(word));
        guesses.collect::<Vec<_>>().join(" ")
    }

    fn word(&self, word: &str) -> String {
        let lower = word.to_ascii_lowercase();
        let lower = lower.trim_matches('\'');
        if let Some(stem) = lower.strip_suffix("'s") {
            return with_s(&self.word(stem));
        }
        let lower = lower.replace('\'', "");
        if let Some(phonemes) = known(&lower).or_else(|| self.compound(&lower)) {
            return phonemes;
        }
        let stem = lower
            .strip_suffix('s')
            .filter(|stem| !stem.ends_with(['s', 'u', 'i']));
        if let Some(phonemes) = stem.and_then(|stem| known(stem).or_else(|| self.compound(stem))) {
            return with_s(&phonemes);
        }
        rules::pronounce(&lower).unwrap_or_else(|| spell(&lower))
    }

    /// Two words of the dictionary written as one, stressed on the first.
    fn compound(&self, word: &str) -> Option<String> {
        let parts = self.parts.get()?;
        let last = word.len().checked_sub(2)?;
        // A longer first part is the likelier.
        (SHORTEST_PART..=last).rev().find_map(|at| {
            let (first, second) = word.split_at_checked(at)?;
            if second.len() < SHORTEST_PART && !SHORT_PARTS.contains(&second) {
                return None;
            }
            let (first, second) = (parts.get(first)?, parts.get(second)?);
            Some(format!("{first}{}", second.replace('ˈ', "ˌ")))
        })
    }
}

impl Fallback for LetterToSound {
    fn phonemize(&self, word: &str) -> Result<String, FallbackError> {
        Ok(self.guess(word))
    }
}

fn known(word: &str) -> Option<String> {
    let found = NAMES.iter().find(|(name, _)| *name == word);
    found.map(|(_, phonemes)| (*phonemes).to_owned())
}

fn spell(word: &str) -> String {
    word.bytes()
        .filter(u8::is_ascii_lowercase)
        .map(|letter| LETTERS[usize::from(letter - b'a')])
        .collect()
}

/// The plural or possessive.
fn with_s(phonemes: &str) -> String {
    let ending = match phonemes.chars().last() {
        Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ') => "ᵻz",
        Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
        _ => "z",
    };
    format!("{phonemes}{ending}")
}

#[cfg(test)]
mod tests {
    use misaki_rs::{G2P, Language};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_words_are_spoken() {
        let guesser = LetterToSound::default();
        let g2p = G2P::with_fallback(Language::EnglishUS, Some(Box::new(guesser.clone())));
        guesser.learn(&g2p.lexicon);
        let said = |text: &str| format!("{text}\n    {}\n", g2p.g2p(text).unwrap().0);
        let table: String = [
            "Kubernetes, Zendesk and Jira webhooks",
            "signup, livechat, timezone, plugins, autosave, dropdown, namespace",
            "Nguyen, Siobhan, Priya, Zoltan, Xiomara, Lumio, Tidewell, Northwind",
            "Northwind's, Okta's, brrr, tzxq, xkcd",
            "Quillbot, Typeform, Grafana, Chargebee, Paddle, Klaviyo, Brevo, Mixpanel",
            "Thaddeus, Knoxley, Phaedra, Wrenna, Jaxton, Ghislaine, Bjork, Whitlock",
        ]
        .map(said)
        .concat();
        insta::assert_snapshot!(table, @r"
        Kubernetes, Zendesk and Jira webhooks
            kˌubəɹnˈɛTiz, zˈɛndˌɛsk ænd ʤˈɪɹə wˈɛbhˌʊks
        signup, livechat, timezone, plugins, autosave, dropdown, namespace
            sˈInˌʌp, lˈIvʧˌæt, tˈImzˌOn, plˈʌɡɪnz, ˈɔTOsˌAv, dɹˈɑpdˌWn, nˈAmspˌAs
        Nguyen, Siobhan, Priya, Zoltan, Xiomara, Lumio, Tidewell, Northwind
            wˈɪn, ʃəvˈɔn, pɹˈijə, zˈɑltən, ziOmˈɑɹə, lˈumiO, tˈIdwˌɛl, nˈɔɹθwˌɪnd
        Northwind's, Okta's, brrr, tzxq, xkcd
            nˈɔɹθwˌɪndz, ˈɑktəz, bˈiˈɑɹˈɑɹˈɑɹ, tˈizˈiˈɛkskjˈu, ˈɛkskˈAsˈidˈi
        Quillbot, Typeform, Grafana, Chargebee, Paddle, Klaviyo, Brevo, Mixpanel
            kwˈɪlbˌɑt, tˈIpfˌɔɹm, ɡɹɑfˈɑnə, ʧˈɑɹʤbˌi, pˈædᵊl, klɑvˈijO, bɹˈɛvO, mˈɪkspˌænᵊl
        Thaddeus, Knoxley, Phaedra, Wrenna, Jaxton, Ghislaine, Bjork, Whitlock
            θˈædus, nˈɑksli, fˈAdɹə, ɹˈɛnə, ʤˈækstən, ɡˈɪslAn, bʤˈɔɹk, wˈɪtlˌɑk
        ");
    }

    proptest! {
        #[test]
        fn every_word_has_a_sound(word in "[A-Za-z]{1,30}") {
            let phonemes = LetterToSound::default().guess(&word);
            prop_assert!(phonemes.chars().any(char::is_alphabetic), "{word}");
            prop_assert!(phonemes.contains('ˈ'), "{} is {} without stress", word, phonemes);
        }

        #[test]
        fn nothing_makes_it_fail(word in r"\PC{0,40}") {
            prop_assert!(LetterToSound::default().phonemize(&word).is_ok());
        }
    }
}
