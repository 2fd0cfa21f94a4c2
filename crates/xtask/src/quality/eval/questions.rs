//! A set of questions with what a right answer is; the format is described in `demo/README.md`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;

/// What kind of question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Article,
    Account,
    FollowUp,
    OffTopic,
    NearTopic,
    SmallTalk,
}

/// The tool that has to be called first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    SearchKnowledge,
    GetAccount,
    EndCall,
    None,
    /// It does not matter.
    Any,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub kind: Kind,
    /// The caller's email.
    pub user: String,
    /// What they asked before in the same call.
    #[serde(default)]
    pub before: Vec<String>,
    pub question: String,
    pub tool: Tool,
    /// The article that answers.
    pub document_id: Option<String>,
    /// Articles that answer, any of them.
    #[serde(default)]
    pub documents: Vec<String>,
    /// Groups of alternatives: each group has to be said by one of its alternatives.
    #[serde(default)]
    pub must_say: Vec<Vec<String>>,
    #[serde(default)]
    pub must_decline: bool,
    /// Whether the answer stands further down in its article.
    #[serde(default)]
    pub detail: bool,
    /// For people.
    #[serde(default)]
    #[expect(dead_code, reason = "for people who read the file")]
    pub note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    questions: Vec<Question>,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Account => "account",
            Self::FollowUp => "follow-up",
            Self::OffTopic => "off-topic",
            Self::NearTopic => "near-topic",
            Self::SmallTalk => "small talk",
        }
    }
}

impl Tool {
    /// Its name, where a certain one is wanted.
    pub fn name(self) -> &'static str {
        match self {
            Self::SearchKnowledge => "search_knowledge",
            Self::GetAccount => "get_account",
            Self::EndCall => "end_call",
            Self::None => "none",
            Self::Any => "any",
        }
    }
}

impl Question {
    /// Whether an article is one that answers.
    pub fn is_answered_by(&self, document: &str) -> bool {
        self.document_id.as_deref() == Some(document)
            || self.documents.iter().any(|known| known == document)
    }

    /// Whether it matters which article the answer is from.
    pub fn names_documents(&self) -> bool {
        self.document_id.is_some() || !self.documents.is_empty()
    }
}

/// The sets of a folder, by name.
pub fn sets(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    ensure!(!files.is_empty(), "{} holds no set", folder.display());
    Ok(files)
}

/// Reads a set of questions.
pub fn read(file: &Path) -> anyhow::Result<Vec<Question>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let set: Set = toml::from_str(&text).with_context(|| file.display().to_string())?;
    ensure!(
        !set.questions.is_empty(),
        "{} holds no question",
        file.display()
    );
    Ok(set.questions)
}
