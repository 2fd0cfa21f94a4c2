//! The tools that the model may call. To add one: a file with a [`Tool`], and a line in [`all`].
//!
//! Arguments are typed, and an unknown field refuses the call. A tool never learns who the caller
//! is from the model: it acts with the call's own token. Results are short JSON, since the model
//! reads all of them again in every later response.

mod end_call;
mod get_account;
mod search_knowledge;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openai_realtime::ToolFunction;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::domain::{ToolEffect, ToolRequest, ToolResult, ToolStatus};
use crate::peers::{Delegation, PeerError, Peers};

/// The longest result, in bytes of JSON.
const MAX_OUTPUT: usize = 12 * 1024;

/// Every tool there is.
fn all() -> Vec<Arc<dyn Tool>> {
    vec![
        Arc::new(get_account::GetAccount),
        Arc::new(search_knowledge::SearchKnowledge),
        Arc::new(end_call::EndCall),
    ]
}

/// Something that the model may call.
trait Tool: Send + Sync {
    /// The name that the model calls it by.
    fn name(&self) -> &'static str;
    /// When to call it and what it gives, for the model.
    fn description(&self) -> &'static str;
    /// The JSON schema of its arguments.
    fn parameters(&self) -> Value;
    /// How long it may take.
    fn timeout(&self) -> Duration;
    /// Runs it.
    fn run(&self, context: Context, arguments: String) -> Running;
}

type Running = Pin<Box<dyn Future<Output = Result<Answer, ToolError>> + Send>>;

/// What a tool acts with.
#[derive(Clone)]
pub struct Context {
    /// The services that it may ask.
    pub peers: Peers,
    /// The one user it acts for.
    pub caller: Delegation,
}

/// What a tool gave.
#[derive(Debug, Default)]
struct Answer {
    output: Value,
    sources: Vec<String>,
    effect: Option<ToolEffect>,
}

/// Why a tool gave nothing. The model is told the code and the sentence.
#[derive(Debug, thiserror::Error)]
enum ToolError {
    #[error("there is no tool {name}; there are: {known}")]
    Unknown { name: String, known: String },
    #[error("the arguments are wrong: {0}")]
    Arguments(String),
    #[error("the information cannot be reached at the moment")]
    Unavailable(#[from] PeerError),
    #[error("it took too long")]
    TimedOut,
    #[error("the result is too long")]
    TooLong,
}

impl ToolError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_tool",
            Self::Arguments(_) => "invalid_arguments",
            Self::Unavailable(_) => "unavailable",
            Self::TimedOut => "timeout",
            Self::TooLong => "too_long",
        }
    }
}

/// A caller's plan as it is spoken of.
pub fn tier_text(profile: &proto::insta::profile::v1::Profile) -> &'static str {
    get_account::tier(profile.subscription_tier())
}

/// The name of a tool, or `unknown`: what a model invents must not become a metric.
pub fn known_name(name: &str) -> &'static str {
    let tools = all();
    tools
        .iter()
        .map(|tool| tool.name())
        .find(|known| *known == name)
        .unwrap_or("unknown")
}

/// The tools as the model is told of them.
pub fn definitions() -> Vec<openai_realtime::Tool> {
    let define = |tool: Arc<dyn Tool>| {
        openai_realtime::Tool::Function(ToolFunction {
            name: tool.name().to_owned(),
            description: Some(tool.description().to_owned()),
            parameters: Some(tool.parameters()),
        })
    };
    all().into_iter().map(define).collect()
}

/// Runs what the model asked for, within its deadline. Whatever happens there is a result.
pub async fn run(context: Context, request: ToolRequest) -> ToolResult {
    match find_and_run(context, request).await {
        Ok((answer, output)) => ToolResult {
            status: ToolStatus::Ok,
            output,
            sources: answer.sources,
            effect: answer.effect,
        },
        Err(error) => ToolResult {
            status: match error {
                ToolError::TimedOut => ToolStatus::TimedOut,
                _ => ToolStatus::Failed,
            },
            output: json!({"error": {"code": error.code(), "message": error.to_string()}})
                .to_string(),
            sources: Vec::new(),
            effect: None,
        },
    }
}

async fn find_and_run(
    context: Context,
    request: ToolRequest,
) -> Result<(Answer, String), ToolError> {
    let tools = all();
    let tool = tools
        .iter()
        .find(|tool| tool.name() == request.name)
        .ok_or_else(|| {
            let known: Vec<_> = tools.iter().map(|tool| tool.name()).collect();
            ToolError::Unknown {
                name: request.name.chars().take(64).collect(),
                known: known.join(", "),
            }
        })?;
    let running = tool.run(context, request.arguments);
    let answer = tokio::time::timeout(tool.timeout(), running)
        .await
        .map_err(|_| ToolError::TimedOut)??;
    let output = answer.output.to_string();
    if output.len() > MAX_OUTPUT {
        return Err(ToolError::TooLong);
    }
    Ok((answer, output))
}

/// Reads arguments; the model may leave an empty object out.
fn arguments<T: DeserializeOwned>(text: &str) -> Result<T, ToolError> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| ToolError::Arguments(error.to_string()))
}

/// The schema of an argument type, without what a model does not need.
fn schema<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        object.remove("title");
        object.remove("description");
        object.entry("properties").or_insert_with(|| json!({}));
    }
    schema
}

/// At most so many characters of a text, ending at a word.
fn shortened(text: &str, characters: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(characters) else {
        return text.to_owned();
    };
    let cut = &text[..end];
    let word_end = cut.rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", cut[..word_end].trim_end())
}
