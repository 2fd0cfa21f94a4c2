//! From what tools gave to one or two spoken sentences, or to the admission that none of it is an
//! answer.

use openai_realtime::ToolFunction;

use super::evidence::Judge;
use super::json::{self, Fact, Passage};
use super::learned::Weights;
use super::smalltalk::{self, DOES_NOT_KNOW, NOT_IN_ACCOUNT};
use super::tools::{Role, SURELY_OWN, is_lookup};
use super::{DialogueError, arguments};

/// Longer than this is not listened to.
const MAX_CHARS: usize = 320;
/// A second sentence is said when the best is no better than this by itself.
const MARGIN: f32 = 4.0;
/// A second fact is said when it is nearly as good as the first: the question may mean either.
const FACT_MARGIN: f32 = 0.8;
/// So few values of a tool made for one thing are all said.
const MAX_SAID_FACTS: usize = 4;

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
pub(super) enum Answer {
    /// An answer.
    Found(String),
    /// That there is none, unless another tool has it.
    NotFound(String),
}

/// Makes an answer of all results. `said_before` is not said again.
pub(super) fn answer(
    results: &[Result<'_>],
    said_before: Option<&str>,
    judge: &Judge<'_>,
    weights: &Weights,
) -> std::result::Result<Answer, DialogueError> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut passages: Vec<Passage> = Vec::new();
    let mut failed = false;
    let mut only_account = !results.is_empty();
    for result in results {
        if let Some(text) = done(result) {
            return Ok(Answer::Found(text));
        }
        let role = result.tool.map(Role::of);
        only_account &= role == Some(Role::Account);
        let owner = if role == Some(Role::Account) {
            "Your"
        } else {
            "The"
        };
        let findings = json::read(result.output, owner);
        failed |= findings.failed;
        if role == Some(Role::Special)
            && !findings.failed
            && let Some(text) = all_of(&findings)
        {
            return Ok(Answer::Found(text));
        }
        facts.extend(findings.facts);
        passages.extend(findings.passages);
    }
    if let Some(said) = said_before {
        let is_new = |text: &String| !said.contains(text.as_str());
        for passage in &mut passages {
            passage.sentences.retain(is_new);
        }
        passages.retain(|passage| !passage.sentences.is_empty());
        facts.retain(|fact| is_new(&fact.sentence));
    }
    let by_fact = best_fact(&facts, judge, weights)?;
    // What articles say in general is no answer to what only the account could tell.
    let is_of_account = !facts.is_empty() && judge.own() >= SURELY_OWN;
    let by_passage = if is_of_account {
        None
    } else {
        best_sentences(&passages, judge, weights)?
    };
    let best = match (by_fact, by_passage) {
        (Some(fact), Some(passage)) => Some(if fact.0 >= passage.0 { fact } else { passage }),
        (fact, passage) => fact.or(passage),
    };
    Ok(match best {
        Some((sure, text)) if sure > 0.0 => Answer::Found(text),
        _ if failed => Answer::NotFound(FAILED_LOOKUP.to_owned()),
        _ if only_account || judge.is_personal() && !facts.is_empty() => {
            Answer::NotFound(NOT_IN_ACCOUNT.to_owned())
        }
        _ => Answer::NotFound(DOES_NOT_KNOW.to_owned()),
    })
}

/// The fact that answers best, and how sure that is: above 0 it is an answer.
fn best_fact(
    facts: &[Fact],
    judge: &Judge<'_>,
    weights: &Weights,
) -> std::result::Result<Option<(f32, String)>, DialogueError> {
    let ranked = judge.facts(facts)?;
    Ok(ranked.first().map(|best| {
        let sure = weights.fact_answers.score(&judge.fact_answers(&ranked));
        let second = ranked
            .get(1)
            .filter(|other| other.rank >= best.rank - FACT_MARGIN);
        let said = [Some(best), second].into_iter().flatten();
        let sentences: Vec<&str> = said
            .map(|fact| facts[fact.index].sentence.as_str())
            .collect();
        (sure, sentences.join(" "))
    }))
}

/// The sentences that answer best, and how sure that is: above 0 they are an answer.
fn best_sentences(
    passages: &[Passage],
    judge: &Judge<'_>,
    weights: &Weights,
) -> std::result::Result<Option<(f32, String)>, DialogueError> {
    let ranked = judge.sentences(passages)?;
    let Some(best) = ranked.first() else {
        return Ok(None);
    };
    let sure = weights
        .sentence_answers
        .score(&judge.sentence_answers(&ranked, passages));
    let text = |(passage, index): (usize, usize)| passages[passage].sentences[index].as_str();
    let chosen = text(best.place);
    let second = ranked.iter().skip(1).find(|other| {
        other.rank >= best.rank - MARGIN
            && text(other.place) != chosen
            && text(other.place).len() + chosen.len() < MAX_CHARS
    });
    let spoken = match second {
        // Sentences of one passage are said in its order, so that one carries on the other.
        Some(second) if second.place.0 == best.place.0 && second.place.1 < best.place.1 => {
            format!("{} {chosen}", text(second.place))
        }
        Some(second) => format!("{chosen} {}", text(second.place)),
        None => chosen.to_owned(),
    };
    Ok(Some((sure, spoken)))
}

/// What a tool gave that nobody but the client asked for.
pub(super) fn as_it_is(output: &str) -> String {
    let findings = json::read(output, "The");
    if findings.failed {
        return FAILED_LOOKUP.to_owned();
    }
    all_of(&findings).unwrap_or_else(|| DOES_NOT_KNOW.to_owned())
}

/// What a tool made for one thing gave, when it is little enough to be said whole.
fn all_of(findings: &json::Findings) -> Option<String> {
    let facts = findings.facts.iter().map(|fact| fact.sentence.as_str());
    let prose = findings.passages.iter().flat_map(|found| &found.sentences);
    let sentences: Vec<&str> = facts.chain(prose.map(String::as_str)).collect();
    if sentences.is_empty() || sentences.len() > MAX_SAID_FACTS {
        return None;
    }
    let text = sentences.join(" ");
    (text.len() <= MAX_CHARS).then_some(text)
}

/// The answer to something that was done rather than looked up.
fn done(result: &Result<'_>) -> Option<String> {
    let tool = result.tool?;
    if is_lookup(tool) {
        return None;
    }
    let findings = json::read(result.output, "The");
    if smalltalk::ends_call(tool) {
        return Some(smalltalk::GOODBYE.to_owned());
    }
    if findings.failed {
        return Some(FAILED_ACTION.to_owned());
    }
    if arguments::confirmation(tool).is_some()
        && let Some(question) = json::question(result.output)
    {
        return Some(smalltalk::asking_to_confirm(&question));
    }
    let prose = findings.passages.iter().flat_map(|found| &found.sentences);
    let facts = findings.facts.iter().map(|fact| &fact.sentence);
    Some(match prose.chain(facts).next() {
        Some(text) => format!("That's done. {text}"),
        None => "That's done.".to_owned(),
    })
}
