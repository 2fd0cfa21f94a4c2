//! The statements of a search without the service around them, for `bench search` to compare it with.

use std::collections::BTreeSet;

use diesel_async::AsyncPgConnection;
use service_kit::Tier;

use crate::{
    domain::{self, Slug},
    error::KnowledgeError,
    store::{index::Slot, search as store},
};

const LANGUAGE: &str = "en";

/// A search whose parameters are known.
#[derive(Debug)]
pub struct BareSearch {
    text: String,
    collection: Slug,
    vector: Vec<f32>,
    model: String,
    /// What is cut into lexemes after the ranking: the headings, sentences and words of the answer.
    texts: Vec<String>,
}

impl BareSearch {
    /// # Errors
    /// When `collection` is no name of a collection.
    pub fn new(
        text: &str,
        collection: &str,
        vector: Vec<f32>,
        model: &str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            text: text.to_owned(),
            collection: collection.parse()?,
            vector,
            model: model.to_owned(),
            texts: Vec::new(),
        })
    }

    /// Has the lexemes of these passages, each with its title and headings, asked for as well.
    pub fn then(&mut self, passages: impl IntoIterator<Item = (String, String)>) {
        let mut words = BTreeSet::new();
        for (above, text) in passages {
            self.texts.push(above);
            self.texts
                .extend(domain::sentences(&text).into_iter().map(ToOwned::to_owned));
            let of_passage = domain::words(&text).into_iter();
            words.extend(of_passage.map(|word| text[word].to_lowercase()));
        }
        self.texts.extend(words);
    }

    /// Runs the statements.
    ///
    /// # Errors
    /// When one of them fails.
    pub async fn run(&self, connection: &mut AsyncPgConnection) -> anyhow::Result<()> {
        let query = store::Query {
            text: &self.text,
            collection: Some(&self.collection),
            labels: &[],
            vector: Some(&self.vector),
            model: &self.model,
            slot: Slot::A,
            language: LANGUAGE,
            visibility: Tier::Enterprise,
        };
        let run = async {
            store::find(connection, &query).await?;
            store::lexemes(connection, LANGUAGE, self.texts.clone()).await?;
            Ok::<_, KnowledgeError>(())
        };
        Ok(run.await?)
    }
}
