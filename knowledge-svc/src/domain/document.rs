//! What a document may be.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use service_kit::Tier;
use uuid::Uuid;

const MAX_TITLE: usize = 200;
const MAX_CONTENT: usize = 1024 * 1024;
const MAX_LABELS: usize = 20;
const MAX_LABEL: usize = 40;

/// The id of a document or the name of a collection: 3 to 80 lower-case letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slug(String);

/// What a writer says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) collection: Slug,
    pub(crate) title: String,
    pub(crate) content: String,
    pub(crate) content_type: ContentType,
    pub(crate) language: String,
    pub(crate) labels: Vec<String>,
    /// The lowest plan whose users find it.
    pub(crate) visibility: Tier,
}

/// A document as it is kept. The content is empty where it was not asked for.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) document_id: String,
    pub(crate) draft: Draft,
    /// The path that it was imported from; none when it was written by itself.
    pub(crate) source: Option<String>,
    pub(crate) embedding_state: EmbeddingState,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) update_time: DateTime<Utc>,
    pub(crate) etag: Uuid,
}

/// The new values of the fields that change.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) collection: Option<Slug>,
    pub(crate) title: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) content_type: Option<ContentType>,
    pub(crate) language: Option<String>,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) visibility: Option<Tier>,
}

/// The form of a document's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentType {
    Markdown,
    Html,
    PlainText,
}

/// What an import did with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Added,
    Changed,
    Unchanged,
    Removed,
}

/// How far a document's vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbeddingState {
    Pending,
    Ready,
    Failed,
}

/// What is wrong with a field, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("must be 3 to 80 lower-case letters, digits or dashes")]
    Slug,
    #[error("must have 1 to {MAX_TITLE} characters, and no control characters")]
    Title,
    #[error("must have 1 to {MAX_CONTENT} bytes, has {0}")]
    ContentSize(usize),
    #[error("must not hold NUL characters")]
    ContentNul,
    #[error("must hold some text besides headings, pictures and markup")]
    NoText,
    #[error("makes {0} passages, and at most {max} are kept: split the document", max = super::passage::MAX_PASSAGES)]
    TooManyPassages(usize),
    #[error("must be a BCP 47 tag such as en or pt-BR")]
    Language,
    #[error(
        "must be at most {MAX_LABELS} labels of 1 to {MAX_LABEL} characters, without control characters"
    )]
    Labels,
}

impl Slug {
    /// A fresh id.
    pub(crate) fn generate() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (3..=80).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Slug)
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Change {
    /// `draft` with the new values in it.
    pub(crate) fn apply(self, draft: Draft) -> Draft {
        Draft {
            collection: self.collection.unwrap_or(draft.collection),
            title: self.title.unwrap_or(draft.title),
            content: self.content.unwrap_or(draft.content),
            content_type: self.content_type.unwrap_or(draft.content_type),
            language: self.language.unwrap_or(draft.language),
            labels: self.labels.unwrap_or(draft.labels),
            visibility: self.visibility.unwrap_or(draft.visibility),
        }
    }
}

impl ContentType {
    /// The form in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::PlainText => "plain_text",
        }
    }
}

/// A title without the blanks around it.
pub(crate) fn check_title(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TITLE || text.chars().any(char::is_control) {
        return Err(Problem::Title);
    }
    Ok(text.to_owned())
}

pub(crate) fn check_content(text: String) -> Result<String, Problem> {
    if !(1..=MAX_CONTENT).contains(&text.len()) {
        return Err(Problem::ContentSize(text.len()));
    }
    if text.contains('\0') {
        return Err(Problem::ContentNul);
    }
    Ok(text)
}

/// A language tag by its form alone; `en` when there is none.
pub(crate) fn check_language(text: &str) -> Result<String, Problem> {
    if text.is_empty() {
        return Ok("en".to_owned());
    }
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    let primary_fits =
        (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
    let rest_fits = parts.all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if primary_fits && rest_fits && text.len() <= 35 {
        Ok(text.to_owned())
    } else {
        Err(Problem::Language)
    }
}

pub(crate) fn check_labels(labels: Vec<String>) -> Result<Vec<String>, Problem> {
    let fits = |label: &String| {
        (1..=MAX_LABEL).contains(&label.chars().count()) && !label.chars().any(char::is_control)
    };
    if labels.len() <= MAX_LABELS && labels.iter().all(fits) {
        Ok(labels)
    } else {
        Err(Problem::Labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_lower_case_letters_digits_and_dashes() {
        for good in ["abc", "reset-password", "a1-", &"a".repeat(80)] {
            assert!(good.parse::<Slug>().is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "ab",
            "Abc",
            "a_b",
            "a b",
            "äbc",
            "abc\0",
            &"a".repeat(81),
        ] {
            assert_eq!(bad.parse::<Slug>(), Err(Problem::Slug), "{bad:?}");
        }
        assert!(Slug::generate().as_str().parse::<Slug>().is_ok());
    }

    #[test]
    fn titles_are_one_line_of_text() {
        assert_eq!(check_title("  Refunds ").unwrap(), "Refunds");
        for bad in ["", "  ", "a\nb", "a\0b", &"ä".repeat(201)] {
            assert_eq!(check_title(bad), Err(Problem::Title), "{bad:?}");
        }
        assert!(check_title(&"ä".repeat(200)).is_ok());
    }

    #[test]
    fn content_is_bounded_and_can_be_stored() {
        assert!(check_content("x".repeat(MAX_CONTENT)).is_ok());
        for (bad, problem) in [
            (String::new(), Problem::ContentSize(0)),
            (
                "x".repeat(MAX_CONTENT + 1),
                Problem::ContentSize(MAX_CONTENT + 1),
            ),
            ("a\0b".to_owned(), Problem::ContentNul),
        ] {
            assert_eq!(check_content(bad), Err(problem));
        }
    }

    #[test]
    fn languages_have_the_form_of_tags() {
        for good in ["en", "pt-BR", "zh-Hant-TW", "gsw"] {
            assert_eq!(check_language(good).as_deref(), Ok(good));
        }
        assert_eq!(check_language("").as_deref(), Ok("en"));
        for bad in [
            "e",
            "english",
            "en_US",
            "en-",
            "1x",
            "en-toolongsubtag",
            "dé",
        ] {
            assert_eq!(check_language(bad), Err(Problem::Language), "{bad:?}");
        }
    }

    #[test]
    fn labels_are_few_and_short() {
        let labels = |count: usize, label: &str| vec![label.to_owned(); count];
        assert!(check_labels(labels(20, "billing")).is_ok());
        for bad in [
            labels(21, "a"),
            labels(1, ""),
            labels(1, &"x".repeat(41)),
            labels(1, "a\0"),
        ] {
            assert_eq!(check_labels(bad), Err(Problem::Labels));
        }
    }
}
