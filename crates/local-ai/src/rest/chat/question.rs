//! A chat request as the dialogue of this crate understands it.

use std::collections::HashSet;

use openai_realtime::{ToolChoice, ToolChoiceMode, ToolFunction};
use serde::Deserialize;
use serde_json::Value;

use crate::dialogue::{Context, Turn};
use crate::error::ApiError;
use crate::rest::tokens;

const MAX_MESSAGES: usize = 2_048;
const MAX_TOOLS: usize = 128;
const MAX_STOPS: usize = 4;
/// Tokens that a message costs beside its words.
const MESSAGE_TOKENS: usize = 3;

/// What is asked for. What only steers how a language model chooses its words (`temperature`,
/// `seed` and their like) is taken and changes nothing.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct Question {
    pub(super) model: Option<String>,
    messages: Vec<Message>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Choice>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    n: Option<i64>,
    stop: Option<Stop>,
    #[serde(rename = "response_format")]
    _response_format: Option<ResponseFormat>,
    modalities: Option<Vec<Modality>>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a message")]
struct Message {
    role: Role,
    content: Option<Content>,
    tool_calls: Option<Vec<Call>>,
    tool_call_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "it must be a string or a list of text parts; images, sound and files are not understood"
)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    Text { text: String },
    Refusal { refusal: String },
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool call")]
struct Call {
    id: String,
    function: CalledFunction,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a function's name and arguments")]
struct CalledFunction {
    name: String,
    arguments: String,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool")]
struct Tool {
    #[serde(rename = "type")]
    _kind: ToolKind,
    function: Function,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToolKind {
    Function,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a function")]
struct Function {
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "it must be 'none', 'auto', 'required' or a function by its name"
)]
enum Choice {
    Mode(Mode),
    Function {
        #[serde(rename = "type")]
        _kind: ToolKind,
        function: Named,
    },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    None,
    Auto,
    Required,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "it must be a string or a list of at most 4 strings"
)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct ResponseFormat {
    #[serde(rename = "type")]
    _kind: FormatKind,
}

/// Answers are sentences; nothing here writes JSON to a schema.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormatKind {
    Text,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Modality {
    Text,
}

impl Question {
    /// The same question, if everything in it fits together.
    pub(super) fn checked(self) -> Result<Self, ApiError> {
        if self.messages.is_empty() || self.messages.len() > MAX_MESSAGES {
            let message = format!("'messages' must hold between 1 and {MAX_MESSAGES} messages.");
            return Err(ApiError::invalid("messages", message));
        }
        let mut calls = HashSet::new();
        for (index, message) in self.messages.iter().enumerate() {
            message.check(index, &mut calls)?;
        }
        self.check_tools()?;
        if self.n.is_some_and(|n| n != 1) {
            let message = "'n' must be 1: there is one answer to a question here.";
            return Err(ApiError::invalid("n", message));
        }
        for (name, value) in [
            ("max_tokens", self.max_tokens),
            ("max_completion_tokens", self.max_completion_tokens),
        ] {
            if value.is_some_and(|value| value < 1) {
                let message = format!("'{name}' must be at least 1.");
                return Err(ApiError::invalid(name, message));
            }
        }
        if self.stops().len() > MAX_STOPS || self.stops().iter().any(String::is_empty) {
            let message =
                format!("'stop' may hold at most {MAX_STOPS} strings, none of them empty.");
            return Err(ApiError::invalid("stop", message));
        }
        if self.stream_options.is_some() && !self.is_stream() {
            let message = "'stream_options' is only allowed when 'stream' is true.";
            return Err(ApiError::invalid("stream_options", message));
        }
        if self.modalities.as_ref().is_some_and(Vec::is_empty) {
            let message = "'modalities' must hold 'text'.";
            return Err(ApiError::invalid("modalities", message));
        }
        Ok(self)
    }

    fn check_tools(&self) -> Result<(), ApiError> {
        let tools = self.tools.as_deref().unwrap_or_default();
        if tools.len() > MAX_TOOLS {
            let message = format!("'tools' may hold at most {MAX_TOOLS} tools.");
            return Err(ApiError::invalid("tools", message));
        }
        if let Some(index) = tools.iter().position(|tool| tool.function.name.is_empty()) {
            let param = format!("tools[{index}].function.name");
            return Err(ApiError::invalid(&param, format!("'{param}' is empty.")));
        }
        match &self.tool_choice {
            Some(Choice::Mode(Mode::Auto | Mode::None)) | None => Ok(()),
            Some(_) if tools.is_empty() => Err(ApiError::invalid(
                "tool_choice",
                "'tool_choice' is only allowed when 'tools' are specified.",
            )),
            Some(Choice::Function { function, .. })
                if tools.iter().all(|tool| tool.function.name != function.name) =>
            {
                let name = &function.name;
                let message = format!("'tool_choice' names '{name}', which is not in 'tools'.");
                Err(ApiError::invalid("tool_choice", message))
            }
            Some(_) => Ok(()),
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        self.stream == Some(true)
    }

    pub(super) fn includes_usage(&self) -> bool {
        let options = self.stream_options.as_ref();
        options.and_then(|options| options.include_usage) == Some(true)
    }

    /// The most tokens that the answer may have.
    pub(super) fn limit(&self) -> Option<usize> {
        let limit = self.max_completion_tokens.or(self.max_tokens)?;
        usize::try_from(limit).ok()
    }

    /// Texts before which the answer ends.
    pub(super) fn stops(&self) -> &[String] {
        match &self.stop {
            Some(Stop::One(stop)) => std::slice::from_ref(stop),
            Some(Stop::Many(stops)) => stops,
            None => &[],
        }
    }

    /// Tokens of the question, for `usage`.
    pub(super) fn tokens(&self) -> usize {
        let of_message = |message: &Message| {
            let calls = message.tool_calls.iter().flatten();
            let arguments: usize = calls.map(|call| tokens(&call.function.arguments)).sum();
            MESSAGE_TOKENS + tokens(&message.text()) + arguments
        };
        self.messages.iter().map(of_message).sum()
    }

    pub(super) fn context(&self) -> Context {
        let mut context = Context::default();
        for message in &self.messages {
            let text = message.text();
            match message.role {
                Role::System | Role::Developer => {
                    if !context.instructions.is_empty() {
                        context.instructions.push('\n');
                    }
                    context.instructions.push_str(&text);
                }
                Role::User => context.turns.push(Turn::User(text)),
                Role::Tool => context.turns.push(Turn::Output {
                    call_id: message.tool_call_id.clone().unwrap_or_default(),
                    output: text,
                }),
                Role::Assistant => {
                    if !text.is_empty() {
                        context.turns.push(Turn::Assistant(text));
                    }
                    let calls = message.tool_calls.iter().flatten();
                    context.turns.extend(calls.map(|call| Turn::Call {
                        call_id: call.id.clone(),
                        name: call.function.name.clone(),
                        arguments: call.function.arguments.clone(),
                    }));
                }
            }
        }
        let tools = self.tools.iter().flatten();
        context.tools = tools
            .map(|tool| ToolFunction {
                name: tool.function.name.clone(),
                description: tool.function.description.clone(),
                parameters: tool.function.parameters.clone(),
            })
            .collect();
        context.tool_choice = self.tool_choice.as_ref().map(|choice| match choice {
            Choice::Mode(Mode::None) => ToolChoice::Mode(ToolChoiceMode::None),
            Choice::Mode(Mode::Auto) => ToolChoice::Mode(ToolChoiceMode::Auto),
            Choice::Mode(Mode::Required) => ToolChoice::Mode(ToolChoiceMode::Required),
            Choice::Function { function, .. } => ToolChoice::Named {
                kind: "function".to_owned(),
                name: Some(function.name.clone()),
            },
        });
        context
    }
}

impl Message {
    /// Checks a message after those whose calls are `calls`, and adds its own.
    fn check<'a>(&'a self, index: usize, calls: &mut HashSet<&'a str>) -> Result<(), ApiError> {
        let param = |field: &str| format!("messages[{index}].{field}");
        let has_calls = self
            .tool_calls
            .as_ref()
            .is_some_and(|calls| !calls.is_empty());
        if self.content.is_none() && !has_calls {
            return Err(ApiError::missing(&param("content")));
        }
        match self.role {
            Role::Assistant => {
                let own = self.tool_calls.iter().flatten();
                calls.extend(own.map(|call| call.id.as_str()));
            }
            Role::Tool => {
                let field = param("tool_call_id");
                let id = self.tool_call_id.as_deref();
                let id = id.ok_or_else(|| ApiError::missing(&field))?;
                if !calls.contains(id) {
                    let message = format!(
                        "'{field}' must be the id of a tool call of an assistant message before."
                    );
                    return Err(ApiError::invalid(&field, message));
                }
            }
            _ if has_calls => {
                let field = param("tool_calls");
                let message = format!("'{field}' is only allowed for the role 'assistant'.");
                return Err(ApiError::invalid(&field, message));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().map(|part| match part {
                    Part::Text { text } | Part::Refusal { refusal: text } => text.as_str(),
                });
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }
}
