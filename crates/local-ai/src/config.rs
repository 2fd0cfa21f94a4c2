//! Settings, from flags and the environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use secrecy::SecretString;

/// An OpenAI-compatible voice server over models that run on this machine.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Address to listen on.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8790")]
    pub listen: SocketAddr,
    /// Folder that holds the models.
    #[arg(long, env = "MODELS_DIR")]
    pub models_dir: PathBuf,
    /// Threads that one inference may use; 0 means as many as there are cores, at most 4.
    #[arg(long, env = "LOCAL_AI_THREADS", default_value_t = 0)]
    pub threads: usize,
    /// Realtime sessions at once; further ones are refused.
    #[arg(long, env = "LOCAL_AI_MAX_SESSIONS", default_value_t = 16)]
    pub max_sessions: usize,
    /// Base URL (`…/v1`) of an OpenAI-compatible chat endpoint that does the thinking. Without it
    /// answers are made of what tools give.
    #[arg(long, env = "LOCAL_AI_CHAT_BASE_URL")]
    pub chat_base_url: Option<url::Url>,
    /// Model to ask the chat endpoint for.
    #[arg(long, env = "LOCAL_AI_CHAT_MODEL", default_value = "default")]
    pub chat_model: String,
    /// Key for the chat endpoint.
    #[arg(
        long,
        env = "LOCAL_AI_CHAT_API_KEY",
        hide_env_values = true,
        default_value = "none"
    )]
    pub chat_api_key: SecretString,
    /// Which log lines to write, as in `info,local_ai=debug`.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log: String,
}

impl Config {
    /// The number of threads after the default is filled in.
    pub fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism()
                .map_or(1, usize::from)
                .min(4),
            threads => threads,
        }
    }
}
