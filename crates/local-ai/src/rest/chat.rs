//! `/v1/chat/completions`: the dialogue of this crate, or the configured chat endpoint.

use std::convert::Infallible;
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestMessage, ChatCompletionToolChoiceOption, ChatCompletionTools,
    CreateChatCompletionRequest, ToolChoiceOptions,
};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use openai_realtime::{ToolChoice, ToolChoiceMode, ToolFunction};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::{parse, unix_now};
use crate::chat::Chat;
use crate::dialogue::{Context, Part, Turn};
use crate::error::ApiError;
use crate::server::App;

/// The longest wait for the configured endpoint to begin.
const UPSTREAM_TIMEOUT: Duration = Duration::from_mins(1);
/// A dialogue gives a handful of parts.
const PARTS: usize = 16;

pub(crate) async fn create(State(app): State<App>, body: Bytes) -> Result<Response, ApiError> {
    let request: CreateChatCompletionRequest = parse(&body)?;
    if request.messages.is_empty() {
        return Err(ApiError::invalid(
            "messages",
            "'messages' must hold at least one message.",
        ));
    }
    if let Some(chat) = app.brain.chat() {
        return pass_on(chat, request).await;
    }
    let (model, is_stream) = (request.model.clone(), request.stream == Some(true));
    let (sender, mut receiver) = mpsc::channel(PARTS);
    let context = context(request);
    let collect = async {
        let mut parts = Vec::new();
        while let Some(part) = receiver.recv().await {
            parts.push(part);
        }
        parts
    };
    let decide = async move { app.brain.reply(context, &sender).await };
    let (decided, parts) = tokio::join!(decide, collect);
    decided?;
    let completion = Completion::new(model, parts);
    Ok(if is_stream {
        completion.stream().into_response()
    } else {
        Json(completion.whole()).into_response()
    })
}

/// Sends the request to the configured endpoint and its answer back.
async fn pass_on(
    chat: &Chat,
    mut request: CreateChatCompletionRequest,
) -> Result<Response, ApiError> {
    request.model = chat.model().to_owned();
    let late = |_| {
        ApiError::failed(
            StatusCode::GATEWAY_TIMEOUT,
            "The chat endpoint did not answer.",
        )
    };
    if request.stream != Some(true) {
        let answer = timeout(UPSTREAM_TIMEOUT, chat.client().chat().create(request)).await;
        return Ok(Json(answer.map_err(late)?.map_err(|error| upstream(&error))?).into_response());
    }
    let endpoint = chat.client().chat();
    let opening = endpoint.create_stream(request);
    let chunks = timeout(UPSTREAM_TIMEOUT, opening).await.map_err(late)?;
    let chunks = chunks.map_err(|error| upstream(&error))?.map(|chunk| {
        let data = match chunk {
            Ok(chunk) => serde_json::to_string(&chunk).unwrap_or_default(),
            Err(error) => upstream(&error).body().to_string(),
        };
        Ok::<_, Infallible>(Event::default().data(data))
    });
    let done = futures::stream::iter([Ok(Event::default().data("[DONE]"))]);
    Ok(Sse::new(chunks.chain(done)).into_response())
}

fn upstream(error: &OpenAIError) -> ApiError {
    tracing::warn!("The chat endpoint failed");
    tracing::debug!(%error, "Chat endpoint error");
    ApiError::failed(StatusCode::BAD_GATEWAY, "The chat endpoint failed.")
}

/// The request as the dialogue sees it.
fn context(request: CreateChatCompletionRequest) -> Context {
    let mut context = Context::default();
    for message in &request.messages {
        match message {
            ChatCompletionRequestMessage::System(_)
            | ChatCompletionRequestMessage::Developer(_) => {
                let text = content(message);
                if !context.instructions.is_empty() {
                    context.instructions.push('\n');
                }
                context.instructions.push_str(&text);
            }
            ChatCompletionRequestMessage::User(_) => {
                context.turns.push(Turn::User(content(message)));
            }
            ChatCompletionRequestMessage::Assistant(_) => assistant(message, &mut context.turns),
            ChatCompletionRequestMessage::Tool(tool) => context.turns.push(Turn::Output {
                call_id: tool.tool_call_id.clone(),
                output: content(message),
            }),
            ChatCompletionRequestMessage::Function(_) => {}
        }
    }
    context.tools = request
        .tools
        .unwrap_or_default()
        .into_iter()
        .filter_map(tool)
        .collect();
    context.tool_choice = request.tool_choice.and_then(tool_choice);
    context
}

fn tool(tool: ChatCompletionTools) -> Option<ToolFunction> {
    let ChatCompletionTools::Function(tool) = tool else {
        return None;
    };
    Some(ToolFunction {
        name: tool.function.name,
        description: tool.function.description,
        parameters: tool.function.parameters,
    })
}

fn tool_choice(choice: ChatCompletionToolChoiceOption) -> Option<ToolChoice> {
    Some(match choice {
        ChatCompletionToolChoiceOption::Mode(mode) => ToolChoice::Mode(match mode {
            ToolChoiceOptions::None => ToolChoiceMode::None,
            ToolChoiceOptions::Auto => ToolChoiceMode::Auto,
            ToolChoiceOptions::Required => ToolChoiceMode::Required,
        }),
        ChatCompletionToolChoiceOption::Function(named) => ToolChoice::Named {
            kind: "function".to_owned(),
            name: Some(named.function.name),
        },
        _ => return None,
    })
}

/// The text of a message's content, which is a string or a list of parts.
fn content(message: &ChatCompletionRequestMessage) -> String {
    let message = serde_json::to_value(message).unwrap_or_default();
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

fn assistant(message: &ChatCompletionRequestMessage, turns: &mut Vec<Turn>) {
    let text = content(message);
    if !text.is_empty() {
        turns.push(Turn::Assistant(text));
    }
    let message = serde_json::to_value(message).unwrap_or_default();
    let calls = message["tool_calls"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    turns.extend(calls.iter().map(|call| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Turn::Call {
            call_id: text(&call["id"]),
            name: text(&call["function"]["name"]),
            arguments: text(&call["function"]["arguments"]),
        }
    }));
}

/// An answer of the dialogue, on its way out.
struct Completion {
    id: String,
    model: String,
    text: String,
    calls: Vec<Value>,
}

impl Completion {
    fn new(model: String, parts: Vec<Part>) -> Self {
        let mut completion = Self {
            id: format!("chatcmpl-{}", Uuid::new_v4().simple()),
            model,
            text: String::new(),
            calls: Vec::new(),
        };
        for part in parts {
            match part {
                Part::Say(text) => completion.text.push_str(&text),
                Part::Call { name, arguments } => completion.calls.push(json!({
                    "id": format!("call_{}", &Uuid::new_v4().simple().to_string()[..24]),
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                })),
            }
        }
        completion
    }

    fn finish_reason(&self) -> &'static str {
        if self.calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        }
    }

    fn whole(&self) -> Value {
        let mut message = json!({"role": "assistant", "refusal": null});
        message["content"] = if self.text.is_empty() {
            Value::Null
        } else {
            json!(self.text)
        };
        if !self.calls.is_empty() {
            message["tool_calls"] = json!(self.calls);
        }
        json!({
            "id": self.id, "object": "chat.completion", "created": unix_now(), "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason(),
                "logprobs": null}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        })
    }

    fn stream(&self) -> Sse<impl futures::Stream<Item = Result<Event, Infallible>> + use<>> {
        let chunk = |delta: Value, finish: Option<&str>| {
            json!({
                "id": self.id, "object": "chat.completion.chunk", "created": unix_now(),
                "model": self.model,
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            })
            .to_string()
        };
        let mut data = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
        let mut words = self.text.split_inclusive(' ').peekable();
        while words.peek().is_some() {
            data.push(chunk(json!({"content": words.next()}), None));
        }
        for (index, call) in self.calls.iter().enumerate() {
            let mut call = call.clone();
            call["index"] = json!(index);
            data.push(chunk(json!({"tool_calls": [call]}), None));
        }
        data.push(chunk(json!({}), Some(self.finish_reason())));
        data.push("[DONE]".to_owned());
        let events = data.into_iter().map(|data| Ok(Event::default().data(data)));
        Sse::new(futures::stream::iter(events))
    }
}
