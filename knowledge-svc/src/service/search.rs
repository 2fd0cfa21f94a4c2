//! Search: the vector of the question, the candidates, their order, the sentences to speak and the words to mark.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use db::PooledConnection;
use proto::insta::knowledge::v1 as pb;
use service_kit::{Caller, Tier, deadline::Deadline, field::FieldErrors};
use tonic::Request;

use super::{
    answer::{self, Excerpt},
    request,
};
use crate::{
    app::App,
    domain::{
        self, Nearest, Question, Ranked, Sentence, Slug, Unanswered, check_labels, check_language,
    },
    error::KnowledgeError,
    store::{index::Slot, search as store},
};

const MAX_QUERY: usize = 1_000;
const DEFAULT_PAGE: usize = 5;
const MAX_PAGE: i32 = 20;
/// What the database needs after the embedder has had its time.
const DATABASE_TIME: Duration = Duration::from_millis(200);

/// What is asked.
struct Asked {
    /// The question as it was asked.
    said: String,
    /// The same without what is said before one.
    query: String,
    language: String,
    collection: Option<Slug>,
    labels: Vec<String>,
    page_size: usize,
    include_rejected: bool,
}

impl App {
    pub(super) async fn search(
        &self,
        request: Request<pb::SearchRequest>,
    ) -> Result<pb::SearchResponse, KnowledgeError> {
        let caller = request.extensions().get::<Caller>().cloned();
        let visibility = match &caller {
            // They act for no user, and may read whole documents anyway.
            Some(Caller::Service { .. }) => Tier::Enterprise,
            caller => caller.as_ref().and_then(Caller::tier).unwrap_or(Tier::Free),
        };
        let deadline = request.extensions().get::<Deadline>().copied();
        let asked = Asked::try_from(request.into_inner())?;
        let index = self.index.borrow().clone();
        // Without an index there are no vectors to compare yet.
        let (model, slot) = match &index {
            Some(index) => (index.model.as_str(), index.slot),
            None => (self.embedder.model(), Slot::A),
        };
        let vector = self.vector(model, &asked.query, deadline).await;
        let query = store::Query {
            text: &asked.query,
            collection: asked.collection.as_ref(),
            labels: &asked.labels,
            vector: vector.as_deref(),
            model,
            slot,
            language: &asked.language,
            visibility,
        };
        let mut connection = self.db.get().await?;
        let (question, candidates) = store::find(&mut connection, &query).await?;
        let mut ranked = domain::rank(&question, candidates, self.min_confidence);
        let is_answered = ranked.iter().any(|ranked| ranked.rejection.is_none());
        let degraded = vector.is_none();
        // A degraded search does not know whether anything answers.
        if !is_answered && !degraded && !asked.include_rejected {
            self.keep(&asked, caller.as_ref(), ranked.first());
        }
        if !asked.include_rejected {
            ranked.retain(|ranked| ranked.rejection.is_none());
            ranked.truncate(asked.page_size);
        }
        let excerpts = excerpts(&mut connection, &asked.language, &question, &ranked).await?;
        let found = if is_answered { "something" } else { "nothing" };
        metrics::counter!("knowledge_searches_total", "found" => found, "degraded" => degraded.to_string())
            .increment(1);
        let passages = ranked.into_iter().zip(excerpts);
        Ok(pb::SearchResponse {
            passages: passages
                .map(|(ranked, excerpt)| answer::passage(ranked, excerpt))
                .collect(),
            degraded,
            embedding_model: if degraded {
                String::new()
            } else {
                model.to_owned()
            },
        })
    }

    /// Keeps a question that nothing answered, if a user asked it or somebody for one.
    fn keep(&self, asked: &Asked, caller: Option<&Caller>, nearest: Option<&Ranked>) {
        let user = caller.and_then(|caller| Some((caller.user_id()?, caller.tier()?)));
        let Some((user_id, visibility)) = user else {
            return;
        };
        let question = Unanswered {
            text: asked.said.clone(),
            language: asked.language.clone(),
            collection: asked.collection.clone(),
            labels: asked.labels.clone(),
            visibility,
            nearest: nearest.map(|ranked| Nearest {
                document_id: ranked.candidate.document_id.clone(),
                confidence: ranked.confidence,
            }),
            user_id: user_id.clone(),
            ask_time: self.clock.now(),
        };
        if question.has_words() {
            self.keeper.keep(question);
        }
    }

    /// The vector of the question, if it can be had in time.
    async fn vector(
        &self,
        model: &str,
        query: &str,
        deadline: Option<Deadline>,
    ) -> Option<Arc<[f32]>> {
        let left = deadline.map_or(Duration::MAX, Deadline::remaining);
        match self
            .embedder
            .query(model, query, left.saturating_sub(DATABASE_TIME))
            .await
        {
            Ok(vector) => Some(vector),
            Err(error) => {
                tracing::warn!(%error, "A search goes by text alone");
                None
            }
        }
    }
}

impl TryFrom<pb::SearchRequest> for Asked {
    type Error = FieldErrors;

    fn try_from(request: pb::SearchRequest) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::new();
        let query = request.query.trim();
        errors.length("query", query, 1, MAX_QUERY);
        if query.contains('\0') {
            errors.add("query", "must not hold NUL characters");
        }
        let language = errors.check("language", check_language(&request.language));
        let collection = request::collection(&mut errors, &request.collection);
        let labels = errors.check("labels", check_labels(request.labels));
        let page_size = match request.page_size {
            0 => DEFAULT_PAGE,
            size @ 1..=MAX_PAGE => usize::try_from(size).unwrap_or(DEFAULT_PAGE),
            _ => {
                errors.add("page_size", format_args!("must be 0 to {MAX_PAGE}"));
                DEFAULT_PAGE
            }
        };
        errors.finish(Some(Self {
            said: query.to_owned(),
            query: domain::without_fillers(query).to_owned(),
            language: language.unwrap_or_default(),
            collection,
            labels: labels.unwrap_or_default(),
            page_size,
            include_rejected: request.include_rejected,
        }))
    }
}

/// The sentences to speak and the words of the question in each passage, by one statement for all.
async fn excerpts(
    connection: &mut PooledConnection<'_>,
    language: &str,
    question: &Question,
    ranked: &[Ranked],
) -> Result<Vec<Excerpt>, KnowledgeError> {
    let mut texts = Vec::new();
    let mut sentences = Vec::new();
    // A word is asked for once, in however many passages it stands.
    let mut words = BTreeSet::new();
    for Ranked { candidate, .. } in ranked {
        let of_passage = domain::sentences(&candidate.text);
        texts.push(format!("{}\n{}", candidate.title, candidate.heading_path));
        texts.extend(of_passage.iter().map(ToString::to_string));
        sentences.push(of_passage);
        let of_passage = domain::words(&candidate.text).into_iter();
        words.extend(of_passage.map(|word| candidate.text[word].to_lowercase()));
    }
    texts.extend(words.iter().cloned());
    let mut lexemes = store::lexemes(connection, language, texts)
        .await?
        .into_iter();
    let mut next = || lexemes.next().unwrap_or_default();
    let speakable: Vec<_> = sentences
        .into_iter()
        .map(|sentences| {
            let context = next();
            let sentences: Vec<_> = sentences
                .into_iter()
                .map(|text| Sentence {
                    text: text.to_owned(),
                    lexemes: next(),
                })
                .collect();
            domain::speakable(question, &context, &sentences)
        })
        .collect();
    words.retain(|_| next().iter().any(|lexeme| question.holds(lexeme)));
    let excerpts = ranked.iter().zip(speakable).map(|(ranked, speakable)| {
        let is_asked = |word: &str| words.contains(&word.to_lowercase());
        Excerpt {
            speakable,
            highlights: domain::highlights(&ranked.candidate.text, is_asked),
        }
    });
    Ok(excerpts.collect())
}
