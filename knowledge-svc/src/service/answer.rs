//! Domain types as answers.

use std::ops::Range;

use proto::insta::knowledge::v1 as pb;
use service_kit::{Tier, field::timestamp};

use crate::{
    domain::{ContentType, Document, EmbeddingState, Ranked, Rejection},
    store::collections::Collection,
};

impl From<Document> for pb::Document {
    fn from(document: Document) -> Self {
        let content_type = match document.draft.content_type {
            ContentType::Markdown => pb::ContentType::Markdown,
            ContentType::Html => pb::ContentType::Html,
            ContentType::PlainText => pb::ContentType::PlainText,
        };
        let embedding_state = match document.embedding_state {
            EmbeddingState::Pending => pb::EmbeddingState::Pending,
            EmbeddingState::Ready => pb::EmbeddingState::Ready,
            EmbeddingState::Failed => pb::EmbeddingState::Failed,
        };
        Self {
            document_id: document.document_id,
            collection: document.draft.collection.to_string(),
            title: document.draft.title,
            content: document.draft.content,
            content_type: content_type.into(),
            language: document.draft.language,
            labels: document.draft.labels,
            embedding_state: embedding_state.into(),
            create_time: Some(timestamp(document.create_time)),
            update_time: Some(timestamp(document.update_time)),
            etag: document.etag.to_string(),
            visibility: visibility(document.draft.visibility).into(),
            source: document.source.unwrap_or_default(),
        }
    }
}

impl From<Collection> for pb::Collection {
    fn from(collection: Collection) -> Self {
        Self {
            collection: collection.collection,
            documents: collection.documents,
            passages: collection.passages,
            pending_passages: collection.pending,
            failed_passages: collection.failed,
        }
    }
}

pub(super) fn visibility(tier: Tier) -> pb::Visibility {
    match tier {
        Tier::Free => pb::Visibility::Free,
        Tier::Pro => pb::Visibility::Pro,
        Tier::Enterprise => pb::Visibility::Enterprise,
    }
}

/// What is told of a passage beside what is kept of it.
pub(super) struct Excerpt {
    /// The sentences to speak.
    pub(super) speakable: String,
    /// Where it holds words of the question, in characters.
    pub(super) highlights: Vec<Range<usize>>,
}

/// A passage in its place.
pub(super) fn passage(ranked: Ranked, excerpt: Excerpt) -> pb::Passage {
    let rejection = match ranked.rejection {
        None => pb::Rejection::Unspecified,
        Some(Rejection::Unlikely) => pb::Rejection::Unlikely,
        Some(Rejection::Repeated) => pb::Rejection::Repeated,
    };
    let candidate = ranked.candidate;
    // A passage that only the text found is told without a similarity, though it counted.
    let similarity = candidate
        .similarity
        .filter(|_| candidate.vector_rank.is_some());
    pb::Passage {
        document_id: candidate.document_id,
        title: candidate.title,
        heading_path: candidate.heading_path,
        text: candidate.text,
        speakable: excerpt.speakable,
        score: Some(pb::Score {
            fused: ranked.fused,
            similarity,
            vector_rank: candidate.vector_rank,
            text_rank: candidate.text_rank,
            coverage: ranked.coverage,
            confidence: ranked.confidence,
            part_similarity: candidate.part_similarity,
        }),
        rejection: rejection.into(),
        highlights: excerpt.highlights.into_iter().map(highlight).collect(),
    }
}

fn highlight(range: Range<usize>) -> pb::Highlight {
    // A passage is some thousand characters long.
    let place = |place| i32::try_from(place).unwrap_or(i32::MAX);
    pb::Highlight {
        start: place(range.start),
        end: place(range.end),
    }
}
