//! What the program needs that learns [`Weights`] from examples (`examples/train_dialogue`).

pub use super::learned::{Evidence, Linear, Weights};
pub use super::question::Question;

use super::evidence::Judge;
use super::memory::Memory;
use super::{DialogueError, json, text};
use crate::engine::{Embed, Embedding};

/// A candidate for an answer: its text, and what speaks for it.
pub type Candidate = (String, Evidence);

/// The words of a text that carry meaning, without their endings.
pub fn stems(text: &str) -> Vec<String> {
    text::stems(text)
}

/// The meaning of a question.
///
/// # Errors
/// The model failed.
pub fn meaning(
    question: &Question,
    embed: &dyn Embed,
    memory: &Memory,
) -> Result<Embedding, DialogueError> {
    let found = memory.embed(std::slice::from_ref(&question.text), embed)?;
    Ok(found.first().copied().unwrap_or([0.0; _]))
}

/// The sentences in a tool's output, best first by these weights, and the evidence that the best
/// is an answer.
///
/// # Errors
/// The model failed.
pub fn sentences(
    question: &Question,
    output: &str,
    weights: &Weights,
    embed: &dyn Embed,
    memory: &Memory,
) -> Result<(Vec<Candidate>, Evidence), DialogueError> {
    let judge = Judge::new(question, embed, memory, weights, None)?;
    let passages = json::read(output, "The").passages;
    let ranked = judge.sentences(&passages)?;
    let answers = judge.sentence_answers(&ranked, &passages);
    let candidates = ranked.into_iter().map(|found| {
        let (passage, index) = found.place;
        (passages[passage].sentences[index].clone(), found.evidence)
    });
    Ok((candidates.collect(), answers))
}

/// The labels of the facts in a tool's output, best first by these weights, and the evidence that
/// the best is an answer.
///
/// # Errors
/// The model failed.
pub fn facts(
    question: &Question,
    output: &str,
    weights: &Weights,
    embed: &dyn Embed,
    memory: &Memory,
) -> Result<(Vec<Candidate>, Evidence), DialogueError> {
    let judge = Judge::new(question, embed, memory, weights, None)?;
    let facts = json::read(output, "Your").facts;
    let ranked = judge.facts(&facts)?;
    let answers = judge.fact_answers(&ranked);
    let candidates = ranked
        .into_iter()
        .map(|found| (facts[found.index].label.clone(), found.evidence));
    Ok((candidates.collect(), answers))
}
