//! Cutting a document into the passages that searches find.
//!
//! A passage is the text below one heading, so that it is about one thing. Sections longer than what the embedding
//! models read well are split between sentences, each part beginning with the last sentence of the part before.

use sha2::{Digest, Sha256};

use super::{
    document::{ContentType, Draft, Problem},
    markdown::{self, Section},
    sentences,
};

/// The most passages that one document may make.
pub(super) const MAX_PASSAGES: usize = 2_000;
/// The length of a passage, in words; about 240 tokens. MiniLM reads no more than 256.
const MAX_WORDS: usize = 180;
/// Text with few blanks counts a word for so many characters.
const LONG_WORD: usize = 8;
/// A sentence longer than this, in words, is not repeated in the next part.
const MAX_OVERLAP: usize = 40;

/// A passage that is about to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// The headings above, joined with " > "; empty before the first.
    pub(crate) heading_path: String,
    /// Plain text; paragraphs, list items and table rows are a line each.
    pub(crate) text: String,
    /// Of all that is embedded: the same hash means the same vector.
    pub(crate) content_hash: [u8; 32],
}

/// The passages of a document, in order.
///
/// # Errors
/// When there is no text, or far too much of it.
pub(crate) fn passages(draft: &Draft) -> Result<Vec<Passage>, Problem> {
    let sections = match draft.content_type {
        ContentType::Markdown => markdown::sections(&draft.content),
        ContentType::PlainText => vec![plain_text(&draft.content)],
    };
    let mut passages = Vec::new();
    for section in sections {
        let heading_path = heading_path(&draft.title, &section.headings);
        passages.extend(split(&section.lines).into_iter().map(|text| Passage {
            content_hash: Sha256::digest(embedded_text(&draft.title, &heading_path, &text)).into(),
            heading_path: heading_path.clone(),
            text,
        }));
    }
    match passages.len() {
        0 => Err(Problem::NoText),
        1..=MAX_PASSAGES => Ok(passages),
        many => Err(Problem::TooManyPassages(many)),
    }
}

/// What the embedder reads: a passage says little without the title and the headings above it.
pub(crate) fn embedded_text(title: &str, heading_path: &str, text: &str) -> String {
    if heading_path.is_empty() {
        format!("{title}\n{text}")
    } else {
        format!("{title}\n{heading_path}\n{text}")
    }
}

/// A top heading that repeats the title says nothing.
fn heading_path(title: &str, headings: &[String]) -> String {
    match headings {
        [first, rest @ ..] if first.eq_ignore_ascii_case(title) => rest.join(" > "),
        all => all.join(" > "),
    }
}

/// Paragraphs are parted by empty lines.
fn plain_text(content: &str) -> Section {
    let mut section = Section::default();
    let mut words: Vec<&str> = Vec::new();
    for line in content.lines().chain([""]) {
        if line.trim().is_empty() && !words.is_empty() {
            section.lines.push(std::mem::take(&mut words).join(" "));
        }
        words.extend(line.split_whitespace());
    }
    section
}

/// Packs lines into parts of at most [`MAX_WORDS`].
fn split(lines: &[String]) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    for line in lines {
        let mut separator = "\n";
        for piece in pieces(line) {
            if !part.is_empty() && words(&part) + words(&piece) > MAX_WORDS {
                let repeated = overlap(&part, &piece);
                parts.push(std::mem::replace(&mut part, repeated));
            }
            if !part.is_empty() {
                part.push_str(separator);
            }
            part.push_str(&piece);
            separator = " ";
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// The last sentence of `part`, where there is room for it before `piece`.
fn overlap(part: &str, piece: &str) -> String {
    let last = sentences(part).pop().unwrap_or_default();
    let fits = words(last) <= MAX_OVERLAP && words(last) + words(piece) <= MAX_WORDS;
    if fits { last.to_owned() } else { String::new() }
}

/// A line whole where it fits into a passage, else its sentences, else parts of those.
fn pieces(line: &str) -> Vec<String> {
    if words(line) <= MAX_WORDS {
        return vec![line.to_owned()];
    }
    let mut pieces = Vec::new();
    for sentence in sentences(line) {
        if words(sentence) <= MAX_WORDS {
            pieces.push(sentence.to_owned());
        } else {
            pieces.extend(cut(sentence));
        }
    }
    pieces
}

/// Parts of a text that nothing else divides.
fn cut(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for word in text.split_whitespace().flat_map(cut_word) {
        match parts.last_mut() {
            Some(part) if words(part) + words(&word) <= MAX_WORDS => {
                part.push(' ');
                part.push_str(&word);
            }
            _ => parts.push(word),
        }
    }
    parts
}

fn cut_word(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters
        .chunks(MAX_WORDS * LONG_WORD)
        .map(|part| part.iter().collect())
        .collect()
}

fn words(text: &str) -> usize {
    let long = text.chars().count() / LONG_WORD;
    text.split_whitespace().count().max(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(content_type: ContentType, content: &str) -> Draft {
        Draft {
            collection: "help".parse().unwrap(),
            title: "Refunds".into(),
            content: content.into(),
            content_type,
            language: "en".into(),
            labels: Vec::new(),
        }
    }

    fn markdown(content: &str) -> Vec<Passage> {
        passages(&draft(ContentType::Markdown, content)).unwrap()
    }

    #[test]
    fn a_section_is_a_passage_below_its_headings() {
        let found = markdown("# Refunds\nWithin 30 days.\n## How\nAsk us.\n- By mail.");
        let shown: Vec<_> = found
            .iter()
            .map(|p| (p.heading_path.as_str(), p.text.as_str()))
            .collect();
        assert_eq!(
            shown,
            [("", "Within 30 days."), ("How", "Ask us.\nBy mail.")]
        );
    }

    #[test]
    fn plain_text_is_packed_by_paragraphs() {
        let found = passages(&draft(ContentType::PlainText, "# One\ntwo.\n\n\n three ")).unwrap();
        assert_eq!(found[0].text, "# One two.\nthree");
    }

    #[test]
    fn a_long_section_is_split_between_sentences_with_one_repeated() {
        let sentence = |n: usize| format!("Sentence {n} has exactly seven words inside.");
        let text = (0..60).map(sentence).collect::<Vec<_>>().join(" ");
        let found = markdown(&text);
        assert_eq!(found.len(), 3);
        for pair in found.windows(2) {
            let last = sentences(&pair[0].text).pop().unwrap();
            assert!(pair[1].text.starts_with(last), "{last}");
        }
    }

    #[test]
    fn text_without_words_or_of_one_endless_word_is_no_trouble() {
        assert_eq!(
            passages(&draft(ContentType::Markdown, "# Only\n\n<p>html</p>")),
            Err(Problem::NoText)
        );
        assert_eq!(
            passages(&draft(ContentType::PlainText, " \n ")),
            Err(Problem::NoText)
        );
        let found = markdown(&"x".repeat(10_000));
        assert!(
            found
                .iter()
                .all(|passage| passage.text.len() <= MAX_WORDS * LONG_WORD)
        );
        let many = "# a\nb\n".repeat(MAX_PASSAGES + 1);
        assert_eq!(
            passages(&draft(ContentType::Markdown, &many)),
            Err(Problem::TooManyPassages(MAX_PASSAGES + 1))
        );
    }

    #[test]
    fn the_hash_changes_with_all_that_is_embedded_and_with_nothing_else() {
        let hash = |draft: &Draft| passages(draft).unwrap()[0].content_hash;
        let one = draft(ContentType::Markdown, "Within 30 days.");
        let mut other = one.clone();
        other.language = "de".into();
        assert_eq!(hash(&one), hash(&other));
        other.title = "Money back".into();
        assert_ne!(hash(&one), hash(&other));
    }

    proptest::proptest! {
        #[test]
        fn no_passage_is_longer_than_the_embedder_reads(content in "[a-z .\n]{0,6000}") {
            let draft = draft(ContentType::PlainText, &content);
            for passage in passages(&draft).unwrap_or_default() {
                // Joining may round the count of letters up by one.
                proptest::prop_assert!(words(&passage.text) <= MAX_WORDS + 1);
            }
        }
    }
}
