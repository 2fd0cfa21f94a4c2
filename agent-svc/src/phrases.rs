//! What a caller's words are as a phrase: a whole one or the beginning of one, and one that only shows
//! that they follow. What tells them is [learned](crate::learned).

use speech::Models;
use speech::phrase::{Phrase, PhraseReader};

use crate::domain;
use crate::learned::{Linear, Weights};

/// Phrases that are read at a time: as many as the judge recognises.
const WORKERS: usize = 1;

/// Judges phrases. Clones share the model.
#[derive(Debug, Clone)]
pub struct Phrases {
    reader: PhraseReader,
}

impl Phrases {
    /// Loads the model.
    ///
    /// # Errors
    /// What [`Models::phrase_reader`] says.
    pub fn load(models: &Models) -> Result<Self, speech::Error> {
        Ok(Self {
            reader: models.phrase_reader(WORKERS)?,
        })
    }

    /// What a phrase is like; marks and capitals do not count. `None` when there are no words.
    ///
    /// # Errors
    /// The model fails.
    pub fn read(&self, text: &str) -> Result<Option<Phrase>, speech::Error> {
        let words = domain::words(text);
        if words.is_empty() {
            return Ok(None);
        }
        self.reader.read(&words.join(" ")).map(Some)
    }

    /// How likely it is that nothing follows these words, 0 to 1.
    pub(crate) fn whole(&self, text: &str) -> Result<f32, speech::Error> {
        self.judge(text, |weights| &weights.whole)
    }

    /// How likely it is that these words, said over somebody, are a back-channel, 0 to 1.
    pub(crate) fn nod(&self, text: &str) -> Result<f32, speech::Error> {
        self.judge(text, |weights| &weights.nod)
    }

    fn judge(&self, text: &str, by: fn(&Weights) -> &Linear) -> Result<f32, speech::Error> {
        let phrase = self.read(text)?;
        Ok(phrase.map_or(0.0, |phrase| by(Weights::current()).probability(&phrase)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::tests::models;

    #[test]
    fn whole_phrases_are_told_from_beginnings() {
        let phrases = Phrases::load(&models()).expect("the model loads");
        let whole = |text: &str| phrases.whole(text).expect("an answer");
        for text in [
            "How do I log in?",
            "Who is it for?",
            "Yes.",
            "Yes, it is.",
            "It started last week.",
            "I don't know what the price is.",
            "That's all I wanted to know, thank you.",
        ] {
            assert!(whole(text) > 0.4, "{text}: {}", whole(text));
        }
        for text in [
            "",
            "...",
            "I'd like to change my.",
            "So the thing is that I,",
            "If I remove a user, does.",
            "What I wanted to ask is",
            "I’m calling about",
            "Does the business plan",
            "Because when I open the settings page",
            "The address is um.",
        ] {
            assert!(whole(text) < 0.3, "{text}: {}", whole(text));
        }
    }

    #[test]
    fn following_is_told_from_wanting_the_floor() {
        let phrases = Phrases::load(&models()).expect("the model loads");
        let nod = |text: &str| phrases.nod(text).expect("an answer");
        for text in [
            "Mhm.",
            "Mm-hmm.",
            "Uh-huh.",
            "OK, yeah!",
            "Right. Right.",
            "I see.",
            "Oh, got it.",
            "Yeah, that makes sense.",
            "Fair enough.",
        ] {
            assert!(nod(text) > 0.5, "{text}: {}", nod(text));
        }
        for text in [
            "",
            "Stop.",
            "No.",
            "Wait, what?",
            "Okay, but why?",
            "Nope, wait.",
            "Right, and the other plan?",
            "Forty.",
        ] {
            assert!(nod(text) < 0.5, "{text}: {}", nod(text));
        }
    }
}
