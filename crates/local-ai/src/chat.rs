//! Dialogue by a language model behind an OpenAI-compatible chat endpoint.
//!
//! The endpoint may fail in any way: that is said aloud in one sentence, and the conversation goes
//! on. Dropping an answer that is being given ends the request there.

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use async_openai::types::chat::{
    ChatCompletionMessageToolCallChunk, ChatCompletionResponseStream, CreateChatCompletionRequest,
};
use futures::StreamExt as _;
use openai_realtime::{ToolChoice, ToolChoiceMode, ToolFunction};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::dialogue::{Context, Part, Turn};

/// The longest wait for the next piece of an answer, the first included: an endpoint may have to
/// load its model first.
const PATIENCE: Duration = Duration::from_secs(20);
/// An endpoint that could not be reached, or failed at once, is asked once more after this.
const RETRY_AFTER: Duration = Duration::from_millis(200);

const UNREACHABLE: &str =
    "I'm sorry, I can't think clearly right now. Please try again in a moment.";
const TOO_MANY: &str =
    "I'm sorry, I'm being asked too much at once right now. Please try again in a moment.";
/// What a call gave that was made and never answered; endpoints want an answer to each.
const NO_RESULT: &str = "{\"error\": \"there is no result\"}";

/// A chat endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    client: Client<OpenAIConfig>,
    model: String,
    patience: Duration,
}

/// Why the endpoint gave no answer. The text may quote the endpoint's own words, so it is for the
/// log at debug level only.
#[derive(Debug, thiserror::Error)]
enum ChatError {
    /// It refused, failed, or could not be reached.
    #[error("the chat endpoint failed: {0}")]
    Endpoint(#[from] OpenAIError),
    /// It did not go on.
    #[error("the chat endpoint was silent for too long")]
    Silent,
    /// It ended its answer without having said or done anything.
    #[error("the chat endpoint answered nothing")]
    Nothing,
    /// The conversation cannot be put into its terms.
    #[error("the conversation cannot be sent to the chat endpoint: {0}")]
    Request(#[from] serde_json::Error),
}

impl ChatError {
    /// What to say of it.
    fn apology(&self) -> &'static str {
        match self {
            Self::Endpoint(OpenAIError::ApiError(error)) if error.status_code == 429 => TOO_MANY,
            _ => UNREACHABLE,
        }
    }

    /// Whether asking once more may help at once. Too many requests do not pass that quickly.
    fn is_fleeting(&self) -> bool {
        match self {
            Self::Endpoint(OpenAIError::ApiError(error)) => error.status_code.is_server_error(),
            Self::Endpoint(OpenAIError::Reqwest(error)) => error.is_connect(),
            _ => false,
        }
    }
}

impl Chat {
    /// An endpoint by its base URL (`…/v1`), the model to ask for, and its key.
    pub fn new(base_url: &str, model: &str, api_key: &SecretString) -> Self {
        let config = OpenAIConfig::new()
            .with_api_base(base_url.trim_end_matches('/'))
            .with_api_key(api_key.expose_secret());
        Self {
            // The client's own way of trying again would keep somebody waiting in silence.
            client: Client::with_config(config).with_http_service(ReqwestService::default()),
            model: model.to_owned(),
            patience: PATIENCE,
        }
    }

    /// The same endpoint with another longest wait for the next piece of an answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The client, to pass requests on.
    pub fn client(&self) -> &Client<OpenAIConfig> {
        &self.client
    }

    /// The model asked for.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Streams an answer into `parts`; text as it comes, calls when they are complete. A failure is
    /// said in place of the rest. Ends early when nobody receives them.
    pub async fn reply(&self, context: &Context, parts: &mpsc::Sender<Part>) {
        let mut answer = Answer {
            parts,
            has_begun: false,
        };
        let Err(error) = self.stream(context, &mut answer).await else {
            return;
        };
        tracing::warn!("The chat endpoint gave no answer");
        tracing::debug!(%error, "Chat endpoint error");
        let apart = if answer.has_begun { " " } else { "" };
        // Nobody listening any more is as good as having said it.
        let _ = answer
            .give(Part::Say(format!("{apart}{}", error.apology())))
            .await;
    }

    async fn stream(&self, context: &Context, answer: &mut Answer<'_>) -> Result<(), ChatError> {
        let request = serde_json::from_value(self.request(context))?;
        let mut chunks = match self.open(&request).await {
            Err(error) if error.is_fleeting() => {
                sleep(RETRY_AFTER).await;
                self.open(&request).await?
            }
            opened => opened?,
        };
        let mut calls = Calls::default();
        while let Some(chunk) = timeout(self.patience, chunks.next())
            .await
            .map_err(|_| ChatError::Silent)?
        {
            for choice in chunk?.choices {
                let delta = choice.delta;
                let texts = [delta.content, delta.refusal];
                for text in texts.into_iter().flatten().filter(|text| !text.is_empty()) {
                    if answer.give(Part::Say(text)).await.is_err() {
                        return Ok(());
                    }
                }
                for piece in delta.tool_calls.unwrap_or_default() {
                    calls.push(piece);
                }
            }
        }
        for call in calls.finish() {
            if answer.give(call).await.is_err() {
                return Ok(());
            }
        }
        if answer.has_begun {
            Ok(())
        } else {
            Err(ChatError::Nothing)
        }
    }

    async fn open(
        &self,
        request: &CreateChatCompletionRequest,
    ) -> Result<ChatCompletionResponseStream, ChatError> {
        let chat = self.client.chat();
        let opening = timeout(self.patience, chat.create_stream(request.clone())).await;
        Ok(opening.map_err(|_| ChatError::Silent)??)
    }

    fn request(&self, context: &Context) -> Value {
        let mut messages = Vec::with_capacity(context.turns.len() + 1);
        if !context.instructions.is_empty() {
            messages.push(json!({"role": "system", "content": context.instructions}));
        }
        messages.extend(messages_of(&context.turns));
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

/// An answer on its way to who speaks it.
struct Answer<'a> {
    parts: &'a mpsc::Sender<Part>,
    has_begun: bool,
}

impl Answer<'_> {
    async fn give(&mut self, part: Part) -> Result<(), mpsc::error::SendError<Part>> {
        self.has_begun = true;
        self.parts.send(part).await
    }
}

/// The conversation in the endpoint's terms, which are stricter than ours: calls made together are
/// one message, each is answered right after it, and nothing is answered that was not called.
fn messages_of(turns: &[Turn]) -> Vec<Value> {
    let output_of = |id: &str| {
        turns.iter().rev().find_map(|turn| match turn {
            Turn::Output { call_id, output } if call_id == id => Some(output.as_str()),
            _ => None,
        })
    };
    let mut messages = Vec::new();
    let mut rest = turns;
    while let [turn, after @ ..] = rest {
        rest = after;
        match turn {
            Turn::Output { .. } => {}
            Turn::User(text) => messages.push(json!({"role": "user", "content": text})),
            Turn::Assistant(text) => messages.push(json!({"role": "assistant", "content": text})),
            Turn::System(text) => messages.push(json!({"role": "system", "content": text})),
            Turn::Call { .. } => {
                let is_call = |turn: &&Turn| matches!(turn, Turn::Call { .. });
                let more = after.iter().take_while(is_call).count();
                let (others, left) = after.split_at(more);
                rest = left;
                let made: Vec<(&str, Value)> =
                    [turn].into_iter().chain(others).filter_map(call).collect();
                let calls: Vec<&Value> = made.iter().map(|(_, call)| call).collect();
                messages.push(json!({"role": "assistant", "tool_calls": calls}));
                messages.extend(made.iter().map(|(id, _)| {
                    let output = output_of(id).unwrap_or(NO_RESULT);
                    json!({"role": "tool", "tool_call_id": id, "content": output})
                }));
            }
        }
    }
    messages
}

fn call(turn: &Turn) -> Option<(&str, Value)> {
    let Turn::Call {
        call_id,
        name,
        arguments,
    } = turn
    else {
        return None;
    };
    let function = json!({"name": name, "arguments": arguments});
    let call = json!({"id": call_id, "type": "function", "function": function});
    Some((call_id, call))
}

fn tool(tool: &ToolFunction) -> Value {
    let none = || json!({"type": "object", "properties": {}});
    json!({"type": "function", "function": {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters.clone().unwrap_or_else(none),
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

/// Calls that arrive in pieces, in the order in which they began.
#[derive(Default)]
struct Calls(Vec<CallInPieces>);

struct CallInPieces {
    index: u32,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    /// Takes a piece. It belongs to the last call of its index, unless it brings another id: some
    /// endpoints count none of their calls up.
    fn push(&mut self, piece: ChatCompletionMessageToolCallChunk) {
        let id = piece.id.unwrap_or_default();
        let is_its = |call: &CallInPieces| {
            call.index == piece.index && (id.is_empty() || call.id.is_empty() || call.id == id)
        };
        let at = match self.0.iter().rposition(is_its) {
            Some(at) => at,
            None => {
                self.0.push(CallInPieces {
                    index: piece.index,
                    id,
                    name: String::new(),
                    arguments: String::new(),
                });
                self.0.len() - 1
            }
        };
        let (call, function) = (&mut self.0[at], piece.function);
        let Some(function) = function else { return };
        if call.name.is_empty() {
            call.name = function.name.unwrap_or_default();
        }
        call.arguments
            .push_str(&function.arguments.unwrap_or_default());
    }

    fn finish(self) -> impl Iterator<Item = Part> {
        let named = self.0.into_iter().filter(|call| !call.name.is_empty());
        named.map(|call| {
            let arguments = if call.arguments.trim().is_empty() {
                "{}".to_owned()
            } else {
                call.arguments
            };
            Part::Call {
                name: call.name,
                arguments,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Turn {
        Turn::User(text.to_owned())
    }

    fn called(id: &str) -> Turn {
        Turn::Call {
            call_id: id.to_owned(),
            name: "f".to_owned(),
            arguments: "{}".to_owned(),
        }
    }

    fn gave(id: &str, output: &str) -> Turn {
        Turn::Output {
            call_id: id.to_owned(),
            output: output.to_owned(),
        }
    }

    /// A line a message: who, with which calls, or in answer to which, and what.
    fn shown(turns: &[Turn]) -> String {
        let shown = messages_of(turns).into_iter().map(|message| {
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let calls: Vec<&str> = calls.filter_map(|call| call["id"].as_str()).collect();
            let of = message["tool_call_id"].as_str().unwrap_or_default();
            let content = message["content"].as_str().unwrap_or_default();
            let role = message["role"].as_str().unwrap_or_default();
            format!("{role}|{}|{of}|{content}", calls.join("+"))
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn calls_made_together_are_one_message_and_each_is_answered_right_after_it() {
        let turns = [
            said("Both?"),
            called("a"),
            called("b"),
            said("Hello?"),
            gave("b", "2"),
            gave("a", "1"),
            Turn::Assistant("One and two.".to_owned()),
        ];
        insta::assert_snapshot!(shown(&turns), @r"
        user|||Both?
        assistant|a+b||
        tool||a|1
        tool||b|2
        user|||Hello?
        assistant|||One and two.
        ");
    }

    #[test]
    fn a_call_without_a_result_has_one_and_a_result_without_a_call_is_left_out() {
        let turns = [said("Hm?"), called("a"), gave("z", "?"), said("Well?")];
        insta::assert_snapshot!(shown(&turns), @r#"
        user|||Hm?
        assistant|a||
        tool||a|{"error": "there is no result"}
        user|||Well?
        "#);
    }
}
