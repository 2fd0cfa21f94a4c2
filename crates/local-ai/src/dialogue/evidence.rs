//! How well what tools gave answers a question: by meaning, by words, by the kind of answer that
//! is asked for, and by where it stands.

use std::collections::HashSet;

use super::DialogueError;
use super::json::{Fact, Passage};
use super::learned::{Evidence, Weights};
use super::memory::Memory;
use super::question::{Kind, Question};
use super::text::{codes, head, is_personal, names, stem, stems, words};
use crate::engine::{Embed, Embedding, similarity};

/// The sentences that are compared by meaning: the best by words and place. One costs about 4 ms
/// the first time.
const COMPARED: usize = 24;
/// What a result that does not say how likely its passages answer is taken for.
const UNTOLD: f32 = 0.6;
/// What is new in a question counts more than the whole.
const NEWS: f32 = 0.65;

/// The models and what is known about the asker's question.
pub(super) struct Judge<'a> {
    question: &'a Question,
    embed: &'a dyn Embed,
    memory: &'a Memory,
    weights: &'a Weights,
    /// The company that we speak for. Its name is near to everything that holds it, and says nothing.
    company: Option<&'a str>,
    whole: Embedding,
    news: Option<Embedding>,
    own: f32,
}

/// A sentence of a passage with what speaks for it.
#[derive(Debug)]
pub(super) struct Sentence {
    /// The passage, and the sentence in it.
    pub(super) place: (usize, usize),
    pub(super) evidence: Evidence,
    /// The higher, the better an answer among these.
    pub(super) rank: f32,
}

/// A fact with what speaks for it.
#[derive(Debug)]
pub(super) struct Named {
    /// The fact.
    pub(super) index: usize,
    pub(super) evidence: Evidence,
    /// The higher, the better an answer among these.
    pub(super) rank: f32,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        question: &'a Question,
        embed: &'a dyn Embed,
        memory: &'a Memory,
        weights: &'a Weights,
        company: Option<&'a str>,
    ) -> Result<Self, DialogueError> {
        let mut texts = vec![without(company, &question.text)];
        // Without a word of its own what is new is no question.
        let news = question.news.as_deref();
        let news = news.filter(|news| !stems(news).is_empty());
        texts.extend(news.map(|news| without(company, news)));
        let embedded = memory.embed(&texts, embed)?;
        let whole = embedded.first().copied().unwrap_or([0.0; _]);
        Ok(Self {
            question,
            embed,
            memory,
            weights,
            company,
            whole,
            news: embedded.get(1).copied(),
            own: weights.own(&question.about_own(), &whole),
        })
    }

    /// Above 0 for a question about the asker's own account.
    pub(super) fn own(&self) -> f32 {
        self.own
    }

    /// Whether it says so itself ("my", "our").
    pub(super) fn is_personal(&self) -> bool {
        is_personal(&self.question.text)
    }

    /// How close each text is to the question.
    pub(super) fn closeness(&self, texts: &[String]) -> Result<Vec<f32>, DialogueError> {
        let texts: Vec<String> = texts
            .iter()
            .map(|text| without(self.company, text))
            .collect();
        let embedded = self.memory.embed(&texts, self.embed)?;
        let close = |text: &Embedding| {
            let whole = similarity(&self.whole, text);
            match &self.news {
                Some(news) => (1.0 - NEWS) * whole + NEWS * similarity(news, text),
                None => whole,
            }
        };
        Ok(embedded.iter().map(close).collect())
    }

    /// The sentences of passages, best first.
    pub(super) fn sentences(&self, passages: &[Passage]) -> Result<Vec<Sentence>, DialogueError> {
        let asked = AskedWords::new(self.question, passages);
        let mut found: Vec<Sentence> = Vec::new();
        for (passage, read) in passages.iter().enumerate() {
            let topic = stem_set(read.topic.as_deref().unwrap_or_default());
            let mut before = HashSet::new();
            for (index, sentence) in read.sentences.iter().enumerate() {
                let said = stems(sentence);
                let mut evidence = asked.shared(&said, &topic, &before);
                evidence.extend(self.by_form(sentence));
                evidence.extend([
                    ("passage", 1.0 / (1.0 + passage as f32)),
                    ("leads", flag(passage == 0 && index == 0)),
                    ("begins", flag(index == 0)),
                    ("opens", flag(index == 0 && read.opens)),
                    ("in_opening", flag(read.opens)),
                    ("place", index.min(5) as f32 / 5.0),
                ]);
                found.push(Sentence {
                    place: (passage, index),
                    rank: self.weights.sentence.score(&evidence),
                    evidence,
                });
                before = said.into_iter().collect();
            }
        }
        found.sort_by(|a, b| b.rank.total_cmp(&a.rank).then(a.place.cmp(&b.place)));
        found.truncate(COMPARED);
        self.by_meaning(passages, &mut found)?;
        found.sort_by(|a, b| b.rank.total_cmp(&a.rank).then(a.place.cmp(&b.place)));
        Ok(found)
    }

    /// Whether a sentence looks like the answer that is asked for.
    fn by_form(&self, sentence: &str) -> Evidence {
        let kind = self.question.kind();
        let wrong_kind = kind.is_some_and(|kind| !kind.is_answered_by(sentence));
        let asked = codes(&self.question.text);
        let same_code = codes(sentence).iter().any(|code| asked.contains(code));
        vec![
            ("short", flag(words(sentence).len() < 5)),
            ("wrong_kind", flag(wrong_kind)),
            ("same_code", flag(same_code)),
        ]
    }

    fn by_meaning(
        &self,
        passages: &[Passage],
        found: &mut [Sentence],
    ) -> Result<(), DialogueError> {
        let mut texts = Vec::with_capacity(2 * found.len());
        for sentence in found.iter() {
            let (passage, index) = sentence.place;
            let text = &passages[passage].sentences[index];
            let in_context = match &passages[passage].topic {
                Some(topic) => format!("{topic}: {text}"),
                None => text.clone(),
            };
            texts.extend([text.clone(), in_context]);
        }
        let closeness = self.closeness(&texts)?;
        for (sentence, close) in found.iter_mut().zip(closeness.chunks(2)) {
            if let [alone, in_context] = close {
                sentence
                    .evidence
                    .extend([("meaning", *alone), ("meaning_in_context", *in_context)]);
            }
            sentence.rank = self.weights.sentence.score(&sentence.evidence);
        }
        Ok(())
    }

    /// What speaks for the best of these sentences being an answer at all.
    pub(super) fn sentence_answers(&self, best: &[Sentence], passages: &[Passage]) -> Evidence {
        let closest = |name| {
            let all = best
                .iter()
                .map(|sentence| measure(&sentence.evidence, name));
            all.fold(0.0, f32::max)
        };
        let first = |name| {
            best.first()
                .map_or(0.0, |best| measure(&best.evidence, name))
        };
        let confidence = best.first().map(|best| {
            let told = passages[best.place.0].confidence;
            told.unwrap_or(UNTOLD)
        });
        vec![
            ("confidence", confidence.unwrap_or_default()),
            ("meaning", first("meaning")),
            ("meaning_in_context", first("meaning_in_context")),
            ("closest", closest("meaning")),
            ("closest_in_context", closest("meaning_in_context")),
            ("wrong_kind", first("wrong_kind")),
            ("same_code", first("same_code")),
            ("strange_name", flag(self.names_what_is_nowhere(passages))),
            ("own", (self.own / 4.0).clamp(0.0, 1.0)),
        ]
    }

    /// Whether the question names something that no passage does.
    fn names_what_is_nowhere(&self, passages: &[Passage]) -> bool {
        let names = names(&self.question.text);
        let mut known: HashSet<String> = words(self.company.unwrap_or_default())
            .into_iter()
            .collect();
        if !names.is_empty() {
            for passage in passages {
                known.extend(words(passage.topic.as_deref().unwrap_or_default()));
                known.extend(
                    passage
                        .sentences
                        .iter()
                        .flat_map(|sentence| words(sentence)),
                );
            }
        }
        names.iter().any(|name| !known.contains(name))
    }

    /// The facts, best first.
    pub(super) fn facts(&self, facts: &[Fact]) -> Result<Vec<Named>, DialogueError> {
        let texts: Vec<String> = facts
            .iter()
            .flat_map(|fact| [fact.sentence.clone(), format!("your {}", fact.label)])
            .collect();
        let closeness = self.closeness(&texts)?;
        let asked: HashSet<String> = self.question.stems().into_iter().collect();
        let mut named: Vec<Named> = facts
            .iter()
            .zip(closeness.chunks(2))
            .enumerate()
            .map(|(index, (fact, close))| {
                let evidence = self.for_fact(fact, close, &asked);
                let rank = self.weights.fact.score(&evidence);
                Named {
                    index,
                    evidence,
                    rank,
                }
            })
            .collect();
        named.sort_by(|a, b| b.rank.total_cmp(&a.rank).then(a.index.cmp(&b.index)));
        Ok(named)
    }

    fn for_fact(&self, fact: &Fact, close: &[f32], asked: &HashSet<String>) -> Evidence {
        let label: HashSet<String> = words(&fact.label).iter().map(|word| stem(word)).collect();
        let value: HashSet<String> = stems(&fact.value).into_iter().collect();
        let noun = noun(&words(&fact.label)).map(|noun| stem(&noun));
        let kind = self.question.kind();
        let fits = kind.map(|kind| kind.is_answered_by(&fact.value));
        let share = |part: usize, whole: usize| part as f32 / whole.max(1) as f32;
        let both = |stem: &&String| label.contains(*stem) || value.contains(*stem);
        vec![
            ("meaning", close.first().copied().unwrap_or_default()),
            ("label", close.get(1).copied().unwrap_or_default()),
            ("noun", flag(noun.is_some_and(|noun| asked.contains(&noun)))),
            (
                "asked_words",
                share(asked.iter().filter(both).count(), asked.len()),
            ),
            (
                "label_words",
                share(label.intersection(asked).count(), label.len()),
            ),
            ("value_words", flag(!value.is_disjoint(asked))),
            ("right_kind", flag(fits == Some(true))),
            ("time", flag(kind == Some(Kind::Time) && fits == Some(true))),
            (
                "person",
                flag(kind == Some(Kind::Person) && fits == Some(true)),
            ),
            (
                "place",
                flag(kind == Some(Kind::Place) && fits == Some(true)),
            ),
            ("wrong_kind", flag(fits == Some(false))),
        ]
    }

    /// What speaks for the best of these facts being an answer at all.
    pub(super) fn fact_answers(&self, best: &[Named]) -> Evidence {
        let first = |name| {
            best.first()
                .map_or(0.0, |best| measure(&best.evidence, name))
        };
        let mut evidence: Evidence =
            vec![("rank", best.first().map_or(0.0, |best| best.rank) / 10.0)];
        evidence.extend(
            [
                "meaning",
                "label",
                "noun",
                "asked_words",
                "label_words",
                "value_words",
                "wrong_kind",
            ]
            .map(|name| (name, first(name))),
        );
        evidence.push(("own", (self.own / 4.0).clamp(-1.0, 1.0)));
        evidence
    }
}

/// A text that says "it" for the company.
fn without(company: Option<&str>, text: &str) -> String {
    match company {
        Some(company) => text.replace(company, "it"),
        None => text.to_owned(),
    }
}

/// How much there is of a piece of evidence.
fn measure(evidence: &Evidence, name: &str) -> f32 {
    let found = evidence.iter().find(|(known, _)| *known == name);
    found.map_or(0.0, |(_, value)| *value)
}

fn flag(is_so: bool) -> f32 {
    f32::from(u8::from(is_so))
}

fn stem_set(text: &str) -> HashSet<String> {
    stems(text).into_iter().collect()
}

/// The words of a question, and how much each tells these sentences apart: one that is in all of
/// them, little.
struct AskedWords {
    stems: Vec<String>,
    rarity: Vec<f32>,
}

impl AskedWords {
    fn new(question: &Question, passages: &[Passage]) -> Self {
        let stems = question.stems();
        let sentences: Vec<HashSet<String>> = passages
            .iter()
            .flat_map(|read| &read.sentences)
            .map(|sentence| stem_set(sentence))
            .collect();
        let rarity = |stem: &String| {
            let holding = sentences.iter().filter(|said| said.contains(stem)).count();
            ((sentences.len() as f32 + 2.0) / (holding as f32 + 1.0)).ln()
        };
        Self {
            rarity: stems.iter().map(rarity).collect(),
            stems,
        }
    }

    /// What a sentence shares with the question, by itself and with what stands above and before.
    fn shared(
        &self,
        said: &[String],
        topic: &HashSet<String>,
        before: &HashSet<String>,
    ) -> Evidence {
        let total: f32 = self.rarity.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let share = |holds: &dyn Fn(&String) -> bool| {
            let all = self.stems.iter().zip(&self.rarity);
            let held = all.filter(|(stem, _)| holds(stem));
            held.map(|(_, rarity)| rarity).sum::<f32>() / total
        };
        let pairs: HashSet<_> = self.stems.windows(2).collect();
        let has_pair = said.windows(2).any(|pair| pairs.contains(pair));
        let new = |stem: &String| !topic.contains(stem);
        vec![
            ("words", share(&|stem| said.contains(stem))),
            ("topic_words", share(&|stem| topic.contains(stem))),
            ("new_words", share(&|stem| said.contains(stem) && new(stem))),
            (
                "words_before",
                share(&|stem| before.contains(stem) && new(stem) && !said.contains(stem)),
            ),
            ("word_pair", flag(has_pair)),
        ]
    }
}

/// What a label names. A "number of projects" names projects.
fn noun(label: &[String]) -> Option<String> {
    const MEASURES: [&str; 5] = ["number", "amount", "count", "total", "date"];
    head(label)
        .filter(|head| !MEASURES.contains(&head.as_str()))
        .or_else(|| {
            let named = label.iter().rev();
            named
                .clone()
                .find(|word| !MEASURES.contains(&word.as_str()))
                .or(label.last())
        })
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_what_it_is_built_around() {
        for (label, expected) in [
            ("role in the workspace", "role"),
            ("number of projects", "projects"),
            ("next invoice date", "invoice"),
            ("seat usage", "usage"),
            ("date", "date"),
        ] {
            assert_eq!(noun(&words(label)).as_deref(), Some(expected), "{label}");
        }
    }

    #[test]
    fn words_that_are_everywhere_tell_little() {
        let passage = |sentences: &[&str]| Passage {
            confidence: None,
            topic: None,
            opens: true,
            sentences: sentences.iter().map(|text| (*text).to_owned()).collect(),
        };
        let passages = [
            passage(&["The plan is big.", "The plan is small."]),
            passage(&["A plan with refunds."]),
        ];
        let asked = AskedWords::new(&Question::new("plan refund nevermore"), &passages);
        assert_eq!(asked.stems, ["plan", "refund", "nevermor"]);
        assert!(
            asked.rarity.is_sorted_by(|a, b| a < b),
            "{:?}",
            asked.rarity
        );
    }
}
