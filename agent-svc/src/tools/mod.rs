//! The tools that the model may call. To add one: a file with a [`Tool`], and a line in [`all`].
//!
//! Arguments are typed, and an unknown field refuses the call. A tool never learns who the caller
//! is from the model: it acts with the call's own token. Results are short JSON, since the model
//! reads all of them again in every later response; what others wrote goes in as [`crate::quoting`]
//! has it. What a tool keeps between its calls it keeps in [`Kept`].

mod end_call;
mod get_account;
mod hand_over_to_human;
mod notes;
mod search_knowledge;
#[cfg(test)]
mod tests;
mod update_my_name;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openai_realtime::ToolFunction;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::domain::{Source, ToolEffect, ToolRequest, ToolResult, ToolStatus};
use crate::peers::{Delegation, PeerError, Peers};
use crate::quoting::passage;

/// The longest result, in bytes of JSON.
const MAX_OUTPUT: usize = 12 * 1024;
/// What a list may take of it.
const MAX_LIST: usize = MAX_OUTPUT - 1024;

/// Every tool there is.
fn all() -> Vec<Arc<dyn Tool>> {
    vec![
        Arc::new(get_account::GetAccount),
        Arc::new(search_knowledge::SearchKnowledge),
        Arc::new(notes::Remember),
        Arc::new(notes::Recall),
        Arc::new(update_my_name::UpdateMyName),
        Arc::new(hand_over_to_human::HandOverToHuman),
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
    /// What tools kept in this call before.
    pub kept: Kept,
    /// The turn of the caller that it is called in. Calls in one turn have the same; between two turns
    /// the caller has heard something of an answer.
    pub turn: u32,
}

/// What tools keep from one of their calls to the next: a value of each type, for as long as the call
/// lasts and nowhere else. Cheap to clone; clones keep the same.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<http::Extensions>>);

impl Kept {
    /// Reads or changes the value of one type.
    fn with<T, R>(&self, act: impl FnOnce(&mut T) -> R) -> R
    where
        T: Default + Clone + Send + Sync + 'static,
    {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(kept.get_or_insert_default())
    }
}

/// What a tool gave.
#[derive(Debug, Default)]
struct Answer {
    output: Value,
    sources: Vec<Source>,
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
    #[error("{0}")]
    Refused(&'static str),
}

impl ToolError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_tool",
            Self::Arguments(_) => "invalid_arguments",
            Self::Unavailable(_) => "unavailable",
            Self::TimedOut => "timeout",
            Self::TooLong => "too_long",
            Self::Refused(_) => "refused",
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

/// A text argument on one line, of 1 to `most` characters.
fn text_argument(name: &str, text: &str, most: usize) -> Result<String, ToolError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = passage(&words.join(" "), usize::MAX);
    if (1..=most).contains(&text.chars().count()) {
        return Ok(text);
    }
    let problem = format!("{name} must have 1 to {most} characters");
    Err(ToolError::Arguments(problem))
}

/// As many of these values, from the first, as fit into a result.
fn fitting(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut left = MAX_LIST;
    let fits = |value: &Value| {
        let rest = left.checked_sub(value.to_string().len() + 1);
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    values.take_while(fits).collect()
}
