//! One question, searched: what each way of ranking makes of the passages that were looked at.

use std::fmt;

use proto::insta::knowledge::v1::{Passage, Rejection, Score, SearchResponse};

use crate::{
    corpus::Corpus,
    questions::{Half, Kind, Question, Style},
};

/// What equal-weight reciprocal rank fusion adds to each place.
const RRF_K: f64 = 60.0;
/// How far down a ranking is looked.
const DEPTH: usize = 10;

/// How passages are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Method {
    Vector,
    Text,
    /// Reciprocal rank fusion of the two with equal weights.
    Rrf,
    /// The service's order, with what is unlikely to answer.
    Order,
    /// What a caller gets: the service's order, without what is rejected.
    Shipped,
}

/// Where the first passage that answers stands, from 0; `None` beyond [`DEPTH`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    pub(crate) passage: Option<usize>,
    /// The same, with a section counted once however many passages it makes.
    pub(crate) section: Option<usize>,
    /// Where the first passage of a document stands that answers somewhere.
    pub(crate) document: Option<usize>,
}

/// A question with what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Searched {
    pub(crate) question: Question,
    pub(crate) half: Half,
    pub(crate) style: Style,
    /// What was sent.
    pub(crate) query: String,
    found: [Found; Method::ALL.len()],
    pub(crate) is_answered: bool,
    /// The best of what the service thinks of a passage, and of its plain similarity.
    pub(crate) confidence: f64,
    pub(crate) similarity: f64,
    /// The first passage in the service's order, for reports.
    pub(crate) first: String,
}

impl Method {
    pub(crate) const ALL: [Self; 5] = [
        Self::Vector,
        Self::Text,
        Self::Rrf,
        Self::Order,
        Self::Shipped,
    ];

    /// The passages in the order of this method.
    fn rank(self, passages: &[Passage]) -> Vec<&Passage> {
        let mut ranked: Vec<(f64, &Passage)> = passages
            .iter()
            .enumerate()
            .filter_map(|(place, passage)| {
                let score = passage.score.unwrap_or_default();
                self.score(place, passage, &score)
                    .map(|score| (score, passage))
            })
            .collect();
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        ranked.into_iter().map(|(_, passage)| passage).collect()
    }

    /// What this method goes by; `None` when it does not find the passage.
    fn score(self, place: usize, passage: &Passage, score: &Score) -> Option<f64> {
        let reciprocal = |rank: Option<i32>| rank.map(|rank| 1.0 / (RRF_K + f64::from(rank)));
        let (vector, text) = (reciprocal(score.vector_rank), reciprocal(score.text_rank));
        let as_ordered = 1.0 / (1.0 + place as f64);
        match self {
            Self::Vector => vector,
            Self::Text => text,
            Self::Rrf => Some(vector.unwrap_or(0.0) + text.unwrap_or(0.0)),
            Self::Order => (passage.rejection() != Rejection::Repeated).then_some(as_ordered),
            Self::Shipped => (passage.rejection() == Rejection::Unspecified).then_some(as_ordered),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vector => "vector",
            Self::Text => "text",
            Self::Rrf => "equal-weight RRF",
            Self::Order => "shipped, nothing declined",
            Self::Shipped => "shipped",
        })
    }
}

impl Searched {
    pub(crate) fn of(
        corpus: &Corpus,
        question: &Question,
        style: Style,
        query: &str,
        answer: &SearchResponse,
    ) -> Self {
        let best = |of: fn(&Score) -> f64| {
            let scores = answer
                .passages
                .iter()
                .filter_map(|passage| passage.score.as_ref());
            scores.map(of).fold(0.0, f64::max)
        };
        let first = answer.passages.first();
        Self {
            half: question.half(),
            style,
            query: query.to_owned(),
            found: Method::ALL
                .map(|method| found(corpus, question, &method.rank(&answer.passages))),
            is_answered: answer
                .passages
                .iter()
                .any(|passage| passage.rejection() == Rejection::Unspecified),
            confidence: best(|score| score.confidence),
            similarity: best(|score| score.similarity.unwrap_or(0.0)),
            first: first
                .map(|first| format!("{} > {}", first.document_id, first.heading_path))
                .unwrap_or_default(),
            question: question.clone(),
        }
    }

    pub(crate) fn found(&self, method: Method) -> Found {
        let place = Method::ALL.iter().position(|one| *one == method);
        place.map_or(Found::default(), |place| self.found[place])
    }

    pub(crate) fn is_answerable(&self) -> bool {
        self.question.kind == Kind::Answerable
    }
}

fn found(corpus: &Corpus, question: &Question, ranked: &[&Passage]) -> Found {
    let answers = |passage: &Passage| {
        question
            .answers
            .iter()
            .any(|answer| corpus.is_answer(answer, passage))
    };
    let mut sections: Vec<&Passage> = Vec::new();
    for passage in ranked {
        let is_known = sections.iter().any(|known| {
            known.document_id == passage.document_id && known.heading_path == passage.heading_path
        });
        if !is_known {
            sections.push(passage);
        }
    }
    let is_document = |passage: &Passage| {
        question
            .answers
            .iter()
            .any(|answer| answer.document_id == passage.document_id)
    };
    let within = |place: Option<usize>| place.filter(|place| *place < DEPTH);
    Found {
        passage: within(ranked.iter().position(|passage| answers(passage))),
        section: within(sections.iter().position(|passage| answers(passage))),
        document: within(ranked.iter().position(|passage| is_document(passage))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(
        document_id: &str,
        ranks: (Option<i32>, Option<i32>),
        rejection: Rejection,
    ) -> Passage {
        let score = Score {
            vector_rank: ranks.0,
            text_rank: ranks.1,
            ..Score::default()
        };
        Passage {
            document_id: document_id.to_owned(),
            score: Some(score),
            rejection: rejection.into(),
            ..Passage::default()
        }
    }

    #[test]
    fn each_method_goes_by_what_it_is_named_for() {
        let passages = [
            passage("a", (Some(2), Some(2)), Rejection::Unspecified),
            passage("b", (Some(1), None), Rejection::Unlikely),
            passage("c", (None, Some(1)), Rejection::Unspecified),
        ];
        let order = |method: Method| -> String {
            method
                .rank(&passages)
                .iter()
                .map(|passage| passage.document_id.as_str())
                .collect()
        };
        assert_eq!(Method::ALL.map(order), ["ba", "ca", "abc", "abc", "ac"]);
    }
}
