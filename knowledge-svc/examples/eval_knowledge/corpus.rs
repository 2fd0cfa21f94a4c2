//! What is searched: the demo articles, and the PostgreSQL manual as Debian ships it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use proto::insta::knowledge::v1::{ContentType, Document, Passage};
use regex::Regex;

use crate::questions::Answer;

/// Pages of the manual that hold nothing but links.
const LINKS_ONLY: [&str; 2] = ["bookindex", "index"];

/// Documents with questions to them.
pub(crate) struct Corpus {
    /// The name of its questions' file, and of its collection.
    pub(crate) name: &'static str,
    pub(crate) documents: Vec<Document>,
    /// The heading of each section that questions may name, by document and name.
    headings: HashMap<(String, String), String>,
}

impl Corpus {
    pub(crate) fn demo() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/xtask/demo/articles");
        let mut documents = Vec::new();
        for path in files(&folder, "md")? {
            let content = read(&path)?;
            let title = content
                .lines()
                .find_map(|line| line.strip_prefix("title: "));
            let title = title.with_context(|| format!("{}: no title", path.display()))?;
            documents.push(Document {
                document_id: stem(&path),
                collection: "demo".into(),
                title: title.to_owned(),
                content,
                ..Document::default()
            });
        }
        Ok(Self {
            name: "demo",
            documents,
            headings: HashMap::new(),
        })
    }

    /// The pages in `folder`, as they are.
    pub(crate) fn manual(folder: &Path) -> anyhow::Result<Self> {
        let title = Regex::new("(?s)<title>(.*?)</title>")?;
        // "20.3. Connections" is spoken of as "Connections".
        let number = Regex::new(r"^(?:(?:Chapter|Appendix|Part) )?[0-9A-Z]+(?:\.[0-9]+)*\. ")?;
        let section = Regex::new(
            r#"(?s)<div class="(?:sect[1-5]|refsect[1-3]|refentry|chapter|appendix)" id="([^"]+)">.*?<h[1-6][^>]*>(.*?)</h[1-6]>"#,
        )?;
        let mut corpus = Self {
            name: "postgresql",
            documents: Vec::new(),
            headings: HashMap::new(),
        };
        for path in files(folder, "html")? {
            let document_id = stem(&path);
            if LINKS_ONLY.contains(&document_id.as_str()) {
                continue;
            }
            let content = read(&path)?;
            let named = title.captures(&content).map(|found| plain(&found[1]));
            let named = named.with_context(|| format!("{}: no title", path.display()))?;
            for found in section.captures_iter(&content) {
                let key = (document_id.clone(), found[1].to_owned());
                corpus.headings.insert(key, letters(&plain(&found[2])));
            }
            corpus.documents.push(Document {
                document_id,
                collection: "postgresql".into(),
                title: number.replace(&named, "").into_owned(),
                content,
                content_type: ContentType::Html.into(),
                ..Document::default()
            });
        }
        ensure!(
            !corpus.documents.is_empty(),
            "{}: no pages",
            folder.display()
        );
        Ok(corpus)
    }

    /// Whether the passage stands where `answer` says.
    pub(crate) fn is_answer(&self, answer: &Answer, passage: &Passage) -> bool {
        if answer.document_id != passage.document_id {
            return false;
        }
        let Some(section) = &answer.section else {
            return true;
        };
        let key = (answer.document_id.clone(), section.clone());
        match self.headings.get(&key) {
            Some(heading) => {
                let mut above = passage.heading_path.split(" > ");
                above.any(|above| letters(above) == *heading)
            }
            None => passage.heading_path == *section,
        }
    }

    /// Names what no document holds.
    pub(crate) fn check(&self, answer: &Answer) -> anyhow::Result<()> {
        let Answer {
            document_id,
            section,
        } = answer;
        let document = self
            .documents
            .iter()
            .find(|document| document.document_id == *document_id);
        let document = document.with_context(|| format!("no document {document_id:?}"))?;
        let Some(section) = section else {
            return Ok(());
        };
        let is_there = match self.name {
            "demo" => section.is_empty() || document.content.contains(&format!("# {section}\n")),
            _ => self
                .headings
                .contains_key(&(document_id.clone(), section.clone())),
        };
        ensure!(is_there, "{document_id:?} has no section {section:?}");
        Ok(())
    }
}

/// Text without tags and with single blanks.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for letter in html.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            '\u{a0}' if !is_tag => text.push(' '),
            letter if !is_tag => text.push(letter),
            _ => {}
        }
    }
    for (entity, letter) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, letter);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Letters alone: numbers of sections and marks may or may not be kept.
fn letters(text: &str) -> String {
    let letters = text.chars().filter(|letter| letter.is_alphabetic());
    letters.flat_map(char::to_lowercase).collect()
}

fn files(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
