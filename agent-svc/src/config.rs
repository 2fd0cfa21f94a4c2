//! The settings of agent-svc.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use db::DatabaseConfig;
use http::Uri;
use secrecy::SecretString;
use service_kit::config::{AuthConfig, ClientConfig, ServerConfig};

use crate::domain::TurnDetection;
use crate::prompt::{Persona, Prompts, TemplateError};
use crate::provider::Prices;

/// Holds the calls: joins them, listens, answers, and keeps what was said.
#[derive(Clone, Debug, Parser)]
#[command(name = "agent-svc", version)]
pub struct Config {
    /// How the process serves and logs.
    #[command(flatten)]
    pub server: ServerConfig,

    /// Where auth-svc is.
    #[command(flatten)]
    pub auth: AuthConfig,

    /// Who this service is to the others.
    #[command(flatten)]
    pub client: ClientConfig,

    /// Where calls are kept.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// Base URL of profile-svc, for example http://127.0.0.1:7702.
    #[arg(long, env)]
    pub profile_url: Uri,

    /// Base URL of knowledge-svc, for example http://127.0.0.1:7703.
    #[arg(long, env)]
    pub knowledge_url: Uri,

    /// Where the rooms are.
    #[command(flatten)]
    pub livekit: LivekitConfig,

    /// Which models speak and listen.
    #[command(flatten)]
    pub openai: OpenaiConfig,

    /// What calls go on with when the Realtime session cannot be had.
    #[command(flatten)]
    pub fallback: FallbackConfig,

    /// How calls are held.
    #[command(flatten)]
    pub calls: CallsConfig,
}

/// Where the rooms are.
#[derive(Clone, Debug, Args)]
pub struct LivekitConfig {
    /// The LiveKit server as this service reaches it, for example ws://127.0.0.1:7730.
    #[arg(long, env)]
    pub livekit_url: String,

    /// The LiveKit server as callers reach it, when that is another address.
    #[arg(long, env)]
    pub livekit_public_url: Option<String>,

    /// The name under which this service registers as a LiveKit worker.
    #[arg(long, env, default_value = "insta-assistant")]
    pub livekit_agent_name: String,

    /// Address that media sockets bind to, when it is not the one that reaches the LiveKit server.
    #[arg(long, env)]
    pub media_address: Option<std::net::IpAddr>,
}

impl LivekitConfig {
    /// The server as callers reach it.
    pub fn public_url(&self) -> &str {
        self.livekit_public_url
            .as_deref()
            .unwrap_or(&self.livekit_url)
    }
}

/// Which models speak and listen.
#[derive(Clone, Debug, Args)]
pub struct OpenaiConfig {
    /// Base URL of the OpenAI API, or of a server that speaks it.
    #[arg(long, env, default_value = "https://api.openai.com/v1")]
    pub openai_base_url: String,

    /// Key for it.
    #[arg(long, env, hide_env_values = true)]
    pub openai_api_key: SecretString,

    /// Model that converses.
    #[arg(long, env, default_value = "gpt-realtime-2.1-mini")]
    pub realtime_model: String,

    /// Voice of the assistant.
    #[arg(long, env, default_value = "marin")]
    pub realtime_voice: String,

    /// How old a Realtime session may be before another takes its place between two turns, in seconds. OpenAI ends
    /// one after an hour.
    #[arg(long, env, default_value_t = 1200, value_parser = clap::value_parser!(u64).range(10..=86400))]
    pub max_session_duration_secs: u64,

    /// What the Realtime model costs, in US dollars for a million tokens of input, cached input and output, for example
    /// text=0.60/0.06/2.40,audio=10/0.30/20. OpenAI's list price of the model when not given; other servers have none.
    #[arg(long, env)]
    pub realtime_prices: Option<Prices>,

    /// Model that writes down what the caller says.
    #[arg(long, env, default_value = "gpt-transcribe")]
    pub transcription_model: String,

    /// Base URL of the dedicated voice, when it is another.
    #[arg(long, env)]
    pub tts_base_url: Option<String>,

    /// Model of the dedicated voice. One whose name begins with `gpt-realtime` reads aloud in a Realtime session;
    /// any other is asked at /v1/audio/speech.
    #[arg(long, env, default_value = "gpt-realtime-2.1-mini")]
    pub tts_model: String,

    /// Voice of the dedicated voice; the assistant's when not given.
    #[arg(long, env)]
    pub tts_voice: Option<String>,

    /// Model that summarises calls.
    #[arg(long, env, default_value = "gpt-5-mini")]
    pub summary_model: String,
}

/// What calls go on with when the Realtime session cannot be had: transcription, chat with the same tools, and
/// speech, one after the other. A call stays there to its end.
#[derive(Clone, Debug, Args)]
pub struct FallbackConfig {
    /// Base URL of a server that speaks OpenAI's API: OpenAI itself, local-ai or another. Without it a call ends with
    /// an apology when the Realtime session cannot be had.
    #[arg(long, env, requires = "fallback_api_key")]
    pub fallback_base_url: Option<String>,

    /// Key for it.
    #[arg(long, env, hide_env_values = true)]
    pub fallback_api_key: Option<SecretString>,

    /// Model that answers.
    #[arg(long, env, default_value = "gpt-5-mini")]
    pub fallback_chat_model: String,

    /// Model that writes down what the caller says.
    #[arg(long, env, default_value = "gpt-transcribe")]
    pub fallback_transcription_model: String,

    /// Model that speaks the answers. One whose name begins with `gpt-realtime` reads aloud in a Realtime session;
    /// any other is asked at /v1/audio/speech.
    #[arg(long, env, default_value = "gpt-4o-mini-tts")]
    pub fallback_tts_model: String,

    /// Voice of the answers; the assistant's when not given.
    #[arg(long, env)]
    pub fallback_tts_voice: Option<String>,
}

/// How calls are held.
#[derive(Clone, Debug, Args)]
pub struct CallsConfig {
    /// Folder with the models that listen: voice activity, end of turn, recognition.
    #[arg(long, env)]
    pub models_dir: PathBuf,

    /// The most calls at a time.
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub max_calls: u32,

    /// Threads for sound; each serves many calls.
    #[arg(long, env, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub media_shards: u16,

    /// The longest call, in seconds.
    #[arg(long, env, default_value_t = 1800, value_parser = clap::value_parser!(u64).range(10..=86400))]
    pub max_call_secs: u64,

    /// How long nobody may speak, in seconds.
    #[arg(long, env, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub max_silence_secs: u64,

    /// How long a caller who lost the connection may take to come back before the call ends, in seconds. LiveKit
    /// itself takes some twenty to notice that somebody is gone without a word.
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub caller_return_secs: u64,

    /// Who decides when a turn of the caller begins and ends: `local`, this service by voice activity and how the turn
    /// sounds; `server_vad` or `semantic_vad`, the Realtime provider, which is then sent all sound; `manual`, the caller
    /// with a button whose page calls the methods start_turn, end_turn and cancel_turn.
    #[arg(long, env, default_value_t = TurnDetection::Local)]
    pub turn_detection: TurnDetection,

    /// Silence that ends a turn of the caller which sounds complete, in milliseconds.
    #[arg(long, env, default_value_t = 430, value_parser = clap::value_parser!(u64).range(250..=5000))]
    pub min_endpointing_delay_ms: u64,

    /// Silence that ends a turn which sounds as if it went on, in milliseconds. When it is not more than the least,
    /// every turn ends after the same silence, however it sounds.
    #[arg(long, env, default_value_t = 3000, value_parser = clap::value_parser!(u64).range(250..=10000))]
    pub max_endpointing_delay_ms: u64,

    /// How long sound takes to a caller's ear, in milliseconds: the way through LiveKit and the jitter buffer at their
    /// end. What is on its way when the assistant stops does not count as heard. Measured in each call when not given.
    #[arg(long, env, value_parser = clap::value_parser!(u64).range(0..=1000))]
    pub playout_delay_ms: Option<u64>,

    /// The assistant's name.
    #[arg(long, env, default_value = "Iris")]
    pub assistant_name: String,

    /// The company's or product's name.
    #[arg(long, env, default_value = "the service")]
    pub company_name: String,

    /// The language that the assistant begins in, for example German; the caller's from their first words on when not
    /// given.
    #[arg(long, env, default_value = "")]
    pub assistant_language: String,

    /// The deployment's own prompts: a file with the assistant's instructions, or a folder with instructions.j2,
    /// greeting.j2 or both, in Jinja's syntax. The README says what they may hold. Built in when not given.
    #[arg(long, env)]
    pub prompt_path: Option<PathBuf>,
}

impl CallsConfig {
    /// What the model is told.
    ///
    /// # Errors
    /// The deployment's own prompts are wrong; the error names file, line and variable.
    pub(crate) fn prompts(&self) -> Result<Prompts, TemplateError> {
        let persona = Persona {
            assistant: self.assistant_name.clone(),
            company: self.company_name.clone(),
            language: self.assistant_language.clone(),
        };
        match &self.prompt_path {
            Some(path) => Prompts::read(persona, path),
            None => Ok(Prompts::built_in(persona)),
        }
    }

    /// Delays and limits of a conversation.
    pub fn conversation(&self) -> crate::domain::Settings {
        crate::domain::Settings {
            turn_detection: self.turn_detection,
            min_endpointing_delay: Duration::from_millis(self.min_endpointing_delay_ms),
            max_endpointing_delay: Duration::from_millis(self.max_endpointing_delay_ms),
            max_call: Duration::from_secs(self.max_call_secs),
            max_silence: Duration::from_secs(self.max_silence_secs),
            caller_return: Duration::from_secs(self.caller_return_secs),
            ..crate::domain::Settings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser as _};

    #[test]
    fn a_fallback_needs_a_key_of_its_own() {
        #[derive(clap::Parser)]
        struct Command {
            #[command(flatten)]
            fallback: super::FallbackConfig,
        }
        let url = ["agent-svc", "--fallback-base-url", "http://127.0.0.1:1/v1"];
        let key = ["--fallback-api-key", "key"];
        assert!(Command::try_parse_from(url).is_err());
        let whole = Command::try_parse_from(url.into_iter().chain(key)).unwrap();
        assert!(whole.fallback.fallback_api_key.is_some());
    }

    #[test]
    fn the_command_line_is_well_formed() {
        super::Config::command().debug_assert();
    }
}
