//! Judges how well searches find what answers, and whether they say so when nothing does (`cargo xtask eval
//! knowledge`), and measures how quick searches and imports are (`cargo xtask bench search`, `bench import`). `--sample`
//! leaves the PostgreSQL manual out.
//!
//! The service is the real one over a real PostgreSQL, with the vectors of the local model. Its answers say of every
//! passage that was looked at where each half of the search has it, so that all ways of ranking are judged by the
//! same searches.

mod bench;
mod corpus;
mod figures;
mod goals;
mod hearing;
mod questions;
mod rankings;
mod service;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use clap::Parser;
use futures::{StreamExt as _, TryStreamExt as _};
use proto::insta::knowledge::v1::{Passage, SearchResponse};
use serde_json::json;
use speech::Models;

use bench::{Subject, import, search};
use corpus::Corpus;
use goals::Floors;
use questions::{Question, Style};
use rankings::Searched;
use service::{Memory, Service};

/// Searches under way at once.
const SEARCHES: usize = 2;

#[derive(Debug, Parser)]
struct Options {
    /// The demo articles alone.
    #[arg(long)]
    sample: bool,
    /// Say which questions of the development half went wrong.
    #[arg(long)]
    wrong: bool,
    /// Write the evidence of the development half's searches there, a line of JSON each, to choose weights by.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// Ask the questions aloud and keep what is heard, instead of judging.
    #[arg(long)]
    hear: bool,
    /// Measure how quick these are, instead of judging.
    #[arg(long, value_name = "SUBJECT")]
    bench: Option<bench::Subject>,
    /// The folder with the models.
    #[arg(long, env)]
    models_dir: PathBuf,
    /// The folder with the manual's pages.
    #[arg(long, env)]
    manual_dir: Option<PathBuf>,
    /// A file in which vectors are kept from one run to the next.
    #[arg(long, env)]
    vectors_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("eval");
    let models = Models::open(&options.models_dir, 1)?;
    if options.hear {
        hearing::write(&models, &folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut corpora = vec![(Corpus::demo()?, &DEMO)];
    if !options.sample {
        let manual = options
            .manual_dir
            .as_ref()
            .context("set MANUAL_DIR to the folder with the manual's pages")?;
        corpora.push((Corpus::manual(manual)?, &POSTGRESQL));
    }
    let memory = || Memory::open(models.embedder(2)?, options.vectors_file.clone()).map(Arc::new);
    if let Some(subject) = options.bench {
        let corpus = corpora.pop().context("there is a corpus")?.0;
        let is_met = match subject {
            Subject::Search => search::run(&corpus, &memory()?, &folder, options.sample).await?,
            Subject::Import => import::run(&corpus, &models, options.sample).await?,
        };
        return Ok(exit_code(is_met));
    }
    let service = Service::start(memory()?).await?;
    let mut evidence = String::new();
    let mut are_met = true;
    for (corpus, floors) in corpora {
        service.add(&corpus.documents).await?;
        let searched = ask(&service, &folder, &corpus, &mut evidence).await?;
        figures::print(corpus.name, &searched);
        if options.wrong {
            figures::print_wrong(corpus.name, &searched);
        }
        are_met &= goals::check(corpus.name, floors, &searched);
    }
    if let Some(path) = options.evidence {
        fs::write(&path, evidence).with_context(|| path.display().to_string())?;
    }
    Ok(exit_code(are_met))
}

fn exit_code(is_met: bool) -> ExitCode {
    match is_met {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What was measured, less a little room.
const DEMO: Floors = Floors {
    recall_5: [0.88, 0.82],
    lead: [0.0, 0.0],
    answered: [0.95, 0.93],
    declined: [0.95, 0.95],
    area: [0.0, 0.0],
    wanted_recall_5: 0.95,
};

const POSTGRESQL: Floors = Floors {
    recall_5: [0.74, 0.63],
    answered: [0.96, 0.86],
    declined: [0.92, 0.92],
    wanted_recall_5: 0.85,
    ..DEMO
};

/// Asks every question in both styles.
async fn ask(
    service: &Service,
    folder: &Path,
    corpus: &Corpus,
    evidence: &mut String,
) -> anyhow::Result<Vec<Searched>> {
    let questions = questions::read(folder, corpus.name)?;
    for answer in questions.iter().flat_map(|question| &question.answers) {
        corpus.check(answer)?;
    }
    let heard: HashMap<String, String> = questions::hearings(folder)?
        .heard
        .into_iter()
        .map(|hearing| (hearing.question, hearing.heard))
        .collect();
    let mut asked = Vec::new();
    for question in &questions {
        asked.push((question, Style::Written, question.text.as_str()));
        let heard = heard.get(&question.text);
        let heard = heard.with_context(|| format!("nobody has asked {:?} aloud", question.text))?;
        // Nothing is searched for when nothing was heard.
        if !heard.is_empty() {
            asked.push((question, Style::Spoken, heard));
        }
    }
    let answers = futures::stream::iter(asked)
        .map(|(question, style, query)| async move {
            let answer = service.search(corpus.name, query).await?;
            anyhow::Ok((question, style, query, answer))
        })
        .buffered(SEARCHES);
    let answers: Vec<_> = answers.try_collect().await?;
    let mut searched = Vec::new();
    for (question, style, query, answer) in answers {
        if question.half() == questions::Half::Development {
            evidence.push_str(&line(corpus, question, style, query, &answer));
        }
        searched.push(Searched::of(corpus, question, style, query, &answer));
    }
    Ok(searched)
}

/// A search as a line of JSON.
fn line(
    corpus: &Corpus,
    question: &Question,
    style: Style,
    query: &str,
    answer: &SearchResponse,
) -> String {
    let passage = |passage: &Passage| {
        let score = passage.score.unwrap_or_default();
        json!({
            "document_id": passage.document_id, "heading_path": passage.heading_path,
            "answers": question.answers.iter().any(|answer| corpus.is_answer(answer, passage)),
            "rejection": format!("{:?}", passage.rejection()), "fused": score.fused, "confidence": score.confidence,
            "similarity": score.similarity, "part_similarity": score.part_similarity, "vector_rank": score.vector_rank,
            "coverage": score.coverage, "text_rank": score.text_rank, "words": passage.text.split_whitespace().count(),
        })
    };
    let line = json!({
        "corpus": corpus.name, "kind": format!("{:?}", question.kind), "style": format!("{style:?}"),
        "question": question.text, "query": query,
        "passages": answer.passages.iter().map(passage).collect::<Vec<_>>(),
    });
    format!("{line}\n")
}
