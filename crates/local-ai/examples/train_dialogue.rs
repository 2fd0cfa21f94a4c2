//! Learns the weights of the dialogue from the examples in `training/` and writes them.
//!
//! `MODELS_DIR=… cargo run -p local-ai --example train_dialogue` prints, for each company, how its
//! questions are answered by what was learned from the others. The same examples give the same file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use local_ai::dialogue::Memory;
use local_ai::dialogue::training::{
    self, Candidate, Evidence, Linear, Question, Weights, meaning, stems,
};
use local_ai::engine::{Embed, Embedding, SpeechModels, similarity};
use serde_json::json;

/// Passages in a result, as many as the assistant's own tool gives.
const PASSAGES: usize = 4;
/// How likely a passage of a result has to answer, and the evidence that leaves it open, as in knowledge-svc.
const MIN_CONFIDENCE: f32 = 0.15;
const OPEN_EVIDENCE: f32 = 0.38;
/// The share of questions that the best sentence answers, and of those that the best fact answers,
/// that may be declined for the sake of those that nothing answers.
const DECLINED: f32 = 0.08;
const FACTS_DECLINED: f32 = 0.06;
/// What keeps weights small, for few and for many kinds of evidence.
const RESTRAINT: f32 = 8.0;
const OWN_RESTRAINT: f32 = 3.0;
/// An off-topic question counts less than one that sounds right: there are as many for each company.
const OFF_TOPIC: f32 = 0.25;
/// Embeddings have length 1, other evidence is 0 or 1: this brings them to one scale.
const MEANING: f32 = 5.0;

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

/// Candidates with the ones that are right.
type Choice = Vec<(Evidence, bool)>;
/// Evidence, whether it was for something right, and how much that counts.
type Case = (Evidence, bool, f32);

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

/// Steps down a slope, each weight at its own pace (Adam).
struct Descent {
    weights: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    step: i32,
}

impl Descent {
    const STEPS: usize = 500;
    const PACE: f64 = 0.05;

    fn new(size: usize) -> Self {
        Self {
            weights: vec![0.0; size],
            mean: vec![0.0; size],
            square: vec![0.0; size],
            step: 0,
        }
    }

    fn down(&mut self, slope: &[f64]) {
        self.step += 1;
        for (index, slope) in slope.iter().enumerate() {
            self.mean[index] = 0.9 * self.mean[index] + 0.1 * slope;
            self.square[index] = 0.999 * self.square[index] + 0.001 * slope * slope;
            let mean = self.mean[index] / (1.0 - 0.9f64.powi(self.step));
            let square = self.square[index] / (1.0 - 0.999f64.powi(self.step));
            self.weights[index] -= Self::PACE * mean / (square.sqrt() + 1e-8);
        }
    }
}

/// Evidence as numbers of one scale, by name.
struct Scale {
    names: Vec<&'static str>,
    spread: Vec<f64>,
}

impl Scale {
    fn of<'e>(mut all: impl Iterator<Item = &'e Evidence> + Clone) -> Self {
        let every = all.clone();
        let names: Vec<&'static str> = all
            .next()
            .map(|evidence| evidence.iter().map(|(name, _)| *name).collect())
            .unwrap_or_default();
        let count = every.clone().count().max(1) as f64;
        let spread = (0..names.len())
            .map(|index| {
                let values = every.clone().map(|evidence| f64::from(evidence[index].1));
                let mean = values.clone().sum::<f64>() / count;
                let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
                variance.sqrt().max(1e-3)
            })
            .collect();
        Self { names, spread }
    }

    fn row(&self, evidence: &Evidence) -> Vec<f64> {
        let pairs = evidence.iter().zip(&self.spread);
        pairs
            .map(|((_, value), spread)| f64::from(*value) / spread)
            .collect()
    }

    fn linear(&self, weights: &[f64], bias: f64) -> Linear {
        let named = self.names.iter().zip(weights.iter().zip(&self.spread));
        Linear {
            bias: bias as f32,
            weights: named
                .map(|(name, (weight, spread))| ((*name).to_owned(), (weight / spread) as f32))
                .collect(),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Weights by which the right candidates come first: multinomial logistic regression.
fn ranking(choices: &[Choice]) -> Linear {
    let useful: Vec<&Choice> = choices
        .iter()
        .filter(|choice| choice.iter().any(|(_, right)| *right))
        .collect();
    let scale = Scale::of(
        useful
            .iter()
            .flat_map(|choice| choice.iter().map(|(e, _)| e)),
    );
    let rows: Vec<Vec<(Vec<f64>, bool)>> = useful
        .iter()
        .map(|choice| {
            choice
                .iter()
                .map(|(e, right)| (scale.row(e), *right))
                .collect()
        })
        .collect();
    let mut descent = Descent::new(scale.names.len());
    let count = rows.len().max(1) as f64;
    for _ in 0..Descent::STEPS {
        let mut slope: Vec<f64> = descent
            .weights
            .iter()
            .map(|weight| f64::from(RESTRAINT) * weight / count)
            .collect();
        for choice in &rows {
            let scores: Vec<f64> = choice
                .iter()
                .map(|(row, _)| dot(row, &descent.weights))
                .collect();
            let most = scores.iter().copied().fold(f64::MIN, f64::max);
            let powers: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let sum: f64 = powers.iter().sum();
            let right: f64 = choice
                .iter()
                .zip(&powers)
                .filter(|((_, right), _)| *right)
                .map(|(_, p)| p)
                .sum();
            for ((row, is_right), power) in choice.iter().zip(&powers) {
                let wanted = if *is_right { power / right } else { 0.0 };
                let off = (power / sum - wanted) / count;
                for (slope, value) in slope.iter_mut().zip(row) {
                    *slope += off * value;
                }
            }
        }
        descent.down(&slope);
    }
    scale.linear(&descent.weights, 0.0)
}

/// Weights whose sum is above 0 for what is right, with a bias that declines this share of it.
fn deciding(cases: &[Case], may_decline: f32) -> Linear {
    let scale = Scale::of(cases.iter().map(|(evidence, ..)| evidence));
    let rows: Vec<(Vec<f64>, bool, f64)> = cases
        .iter()
        .map(|(evidence, right, weight)| (scale.row(evidence), *right, f64::from(*weight)))
        .collect();
    let weights = logistic(&rows, f64::from(RESTRAINT));
    let (weights, _) = weights.split_at(scale.names.len());
    let mut right: Vec<f64> = rows
        .iter()
        .filter(|(_, right, _)| *right)
        .map(|(row, ..)| dot(row, weights))
        .collect();
    right.sort_by(f64::total_cmp);
    let declined = (right.len() as f32 * may_decline) as usize;
    let floor = right.get(declined).copied().unwrap_or_default();
    scale.linear(weights, -floor)
}

/// Logistic regression; the last weight is the bias.
fn logistic(rows: &[(Vec<f64>, bool, f64)], restraint: f64) -> Vec<f64> {
    let size = rows.first().map_or(0, |(row, ..)| row.len());
    let total: f64 = rows
        .iter()
        .map(|(_, _, weight)| weight)
        .sum::<f64>()
        .max(1.0);
    let mut descent = Descent::new(size + 1);
    for _ in 0..Descent::STEPS {
        let mut slope: Vec<f64> = descent
            .weights
            .iter()
            .map(|weight| restraint * weight / rows.len().max(1) as f64)
            .collect();
        slope[size] = 0.0;
        for (row, right, weight) in rows {
            let score = dot(row, &descent.weights) + descent.weights[size];
            let off = (1.0 / (1.0 + (-score).exp()) - f64::from(u8::from(*right))) * weight / total;
            for (slope, value) in slope.iter_mut().zip(row.iter().chain([&1.0])) {
                *slope += off * value;
            }
        }
        descent.down(&slope);
    }
    descent.weights
}

/// Weights for a question being about the asker's own account.
fn own(cases: &[(Evidence, Embedding, bool)]) -> (Linear, Vec<f32>) {
    let count = |wanted: bool| cases.iter().filter(|(.., own)| *own == wanted).count() as f64;
    // Both kinds count the same, however many there are of each.
    let balance = count(false) / count(true).max(1.0);
    let rows: Vec<(Vec<f64>, bool, f64)> = cases
        .iter()
        .map(|(evidence, meaning, own)| {
            let meaning = meaning.iter().map(|value| f64::from(MEANING * value));
            let signs = evidence.iter().map(|(_, value)| f64::from(*value));
            let weight = if *own { balance } else { 1.0 };
            (meaning.chain(signs).collect(), *own, weight)
        })
        .collect();
    let weights = logistic(&rows, f64::from(OWN_RESTRAINT));
    let meaning = cases.first().map_or(0, |(_, meaning, _)| meaning.len());
    let named = cases
        .first()
        .map(|(evidence, ..)| evidence.clone())
        .unwrap_or_default();
    let signs = named.iter().zip(&weights[meaning..]);
    let linear = Linear {
        bias: weights.last().copied().unwrap_or_default() as f32,
        weights: signs
            .map(|((name, _), weight)| ((*name).to_owned(), *weight as f32))
            .collect(),
    };
    let by_meaning = weights[..meaning]
        .iter()
        .map(|weight| *weight as f32 * MEANING);
    (linear, by_meaning.collect())
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
