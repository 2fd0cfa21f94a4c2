//! Learns the weights of the dialogue from the examples in `training/` and writes them.
//!
//! `MODELS_DIR=… cargo run -p local-ai --example train_dialogue` prints, for each company, how its
//! questions are answered by what was learned from the others. The same examples give the same file.

mod regression;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use local_ai::dialogue::Memory;
use local_ai::dialogue::training::{
    self, Candidate, Evidence, Linear, Question, Weights, meaning, stems,
};
use local_ai::engine::{Embed, SpeechModels, similarity};
use serde_json::json;

use regression::{Case, Choice, deciding, own, ranking};

/// Passages in a result, as many as the assistant's own tool gives.
const PASSAGES: usize = 4;
/// How likely a passage of a result has to answer, and the evidence that leaves it open, as in knowledge-svc.
const MIN_CONFIDENCE: f32 = 0.15;
const OPEN_EVIDENCE: f32 = 0.38;
/// The share of questions that the best sentence answers, and of those that the best fact answers,
/// that may be declined for the sake of those that nothing answers.
const DECLINED: f32 = 0.08;
const FACTS_DECLINED: f32 = 0.06;
/// An off-topic question counts less than one that sounds right: there are as many for each company.
const OFF_TOPIC: f32 = 0.25;

fn main() -> anyhow::Result<()> {
    let models = std::env::var_os("MODELS_DIR").context("MODELS_DIR names the models folder")?;
    let models = SpeechModels::load(Path::new(&models), 2)?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let world = World {
        embed: &models,
        memory: Memory::default(),
        companies: companies(&here.join("training"))?,
    };
    for left_out in 0..world.companies.len() {
        if !world.companies[left_out].passages.is_empty() {
            let weights = world.learn(Some(left_out))?;
            world.report(left_out, &weights)?;
        }
    }
    let weights = world.learn(None)?;
    let file = here.join("src/dialogue/weights.json");
    std::fs::write(
        &file,
        serde_json::to_string_pretty(&rounded(weights))? + "\n",
    )?;
    println!("written: {}", file.display());
    Ok(())
}

/// A company: its help centre, the account of one customer, and what is asked.
#[derive(Default)]
struct Company {
    name: String,
    passages: Vec<Passage>,
    facts: Vec<(String, String)>,
    asked: Vec<Asked>,
}

struct Passage {
    title: String,
    heading: String,
    text: String,
}

struct Asked {
    question: Question,
    about: About,
}

enum About {
    /// Words of the sentences that answer.
    Article(Vec<String>),
    /// Nothing answers it, though it sounds so.
    NearTopic,
    OffTopic,
    /// The label that answers, or none.
    Account(Option<String>),
    /// Whether it is about the asker's own account.
    Own(bool),
}

fn companies(folder: &Path) -> anyhow::Result<Vec<Company>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|kind| kind == "txt"));
    files.sort();
    files.iter().map(|file| company(file)).collect()
}

fn company(file: &Path) -> anyhow::Result<Company> {
    let mut company = Company {
        name: file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into(),
        ..Company::default()
    };
    let (mut title, mut heading) = (String::new(), String::new());
    let mut fresh = true;
    for line in std::fs::read_to_string(file)?.lines().map(str::trim) {
        let mark = line.split(' ').next().unwrap_or_default();
        let rest = line.strip_prefix(mark).unwrap_or_default().trim();
        let pair = |by: &str| {
            let pair = rest
                .split_once(by)
                .with_context(|| format!("{by} is missing: {line}"));
            pair.map(|(left, right)| (left.trim().to_owned(), right.trim().to_owned()))
        };
        let mut ask = |question: &str, about| {
            company.asked.push(Asked {
                question: Question::new(question),
                about,
            });
        };
        match mark {
            "" => {}
            "#" => (title, heading, fresh) = (rest.to_owned(), String::new(), true),
            "##" => (heading, fresh) = (rest.to_owned(), true),
            "?" => {
                let (question, answers) = pair("::")?;
                let answers = answers.split("||").map(|words| words.trim().to_owned());
                ask(&question, About::Article(answers.collect()));
            }
            "?-" => ask(rest, About::NearTopic),
            "?!" => ask(rest, About::OffTopic),
            "?@" => {
                let (question, label) = pair("::")?;
                ask(&question, About::Account(Some(label)));
            }
            "?@-" => ask(rest, About::Account(None)),
            "?@?" => ask(rest, About::Own(true)),
            "??" => ask(rest, About::Own(false)),
            "@" => company.facts.push(pair("=")?),
            _ if fresh => {
                fresh = false;
                company.passages.push(Passage {
                    title: title.clone(),
                    heading: heading.clone(),
                    text: line.to_owned(),
                });
            }
            _ => {
                let passage = company.passages.last_mut().context("text before a title")?;
                passage.text.push('\n');
                passage.text.push_str(line);
            }
        }
    }
    for asked in &company.asked {
        if let About::Article(answers) = &asked.about {
            for words in answers {
                let is_there = company
                    .passages
                    .iter()
                    .any(|found| found.text.contains(words));
                ensure!(is_there, "{}: no article says {words:?}", company.name);
            }
        }
    }
    Ok(company)
}

struct World<'a> {
    embed: &'a dyn Embed,
    memory: Memory,
    companies: Vec<Company>,
}

impl World<'_> {
    /// The weights that all companies teach but the one left out.
    fn learn(&self, left_out: Option<usize>) -> anyhow::Result<Weights> {
        let mut weights = Weights::default();
        let taught: Vec<&Company> = self
            .companies
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != left_out)
            .map(|(_, company)| company)
            .collect();
        self.learn_own(&taught, &mut weights)?;
        let (mut sentences, mut facts) = (Vec::new(), Vec::new());
        for company in &taught {
            for asked in &company.asked {
                match &asked.about {
                    About::Article(answers) => {
                        let found = self.sentences(company, &asked.question, &weights)?.0;
                        sentences.push(choice(found, |text| says(text, answers)));
                    }
                    About::Account(Some(label)) => {
                        let found = self.facts(company, &asked.question, &weights)?.0;
                        facts.push(choice(found, |text| text == label));
                    }
                    _ => {}
                }
            }
        }
        weights.sentence = ranking(&sentences);
        weights.fact = ranking(&facts);
        self.learn_to_decline(&taught, &mut weights)?;
        Ok(weights)
    }

    fn learn_own(&self, taught: &[&Company], weights: &mut Weights) -> anyhow::Result<()> {
        let mut cases = Vec::new();
        for asked in taught.iter().flat_map(|company| &company.asked) {
            let own = match asked.about {
                About::Account(_) | About::Own(true) => true,
                About::Article(_) | About::NearTopic | About::Own(false) => false,
                About::OffTopic => continue,
            };
            let close = meaning(&asked.question, self.embed, &self.memory)?;
            cases.push((asked.question.about_own(), close, own));
        }
        (weights.own, weights.own_meaning) = own(&cases);
        Ok(())
    }

    /// Learns when the best is an answer, and sets that against what may be declined.
    fn learn_to_decline(&self, taught: &[&Company], weights: &mut Weights) -> anyhow::Result<()> {
        let (mut by_sentence, mut by_fact): (Vec<Case>, Vec<Case>) = Default::default();
        let off_topic: Vec<&Asked> = self
            .companies
            .iter()
            .flat_map(|company| &company.asked)
            .filter(|asked| matches!(asked.about, About::OffTopic))
            .collect();
        for company in taught.iter().filter(|company| !company.passages.is_empty()) {
            for asked in company.asked.iter().chain(off_topic.iter().copied()) {
                let question = &asked.question;
                let (found, evidence) = self.sentences(company, question, weights)?;
                let (named, fact_evidence) = self.facts(company, question, weights)?;
                let weight = if matches!(asked.about, About::OffTopic) {
                    OFF_TOPIC
                } else {
                    1.0
                };
                match &asked.about {
                    About::Article(answers) => {
                        // What search did not find cannot be told from what is not there.
                        if found.iter().any(|(text, _)| says(text, answers)) {
                            let right = found.iter().take(2).any(|(text, _)| says(text, answers));
                            by_sentence.push((evidence, right, weight));
                        }
                        by_fact.push((fact_evidence, false, OFF_TOPIC));
                    }
                    About::Account(label) => {
                        if !found.is_empty() {
                            by_sentence.push((evidence, false, weight));
                        }
                        let right = named.first().map(|(text, _)| text) == label.as_ref();
                        by_fact.push((fact_evidence, label.is_some() && right, weight));
                    }
                    About::NearTopic | About::OffTopic => {
                        if !found.is_empty() {
                            by_sentence.push((evidence, false, weight));
                        }
                        by_fact.push((fact_evidence, false, OFF_TOPIC * weight));
                    }
                    About::Own(_) => {}
                }
            }
        }
        weights.sentence_answers = deciding(&by_sentence, DECLINED);
        weights.fact_answers = deciding(&by_fact, FACTS_DECLINED);
        Ok(())
    }

    /// How a company's questions are answered by weights that it did not teach.
    fn report(&self, index: usize, weights: &Weights) -> anyhow::Result<()> {
        let company = &self.companies[index];
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut count = |what, is_right: bool| {
            let (right, all) = counts.entry(what).or_default();
            *right += usize::from(is_right);
            *all += 1;
        };
        let off_topic = self.companies.iter().flat_map(|company| &company.asked);
        let off_topic = off_topic.filter(|asked| matches!(asked.about, About::OffTopic));
        for asked in company.asked.iter().chain(off_topic) {
            let question = &asked.question;
            let close = meaning(question, self.embed, &self.memory)?;
            let is_own = weights.own(&question.about_own(), &close) > 0.0;
            let (found, evidence) = self.sentences(company, question, weights)?;
            let answers = !found.is_empty() && weights.sentence_answers.score(&evidence) > 0.0;
            match &asked.about {
                About::Article(words) => {
                    count("general told", !is_own);
                    if found.iter().any(|(text, _)| says(text, words)) {
                        let right =
                            |most| found.iter().take(most).any(|(text, _)| says(text, words));
                        count("first sentence", right(1));
                        count("two sentences", right(2));
                        count("answered", answers);
                    }
                }
                About::NearTopic => count("near declined", !answers),
                About::OffTopic => count("off declined", !answers),
                About::Account(label) => {
                    count("own told", is_own);
                    let (named, evidence) = self.facts(company, question, weights)?;
                    let answers = weights.fact_answers.score(&evidence) > 0.0;
                    match label {
                        Some(label) => {
                            let first = named.first().map(|(text, _)| text);
                            count("fact", first == Some(label));
                            count("fact answered", answers);
                        }
                        None => count("fact declined", !answers),
                    }
                }
                About::Own(_) => {}
            }
        }
        println!("{}:", company.name);
        for (what, (right, all)) in counts {
            println!("  {what:16} {right:3} of {all}");
        }
        Ok(())
    }

    fn sentences(
        &self,
        company: &Company,
        question: &Question,
        weights: &Weights,
    ) -> anyhow::Result<(Vec<Candidate>, Evidence)> {
        let output = self.search(company, question)?;
        Ok(training::sentences(
            question,
            &output,
            weights,
            self.embed,
            &self.memory,
        )?)
    }

    fn facts(
        &self,
        company: &Company,
        question: &Question,
        weights: &Weights,
    ) -> anyhow::Result<(Vec<Candidate>, Evidence)> {
        let facts: Vec<_> = company
            .facts
            .iter()
            .map(|(label, value)| json!({"label": label, "value": value}))
            .collect();
        let output = json!({ "facts": facts }).to_string();
        Ok(training::facts(
            question,
            &output,
            weights,
            self.embed,
            &self.memory,
        )?)
    }

    /// The result of a search like the assistant's: by meaning and by words.
    fn search(&self, company: &Company, question: &Question) -> anyhow::Result<String> {
        let asked = meaning(question, self.embed, &self.memory)?;
        let words: HashSet<String> = stems(&question.text).into_iter().collect();
        let share = |count: usize| count as f32 / words.len().max(1) as f32;
        let mut found = Vec::new();
        let mut known = HashSet::new();
        for passage in &company.passages {
            let text = format!("{}\n{}\n{}", passage.title, passage.heading, passage.text);
            let held: HashSet<String> = stems(&text).into_iter().collect();
            let close = meaning(&whole(&text), self.embed, &self.memory)?;
            let shared: Vec<_> = words.intersection(&held).cloned().collect();
            found.push((
                similarity(&asked, &close) + 0.3 * share(shared.len()),
                passage,
            ));
            known.extend(shared);
        }
        let unknown = share(words.difference(&known).count());
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let found: Vec<_> = found
            .into_iter()
            .map(|(evidence, passage)| (confidence(evidence, unknown), passage))
            .filter(|(confidence, _)| *confidence >= MIN_CONFIDENCE)
            .take(PASSAGES)
            .map(|(confidence, passage)| {
                json!({"title": passage.title, "heading": passage.heading, "text": passage.text, "confidence": confidence})
            })
            .collect();
        Ok(json!({ "passages": found }).to_string())
    }
}

/// How likely a passage answers, about as knowledge-svc has it: so many words of the question that no passage holds
/// speak against it.
fn confidence(evidence: f32, unknown: f32) -> f32 {
    let evidence = evidence - 0.1 * unknown;
    1.0 / (1.0 + (14.0 * (OPEN_EVIDENCE - evidence)).exp())
}

/// A text as it is.
fn whole(text: &str) -> Question {
    let mut question = Question::new("");
    question.text = text.to_owned();
    question
}

fn says(text: &str, answers: &[String]) -> bool {
    // A sentence begins with a capital letter wherever it stood.
    let text = text.to_lowercase();
    answers
        .iter()
        .any(|words| text.contains(&words.to_lowercase()))
}

fn choice(found: Vec<Candidate>, is_right: impl Fn(&str) -> bool) -> Choice {
    found
        .into_iter()
        .map(|(text, evidence)| {
            let right = is_right(&text);
            (evidence, right)
        })
        .collect()
}

/// Three places are as good as all, and the file stays small.
fn rounded(mut weights: Weights) -> Weights {
    let round = |value: &mut f32| *value = (*value * 1_000.0).round() / 1_000.0;
    weights.own_meaning.iter_mut().for_each(round);
    let linears: HashMap<&str, &mut Linear> = HashMap::from([
        ("own", &mut weights.own),
        ("sentence", &mut weights.sentence),
        ("sentence_answers", &mut weights.sentence_answers),
        ("fact", &mut weights.fact),
        ("fact_answers", &mut weights.fact_answers),
    ]);
    for linear in linears.into_values() {
        round(&mut linear.bias);
        linear.weights.values_mut().for_each(round);
    }
    weights
}
