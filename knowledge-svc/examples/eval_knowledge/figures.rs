//! Sums over questions, and the tables that are printed of them.

use crate::{
    questions::{Half, Kind, Style},
    rankings::{Method, Searched},
};

/// How well one way of ranking finds what answers. All but the count are shares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Finding {
    pub(crate) asked: usize,
    /// The first passage answers.
    pub(crate) recall_1: f64,
    /// One of the first five does.
    pub(crate) recall_5: f64,
    /// One of the first five is of a document that answers.
    pub(crate) document_5: f64,
    /// The mean of one divided by the place of the first that answers; zero beyond the tenth.
    pub(crate) mrr: f64,
    /// Any one section will do, so the ideal ranking has one that answers first, and only the first counts.
    pub(crate) ndcg_10: f64,
}

impl Finding {
    pub(crate) fn of<'a>(method: Method, searched: impl Iterator<Item = &'a Searched>) -> Self {
        let mut sum = Self::default();
        for found in searched
            .filter(|one| one.is_answerable())
            .map(|one| one.found(method))
        {
            let is_among = |place: Option<usize>, first: usize| {
                f64::from(u8::from(place.is_some_and(|place| place < first)))
            };
            sum.asked += 1;
            sum.recall_1 += is_among(found.passage, 1);
            sum.recall_5 += is_among(found.passage, 5);
            sum.document_5 += is_among(found.document, 5);
            sum.mrr += found
                .passage
                .map_or(0.0, |place| 1.0 / (1.0 + place as f64));
            sum.ndcg_10 += found
                .section
                .map_or(0.0, |place| 1.0 / (2.0 + place as f64).log2());
        }
        let asked = sum.asked as f64;
        for share in [
            &mut sum.recall_1,
            &mut sum.recall_5,
            &mut sum.document_5,
            &mut sum.mrr,
            &mut sum.ndcg_10,
        ] {
            *share /= asked;
        }
        sum
    }
}

/// The share of questions of a kind that are declined; not a number when there are none.
pub(crate) fn declined<'a>(kind: Kind, searched: impl Iterator<Item = &'a Searched>) -> f64 {
    let answered: Vec<bool> = searched
        .filter(|one| one.question.kind == kind)
        .map(|one| one.is_answered)
        .collect();
    share(
        answered.iter().filter(|is_answered| !**is_answered).count(),
        answered.len(),
    )
}

/// How a value parts answerable questions from others, whatever floor is chosen.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    /// The value of each answerable question, ascending.
    answerable: Vec<f64>,
    others: Vec<f64>,
}

impl Curve {
    pub(crate) fn of<'a>(
        kind: Kind,
        value: fn(&Searched) -> f64,
        searched: impl Iterator<Item = &'a Searched>,
    ) -> Self {
        let (mut answerable, mut others) = (Vec::new(), Vec::new());
        for one in searched {
            if one.is_answerable() {
                answerable.push(value(one));
            } else if one.question.kind == kind {
                others.push(value(one));
            }
        }
        answerable.sort_by(f64::total_cmp);
        Self { answerable, others }
    }

    /// The share of the others below the floor that declines so much of the answerable ones.
    pub(crate) fn declined_at(&self, lost: f64) -> f64 {
        let place = (lost * self.answerable.len() as f64).floor() as usize;
        let Some(floor) = self.answerable.get(place) else {
            return f64::NAN;
        };
        share(
            self.others.iter().filter(|value| *value < floor).count(),
            self.others.len(),
        )
    }

    /// The chance that an answerable question has more of the value than another one.
    pub(crate) fn area(&self) -> f64 {
        let mut sum = 0.0;
        for answerable in &self.answerable {
            for other in &self.others {
                sum += match answerable.total_cmp(other) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        sum / (self.answerable.len() * self.others.len()) as f64
    }
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

/// A slice of what was searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    pub(crate) style: Style,
    pub(crate) half: Half,
}

impl Slice {
    pub(crate) const ALL: [Self; 4] = [
        Self {
            style: Style::Written,
            half: Half::Development,
        },
        Self {
            style: Style::Written,
            half: Half::HeldOut,
        },
        Self {
            style: Style::Spoken,
            half: Half::Development,
        },
        Self {
            style: Style::Spoken,
            half: Half::HeldOut,
        },
    ];

    pub(crate) fn of(self, searched: &[Searched]) -> impl Iterator<Item = &Searched> + Clone {
        searched
            .iter()
            .filter(move |one| one.style == self.style && one.half == self.half)
    }

    fn name(self) -> &'static str {
        match (self.style, self.half) {
            (Style::Written, Half::Development) => "written, development",
            (Style::Written, Half::HeldOut) => "written, held out",
            (Style::Spoken, Half::Development) => "spoken, development",
            (Style::Spoken, Half::HeldOut) => "spoken, held out",
        }
    }
}

pub(crate) fn print(corpus: &str, searched: &[Searched]) {
    println!("\n## {corpus}: what answers, found\n");
    println!("| questions | asked | by | recall@1 | recall@5 | document@5 | MRR@10 | nDCG@10 |");
    println!("|---|--:|---|--:|--:|--:|--:|--:|");
    for slice in Slice::ALL {
        for method in Method::ALL {
            let found = Finding::of(method, slice.of(searched));
            if found.asked > 0 {
                println!(
                    "| {} | {} | {method} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
                    slice.name(),
                    found.asked,
                    found.recall_1,
                    found.recall_5,
                    found.document_5,
                    found.mrr,
                    found.ndcg_10
                );
            }
        }
    }
    println!("\n## {corpus}: declined, in %\n");
    println!("| questions | answerable | off-topic | near-topic | instructions | false answers |");
    println!("|---|--:|--:|--:|--:|--:|");
    for slice in Slice::ALL {
        if slice.of(searched).next().is_none() {
            continue;
        }
        let [answerable, off, near, injection] = [
            Kind::Answerable,
            Kind::OffTopic,
            Kind::Near,
            Kind::Injection,
        ]
        .map(|kind| 100.0 * declined(kind, slice.of(searched)));
        let wrong = slice.of(searched).filter(|one| !one.is_answerable());
        let answered = wrong.clone().filter(|one| one.is_answered).count();
        let wrong = 100.0 * share(answered, wrong.count());
        println!(
            "| {} | {answerable:.1} | {off:.1} | {near:.1} | {injection:.1} | {wrong:.1} |",
            slice.name()
        );
    }
    println!(
        "\n## {corpus}: near-topic questions declined, in %, when so many answerable ones are\n"
    );
    println!("| questions | by | 1 % | 2 % | 5 % | 10 % | 20 % | area |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|");
    for slice in Slice::ALL {
        for (name, value) in VALUES {
            let curve = Curve::of(Kind::Near, value, slice.of(searched));
            if curve.answerable.is_empty() {
                continue;
            }
            let at: Vec<String> = [0.01, 0.02, 0.05, 0.1, 0.2]
                .iter()
                .map(|lost| format!("{:.0}", 100.0 * curve.declined_at(*lost)))
                .collect();
            println!(
                "| {} | {name} | {} | {:.3} |",
                slice.name(),
                at.join(" | "),
                curve.area()
            );
        }
    }
}

/// What a floor can be put to: its name, and what it is of a question.
type Value = (&'static str, fn(&Searched) -> f64);

pub(crate) const VALUES: [Value; 2] = [
    ("confidence", |one| one.confidence),
    ("similarity alone", |one| one.similarity),
];

/// Prints which questions of the development half went wrong. The others are not to be looked at.
pub(crate) fn print_wrong(corpus: &str, searched: &[Searched]) {
    println!("\n## {corpus}: development questions that went wrong\n");
    for one in searched.iter().filter(|one| one.half == Half::Development) {
        let place = one.found(Method::Shipped).passage;
        let what = match (one.is_answerable(), one.is_answered) {
            (true, false) => "declined",
            (true, true) if place != Some(0) => "not first",
            (false, true) => "answered",
            _ => continue,
        };
        println!(
            "- {what}: {:?} ({:.2}) -> {}; answers stand at {place:?}",
            one.query, one.confidence, one.first
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_gives_what_a_floor_would_decline() {
        let curve = Curve {
            answerable: vec![0.3, 0.5, 0.7, 0.9],
            others: vec![0.1, 0.2, 0.4, 0.8],
        };
        assert_eq!(curve.declined_at(0.0), 0.5);
        assert_eq!(curve.declined_at(0.25), 0.75);
        // Of 16 pairs 0.4 is above one and 0.8 above three.
        assert_eq!(curve.area(), 12.0 / 16.0);
    }
}
