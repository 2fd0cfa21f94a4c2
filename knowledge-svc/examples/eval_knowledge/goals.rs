//! What has to be reached, and below what the evaluation fails.

use crate::{
    figures::{Curve, Finding, Slice, VALUES, declined},
    questions::{Half, Kind, Style},
    rankings::{Method, Searched},
};

/// A figure, what is wanted of it, and what it must be for the evaluation to succeed.
#[derive(Debug, Clone)]
struct Goal {
    what: String,
    reached: f64,
    wanted: f64,
    floor: f64,
}

/// The floors of a corpus, written and spoken.
pub(crate) struct Floors {
    pub(crate) recall_5: [f64; 2],
    /// How much nDCG@10 the shipped ranking has more than the best of vector, text and equal weights.
    pub(crate) lead: [f64; 2],
    /// The share of answerable questions that are answered, and of off-topic ones that are declined.
    pub(crate) answered: [f64; 2],
    pub(crate) declined: [f64; 2],
    /// How much more of the area below the near-topic curve than by similarity alone.
    pub(crate) area: [f64; 2],
    /// The wanted recall@5.
    pub(crate) wanted_recall_5: f64,
}

/// Prints what was reached of what is wanted by questions of the held-out half. Says whether no floor is missed.
pub(crate) fn check(corpus: &str, floors: &Floors, searched: &[Searched]) -> bool {
    println!(
        "\n## {corpus}: held out\n\n| | reached | wanted | must be | |\n|---|--:|--:|--:|---|"
    );
    let goals = goals(floors, searched);
    for goal in &goals {
        let verdict = match (goal.reached >= goal.wanted, goal.is_failed()) {
            (_, true) => "FAILED",
            (true, false) => "met",
            (false, false) => "missed",
        };
        println!(
            "| {} | {:.3} | {:.3} | {:.3} | {verdict} |",
            goal.what, goal.reached, goal.wanted, goal.floor
        );
    }
    !goals.iter().any(Goal::is_failed)
}

impl Goal {
    /// What is no number was not measured, and fails.
    fn is_failed(&self) -> bool {
        self.reached.is_nan() || self.reached < self.floor
    }
}

fn goals(floors: &Floors, searched: &[Searched]) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (index, (style, name)) in [(Style::Written, "written"), (Style::Spoken, "spoken")]
        .into_iter()
        .enumerate()
    {
        let slice = Slice {
            style,
            half: Half::HeldOut,
        };
        let ndcg = |method| Finding::of(method, slice.of(searched)).ndcg_10;
        let others = [Method::Vector, Method::Text, Method::Rrf].map(ndcg);
        let area = |value| Curve::of(Kind::Near, value, slice.of(searched)).area();
        let [confidence, similarity] = VALUES.map(|(_, value)| area(value));
        let mut goal = |what: &str, reached, wanted, floor| {
            goals.push(Goal {
                what: format!("{name}: {what}"),
                reached,
                wanted,
                floor,
            });
        };
        goal(
            "recall@5",
            Finding::of(Method::Shipped, slice.of(searched)).recall_5,
            floors.wanted_recall_5,
            floors.recall_5[index],
        );
        // Nothing declines for the others, and what declining costs is told below.
        goal(
            "nDCG@10 of the order above the best of vector, text and equal weights",
            ndcg(Method::Order) - others.into_iter().fold(f64::NEG_INFINITY, f64::max),
            0.0,
            floors.lead[index],
        );
        goal(
            "answerable questions answered",
            1.0 - declined(Kind::Answerable, slice.of(searched)),
            0.95,
            floors.answered[index],
        );
        goal(
            "off-topic questions declined",
            declined(Kind::OffTopic, slice.of(searched)),
            0.95,
            floors.declined[index],
        );
        goal(
            "area of near-topic questions above similarity's",
            confidence - similarity,
            0.0,
            floors.area[index],
        );
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_fails() {
        let floors = Floors {
            recall_5: [0.0; 2],
            lead: [-1.0; 2],
            answered: [0.0; 2],
            declined: [0.0; 2],
            area: [-1.0; 2],
            wanted_recall_5: 0.95,
        };
        assert!(goals(&floors, &[]).iter().all(Goal::is_failed));
    }
}
