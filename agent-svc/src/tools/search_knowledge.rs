//! What the company's help articles say.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Context, Running, Tool, ToolError, arguments, schema, shortened};

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
            let query = query.trim().to_owned();
            if !(1..=500).contains(&query.chars().count()) {
                let problem = "query must have 1 to 500 characters".to_owned();
                return Err(ToolError::Arguments(problem));
            }
            let passages = context.peers.search(&context.caller, query).await?;
            let mut sources: Vec<String> = Vec::new();
            for passage in &passages {
                if !sources.contains(&passage.document_id) {
                    sources.push(passage.document_id.clone());
                }
            }
            let found: Vec<_> = passages
                .iter()
                .map(|passage| {
                    json!({
                        "document_id": passage.document_id,
                        "title": passage.title,
                        "heading": passage.heading_path,
                        "text": shortened(&passage.text, 1_200),
                        "speakable": shortened(&passage.speakable, 500),
                    })
                })
                .collect();
            let output = if found.is_empty() {
                json!({"passages": [], "note": "nothing found"})
            } else {
                json!({ "passages": found })
            };
            Ok(Answer {
                output,
                sources,
                effect: None,
            })
        })
    }
}
