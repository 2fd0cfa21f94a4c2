//! The questions, and what answers them. They stand in `knowledge-svc/eval`.

use std::{fs, path::Path};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a question is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The corpus answers it.
    Answerable,
    /// It sounds as if the corpus might, and nothing does.
    Near,
    /// It is about something else altogether.
    OffTopic,
    /// It tries to instruct whoever reads it.
    Injection,
}

/// What a question may be looked at for. Which half it is in is decided by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Half {
    /// For choosing weights.
    Development,
    /// For judging what was chosen, and for nothing else.
    HeldOut,
}

/// How the question reached the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Style {
    /// As it is written.
    Written,
    /// As the recogniser heard a voice of ours say it, with the words that callers begin with.
    Spoken,
}

#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    pub(crate) answers: Vec<Answer>,
}

/// A document, or a section of it, that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) document_id: String,
    /// `None` when the whole document will do; empty before the first heading.
    pub(crate) section: Option<String>,
}

/// What a voice of ours said, and what was heard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hearing {
    pub(crate) question: String,
    pub(crate) voice: String,
    pub(crate) said: String,
    pub(crate) heard: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hearings {
    pub(crate) heard: Vec<Hearing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    answerable: Vec<Answerable>,
    #[serde(default)]
    near: Vec<Unanswerable>,
    #[serde(default)]
    off_topic: Vec<Unanswerable>,
    #[serde(default)]
    injection: Vec<Unanswerable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answerable {
    question: String,
    answers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unanswerable {
    question: String,
}

impl Question {
    pub(crate) fn half(&self) -> Half {
        match Sha256::digest(&self.text)[0] % 2 {
            0 => Half::Development,
            _ => Half::HeldOut,
        }
    }
}

impl Answer {
    fn parse(text: &str) -> Self {
        match text.split_once('#') {
            Some((document_id, section)) => Self {
                document_id: document_id.to_owned(),
                section: Some(section.to_owned()),
            },
            None => Self {
                document_id: text.to_owned(),
                section: None,
            },
        }
    }
}

/// The questions of a corpus, with those that are about no corpus.
pub(crate) fn read(folder: &Path, corpus: &str) -> anyhow::Result<Vec<Question>> {
    let mut questions = Vec::new();
    for name in [corpus, "off-topic"] {
        let path = folder.join(name).with_extension("toml");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
        questions.extend(file.answerable.into_iter().map(|question| {
            Question {
                text: question.question,
                kind: Kind::Answerable,
                answers: question
                    .answers
                    .iter()
                    .map(|text| Answer::parse(text))
                    .collect(),
            }
        }));
        for (kind, list) in [
            (Kind::Near, file.near),
            (Kind::OffTopic, file.off_topic),
            (Kind::Injection, file.injection),
        ] {
            questions.extend(list.into_iter().map(|question| Question {
                text: question.question,
                kind,
                answers: Vec::new(),
            }));
        }
    }
    Ok(questions)
}

/// What was heard of the questions.
pub(crate) fn hearings(folder: &Path) -> anyhow::Result<Hearings> {
    let path = folder.join("spoken.toml");
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: run `cargo xtask gen --spoken-questions`",
            path.display()
        )
    })?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_a_document_or_a_section_of_it() {
        let section = |text: &str| Answer::parse(text).section;
        assert_eq!(section("refunds"), None);
        assert_eq!(section("refunds#").as_deref(), Some(""));
        assert_eq!(
            section("refunds#When the money arrives").as_deref(),
            Some("When the money arrives")
        );
    }

    #[test]
    fn every_committed_question_is_asked_once_and_both_halves_have_enough() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("eval");
        for corpus in ["demo", "postgresql"] {
            let questions = read(&folder, corpus).unwrap();
            let mut texts: Vec<_> = questions.iter().map(|question| &question.text).collect();
            texts.sort();
            texts.dedup();
            assert_eq!(texts.len(), questions.len(), "{corpus}");
            for kind in [Kind::Answerable, Kind::Near, Kind::OffTopic] {
                let of = |half| {
                    let asked =
                        |question: &&Question| question.kind == kind && question.half() == half;
                    questions.iter().filter(asked).count()
                };
                assert!(
                    of(Half::Development) >= 15 && of(Half::HeldOut) >= 15,
                    "{corpus}, {kind:?}"
                );
            }
        }
    }
}
