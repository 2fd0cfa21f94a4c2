//! The settings of knowledge-svc.

use clap::{Args, Parser};
use db::DatabaseConfig;
use secrecy::SecretString;
use service_kit::config::{AuthConfig, ServerConfig};
use url::Url;

/// Keeps the help articles and finds the passages that answer a question.
#[derive(Clone, Debug, Parser)]
#[command(name = "knowledge-svc", version)]
pub struct Config {
    /// How the process serves and logs.
    #[command(flatten)]
    pub server: ServerConfig,

    /// Where auth-svc is.
    #[command(flatten)]
    pub auth: AuthConfig,

    /// Where documents are kept.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// Who makes the vectors.
    #[command(flatten)]
    pub embedding: EmbeddingConfig,

    /// How likely a passage must answer the question to be part of an answer, 0 to 1. More declines more questions
    /// that nothing answers, and more that something does (`cargo xtask eval knowledge` prints the curve).
    #[arg(long, env, default_value_t = 0.15, value_parser = share)]
    pub search_min_confidence: f64,

    /// How many days a question of a user that nothing answered is kept after it was last asked, and who asked it.
    #[arg(long, env, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub unanswered_retention_days: u16,
}

/// Who makes the vectors.
#[derive(Clone, Debug, Args)]
pub struct EmbeddingConfig {
    /// Base URL of an OpenAI-compatible server, ending in /v1.
    #[arg(long, env, default_value = "https://api.openai.com/v1", value_parser = base_url)]
    pub openai_base_url: Url,

    /// Key for that server.
    #[arg(long, env, hide_env_values = true)]
    pub openai_api_key: SecretString,

    /// The model that makes the vectors, of 384 dimensions. Another model means that all vectors are made anew.
    #[arg(long, env, default_value = "text-embedding-3-small")]
    pub embedding_model: String,
}

fn share(text: &str) -> Result<f64, &'static str> {
    text.parse()
        .ok()
        .filter(|value| (0.0..=1.0).contains(value))
        .ok_or("must be a number from 0 to 1")
}

fn base_url(text: &str) -> Result<Url, &'static str> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("must be an http or https URL, for example https://api.openai.com/v1")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Config::command().debug_assert();
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        for bad in ["", "-1", "1.1", "NaN", "x"] {
            assert!(share(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "api.openai.com/v1", "ftp://a/v1", "unix:/v1"] {
            assert!(base_url(bad).is_err(), "{bad:?}");
        }
    }
}
