//! Dialogue by a language model behind an OpenAI-compatible chat endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{ChatCompletionMessageToolCallChunk, CreateChatCompletionRequest};
use futures::StreamExt as _;
use openai_realtime::{ToolChoice, ToolChoiceMode, ToolFunction};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::dialogue::{Context, Part, Turn};

/// The longest wait for the next piece of an answer, the first included.
const PIECE_TIMEOUT: Duration = Duration::from_secs(20);

/// A chat endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    client: Client<OpenAIConfig>,
    model: String,
}

/// Why the endpoint gave no answer. The text may quote the endpoint's own words, so it is for the
/// log at debug level only.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// It refused, failed, or could not be reached.
    #[error("the chat endpoint failed: {0}")]
    Endpoint(#[from] OpenAIError),
    /// It did not go on.
    #[error("the chat endpoint was silent for {PIECE_TIMEOUT:?}")]
    Silent,
    /// The conversation cannot be put into its terms.
    #[error("the conversation cannot be sent to the chat endpoint: {0}")]
    Request(#[from] serde_json::Error),
}

impl Chat {
    /// An endpoint by its base URL (`…/v1`), the model to ask for, and its key.
    pub fn new(base_url: &str, model: &str, api_key: &SecretString) -> Self {
        let config = OpenAIConfig::new()
            .with_api_base(base_url.trim_end_matches('/'))
            .with_api_key(api_key.expose_secret());
        Self {
            client: Client::with_config(config),
            model: model.to_owned(),
        }
    }

    /// The client, to pass requests on.
    pub fn client(&self) -> &Client<OpenAIConfig> {
        &self.client
    }

    /// The model asked for.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Streams an answer into `parts`; text as it comes, calls when they are complete.
    ///
    /// # Errors
    /// The endpoint failed; what was sent before stands.
    pub async fn reply(
        &self,
        context: &Context,
        parts: &mpsc::Sender<Part>,
    ) -> Result<(), ChatError> {
        let request: CreateChatCompletionRequest = serde_json::from_value(self.request(context))?;
        let chat = self.client.chat();
        let opening = chat.create_stream(request);
        let mut stream = timeout(PIECE_TIMEOUT, opening)
            .await
            .map_err(|_| ChatError::Silent)??;
        let mut calls = Calls::default();
        while let Some(chunk) = timeout(PIECE_TIMEOUT, stream.next())
            .await
            .map_err(|_| ChatError::Silent)?
        {
            for choice in chunk?.choices {
                if let Some(text) = choice.delta.content.filter(|text| !text.is_empty())
                    && parts.send(Part::Say(text)).await.is_err()
                {
                    return Ok(());
                }
                for piece in choice.delta.tool_calls.unwrap_or_default() {
                    calls.push(piece);
                }
            }
        }
        for call in calls.finish() {
            if parts.send(call).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn request(&self, context: &Context) -> Value {
        let mut messages = Vec::with_capacity(context.turns.len() + 1);
        if !context.instructions.is_empty() {
            messages.push(json!({"role": "system", "content": context.instructions}));
        }
        messages.extend(context.turns.iter().map(message));
        let mut request = json!({"model": self.model, "messages": messages, "stream": true});
        if !context.tools.is_empty() {
            request["tools"] = context.tools.iter().map(tool).collect();
            if let Some(choice) = &context.tool_choice {
                request["tool_choice"] = tool_choice(choice);
            }
        }
        request
    }
}

fn message(turn: &Turn) -> Value {
    match turn {
        Turn::User(text) => json!({"role": "user", "content": text}),
        Turn::Assistant(text) => json!({"role": "assistant", "content": text}),
        Turn::System(text) => json!({"role": "system", "content": text}),
        Turn::Call {
            call_id,
            name,
            arguments,
        } => json!({"role": "assistant", "tool_calls": [
            {"id": call_id, "type": "function",
             "function": {"name": name, "arguments": arguments}}]}),
        Turn::Output { call_id, output } => {
            json!({"role": "tool", "tool_call_id": call_id, "content": output})
        }
    }
}

fn tool(tool: &ToolFunction) -> Value {
    json!({"type": "function", "function": {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}})),
    }})
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Mode(ToolChoiceMode::Auto) => json!("auto"),
        ToolChoice::Mode(ToolChoiceMode::None) => json!("none"),
        ToolChoice::Mode(ToolChoiceMode::Required) => json!("required"),
        ToolChoice::Named { name, .. } => json!({"type": "function", "function": {"name": name}}),
    }
}

/// Calls that arrive in pieces, by their index.
#[derive(Default)]
struct Calls(BTreeMap<u32, (String, String)>);

impl Calls {
    fn push(&mut self, piece: ChatCompletionMessageToolCallChunk) {
        let Some(function) = piece.function else {
            return;
        };
        let (name, arguments) = self.0.entry(piece.index).or_default();
        name.push_str(&function.name.unwrap_or_default());
        arguments.push_str(&function.arguments.unwrap_or_default());
    }

    fn finish(self) -> impl Iterator<Item = Part> {
        self.0
            .into_values()
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, arguments)| {
                let arguments = if arguments.trim().is_empty() {
                    "{}".to_owned()
                } else {
                    arguments
                };
                Part::Call { name, arguments }
            })
    }
}
