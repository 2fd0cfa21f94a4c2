//! From what tools gave to one or two spoken sentences, and how sure they are.

use openai_realtime::ToolFunction;

use super::DialogueError;
use super::json::{self, Candidate};
use super::relevance;
use super::smalltalk::{self, DOES_NOT_KNOW};
use super::tools::{is_about_caller, is_lookup};
use crate::engine::Embed;

/// At this similarity no other tool needs to be asked.
const SURE: f32 = 0.5;
/// Below this similarity a sentence does not answer the question.
const FLOOR: f32 = 0.4;
/// The sentence chosen may be less close than the closest, because it leads its passage.
const CHOSEN_FLOOR: f32 = 0.3;
/// A second sentence must be nearly as close to the question as the first.
const SECOND: f32 = 0.8;
/// Longer than this is not listened to.
const MAX_CHARS: usize = 320;

const FAILED_LOOKUP: &str = "I'm sorry, I couldn't look that up just now.";
const FAILED_ACTION: &str = "I'm sorry, that didn't work.";

/// What a tool gave.
pub(super) struct Result<'a> {
    /// The tool; `None` when it is not among those offered.
    pub(super) tool: Option<&'a ToolFunction>,
    /// Its output.
    pub(super) output: &'a str,
}

/// What to say.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) confidence: Confidence,
}

/// Whether another tool might do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confidence {
    Sure,
    Unsure,
}

/// Makes an answer to the question of all results.
pub(super) fn answer(
    question: &str,
    results: &[Result<'_>],
    embed: &dyn Embed,
) -> std::result::Result<Answer, DialogueError> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut failed = false;
    for result in results {
        if let Some(answer) = done(result) {
            return Ok(answer);
        }
        let owner = if result.tool.is_some_and(is_about_caller) {
            "Your"
        } else {
            "The"
        };
        let findings = json::read(result.output, owner);
        failed |= findings.failed;
        let offset = candidates
            .iter()
            .map(|found| found.passage)
            .max()
            .unwrap_or(0);
        candidates.extend(findings.candidates.into_iter().map(|mut found| {
            found.passage += offset;
            found
        }));
    }
    let unsure = |text: &str| Answer {
        text: text.to_owned(),
        confidence: Confidence::Unsure,
    };
    if candidates.is_empty() {
        return Ok(unsure(if failed { FAILED_LOOKUP } else { DOES_NOT_KNOW }));
    }
    let scores = relevance::scores(question, &candidates, embed)?;
    let closest = scores
        .iter()
        .map(|score| score.relevance)
        .fold(0.0, f32::max);
    let ranks: Vec<f32> = scores.iter().map(|score| score.rank).collect();
    let Some(best) = best(&ranks) else {
        return Ok(unsure(DOES_NOT_KNOW));
    };
    if closest < FLOOR || scores[best].relevance < CHOSEN_FLOOR {
        return Ok(unsure(if failed { FAILED_LOOKUP } else { DOES_NOT_KNOW }));
    }
    Ok(Answer {
        text: spoken(&candidates, &ranks, best),
        confidence: if closest >= SURE {
            Confidence::Sure
        } else {
            Confidence::Unsure
        },
    })
}

/// The answer to something that was done rather than looked up.
fn done(result: &Result<'_>) -> Option<Answer> {
    let tool = result.tool?;
    if is_lookup(tool) {
        return None;
    }
    let findings = json::read(result.output, "The");
    let text = if smalltalk::ends_call(tool) {
        smalltalk::GOODBYE.to_owned()
    } else if findings.failed {
        FAILED_ACTION.to_owned()
    } else {
        match findings.candidates.first() {
            Some(found) => format!("That's done. {}", found.text),
            None => "That's done.".to_owned(),
        }
    };
    Some(Answer {
        text,
        confidence: Confidence::Sure,
    })
}

/// The index of the highest; the first of equals, because results come best first.
fn best(ranks: &[f32]) -> Option<usize> {
    ranks
        .iter()
        .enumerate()
        .rev()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map(|(index, _)| index)
}

/// The best sentence, and its neighbour when that says as much; in the order of the source.
fn spoken(candidates: &[Candidate], ranks: &[f32], best: usize) -> String {
    let chosen = &candidates[best];
    let second = [best + 1, best.wrapping_sub(1)].into_iter().find(|&index| {
        candidates.get(index).is_some_and(|found| {
            found.passage == chosen.passage
                && ranks[index] >= SECOND * ranks[best]
                && found.text.len() + chosen.text.len() < MAX_CHARS
        })
    });
    match second {
        Some(index) if index < best => format!("{} {}", candidates[index].text, chosen.text),
        Some(index) => format!("{} {}", chosen.text, candidates[index].text),
        None => chosen.text.clone(),
    }
}
