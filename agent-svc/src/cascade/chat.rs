//! The conversation as a chat model is told it, and its answer as it comes.

use std::collections::{BTreeMap, HashSet};

use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionMessageToolCallChunk,
    ChatCompletionMessageToolCalls, ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestToolMessage, ChatCompletionRequestUserMessage,
    ChatCompletionResponseStream, ChatCompletionStreamOptions, ChatCompletionTool,
    ChatCompletionToolChoiceOption, ChatCompletionTools, CompletionUsage,
    CreateChatCompletionRequest, FunctionCall, FunctionObject, ToolChoiceOptions,
};
use futures::StreamExt as _;
use openai_realtime::Tool;
use serde_json::Value;

use super::{RequestError, in_time};
use crate::domain::{Role, ToolRequest};
use crate::provider::{History, Setup, Telling, Tokens, Usage};

/// Asks for the next answer of a conversation.
pub(super) fn request(
    model: &str,
    setup: &Setup,
    history: &History,
    may_call: bool,
) -> CreateChatCompletionRequest {
    let tools: Vec<_> = setup.tools.iter().filter_map(tool).collect();
    let mode = if may_call {
        ToolChoiceOptions::Auto
    } else {
        ToolChoiceOptions::None
    };
    // Without any, neither may be there.
    let tools = Some(tools).filter(|tools| !tools.is_empty());
    CreateChatCompletionRequest {
        model: model.to_owned(),
        messages: messages(&setup.instructions, history),
        tool_choice: tools
            .is_some()
            .then_some(ChatCompletionToolChoiceOption::Mode(mode)),
        tools,
        stream_options: Some(ChatCompletionStreamOptions {
            include_usage: Some(true),
            ..ChatCompletionStreamOptions::default()
        }),
        ..CreateChatCompletionRequest::default()
    }
}

fn tool(tool: &Tool) -> Option<ChatCompletionTools> {
    let Tool::Function(function) = tool else {
        return None;
    };
    Some(ChatCompletionTools::Function(ChatCompletionTool {
        function: FunctionObject {
            name: function.name.clone(),
            description: function.description.clone(),
            parameters: function.parameters.clone(),
            strict: None,
        },
    }))
}

/// Turns whose words are not known are left out, as are calls without a result.
fn messages(instructions: &str, history: &History) -> Vec<ChatCompletionRequestMessage> {
    let mut messages = vec![ChatCompletionRequestSystemMessage::from(instructions).into()];
    for (_, telling) in history.untold(&HashSet::new()) {
        match telling {
            Telling::Said(Role::User, text) => {
                messages.push(ChatCompletionRequestUserMessage::from(text).into());
            }
            Telling::Said(Role::Assistant, text) => {
                messages.push(ChatCompletionRequestAssistantMessage::from(text).into());
            }
            Telling::Called(request, output) => messages.extend(called(request, output)),
            Telling::Turn(_) => {}
        }
    }
    messages
}

fn called(request: &ToolRequest, output: &str) -> [ChatCompletionRequestMessage; 2] {
    // A server that reads them would refuse the whole conversation for a model's slip.
    let is_json = serde_json::from_str::<Value>(&request.arguments).is_ok();
    let arguments = if is_json { &request.arguments } else { "{}" };
    let call = ChatCompletionMessageToolCall {
        id: request.call.as_str().to_owned(),
        function: FunctionCall {
            name: request.name.clone(),
            arguments: arguments.to_owned(),
        },
    };
    [
        ChatCompletionRequestAssistantMessage {
            tool_calls: Some(vec![ChatCompletionMessageToolCalls::Function(call)]),
            ..ChatCompletionRequestAssistantMessage::default()
        }
        .into(),
        ChatCompletionRequestToolMessage {
            content: output.into(),
            tool_call_id: request.call.as_str().to_owned(),
        }
        .into(),
    ]
}

/// A piece of an answer.
#[derive(Debug)]
pub(super) enum Written {
    Text(String),
    Used(Usage),
}

/// An answer as it comes.
pub(super) struct Answer {
    stream: ChatCompletionResponseStream,
    calls: BTreeMap<u32, Call>,
    used: Option<CompletionUsage>,
    is_finished: bool,
}

#[derive(Debug, Default)]
struct Call {
    name: String,
    arguments: String,
}

impl Answer {
    pub(super) fn new(stream: ChatCompletionResponseStream) -> Self {
        Self {
            stream,
            calls: BTreeMap::new(),
            used: None,
            is_finished: false,
        }
    }

    /// The next of it; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Written>, RequestError> {
        loop {
            let next = in_time(async { Ok::<_, RequestError>(self.stream.next().await) });
            let Some(chunk) = next.await?.transpose()? else {
                return self.end();
            };
            // OpenAI tells it last and alone, others with every piece.
            self.used = chunk.usage.or(self.used.take());
            let Some(choice) = chunk.choices.into_iter().next() else {
                continue;
            };
            self.is_finished |= choice.finish_reason.is_some();
            for call in choice.delta.tool_calls.unwrap_or_default() {
                self.call(call);
            }
            let text = choice.delta.content.or(choice.delta.refusal);
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return Ok(Some(Written::Text(text)));
            }
        }
    }

    /// The stream has ended, with the answer or before it.
    fn end(&mut self) -> Result<Option<Written>, RequestError> {
        if !self.is_finished {
            return Err(RequestError::BrokenOff);
        }
        let used = self.used.take();
        Ok(used.map(|used| Written::Used(usage(&used))))
    }

    fn call(&mut self, piece: ChatCompletionMessageToolCallChunk) {
        let call = self.calls.entry(piece.index).or_default();
        if let Some(function) = piece.function {
            // Some servers repeat it in every piece.
            if call.name.is_empty() {
                call.name = function.name.unwrap_or_default();
            }
            call.arguments += &function.arguments.unwrap_or_default();
        }
    }

    /// The tools that it calls, once it has ended. They get ids of ours, which begin with this: some
    /// servers give the same ones in every answer.
    pub(super) fn calls(self, prefix: &str) -> impl Iterator<Item = ToolRequest> {
        self.calls
            .into_iter()
            .map(move |(index, call)| ToolRequest {
                call: format!("{prefix}_{index}").into(),
                name: call.name,
                arguments: call.arguments,
            })
    }
}

/// Cached tokens are a part of the prompt.
fn usage(used: &CompletionUsage) -> Usage {
    let prompt = u64::from(used.prompt_tokens);
    let details = used.prompt_tokens_details.as_ref();
    let cached = details.and_then(|details| details.cached_tokens);
    let cached = u64::from(cached.unwrap_or_default()).min(prompt);
    Usage {
        text: Tokens {
            input: prompt - cached,
            cached,
            output: u64::from(used.completion_tokens),
        },
        ..Usage::default()
    }
}
