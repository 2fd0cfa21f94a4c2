//! Which passages answer a question, and in what order.
//!
//! The evidence for a passage is its similarity to the question, as a whole and in its nearest part, plus a share of
//! the question's words that it holds, rare words counting more. Fusing the values rather than the places keeps what
//! the places lose: how near the best passage is. The same evidence, less what words of the question nobody has
//! written take from it, says how likely it is that the passage answers at all. All weights were chosen on the
//! development half of the questions in `eval` (README, Search).

use std::collections::HashMap;

use uuid::Uuid;

/// What holding every word of the question is worth, beside a similarity of at most 1.
const COVERAGE_WEIGHT: f64 = 0.3;
/// How much of what its nearest part is nearer than the whole counts for a passage.
const PART_WEIGHT: f64 = 0.8;
/// What the first passage of a document is worth more: articles begin with the answer.
const LEAD_BONUS: f64 = 0.03;
/// What a passage of [`FULL_LENGTH`] words or more is worth more than an empty one: a bare list of links below a
/// fitting title is near every question and answers none.
const LENGTH_BONUS: f64 = 0.1;
const FULL_LENGTH: usize = 40;
/// What the evidence for the best passages of a document is worth to all of them: a document about the question is
/// likely to answer it, in whatever section.
const DOCUMENT_WEIGHTS: [f64; 3] = [0.3, 0.1, 0.1];
/// How many passages of one document an answer holds at most, and of one section.
const PER_DOCUMENT: usize = 3;
const PER_SECTION: usize = 1;
/// What is taken from the evidence when no passage at all holds any word of the question.
const UNKNOWN_WEIGHT: f64 = 0.2;
/// The evidence that leaves it open whether a passage answers, in a collection of [`MIN_PASSAGES`]; how much more it
/// takes in one that is e times as large, because the best of many is near by chance; and how fast doubt goes.
const OPEN_EVIDENCE: f64 = 0.38;
const OPEN_GROWTH: f64 = 0.046;
const STEEPNESS: f64 = 14.0;
/// What every word of the question is worth where there is no vector to compare.
const TEXT_ONLY_WEIGHT: f64 = 0.7;
/// The share of the question's words that a passage must hold where there is no vector to compare.
const MIN_TEXT_ONLY_COVERAGE: f64 = 0.65;
/// A collection counts as having so many passages at least, so that words of a small one are not all rare.
const MIN_PASSAGES: i64 = 200;

/// The words of a question, each with its weight.
#[derive(Debug)]
pub(crate) struct Question {
    weights: HashMap<String, f64>,
    total: f64,
    /// The share of the question's words that no passage holds, 0 to 1, rare words counting more.
    unknown: f64,
    /// The evidence that leaves it open whether a passage answers.
    open: f64,
}

impl Question {
    /// `lexemes` come with the number of passages that hold each; `passages` is how many there are.
    pub(crate) fn new(lexemes: Vec<(String, i64)>, passages: i64) -> Self {
        let weight = |holding: i64| {
            let all = passages.max(MIN_PASSAGES).max(holding) as f64;
            let holding = holding as f64;
            ((all - holding + 0.5) / (holding + 0.5)).ln_1p()
        };
        let unknown = lexemes.iter().filter(|(_, holding)| *holding == 0);
        let unknown: f64 = unknown.map(|(_, holding)| weight(*holding)).sum();
        let weights: HashMap<_, _> = lexemes
            .into_iter()
            .map(|(lexeme, holding)| (lexeme, weight(holding)))
            .collect();
        let total: f64 = weights.values().sum();
        let size = passages.max(MIN_PASSAGES) as f64 / MIN_PASSAGES as f64;
        Self {
            // A question without a word is about nothing that anyone has written.
            unknown: if total > 0.0 { unknown / total } else { 1.0 },
            open: OPEN_EVIDENCE + OPEN_GROWTH * size.ln(),
            weights,
            total,
        }
    }

    /// How likely so much evidence means an answer, 0 to 1.
    fn confidence(&self, evidence: f64) -> f64 {
        let evidence = evidence - UNKNOWN_WEIGHT * self.unknown;
        1.0 / (1.0 + (STEEPNESS * (self.open - evidence)).exp())
    }

    /// Whether `lexeme` is one of the question's.
    pub(crate) fn holds(&self, lexeme: &str) -> bool {
        self.weights.contains_key(lexeme)
    }

    /// The share of the question that `lexemes` cover, 0 to 1. Each lexeme is to be given once.
    pub(crate) fn coverage<'a>(&self, lexemes: impl IntoIterator<Item = &'a str>) -> f64 {
        if self.total == 0.0 {
            return 0.0;
        }
        let held = lexemes
            .into_iter()
            .filter_map(|lexeme| self.weights.get(lexeme));
        held.sum::<f64>() / self.total
    }
}

/// A passage that may answer.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) passage_id: Uuid,
    pub(crate) document_id: String,
    pub(crate) title: String,
    pub(crate) heading_path: String,
    pub(crate) text: String,
    /// Whether it is the first of its document.
    pub(crate) leads: bool,
    /// Cosine similarity to the question, where there are vectors of the same model to compare.
    pub(crate) similarity: Option<f64>,
    /// The same of the part of it that is nearest, where it has parts.
    pub(crate) part_similarity: Option<f64>,
    /// Place in the ranking by meaning, from 1.
    pub(crate) vector_rank: Option<i32>,
    /// Place in the ranking by text, from 1.
    pub(crate) text_rank: Option<i32>,
    /// The lexemes of the question that it holds, each once.
    pub(crate) lexemes: Vec<String>,
}

/// A passage in its place.
#[derive(Debug)]
pub(crate) struct Ranked {
    pub(crate) candidate: Candidate,
    /// What speaks for the passage by itself.
    evidence: f64,
    /// What the order goes by.
    pub(crate) fused: f64,
    /// The share of the question's words that it holds, 0 to 1.
    pub(crate) coverage: f64,
    /// How likely it is that it answers, 0 to 1.
    pub(crate) confidence: f64,
    /// Why it is no part of the answer, if it is not.
    pub(crate) rejection: Option<Rejection>,
}

/// Why a passage that was looked at is no part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No passage of its document is as likely to answer as one has to be.
    Unlikely,
    /// Enough of its section or document comes before it.
    Repeated,
}

/// The candidates, best first. A document of which no passage is as likely to answer as `min_confidence` says is no
/// part of the answer.
pub(crate) fn rank(
    question: &Question,
    candidates: Vec<Candidate>,
    min_confidence: f64,
) -> Vec<Ranked> {
    let ranked = candidates
        .into_iter()
        .map(|candidate| weigh(question, candidate));
    let mut ranked: Vec<_> = ranked.collect();
    weigh_documents(&mut ranked, min_confidence);
    ranked.sort_by(|a, b| {
        let place = |ranked: &Ranked| ranked.candidate.passage_id;
        b.fused
            .total_cmp(&a.fused)
            .then_with(|| place(a).cmp(&place(b)))
    });
    reject_repeated(&mut ranked);
    ranked
}

fn weigh(question: &Question, candidate: Candidate) -> Ranked {
    let coverage = question.coverage(candidate.lexemes.iter().map(String::as_str));
    let words = candidate.text.split_whitespace().count().min(FULL_LENGTH);
    let bonus = LENGTH_BONUS * words as f64 / FULL_LENGTH as f64
        + if candidate.leads { LEAD_BONUS } else { 0.0 };
    let (evidence, confidence) = match candidate.similarity {
        Some(similarity) => {
            let part = candidate.part_similarity.unwrap_or(similarity);
            let nearness = similarity + PART_WEIGHT * (part - similarity).max(0.0);
            let evidence = nearness + COVERAGE_WEIGHT * coverage;
            (evidence, question.confidence(evidence))
        }
        // Words alone are weaker evidence, and most of the question has to be there.
        None if coverage >= MIN_TEXT_ONLY_COVERAGE => (TEXT_ONLY_WEIGHT * coverage, coverage),
        None => (TEXT_ONLY_WEIGHT * coverage, 0.0),
    };
    Ranked {
        candidate,
        evidence,
        fused: evidence + bonus,
        coverage,
        confidence,
        rejection: None,
    }
}

/// What is known of a document by its passages.
#[derive(Default)]
struct InDocument {
    evidence: Vec<f64>,
    confidence: f64,
}

/// Has the best passages of a document speak for all of them, and rejects those of unlikely documents.
fn weigh_documents(ranked: &mut [Ranked], min_confidence: f64) {
    let mut documents: HashMap<String, InDocument> = HashMap::new();
    for ranked in &*ranked {
        let document = documents
            .entry(ranked.candidate.document_id.clone())
            .or_default();
        document.evidence.push(ranked.evidence);
        document.confidence = document.confidence.max(ranked.confidence);
    }
    for document in documents.values_mut() {
        document.evidence.sort_by(|a, b| b.total_cmp(a));
    }
    for ranked in ranked {
        let document = &documents[&ranked.candidate.document_id];
        let best = document.evidence.iter().zip(DOCUMENT_WEIGHTS);
        ranked.fused += best
            .map(|(evidence, weight)| evidence * weight)
            .sum::<f64>();
        if document.confidence < min_confidence {
            ranked.rejection = Some(Rejection::Unlikely);
        }
    }
}

/// Leaves of each section and document only the first few, so that one long page does not crowd out the others.
fn reject_repeated(ranked: &mut [Ranked]) {
    let mut documents: HashMap<String, usize> = HashMap::new();
    let mut sections: HashMap<(String, String), usize> = HashMap::new();
    for ranked in ranked {
        let Candidate {
            document_id,
            heading_path,
            ..
        } = &ranked.candidate;
        let document = documents.entry(document_id.clone()).or_default();
        let section = sections
            .entry((document_id.clone(), heading_path.clone()))
            .or_default();
        if *document < PER_DOCUMENT && *section < PER_SECTION {
            *document += 1;
            *section += 1;
        } else {
            ranked.rejection = Some(Rejection::Repeated);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question::new(vec![("refund".into(), 2), ("work".into(), 150)], 500)
    }

    fn candidate(id: u128, similarity: Option<f64>, lexemes: &[&str]) -> Candidate {
        Candidate {
            passage_id: Uuid::from_u128(id),
            document_id: id.to_string(),
            title: String::new(),
            heading_path: String::new(),
            text: "word ".repeat(FULL_LENGTH),
            leads: false,
            similarity,
            part_similarity: None,
            vector_rank: None,
            text_rank: None,
            lexemes: lexemes.iter().map(ToString::to_string).collect(),
        }
    }

    /// The passages of the answer, best first.
    fn order(candidates: Vec<Candidate>) -> Vec<u128> {
        let ranked = rank(&question(), candidates, 0.2);
        let answer = ranked.iter().filter(|ranked| ranked.rejection.is_none());
        answer
            .map(|ranked| ranked.candidate.passage_id.as_u128())
            .collect()
    }

    #[test]
    fn rare_words_cover_more_of_a_question_than_common_ones() {
        let question = question();
        assert!(question.coverage(["refund"]) > 0.75);
        assert!(question.coverage(["work"]) < 0.25);
        assert!((question.coverage(["refund", "work"]) - 1.0).abs() < 1e-9);
        assert_eq!(question.coverage(["other"]), 0.0);
        assert_eq!(Question::new(Vec::new(), 0).coverage(["refund"]), 0.0);
    }

    #[test]
    fn words_in_common_decide_between_passages_of_like_meaning() {
        let found = order(vec![
            candidate(1, Some(0.52), &[]),
            candidate(2, Some(0.5), &["refund"]),
        ]);
        assert_eq!(found, [2, 1]);
    }

    #[test]
    fn a_part_that_is_nearer_than_the_whole_counts() {
        let mut long = candidate(2, Some(0.5), &[]);
        long.part_similarity = Some(0.6);
        assert_eq!(order(vec![candidate(1, Some(0.5), &[]), long]), [2, 1]);
    }

    #[test]
    fn a_document_with_more_about_the_question_comes_first() {
        let beside = |id: u128, similarity, document: &str| Candidate {
            document_id: document.into(),
            heading_path: id.to_string(),
            ..candidate(id, Some(similarity), &[])
        };
        let found = order(vec![
            beside(1, 0.51, "alone"),
            beside(2, 0.5, "about"),
            beside(3, 0.4, "about"),
        ]);
        assert_eq!(found, [2, 1, 3]);
    }

    #[test]
    fn the_beginning_of_an_article_wins_among_equals() {
        let mut lead = candidate(2, Some(0.5), &[]);
        lead.leads = true;
        assert_eq!(order(vec![candidate(1, Some(0.5), &[]), lead]), [2, 1]);
    }

    #[test]
    fn what_does_not_come_near_enough_is_no_answer() {
        assert_eq!(order(vec![candidate(1, Some(0.2), &[])]), [] as [u128; 0]);
        assert_eq!(order(vec![candidate(1, Some(0.2), &["refund"])]), [1]);
    }

    #[test]
    fn a_bare_list_below_a_fitting_title_comes_after_what_says_something() {
        let mut list = candidate(1, Some(0.55), &[]);
        list.text = "See also".into();
        assert_eq!(order(vec![list, candidate(2, Some(0.5), &[])]), [2, 1]);
    }

    #[test]
    fn one_document_does_not_crowd_out_the_others() {
        let of = |id: u128, similarity, document: &str, heading: &str| Candidate {
            document_id: document.into(),
            heading_path: heading.into(),
            ..candidate(id, Some(similarity), &[])
        };
        let candidates = vec![
            of(1, 0.9, "long", "One"),
            of(2, 0.8, "long", "One"),
            of(3, 0.7, "long", "Two"),
            of(4, 0.6, "long", "Three"),
            of(5, 0.55, "long", "Four"),
            of(6, 0.5, "other", "One"),
        ];
        assert_eq!(order(candidates.clone()), [1, 3, 4, 6]);
        let rejected = rank(&question(), candidates, 0.2);
        let rejected: Vec<_> = rejected.iter().map(|ranked| ranked.rejection).collect();
        let repeated = Some(Rejection::Repeated);
        assert_eq!(rejected, [None, repeated, None, None, repeated, None]);
    }

    #[test]
    fn what_nobody_has_written_and_the_size_of_the_collection_count_against_an_answer() {
        let confidence = |lexemes: &[(&str, i64)], passages| {
            let lexemes = lexemes
                .iter()
                .map(|(lexeme, holding)| ((*lexeme).to_owned(), *holding));
            let question = Question::new(lexemes.collect(), passages);
            rank(&question, vec![candidate(1, Some(0.5), &[])], 0.0)[0].confidence
        };
        let small = confidence(&[("refund", 2)], 200);
        assert!(confidence(&[("refund", 2), ("blorb", 0)], 200) < small);
        assert!(confidence(&[("refund", 2)], 20_000) < small);
    }

    #[test]
    fn without_a_vector_most_of_the_question_must_be_there() {
        let found = order(vec![
            candidate(1, None, &["work"]),
            candidate(2, None, &["refund"]),
            candidate(3, Some(0.9), &["refund"]),
        ]);
        assert_eq!(found, [3, 2]);
    }

    proptest::proptest! {
        #[test]
        fn coverage_is_a_share(
            holding in proptest::collection::vec(0_i64..5_000, 0..20),
            passages in 0_i64..4_000,
        ) {
            let lexemes: Vec<_> = holding.iter().enumerate().map(|(i, n)| (i.to_string(), *n)).collect();
            let names: Vec<_> = lexemes.iter().map(|(name, _)| name.clone()).collect();
            let question = Question::new(lexemes, passages);
            let coverage = question.coverage(names.iter().map(String::as_str));
            proptest::prop_assert!((0.0..=1.0 + 1e-9).contains(&coverage));
        }
    }
}
