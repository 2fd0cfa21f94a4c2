//! What the company's help articles say.

use std::time::Duration;

use proto::insta::knowledge::v1::Passage;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Running, Tool, arguments, fitting, schema, text_argument};
use crate::domain::Source;
use crate::quoting::passage;

/// The longest question, in characters.
const MAX_QUERY: usize = 500;

pub(super) struct SearchKnowledge;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The caller's question in their own words.
    #[schemars(length(min = 1, max = 500))]
    query: String,
}

impl Tool for SearchKnowledge {
    fn name(&self) -> &'static str {
        "search_knowledge"
    }

    fn description(&self) -> &'static str {
        "Searches the help articles: how to do something with the product, how features work, plans and \
         prices, policies, refunds, limits, security, privacy, integrations, errors. Call it for every \
         question about the product or the company, and answer only from what it returns."
    }

    fn parameters(&self) -> Value {
        schema::<Arguments>()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn run(&self, context: Context, text: String) -> Running {
        Box::pin(async move {
            let Arguments { query } = arguments(&text)?;
            let query = text_argument("query", &query, MAX_QUERY)?;
            let passages = context.peers.search(&context.caller, query).await?;
            Ok(found(&passages))
        })
    }
}

/// What the model is told of passages, best first: as many as fit, each once named as a source.
pub(super) fn found(passages: &[Passage]) -> Answer {
    let told = passages.iter().map(|found| {
        // Two places say as much as all, in fewer tokens.
        let confidence = found
            .score
            .map(|score| (score.confidence * 100.0).round() / 100.0);
        json!({
            "document_id": passage(&found.document_id, 128),
            "title": passage(&found.title, 200),
            "heading": passage(&found.heading_path, 200),
            "text": passage(&found.text, 1_200),
            "speakable": passage(&found.speakable, 500),
            "confidence": confidence,
        })
    });
    let told = fitting(told);
    let mut sources: Vec<Source> = Vec::new();
    for found in &passages[..told.len()] {
        if !sources
            .iter()
            .any(|known| known.document == found.document_id)
        {
            sources.push(Source {
                document: found.document_id.clone(),
                title: passage(&found.title, 200),
            });
        }
    }
    let output = if told.is_empty() {
        json!({"passages": [], "note": "nothing found"})
    } else {
        json!({ "passages": told })
    };
    Answer {
        output,
        sources,
        effect: None,
    }
}
