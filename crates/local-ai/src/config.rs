//! Settings, from flags and the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use secrecy::SecretString;
use url::Url;

/// Where `cargo xtask setup` leaves the models, below the clone.
const MODELS_DIR: &str = ".dev/models";

/// An OpenAI-compatible voice server over models that run on this machine.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Address to listen on.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8790")]
    pub listen: SocketAddr,
    /// Folder that holds the models. Without it, it is `.dev/models` in the working folder or the
    /// nearest one above it, where `cargo xtask setup` leaves them.
    #[arg(long, env = "MODELS_DIR")]
    pub models_dir: Option<PathBuf>,
    /// Threads that one inference may use; 0 means as many as there are cores, at most 4.
    #[arg(long, env = "LOCAL_AI_THREADS", default_value_t = 0,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=256))]
    pub threads: usize,
    /// Realtime sessions at once; further ones are refused.
    #[arg(long, env = "LOCAL_AI_MAX_SESSIONS", default_value_t = 16,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub max_sessions: usize,
    /// Base URL (`…/v1`) of an OpenAI-compatible chat endpoint that does the thinking. Without it
    /// answers are made of what tools give.
    #[arg(long, env = "LOCAL_AI_CHAT_BASE_URL", value_parser = web_url)]
    pub chat_base_url: Option<Url>,
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

    /// The models folder: the one that was named, or the one that setup left for `working_dir`.
    ///
    /// # Errors
    /// None was named and setup has left none.
    pub fn models_dir(&self, working_dir: &Path) -> anyhow::Result<PathBuf> {
        if let Some(dir) = &self.models_dir {
            return Ok(dir.clone());
        }
        let left = working_dir.ancestors().map(|dir| dir.join(MODELS_DIR));
        match left.into_iter().find(|dir| dir.is_dir()) {
            Some(dir) => Ok(dir),
            None => bail!(
                "there are no models: run `cargo xtask setup` in the clone and start again in it, or \
                 name the folder that holds them with --models-dir"
            ),
        }
    }
}

fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must begin with http:// or https://".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Config, String> {
        let args = ["local-ai"].iter().chain(args);
        Config::try_parse_from(args).map_err(|error| {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().to_owned()
        })
    }

    #[test]
    fn nonsense_is_refused_with_what_would_be_right() {
        let refused = |args: &[&str]| parsed(args).unwrap_err();
        let refusals = [
            refused(&["--threads", "-1"]),
            refused(&["--threads", "1000"]),
            refused(&["--threads", "two"]),
            refused(&["--max-sessions", "0"]),
            refused(&["--listen", "8790"]),
            refused(&["--chat-base-url", "localhost:11434"]),
            refused(&["--chat-base-url", "ollama"]),
        ];
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn models_are_found_from_the_working_folder_upwards() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("crates/local-ai");
        std::fs::create_dir_all(&below).unwrap();
        // Whoever runs the tests may have named a folder.
        let config = Config {
            models_dir: None,
            ..parsed(&[]).unwrap()
        };
        let error = config.models_dir(&below).unwrap_err().to_string();
        assert!(error.contains("cargo xtask setup"), "{error}");
        let models = root.path().join(MODELS_DIR);
        std::fs::create_dir_all(&models).unwrap();
        assert_eq!(config.models_dir(&below).unwrap(), models);
        let config = parsed(&["--models-dir", "elsewhere"]).unwrap();
        assert_eq!(config.models_dir(&below).unwrap(), Path::new("elsewhere"));
    }
}
