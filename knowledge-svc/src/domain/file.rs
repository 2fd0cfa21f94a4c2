//! A file of a help centre as a document: what it is called, what it says, who may read it.

use std::fmt::Write;

use service_kit::Tier;
use sha2::{Digest, Sha256};

use super::{
    ContentType, Draft, Passage, Slug, check_content, check_labels, check_language, check_title,
    front_matter, html, markdown, passages,
};

/// Counted up when documents are to be read and cut anew although their files have not changed.
const READING: u8 = 1;
const MAX_PATH: usize = 500;
/// Room for a path in an id; what is longer is told apart by a hash.
const MAX_PATH_ID: usize = 60;

/// A file as it was sent.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path below the folder that is imported, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    /// By the end of the path when it is not said.
    pub(crate) content_type: Option<ContentType>,
}

/// The document that a file makes.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) document_id: Slug,
    pub(crate) draft: Draft,
    pub(crate) passages: Vec<Passage>,
}

impl File {
    /// Of all that the document is made from: the same hash means the same document.
    pub(crate) fn hash(&self, collection: &Slug) -> [u8; 32] {
        let content_type = self.content_type.map_or("", ContentType::as_str);
        let mut hash = Sha256::new_with_prefix([READING]);
        for part in [collection.as_str(), &self.path, content_type] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.update(&self.bytes);
        hash.finalize().into()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A sentence that begins after "The file", for people.
    pub(crate) fn read(self, collection: &Slug) -> Result<Imported, String> {
        let content_type = match self.content_type {
            Some(content_type) => content_type,
            None => by_ending(&self.path)?,
        };
        let text = utf8(&self.bytes)?;
        let (front, body) = front_matter::split(text)?;
        if body.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        let (own_title, own_language) = match content_type {
            ContentType::Markdown => (markdown::first_heading(body), None),
            ContentType::Html => {
                let page = html::read(body);
                (page.title, page.language)
            }
            ContentType::PlainText => (None, None),
        };
        let document_id = match &front.id {
            Some(id) => id
                .parse()
                .map_err(|problem| format!("has an id that {problem}"))?,
            None => id_of(&self.path, collection),
        };
        let title = front.title.or(own_title);
        let title = title.filter(|title| !title.trim().is_empty());
        let title = title.unwrap_or_else(|| words_of(&self.path));
        let language = front.language.or(own_language).unwrap_or_default();
        let visibility = match front.visibility.as_deref() {
            None => Tier::Free,
            Some(text) => text
                .parse()
                .map_err(|problem| format!("has a visibility that {problem}"))?,
        };
        let draft = Draft {
            collection: collection.clone(),
            title: check_title(&cut_title(&title))
                .map_err(|problem| format!("has a title that {problem}"))?,
            language: check_language(&language)
                .map_err(|problem| format!("has a language that {problem}"))?,
            labels: check_labels(front.labels.into())
                .map_err(|problem| format!("has labels that {problem}"))?,
            content: check_content(body.to_owned()).map_err(|problem| problem.to_string())?,
            content_type,
            visibility,
        };
        let passages = passages(&draft).map_err(|problem| problem.to_string())?;
        Ok(Imported {
            document_id,
            draft,
            passages,
        })
    }
}

/// Whether a path may name a file: relative, without `..`, and something that can be shown.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    let fits = !path.is_empty()
        && path.len() <= MAX_PATH
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if fits {
        Ok(())
    } else {
        Err(format!(
            "must be a relative path of 1 to {MAX_PATH} bytes with / between its parts, without . and .. and control characters"
        ))
    }
}

fn by_ending(path: &str) -> Result<ContentType, String> {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "md" | "markdown" => Ok(ContentType::Markdown),
        "html" | "htm" | "xhtml" => Ok(ContentType::Html),
        "txt" | "text" => Ok(ContentType::PlainText),
        _ => Err(
            "is of no kind that can be read: .md, .markdown, .html, .htm, .xhtml, .txt or .text"
                .to_owned(),
        ),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    if let [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] = bytes {
        return Err("is written in UTF-16; save it as UTF-8".to_owned());
    }
    // NUL bytes first: they tell a picture or an archive from text of another encoding.
    if let Some(place) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("is no text: byte {} is NUL", place + 1));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        format!("is not written in UTF-8, see line {line}; save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// An id of the path without its ending: `Billing/How to pay.md` is `billing-how-to-pay`.
fn id_of(path: &str, collection: &Slug) -> Slug {
    let stem = stem(path);
    let mut id = String::new();
    for letter in stem.chars() {
        if letter.is_ascii_alphanumeric() {
            id.push(letter.to_ascii_lowercase());
        } else if !id.ends_with('-') {
            id.push('-');
        }
    }
    let mut id = id.trim_matches('-').to_owned();
    if !stem.is_ascii() || id.len() > MAX_PATH_ID {
        id.truncate(MAX_PATH_ID);
        let hash = Sha256::digest(path.as_bytes());
        let _ = write!(
            id,
            "-{:02x}{:02x}{:02x}{:02x}",
            hash[0], hash[1], hash[2], hash[3]
        );
        id = id.trim_start_matches('-').to_owned();
    }
    if id.len() < 3 {
        let prefix: String = collection.as_str().chars().take(70).collect();
        id = format!("{prefix}-{id}");
    }
    id.parse().expect("it is made of what an id may hold")
}

/// The last part of the path in words: `how-to_pay` is `How to pay`.
fn words_of(path: &str) -> String {
    let name = stem(path).rsplit('/').next().unwrap_or_default();
    let words = name.replace(['-', '_', '.'], " ");
    let mut letters = words.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

fn stem(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.contains('/') => stem,
        _ => path,
    }
}

/// Titles of pages and headings can be of any length and hold line breaks.
fn cut_title(title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    title.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn read(path: &str, text: &str) -> Result<Imported, String> {
        let file = File {
            path: path.into(),
            bytes: text.into(),
            content_type: None,
        };
        file.read(&"help".parse().unwrap())
    }

    fn shown(path: &str, text: &str) -> String {
        match read(path, text) {
            Ok(Imported {
                document_id,
                draft,
                passages,
            }) => format!(
                "{document_id} | {} | {} | {} | {} | {} | {} passages",
                draft.title,
                draft.content_type.as_str(),
                draft.language,
                draft.visibility.as_str(),
                draft.labels.join(","),
                passages.len()
            ),
            Err(problem) => format!("The file {problem}."),
        }
    }

    #[test]
    fn a_file_says_what_it_is_or_is_named_by_its_path() {
        let front = "---\nid: money-back\ntitle: Refunds\nlanguage: de\nlabels: [billing]\nvisibility: enterprise\n---\n# Other\nText.";
        assert_snapshot!(shown("a/b.md", front), @"money-back | Refunds | markdown | de | enterprise | billing | 1 passages");
        assert_snapshot!(shown("Billing/How to pay.md", "# How do *I* pay?\nBy card."), @"billing-how-to-pay | How do I pay? | markdown | en | free |  | 1 passages");
        assert_snapshot!(shown("how-to_pay.txt", "By card."), @"how-to-pay | How to pay | plain_text | en | free |  | 1 passages");
        assert_snapshot!(shown("x/page.HTML", "<html lang=fr><title>Payer</title><p>Par carte."), @"x-page | Payer | html | fr | free |  | 1 passages");
        assert_snapshot!(shown("a.md", "\u{feff}Text."), @"help-a | A | markdown | en | free |  | 1 passages");
        assert_snapshot!(shown("Zürich.md", "Text."), @"z-rich-ffb6e1a3 | Zürich | markdown | en | free |  | 1 passages");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        assert_snapshot!(shown("a/logo.png", "x"), @"The file is of no kind that can be read: .md, .markdown, .html, .htm, .xhtml, .txt or .text.");
        assert_snapshot!(shown("a.md", ""), @"The file is empty.");
        assert_snapshot!(shown("a.md", "---\ntitle: x\n---\n \n"), @"The file is empty.");
        assert_snapshot!(shown("a.md", "# Only"), @"The file must hold some text besides headings, pictures and markup.");
        assert_snapshot!(shown("a.md", "a\0b"), @"The file is no text: byte 2 is NUL.");
        assert_snapshot!(shown("a.md", "---\nid: No!\n---\nText."), @"The file has an id that must be 3 to 80 lower-case letters, digits or dashes.");
        assert_snapshot!(shown("a.md", "---\nlanguage: klingon\n---\nText."), @"The file has a language that must be a BCP 47 tag such as en or pt-BR.");
        assert_snapshot!(shown("a.md", "---\nvisibility: gold\n---\nText."), @"The file has a visibility that must be free, pro or enterprise.");
        assert_snapshot!(shown("a.md", &"x ".repeat(600_000)), @"The file must have 1 to 1048576 bytes, has 1200000.");
    }

    #[test]
    fn encodings_other_than_utf_8_are_named() {
        let problem = |bytes: &[u8]| utf8(bytes).unwrap_err();
        assert_snapshot!(problem(b"Money\nR\xfcckgabe"), @"is not written in UTF-8, see line 2; save it as UTF-8");
        assert_snapshot!(problem(b"\xff\xfeR\0"), @"is written in UTF-16; save it as UTF-8");
        assert_snapshot!(problem(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), @"is no text: byte 9 is NUL");
    }

    #[test]
    fn paths_stay_below_their_folder() {
        assert!(check_path("a/b c/d.md").is_ok());
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/./b",
            "a\nb",
            &"x".repeat(501),
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_hash_is_of_all_that_makes_the_document() {
        let file = |path: &str, content_type| File {
            path: path.into(),
            bytes: b"x".to_vec(),
            content_type,
        };
        let (help, other) = ("help".parse().unwrap(), "other".parse().unwrap());
        let first = file("a.md", None).hash(&help);
        assert_eq!(first, file("a.md", None).hash(&help));
        assert_ne!(first, file("b.md", None).hash(&help));
        assert_ne!(first, file("a.md", None).hash(&other));
        assert_ne!(
            first,
            file("a.md", Some(ContentType::PlainText)).hash(&help)
        );
    }

    proptest::proptest! {
        #[test]
        fn every_path_makes_an_id(path in "[^\0]{1,120}") {
            let collection: Slug = "help".parse().unwrap();
            proptest::prop_assert!(id_of(&path, &collection).as_str().parse::<Slug>().is_ok());
        }
    }
}
