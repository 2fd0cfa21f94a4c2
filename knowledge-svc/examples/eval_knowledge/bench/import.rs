//! How quick an import is until all of its vectors are there, beside the embedder alone.
//!
//! The embedder is given the texts that the service had it embed, in requests of the same size and as many at once, so
//! that what differs is all that the service does around them. Both take turns.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl;
use proto::insta::knowledge::v1::Document;
use speech::{Models, embedding::Embedder};

use crate::{
    corpus::Corpus,
    service::{Memory, Service},
};

/// Articles of an import, evenly over the corpus, and how often it is done.
const ARTICLES: usize = 60;
const ROUNDS: usize = 3;
const SAMPLE_ARTICLES: usize = 4;
const SAMPLE_ROUNDS: usize = 1;
/// Sessions of the embedder, each on one thread: one a core.
const WORKERS: usize = 2;
/// Passages of one request, as the service's worker asks for them.
const BATCH: usize = 16;
/// The floor: articles a second beside the embedder's. A sample shows that everything is in place.
const MIN_RATIO: f64 = 0.8;

#[derive(QueryableByName)]
struct Passage {
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    heading_path: String,
    #[diesel(sql_type = Text)]
    text: String,
}

/// Measures and prints a table. Says whether no floor is missed.
pub(crate) async fn run(corpus: &Corpus, models: &Models, is_sample: bool) -> anyhow::Result<bool> {
    let (articles, rounds) = match is_sample {
        true => (SAMPLE_ARTICLES, SAMPLE_ROUNDS),
        false => (ARTICLES, ROUNDS),
    };
    let step = (corpus.documents.len() / articles).max(1);
    let documents: Vec<Document> = corpus
        .documents
        .iter()
        .step_by(step)
        .take(articles)
        .cloned()
        .collect();
    let embedder = models.embedder(WORKERS)?;

    println!("| articles | texts embedded | imported | embedder alone | ratio |");
    println!("|--:|--:|--:|--:|--:|");
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        // What was embedded before is not remembered.
        let service = Service::start(Arc::new(Memory::open(embedder.clone(), None)?)).await?;
        let begun = Instant::now();
        service.import(corpus.name, &documents).await?;
        let imported = begun.elapsed();
        let requests = requests(&service).await?;
        ensure!(!requests.is_empty(), "nothing was imported");
        drop(service);
        let alone = alone(&embedder, &requests)?;
        let rate = |time: Duration| documents.len() as f64 / time.as_secs_f64();
        let ratio = rate(imported) / rate(alone);
        println!(
            "| {} | {} | {:.2}/s | {:.2}/s | {ratio:.2} |",
            documents.len(),
            requests.iter().map(Vec::len).sum::<usize>(),
            rate(imported),
            rate(alone),
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    println!("\nThe median ratio is {median:.2}; it must be at least {MIN_RATIO}.");
    Ok(is_sample || median >= MIN_RATIO)
}

/// The texts of all passages, as the service's worker has them embedded.
async fn requests(service: &Service) -> anyhow::Result<Vec<Vec<String>>> {
    let mut connection = service.database.admin_url().connect().await?;
    let sql = "SELECT title, heading_path, text FROM insta_knowledge.passages ORDER BY document_id, ordinal";
    let passages: Vec<Passage> = diesel::sql_query(sql).load(&mut connection).await?;
    let texts = |passage: &Passage| {
        knowledge_svc::embedded_texts(&passage.title, &passage.heading_path, &passage.text)
    };
    let batches = passages.chunks(BATCH);
    Ok(batches
        .map(|batch| batch.iter().flat_map(texts).collect())
        .collect())
}

/// How long the embedder takes for the requests, each session with one at a time.
fn alone(embedder: &Embedder, requests: &[Vec<String>]) -> anyhow::Result<Duration> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), speech::Error> {
        while let Some(texts) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            embedder.embed(&texts)?;
        }
        Ok(())
    };
    let begun = Instant::now();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            let worked = worker.join().ok().context("the embedder panicked")?;
            Ok(worked?)
        })
    })
    .map(|()| begun.elapsed())
}
