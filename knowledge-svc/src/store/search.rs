//! Finding passages that may answer. All statements filter by collection, visibility and labels before they rank.
//!
//! Labels are asked of the documents themselves, once a statement: as a copy with each passage they would have every
//! vector indexed anew when they change, and looking them up costs some 5 ms among 5,000 documents.
//!
//! What words are is PostgreSQL's decision alone: questions, passages and sentences are cut into lexemes by the same
//! function, here and in the generated column. Each lexeme is quoted as `tsquery` wants it, so that no question can
//! be read as an operator; the lexemes are ORed, because a spoken question holds words that no answer repeats.

use db::{Embedding, Vector};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use service_kit::Tier;
use uuid::Uuid;

use super::{index::Slot, rank};
use crate::{
    domain::{Candidate, Question, Slug},
    error::KnowledgeError,
};

/// How many passages the ranking by meaning hands on, and the one by text. More found no more.
const NEAREST: i64 = 100;
const BEST_BY_TEXT: i64 = 50;
/// How many candidates the index of vectors keeps in view while it is read. With 40, which is the default, it misses
/// many of the nearest.
const BREADTH: u32 = 400;
/// What PostgreSQL takes reading a page here or there to cost, beside one in order. Its default, 4, is that of disks,
/// and has it compare 10,000 vectors one by one.
const RANDOM_PAGE_COST: f64 = 1.1;
/// Counting the passages that hold a word stops here. Such a common word finds no passage by itself, because
/// reading and ranking all that hold it takes long and says little; it counts in those that are found otherwise.
const COMMON: i64 = 2_000;

/// What is looked for.
pub(crate) struct Query<'a> {
    /// The question as text.
    pub(crate) text: &'a str,
    /// The only collection to look in, if there is one.
    pub(crate) collection: Option<&'a Slug>,
    /// What a document has to be labelled with, all of it.
    pub(crate) labels: &'a [String],
    /// The vector of the question; without it only the text is searched.
    pub(crate) vector: Option<&'a [f32]>,
    /// The model whose vectors are compared.
    pub(crate) model: &'a str,
    /// Where its vectors are.
    pub(crate) slot: Slot,
    /// The language of the question, a BCP 47 tag.
    pub(crate) language: &'a str,
    /// The plan of whoever asks: passages for higher ones are not there.
    pub(crate) visibility: Tier,
}

impl Query<'_> {
    /// No list where there is nothing to look up.
    fn wanted_labels(&self) -> Option<&[String]> {
        Some(self.labels).filter(|labels| !labels.is_empty())
    }
}

/// The passages that may answer, and the words of the question with their weights, all of one moment.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    query: &Query<'_>,
) -> Result<(Question, Vec<Candidate>), KnowledgeError> {
    connection
        .build_transaction()
        .read_only()
        .repeatable_read()
        .run(async |connection| {
            // Read on in the index until a filter has left enough; has no effect on exact scans.
            let visibility = rank(query.visibility);
            let settings = format!(
                "SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = {BREADTH};
                 SET LOCAL random_page_cost = {RANDOM_PAGE_COST};
                 SET LOCAL insta_knowledge.visibility = '{visibility}'"
            );
            connection.batch_execute(&settings).await?;
            let words = words(connection, query).await?;
            let passages = size(connection, query).await?;
            let lexemes = words.iter().map(|word| (word.lexeme.clone(), word.holding));
            let question = Question::new(lexemes.collect(), passages);
            let candidates = candidates(connection, query, &words, &question).await?;
            Ok((question, candidates))
        })
        .await
}

/// The lexemes of each text, in order, by the rules of `language`.
pub(crate) async fn lexemes(
    connection: &mut AsyncPgConnection,
    language: &str,
    texts: Vec<String>,
) -> Result<Vec<Vec<String>>, KnowledgeError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Array<Text>)]
        lexemes: Vec<String>,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT tsvector_to_array(insta_knowledge.words($2, text)) AS lexemes
         FROM unnest($1) WITH ORDINALITY AS texts (text, ordinal) ORDER BY ordinal",
    )
    .bind::<Array<Text>, _>(texts)
    .bind::<Text, _>(language)
    .load(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.lexemes).collect())
}

/// A word of the question.
#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    lexeme: String,
    /// How many passages hold it, [`COMMON`] at most.
    #[diesel(sql_type = BigInt)]
    holding: i64,
}

/// The words of the question, the rarest first.
async fn words(
    connection: &mut AsyncPgConnection,
    query: &Query<'_>,
) -> Result<Vec<Word>, KnowledgeError> {
    let words = diesel::sql_query(WORDS_SQL)
        .bind::<Text, _>(query.text)
        .bind::<Nullable<Text>, _>(query.collection.map(Slug::as_str))
        .bind::<BigInt, _>(COMMON)
        .bind::<SmallInt, _>(rank(query.visibility))
        .bind::<Text, _>(query.language)
        .bind::<Nullable<Array<Text>>, _>(query.wanted_labels())
        .load(connection)
        .await?;
    Ok(words)
}

const WORDS_SQL: &str = r"
  SELECT asked.lexeme, held.holding
  FROM unnest(insta_knowledge.words($5, $1)) AS asked,
  LATERAL (SELECT count(*) AS holding FROM (
    SELECT FROM insta_knowledge.passages p
    WHERE p.search @@ ('''' || replace(replace(asked.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery
      AND p.visibility <= $4 AND ($2 IS NULL OR p.collection = $2)
      AND ($6 IS NULL OR p.document_id IN (
        SELECT d.document_id FROM insta_knowledge.documents d WHERE d.labels @> $6))
    LIMIT $3) AS counted) AS held
  ORDER BY held.holding, asked.lexeme";

/// How many passages there are to look in.
async fn size(
    connection: &mut AsyncPgConnection,
    query: &Query<'_>,
) -> Result<i64, KnowledgeError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        passages: i64,
    }
    let row: Row = diesel::sql_query(SIZE_SQL)
        .bind::<Nullable<Text>, _>(query.collection.map(Slug::as_str))
        .bind::<SmallInt, _>(rank(query.visibility))
        .bind::<Nullable<Array<Text>>, _>(query.wanted_labels())
        .get_result(connection)
        .await?;
    Ok(row.passages)
}

const SIZE_SQL: &str = "
  SELECT count(*) AS passages FROM insta_knowledge.passages
  WHERE visibility <= $2 AND ($1 IS NULL OR collection = $1)
    AND ($3 IS NULL OR document_id IN (
      SELECT d.document_id FROM insta_knowledge.documents d WHERE d.labels @> $3))";

/// The words that find passages: those that are not common, or else the rarest.
fn searched(words: &[Word]) -> Vec<&str> {
    let rare = words.iter().filter(|word| word.holding < COMMON);
    let rare: Vec<_> = rare.map(|word| word.lexeme.as_str()).collect();
    match words.first() {
        Some(rarest) if rare.is_empty() => vec![&rarest.lexeme],
        _ => rare,
    }
}

const CANDIDATES_SQL: &str = r"
  WITH searched AS MATERIALIZED (
    SELECT ('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''')::tsquery AS query, share
    FROM unnest($1, $10) AS searched (lexeme, share)),
  question AS MATERIALIZED (
    SELECT string_agg(query::text, ' | ')::tsquery AS query FROM searched),
  labelled AS (
    SELECT document_id FROM insta_knowledge.documents WHERE labels @> $9),
  by_meaning AS (
    SELECT passage_id, row_number() OVER (ORDER BY distance, passage_id)::integer AS place
    FROM (
      SELECT passage_id, {vector}::halfvec(384) <=> $2::halfvec(384) AS distance
      FROM insta_knowledge.passages
      WHERE $2 IS NOT NULL AND {model} = $3 AND visibility <= $8
        AND ($4 IS NULL OR collection = $4)
        AND ($9 IS NULL OR document_id IN (SELECT document_id FROM labelled))
      ORDER BY distance LIMIT $5) AS nearest),
  holding AS (
    SELECT p.passage_id, sum(searched.share) AS share
    FROM searched JOIN insta_knowledge.passages p ON p.search @@ searched.query
    WHERE p.visibility <= $8 AND ($4 IS NULL OR p.collection = $4)
      AND ($9 IS NULL OR p.document_id IN (SELECT document_id FROM labelled))
    GROUP BY p.passage_id ORDER BY share DESC FETCH FIRST ($7) ROWS WITH TIES),
  by_text AS (
    SELECT passage_id, row_number() OVER (ORDER BY score DESC, passage_id)::integer AS place
    FROM (
      SELECT p.passage_id, holding.share + ts_rank(p.search, question.query, 1) AS score
      FROM holding JOIN insta_knowledge.passages p USING (passage_id), question
      ORDER BY score DESC, p.passage_id LIMIT $7) AS best)
  SELECT p.passage_id, p.document_id, p.title, p.heading_path, p.text, p.ordinal = 0 AS leads,
    CASE WHEN p.{model} = $3 THEN 1 - (p.{vector} <=> $2) END AS similarity,
    CASE WHEN p.{model} = $3 THEN
      (SELECT max(1 - (part <=> $2)) FROM unnest(p.{parts}) AS part) END AS part_similarity,
    by_meaning.place AS vector_rank, by_text.place AS text_rank,
    ARRAY(SELECT unnest(tsvector_to_array(p.search)) INTERSECT SELECT unnest($6)) AS lexemes
  FROM by_meaning FULL JOIN by_text USING (passage_id)
    JOIN insta_knowledge.passages p USING (passage_id)
    JOIN insta_knowledge.documents d ON d.document_id = p.document_id";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    passage_id: Uuid,
    #[diesel(sql_type = Text)]
    document_id: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    heading_path: String,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Bool)]
    leads: bool,
    #[diesel(sql_type = Nullable<Double>)]
    similarity: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    part_similarity: Option<f64>,
    #[diesel(sql_type = Nullable<Integer>)]
    vector_rank: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    text_rank: Option<i32>,
    #[diesel(sql_type = Array<Text>)]
    lexemes: Vec<String>,
}

async fn candidates(
    connection: &mut AsyncPgConnection,
    query: &Query<'_>,
    words: &[Word],
    question: &Question,
) -> Result<Vec<Candidate>, KnowledgeError> {
    let vector = query.vector.map(|vector| Embedding::from(vector.to_vec()));
    let sql = CANDIDATES_SQL
        .replace("{vector}", query.slot.vector())
        .replace("{parts}", query.slot.parts())
        .replace("{model}", query.slot.model());
    let all: Vec<_> = words.iter().map(|word| word.lexeme.as_str()).collect();
    let searched = searched(words);
    let shares: Vec<_> = searched
        .iter()
        .map(|word| question.coverage([*word]))
        .collect();
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Array<Text>, _>(searched)
        .bind::<Nullable<Vector>, _>(vector)
        .bind::<Text, _>(query.model)
        .bind::<Nullable<Text>, _>(query.collection.map(Slug::as_str))
        .bind::<BigInt, _>(NEAREST)
        .bind::<Array<Text>, _>(all)
        .bind::<BigInt, _>(BEST_BY_TEXT)
        .bind::<SmallInt, _>(rank(query.visibility))
        .bind::<Nullable<Array<Text>>, _>(query.wanted_labels())
        .bind::<Array<Double>, _>(shares)
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

impl From<Row> for Candidate {
    fn from(row: Row) -> Self {
        Self {
            passage_id: row.passage_id,
            document_id: row.document_id,
            title: row.title,
            heading_path: row.heading_path,
            text: row.text,
            leads: row.leads,
            similarity: row.similarity,
            part_similarity: row.part_similarity,
            vector_rank: row.vector_rank,
            text_rank: row.text_rank,
            lexemes: row.lexemes,
        }
    }
}
