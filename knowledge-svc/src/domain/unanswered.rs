//! Questions that nothing answered.

use chrono::{DateTime, Utc};
use service_kit::{Tier, UserId};
use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

use super::{Slug, without_fillers};

/// A question that nothing answered. What was asked is personal, so it has no form for a log.
pub(crate) struct Unanswered {
    /// The question as it was asked.
    pub(crate) text: String,
    pub(crate) language: String,
    /// The only collection that was looked in, if it was one.
    pub(crate) collection: Option<Slug>,
    /// What documents had to be labelled with.
    pub(crate) labels: Vec<String>,
    /// The plan of whoever asked.
    pub(crate) visibility: Tier,
    /// What came nearest, if anything was looked at.
    pub(crate) nearest: Option<Nearest>,
    pub(crate) user_id: UserId,
    pub(crate) ask_time: DateTime<Utc>,
}

/// The passage that came nearest to an answer.
pub(crate) struct Nearest {
    pub(crate) document_id: String,
    /// How likely it was that it answers, 0 to 1.
    pub(crate) confidence: f64,
}

impl Unanswered {
    /// Whether there is a word in it; what has none asks for no article.
    pub(crate) fn has_words(&self) -> bool {
        !normalised(&self.text).is_empty()
    }

    /// The same for alike questions.
    pub(crate) fn alike_hash(&self) -> [u8; 32] {
        let text = normalised(&self.text);
        let collection = self.collection.as_ref().map_or("", Slug::as_str);
        let language = self.language.to_lowercase();
        let mut labels: Vec<_> = self.labels.iter().map(String::as_str).collect();
        labels.sort_unstable();
        labels.dedup();
        let mut hash = Sha256::new();
        for part in [&text, collection, &language].into_iter().chain(labels) {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().into()
    }
}

/// The words of a question in lower case, without what is said before it and what stands between them.
fn normalised(question: &str) -> String {
    let text = without_fillers(question).to_lowercase().replace('’', "'");
    let words: Vec<_> = text.unicode_words().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_questions_have_the_same_words() {
        for (asked, words) in [
            ("How do I pay?", "how do i pay"),
            ("So, uh,  how do I   pay...", "how do i pay"),
            ("“What’s” a PL-429?!", "what's a pl 429"),
            ("Größe\nÄNDERN – wie?", "größe ändern wie"),
            ("19.50 or 20?", "19.50 or 20"),
            ("?! 🥚", ""),
        ] {
            assert_eq!(normalised(asked), words, "{asked}");
        }
    }

    #[test]
    fn where_and_in_which_language_it_was_asked_tells_questions_apart() {
        let asked = |text: &str, collection: Option<&str>, language: &str, labels: &[&str]| {
            let question = Unanswered {
                text: text.into(),
                language: language.into(),
                collection: collection.map(|name| name.parse().unwrap()),
                labels: labels.iter().map(ToString::to_string).collect(),
                visibility: Tier::Free,
                nearest: None,
                user_id: "ada".parse().unwrap(),
                ask_time: DateTime::UNIX_EPOCH,
            };
            question.alike_hash()
        };
        let plain = asked("Is it blue?", None, "en", &[]);
        assert_eq!(asked("is it BLUE", None, "EN", &[]), plain);
        for other in [
            asked("is it red", None, "en", &[]),
            asked("is it blue", Some("help"), "en", &[]),
            asked("is it blue", None, "de", &[]),
            asked("is it blue", None, "en", &["a"]),
        ] {
            assert_ne!(other, plain);
        }
        assert_eq!(
            asked("is it blue", None, "en", &["a", "b", "a"]),
            asked("is it blue", None, "en", &["b", "a"])
        );
    }
}
