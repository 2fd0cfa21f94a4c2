//! The assistant by text: the same instructions, tools and services as in a call, without a room.
//!
//! For evaluations (`examples/ask_assistant.rs`); nothing of the service uses it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use http::Uri;
use openai_realtime::Tool;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use service_kit::CallId;
use service_kit::client::{ServiceTokens, channel};
use service_kit::clock::Clock;
use service_kit::config::ClientConfig;

use crate::domain::{ToolCallId, ToolRequest};
use crate::peers::{Auth, Delegation, Peers, Proof};
use crate::prompt::{self, Persona, Prompts};
use crate::tools;

/// As many tools as a model may call for one question.
const MAX_STEPS: usize = 6;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where everything is.
#[derive(Clone, Debug, clap::Args)]
pub struct Places {
    /// Base URL of auth-svc.
    #[arg(long, env)]
    pub auth_url: Uri,

    /// Who this service is to the others.
    #[command(flatten)]
    pub client: ClientConfig,

    /// Base URL of profile-svc.
    #[arg(long, env)]
    pub profile_url: Uri,

    /// Base URL of knowledge-svc.
    #[arg(long, env)]
    pub knowledge_url: Uri,

    /// Base URL of a server with OpenAI's chat completions.
    #[arg(long, env)]
    pub openai_base_url: String,

    /// Key for it.
    #[arg(long, env, hide_env_values = true)]
    pub openai_api_key: SecretString,

    /// The chat model.
    #[arg(long, env, default_value = "gpt-5-mini")]
    pub chat_model: String,

    /// The company's or product's name.
    #[arg(long, env, default_value = "the service")]
    pub company_name: String,
}

/// Answers by text.
pub struct Assistant {
    places: Places,
    auth: Auth,
    peers: Peers,
    clock: Clock,
    http: reqwest::Client,
}

/// One conversation of one user.
pub struct Conversation<'a> {
    assistant: &'a Assistant,
    tools: tools::Context,
    messages: Vec<Value>,
}

/// What was said, and what was done for it.
#[derive(Debug, Default, serde::Serialize)]
pub struct Reply {
    /// What the assistant says.
    pub answer: String,
    /// The tools that it called, in order.
    pub calls: Vec<Call>,
}

/// A tool call.
#[derive(Debug, serde::Serialize)]
pub struct Call {
    /// The tool.
    pub name: String,
    /// What it was called with.
    pub arguments: String,
    /// What it gave.
    pub output: String,
}

impl Assistant {
    /// An assistant at these places.
    ///
    /// # Errors
    /// An address is wrong.
    pub fn new(places: Places) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let auth_channel = channel(&places.auth_url)?;
        let tokens = ServiceTokens::new(auth_channel.clone(), places.client.clone(), clock.clone());
        Ok(Self {
            auth: Auth::new(auth_channel, tokens),
            peers: Peers::new(
                channel(&places.profile_url)?,
                channel(&places.knowledge_url)?,
            ),
            http: reqwest::Client::builder().timeout(TIMEOUT).build()?,
            clock,
            places,
        })
    }

    /// Begins a conversation with the user whose session token this is.
    ///
    /// # Errors
    /// A service refuses or cannot be reached.
    pub async fn begin(&self, session_token: SecretString) -> anyhow::Result<Conversation<'_>> {
        let proof = Proof::Session(session_token);
        let call = CallId::generate();
        let (caller, _) =
            Delegation::obtain(self.auth.clone(), self.clock.clone(), call, &proof).await?;
        let profile = self.peers.profile(&caller).await?;
        let prompts = Prompts::built_in(Persona {
            assistant: "Iris".to_owned(),
            company: self.places.company_name.clone(),
            language: String::new(),
        });
        let known = prompt::Caller {
            tier: tools::tier_text(&profile).to_owned(),
            name: profile.name,
            last_summary: profile.last_interaction_summary,
        };
        Ok(Conversation {
            assistant: self,
            tools: tools::Context {
                peers: self.peers.clone(),
                caller,
                kept: tools::Kept::default(),
                turn: 0,
            },
            messages: vec![
                json!({"role": "system", "content": prompts.instructions(&known)}),
                json!({"role": "assistant", "content": prompts.greeting(&known)}),
            ],
        })
    }
}

impl Conversation<'_> {
    /// Says something and gives the answer to it.
    ///
    /// # Errors
    /// The model refuses, cannot be reached, or does nothing but call tools.
    pub async fn say(&mut self, text: &str) -> anyhow::Result<Reply> {
        self.tools.turn += 1;
        self.messages.push(json!({"role": "user", "content": text}));
        let mut reply = Reply::default();
        for _ in 0..MAX_STEPS {
            let message = self.complete().await?;
            self.messages.push(message.clone());
            let calls = message["tool_calls"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            if calls.is_empty() {
                reply.answer = message["content"].as_str().unwrap_or_default().to_owned();
                return Ok(reply);
            }
            for call in calls {
                self.run(&call, &mut reply).await;
            }
        }
        bail!("the model calls tools without end")
    }

    async fn complete(&self) -> anyhow::Result<Value> {
        let places = &self.assistant.places;
        let tools: Vec<Value> = tools::definitions()
            .iter()
            .filter_map(|tool| match tool {
                Tool::Function(function) => Some(json!({"type": "function", "function": function})),
                _ => None,
            })
            .collect();
        let url = format!(
            "{}/chat/completions",
            places.openai_base_url.trim_end_matches('/')
        );
        let request =
            json!({"model": places.chat_model, "messages": self.messages, "tools": tools});
        let answer = self
            .assistant
            .http
            .post(url)
            .bearer_auth(places.openai_api_key.expose_secret())
            .header("content-type", "application/json")
            .body(request.to_string())
            .send()
            .await?
            .error_for_status()?;
        let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        let message = answer.pointer("/choices/0/message");
        message.cloned().context("the model gave no message")
    }

    async fn run(&mut self, call: &Value, reply: &mut Reply) {
        let text = |pointer: &str| {
            let found = call.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        };
        let request = ToolRequest {
            call: ToolCallId::from(text("/id")),
            name: text("/function/name"),
            arguments: text("/function/arguments"),
        };
        let result = tools::run(self.tools.clone(), request.clone()).await;
        self.messages.push(json!({
            "role": "tool", "tool_call_id": request.call.as_str(), "content": result.output}));
        reply.calls.push(Call {
            name: request.name,
            arguments: request.arguments,
            output: result.output,
        });
    }
}
