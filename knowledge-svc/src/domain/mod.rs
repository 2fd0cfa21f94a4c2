//! The rules: what a document may be, how it is cut into passages, which of them answer a question. No I/O.

mod document;
mod markdown;
mod passage;
mod ranking;
mod reuse;
mod sentence;
mod speakable;

pub(crate) use document::{
    Change, ContentType, Document, Draft, EmbeddingState, Slug, check_content, check_labels,
    check_language, check_title,
};
pub(crate) use passage::{Passage, embedded_text, passages};
pub(crate) use ranking::{Candidate, Question, Ranked, rank};
pub(crate) use reuse::reuse;
pub(crate) use sentence::sentences;
pub(crate) use speakable::{Sentence, speakable};
