//! How quick searches are as a collection grows, beside the same statements run bare through the same driver, and how
//! much of an exact search the index finds.
//!
//! Passages are real ones as long as there are enough; beyond that they are real ones perturbed: a vector is turned by
//! some 17 degrees at random, and the second half of a text comes from another passage. No vector is made in the timed
//! part: the service remembers those of the questions.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use db::{Embedding, Vector};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures::future::try_join_all;
use knowledge_svc::BareSearch;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    corpus::Corpus,
    questions::{self, Kind},
    service::{MODEL, Memory, Service},
};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const SAMPLE_SIZES: [usize; 2] = [100, 300];
/// How often each question is asked, both ways in turn.
const ROUNDS: usize = 5;
const SAMPLE_ROUNDS: usize = 1;
/// Searches under way at once where throughput is measured.
const AT_ONCE: usize = 4;
/// Rows of one statement.
const ROWS: usize = 1_000;
/// The length of the noise added to a vector of length 1.
const NOISE: f32 = 0.3;
const SEED: u64 = 6;
/// Of how many nearest passages the index has to find the same as an exact search.
const OVERLAP: usize = 10;
/// The floors: the overlap, and the service's median beside that of the bare statements. A sample shows that
/// everything is in place, which no figure of so few can.
const MIN_OVERLAP: f64 = 0.98;
const MAX_RATIO: f64 = 1.3;
const COLLECTION: &str = "bench";

#[derive(Debug, Clone, QueryableByName)]
struct Chunk {
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    heading_path: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Vector)]
    embedding: Embedding,
}

/// What was measured of one size.
struct Row {
    size: usize,
    service: Times,
    bare: Times,
    /// Searches a second, several at once.
    service_rate: f64,
    bare_rate: f64,
    overlap: f64,
    by_index: bool,
}

#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    /// By the nearest rank, in milliseconds.
    fn percentile(&mut self, part: f64) -> f64 {
        self.0.sort();
        let rank = (part * self.0.len() as f64).ceil() as usize;
        let time = self
            .0
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        time.as_secs_f64() * 1_000.0
    }
}

/// Measures every size and prints a table and a plot. Says whether no floor is missed.
pub(crate) async fn run(
    corpus: &Corpus,
    memory: &Arc<Memory>,
    folder: &Path,
    is_sample: bool,
) -> anyhow::Result<bool> {
    let real = real_chunks(corpus, memory).await?;
    let asked = questions::read(folder, corpus.name)?;
    let asked: Vec<String> = asked
        .into_iter()
        .filter(|question| question.kind == Kind::Answerable)
        .map(|question| question.text)
        .collect();
    let (sizes, rounds): (&[usize], usize) = match is_sample {
        true => (&SAMPLE_SIZES, SAMPLE_ROUNDS),
        false => (&SIZES, ROUNDS),
    };
    let mut rows = Vec::new();
    for size in sizes {
        let chunks = grow(&real, *size);
        eprintln!("{size} passages, {} of them real", real.len().min(*size));
        rows.push(measure(memory, &chunks, &asked, rounds).await?);
    }
    print(&mut rows);
    let is_good = |row: &mut Row| {
        let ratio = row.service.percentile(0.5) / row.bare.percentile(0.5);
        row.overlap >= MIN_OVERLAP && (is_sample || ratio <= MAX_RATIO)
    };
    Ok(rows.iter_mut().all(is_good))
}

/// The passages that the service makes of the corpus, with their vectors.
async fn real_chunks(corpus: &Corpus, memory: &Arc<Memory>) -> anyhow::Result<Vec<Chunk>> {
    let service = Service::start(Arc::clone(memory)).await?;
    service.add(&corpus.documents).await?;
    let mut connection = service.database.admin_url().connect().await?;
    let sql = "SELECT title, heading_path, text, embedding FROM insta_knowledge.passages ORDER BY document_id, ordinal";
    let mut chunks: Vec<Chunk> = diesel::sql_query(sql).load(&mut connection).await?;
    ensure!(!chunks.is_empty(), "the corpus makes no passages");
    // A part of it is then of all chapters.
    let mut random = StdRng::seed_from_u64(SEED);
    for index in (1..chunks.len()).rev() {
        chunks.swap(index, random.random_range(0..=index));
    }
    Ok(chunks)
}

/// So many passages, the real ones first.
fn grow(real: &[Chunk], size: usize) -> Vec<Chunk> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut chunks: Vec<Chunk> = real.iter().take(size).cloned().collect();
    while chunks.len() < size {
        let (one, other) = (
            &real[random.random_range(0..real.len())],
            &real[random.random_range(0..real.len())],
        );
        let half = |text: &str, is_first: bool| {
            let words: Vec<_> = text.split(' ').collect();
            let (first, second) = words.split_at(words.len() / 2);
            if is_first {
                first.join(" ")
            } else {
                second.join(" ")
            }
        };
        chunks.push(Chunk {
            text: format!("{} {} .", half(&one.text, true), half(&other.text, false)),
            embedding: turned(&one.embedding, &mut random),
            ..one.clone()
        });
    }
    chunks
}

/// A vector of length 1 near `embedding`.
fn turned(embedding: &Embedding, random: &mut StdRng) -> Embedding {
    let values = embedding.0.as_slice();
    // The sum of a few even numbers is near enough to a normal one.
    let mut normal = || (0..4).map(|_| random.random::<f32>() - 0.5).sum::<f32>();
    let noise: Vec<f32> = values.iter().map(|_| normal()).collect();
    let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
    let scale = NOISE / length(&noise);
    let sum: Vec<f32> = values
        .iter()
        .zip(&noise)
        .map(|(value, noise)| value + scale * noise)
        .collect();
    let scale = 1.0 / length(&sum);
    sum.iter()
        .map(|value| value * scale)
        .collect::<Vec<f32>>()
        .into()
}

async fn measure(
    memory: &Arc<Memory>,
    chunks: &[Chunk],
    asked: &[String],
    rounds: usize,
) -> anyhow::Result<Row> {
    let service = Service::start(Arc::clone(memory)).await?;
    let mut admin = service.database.admin_url().connect().await?;
    fill(&mut admin, chunks).await?;
    let mut connection = service.database.url("insta_knowledge").connect().await?;
    let vectors = memory.embed(asked)?;
    let mut bare = Vec::new();
    let (mut same, mut nearest) = (0, 0);
    for (question, vector) in asked.iter().zip(&vectors) {
        // Asked once before anything is timed, so that the service remembers the vector.
        let answer = service.answer(COLLECTION, question).await?;
        let mut search = BareSearch::new(question, COLLECTION, vector.clone(), MODEL)?;
        search.then(answer.passages.into_iter().map(|passage| {
            let above = format!("{}\n{}", passage.title, passage.heading_path);
            (above, passage.text)
        }));
        bare.push(search);
        let all = service.search(COLLECTION, question).await?;
        let found = all.passages.iter().filter(|passage| {
            let rank = passage.score.and_then(|score| score.vector_rank);
            rank.is_some_and(|rank| rank as usize <= OVERLAP)
        });
        let found: Vec<String> = found.map(|passage| passage.document_id.clone()).collect();
        let exact = exact(&mut admin, vector).await?;
        same += exact.iter().filter(|id| found.contains(id)).count();
        nearest += exact.len();
    }
    let (mut by_service, mut by_hand) = (Times::default(), Times::default());
    for _ in 0..rounds {
        // Another question each, so that none finds its pages read by the other.
        let others = bare.iter().cycle().skip(bare.len() / 2);
        for (question, search) in asked.iter().zip(others) {
            let begun = Instant::now();
            service.answer(COLLECTION, question).await?;
            by_service.0.push(begun.elapsed());
            let begun = Instant::now();
            search.run(&mut connection).await?;
            by_hand.0.push(begun.elapsed());
        }
    }
    Ok(Row {
        size: chunks.len(),
        service: by_service,
        bare: by_hand,
        service_rate: service_rate(&service, asked).await?,
        bare_rate: bare_rate(&service, &bare).await?,
        overlap: same as f64 / nearest as f64,
        by_index: is_by_index(&mut admin).await?,
    })
}

async fn service_rate(service: &Service, asked: &[String]) -> anyhow::Result<f64> {
    let begun = Instant::now();
    try_join_all((0..AT_ONCE).map(|_| async {
        for question in asked {
            service.answer(COLLECTION, question).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    Ok((AT_ONCE * asked.len()) as f64 / begun.elapsed().as_secs_f64())
}

async fn bare_rate(service: &Service, searches: &[BareSearch]) -> anyhow::Result<f64> {
    let url = service.database.url("insta_knowledge");
    let mut connections = Vec::new();
    for _ in 0..AT_ONCE {
        connections.push(url.connect().await?);
    }
    let begun = Instant::now();
    try_join_all(connections.iter_mut().map(|connection| async move {
        for search in searches {
            search.run(connection).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    Ok((AT_ONCE * searches.len()) as f64 / begun.elapsed().as_secs_f64())
}

/// Puts the passages into the tables, each a document, and builds the index of vectors after that.
async fn fill(connection: &mut AsyncPgConnection, chunks: &[Chunk]) -> anyhow::Result<()> {
    #[derive(QueryableByName)]
    struct Index {
        #[diesel(sql_type = Text)]
        definition: String,
    }
    let index: Index = diesel::sql_query(
        "SELECT indexdef AS definition FROM pg_indexes
         WHERE schemaname = 'insta_knowledge' AND indexname = 'passages_embedding_idx'",
    )
    .get_result(connection)
    .await
    .context("there is no index of vectors")?;
    connection
        .batch_execute("DROP INDEX insta_knowledge.passages_embedding_idx")
        .await?;
    for (number, rows) in chunks.chunks(ROWS).enumerate() {
        let column = |of: fn(&Chunk) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
        let vectors: Vec<Embedding> = rows.iter().map(|chunk| chunk.embedding.clone()).collect();
        diesel::sql_query(
            "WITH given AS (
               SELECT 'bench-' || ($1 + ordinal) AS document_id, title, heading_path, text, embedding
               FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS g (title, heading_path, text, embedding, ordinal)),
             made AS (
               INSERT INTO insta_knowledge.documents
                 (document_id, collection, title, content, content_type, language, labels, visibility, etag, create_time,
                  update_time)
               SELECT document_id, $6, title, text, 'plain_text', 'en', '{}', 0, gen_random_uuid(), now(), now() FROM given)
             INSERT INTO insta_knowledge.passages
               (passage_id, document_id, collection, title, language, visibility, ordinal, heading_path, text,
                content_hash, embedding, part_embeddings, embedding_model)
             SELECT gen_random_uuid(), document_id, $6, title, 'en', 0, 0, heading_path, text,
               sha256(convert_to(document_id, 'UTF8')), embedding, ARRAY[embedding, embedding], $7 FROM given",
        )
        .bind::<BigInt, _>(i64::try_from(number * ROWS)?)
        .bind::<Array<Text>, _>(column(|chunk| &chunk.title))
        .bind::<Array<Text>, _>(column(|chunk| &chunk.heading_path))
        .bind::<Array<Text>, _>(column(|chunk| &chunk.text))
        .bind::<Array<Vector>, _>(vectors)
        .bind::<Text, _>(COLLECTION)
        .bind::<Text, _>(MODEL)
        .execute(connection)
        .await?;
    }
    for sql in [
        "SET maintenance_work_mem = '512MB'",
        &index.definition,
        "VACUUM ANALYZE insta_knowledge.passages",
    ] {
        connection.batch_execute(sql).await?;
    }
    Ok(())
}

/// The nearest passages of all, without any index.
async fn exact(connection: &mut AsyncPgConnection, vector: &[f32]) -> anyhow::Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Nearest {
        #[diesel(sql_type = Text)]
        document_id: String,
    }
    let rows: Vec<Nearest> = diesel::sql_query(
        "SELECT document_id FROM insta_knowledge.passages ORDER BY embedding <=> $1, passage_id LIMIT $2",
    )
    .bind::<Vector, _>(Embedding::from(vector.to_vec()))
    .bind::<BigInt, _>(i64::try_from(OVERLAP)?)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.document_id).collect())
}

/// Whether the searches so far have read the index of vectors rather than all of them.
async fn is_by_index(connection: &mut AsyncPgConnection) -> anyhow::Result<bool> {
    #[derive(QueryableByName)]
    struct Reads {
        #[diesel(sql_type = BigInt)]
        idx_scan: i64,
    }
    let reads: Reads = diesel::sql_query(
        "SELECT idx_scan FROM pg_stat_user_indexes
         WHERE schemaname = 'insta_knowledge' AND indexrelname = 'passages_embedding_idx'",
    )
    .get_result(connection)
    .await?;
    Ok(reads.idx_scan > 0)
}

fn print(rows: &mut [Row]) {
    println!(
        "| passages | vectors by | service p50 / p99 | bare p50 / p99 | ratio p50 / p99 | service | bare | ratio | overlap@10 |"
    );
    println!("|--:|---|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows.iter_mut() {
        let [s50, s99] = [0.5, 0.99].map(|part| row.service.percentile(part));
        let [b50, b99] = [0.5, 0.99].map(|part| row.bare.percentile(part));
        println!(
            "| {} | {} | {s50:.1} / {s99:.1} ms | {b50:.1} / {b99:.1} ms | {:.2} / {:.2} | {:.0}/s | {:.0}/s | {:.2} | {:.3} |",
            row.size,
            if row.by_index { "index" } else { "exact scan" },
            s50 / b50,
            s99 / b99,
            row.service_rate,
            row.bare_rate,
            row.service_rate / row.bare_rate,
            row.overlap
        );
    }
    println!("\nThe service's median, a mark for each half of a millisecond:\n");
    for row in rows {
        let median = row.service.percentile(0.5);
        println!(
            "{:>7} | {} {median:.1} ms",
            row.size,
            "#".repeat((median * 2.0).round() as usize)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &str, at: usize) -> Chunk {
        let mut values = vec![0.0; 384];
        values[at] = 1.0;
        Chunk {
            title: text.to_owned(),
            heading_path: String::new(),
            text: format!("{text} one two three"),
            embedding: values.into(),
        }
    }

    #[test]
    fn what_is_grown_is_near_what_is_real_and_always_the_same() {
        let real = [chunk("a", 0), chunk("b", 1)];
        let grown = grow(&real, 50);
        assert_eq!(grown.len(), 50);
        assert_eq!(grown[1].text, real[1].text);
        for one in &grown[2..] {
            let values = one.embedding.0.as_slice();
            let of = real
                .iter()
                .position(|real| real.title == one.title)
                .unwrap();
            let length: f32 = values.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-4);
            assert!((0.93..0.98).contains(&values[of]), "{}", values[of]);
        }
        assert_eq!(grow(&real, 50)[49].embedding, grown[49].embedding);
    }

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let mut times = Times((1..=20).map(Duration::from_millis).collect());
        assert_eq!([0.5, 0.99].map(|part| times.percentile(part)), [10.0, 20.0]);
    }
}
