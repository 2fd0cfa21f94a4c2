//! The rules: what a document may be, how it is cut into passages, which of them answer a question. No I/O.

mod document;
mod file;
mod filler;
mod front_matter;
mod highlight;
mod html;
mod markdown;
mod part;
mod passage;
mod ranking;
mod reuse;
mod section;
mod sentence;
mod speakable;
mod tokens;
mod unanswered;

pub(crate) use document::{
    Change, ContentType, Document, Draft, EmbeddingState, Outcome, Slug, check_content,
    check_labels, check_language, check_title,
};
pub(crate) use file::{File, Imported, check_path};
pub(crate) use filler::without_fillers;
pub(crate) use highlight::{highlights, words};
pub use part::embedded_texts;
pub(crate) use passage::{Passage, passages};
pub(crate) use ranking::{Candidate, Question, Ranked, Rejection, rank};
pub(crate) use reuse::reuse;
pub(crate) use sentence::sentences;
pub(crate) use speakable::{Sentence, speakable};
pub(crate) use unanswered::{Nearest, Unanswered};
