//! Cutting a document into the passages that searches find.
//!
//! A passage is the text below one heading, so that it is about one thing. A section longer than what the embedding
//! models read well is split between sentences into parts of like length, each beginning with the last sentence of
//! the part before. The answer to a question that stands as a heading stays whole as long as it can.

use sha2::{Digest, Sha256};

use super::{
    document::{ContentType, Draft, Problem},
    html, markdown,
    section::Section,
    sentences,
    tokens::tokens,
};

/// The most passages that one document may make.
pub(super) const MAX_PASSAGES: usize = 2_000;
/// The length of a passage, in tokens. MiniLM reads no more than 256 of title, headings and text together.
const MAX_TOKENS: usize = 240;
/// The length of an answer that is kept whole, in tokens. What a model does not read of it is still found by text.
const MAX_ANSWER: usize = 400;
/// A sentence longer than this, in tokens, is not repeated in the next part.
const MAX_OVERLAP: usize = 50;

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
        ContentType::Html => html::read(&draft.content).sections,
        ContentType::PlainText => vec![plain_text(&draft.content)],
    };
    let mut passages = Vec::new();
    for section in sections {
        let heading_path = heading_path(&draft.title, &section.headings);
        passages.extend(parts(&section).into_iter().map(|text| Passage {
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

/// The section whole where it may stay so, else parts of it.
fn parts(section: &Section) -> Vec<String> {
    if section.lines.is_empty() {
        return Vec::new();
    }
    let whole = section.lines.join("\n");
    let is_answer = section
        .headings
        .last()
        .is_some_and(|heading| heading.ends_with('?'));
    let size = tokens(&whole);
    if size <= if is_answer { MAX_ANSWER } else { MAX_TOKENS } {
        return vec![whole];
    }
    // Parts of like length: what is left over would say little by itself.
    let room = MAX_TOKENS - MAX_OVERLAP / 2;
    split(&section.lines, size.div_ceil(size.div_ceil(room)))
}

/// Packs lines into parts that are full at `target` tokens and never hold more than [`MAX_TOKENS`].
fn split(lines: &[String], target: usize) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = Part::default();
    for line in lines {
        let mut separator = "\n";
        for piece in pieces(line) {
            let size = tokens(&piece);
            if part.new > 0 && (part.new >= target || part.size + size > MAX_TOKENS) {
                let repeated = overlap(&part.text, size);
                parts.push(part.text);
                part = Part::beginning_with(repeated);
            }
            part.push(separator, &piece, size);
            separator = " ";
        }
    }
    if part.new > 0 {
        parts.push(part.text);
    }
    parts
}

/// A part being packed.
#[derive(Default)]
struct Part {
    text: String,
    /// Its tokens, and how many of them do not stand in the part before.
    size: usize,
    new: usize,
}

impl Part {
    fn beginning_with(text: String) -> Self {
        let size = tokens(&text);
        Self { text, size, new: 0 }
    }

    fn push(&mut self, separator: &str, piece: &str, size: usize) {
        if !self.text.is_empty() {
            self.text.push_str(separator);
        }
        self.text.push_str(piece);
        self.size += size;
        self.new += size;
    }
}

/// The last sentence of `part`, where there is room for it before a piece of `size` tokens.
fn overlap(part: &str, size: usize) -> String {
    let last = sentences(part).pop().unwrap_or_default();
    let repeated = tokens(last);
    let fits = repeated <= MAX_OVERLAP && repeated + size <= MAX_TOKENS;
    if fits { last.to_owned() } else { String::new() }
}

/// A line whole where it fits into a passage, else its sentences, else parts of those.
fn pieces(line: &str) -> Vec<String> {
    if tokens(line) <= MAX_TOKENS {
        return vec![line.to_owned()];
    }
    let mut pieces = Vec::new();
    for sentence in sentences(line) {
        if tokens(sentence) <= MAX_TOKENS {
            pieces.push(sentence.to_owned());
        } else {
            pieces.extend(cut(sentence));
        }
    }
    pieces
}

/// Parts of a text that nothing else divides, between words where there are any.
fn cut(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut room = 0;
    for word in text.split_whitespace().flat_map(cut_word) {
        let size = tokens(&word);
        match parts.last_mut() {
            Some(part) if size <= room => {
                part.push(' ');
                part.push_str(&word);
                room -= size;
            }
            _ => {
                parts.push(word);
                room = MAX_TOKENS.saturating_sub(size);
            }
        }
    }
    parts
}

/// A character is a token at most.
fn cut_word(word: &str) -> Vec<String> {
    if tokens(word) <= MAX_TOKENS {
        return vec![word.to_owned()];
    }
    let letters: Vec<char> = word.chars().collect();
    letters
        .chunks(MAX_TOKENS)
        .map(|part| part.iter().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use service_kit::Tier;

    use super::*;

    fn draft(content_type: ContentType, content: &str) -> Draft {
        Draft {
            collection: "help".parse().unwrap(),
            title: "Refunds".into(),
            content: content.into(),
            content_type,
            language: "en".into(),
            labels: Vec::new(),
            visibility: Tier::Free,
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
    fn a_long_section_is_split_evenly_between_sentences_with_one_repeated() {
        let sentence = |n: usize| format!("Sentence {n} has exactly seven words inside.");
        let text = (0..60).map(sentence).collect::<Vec<_>>().join(" ");
        let found = markdown(&text);
        let sizes: Vec<_> = found.iter().map(|passage| tokens(&passage.text)).collect();
        assert_eq!(sizes, [160, 168, 168]);
        for pair in found.windows(2) {
            let last = sentences(&pair[0].text).pop().unwrap();
            assert!(pair[1].text.starts_with(last), "{last}");
        }
    }

    #[test]
    fn the_answer_to_a_question_stays_whole() {
        let answer = "Seven words stand in this one sentence. ".repeat(35);
        let found = |heading: &str| markdown(&format!("# {heading}\n{answer}")).len();
        assert_eq!(found("Can I get my money back?"), 1);
        assert_eq!(found("Money back"), 2);
        let endless = "Seven words stand in this one sentence. ".repeat(60);
        assert!(markdown(&format!("# Why?\n{endless}")).len() > 1);
    }

    #[test]
    fn a_page_is_cut_as_an_article_is() {
        let found = passages(&draft(
            ContentType::Html,
            "<nav>Home</nav><h1>Refunds</h1><p>Within 30 days.<h2>How</h2><ul><li>By mail.</ul>",
        ));
        let found = found.unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|p| (p.heading_path.as_str(), p.text.as_str()))
            .collect();
        assert_eq!(shown, [("", "Within 30 days."), ("How", "By mail.")]);
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
                .all(|passage| tokens(&passage.text) <= MAX_TOKENS)
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
                proptest::prop_assert!(tokens(&passage.text) <= MAX_TOKENS);
            }
        }
    }
}
