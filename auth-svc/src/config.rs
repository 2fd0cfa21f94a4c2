//! The settings of auth-svc, and what must hold between them.

use clap::{Args, Parser};
use db::DatabaseConfig;
use http::Uri;
use secrecy::{ExposeSecret, SecretString};
use service_kit::config::{Environment, ServerConfig};
use url::Url;

/// Google's keys for Firebase ID tokens, as a JSON Web Key set.
const GOOGLE_KEYS: &str =
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
/// LiveKit itself complains about shorter secrets.
const MIN_LIVEKIT_SECRET: usize = 32;

/// Issues every token of the system.
#[derive(Clone, Debug, Parser)]
#[command(name = "auth-svc", version)]
pub struct Config {
    /// How the process serves and logs.
    #[command(flatten)]
    pub server: ServerConfig,

    /// Where keys, clients, operators and delegations are kept.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// Whose ID tokens are believed.
    #[command(flatten)]
    pub firebase: FirebaseConfig,

    /// The LiveKit server that tokens are signed for.
    #[command(flatten)]
    pub livekit: LivekitConfig,

    /// Base URL of profile-svc, for example http://127.0.0.1:7702.
    #[arg(long, env)]
    pub profile_url: Uri,
}

/// Whose ID tokens are believed.
#[derive(Clone, Debug, Args)]
pub struct FirebaseConfig {
    /// The Firebase project that users sign in to.
    #[arg(long, env)]
    pub firebase_project_id: String,

    /// HOST:PORT of the Firebase Auth emulator. Its tokens are not signed, so they are accepted with INSTA_ENV=dev
    /// on a loopback address only; with any other setting the service does not start.
    #[arg(long, env)]
    pub firebase_auth_emulator_host: Option<String>,

    /// Where Google publishes its keys. No flag and no variable sets it; tests do.
    #[arg(skip = GOOGLE_KEYS.parse::<Url>().expect("it is a URL"))]
    pub keys_url: Url,
}

/// The LiveKit server that tokens are signed for.
#[derive(Clone, Debug, Args)]
pub struct LivekitConfig {
    /// The LiveKit server, for example wss://example.livekit.cloud or ws://127.0.0.1:7730.
    #[arg(long, env)]
    pub livekit_url: Uri,

    /// LiveKit's API key.
    #[arg(long, env)]
    pub livekit_api_key: String,

    /// LiveKit's API secret, at least 32 characters.
    #[arg(long, env, hide_env_values = true)]
    pub livekit_api_secret: SecretString,
}

/// Settings that cannot be served with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Unsigned tokens in production.
    #[error(
        "FIREBASE_AUTH_EMULATOR_HOST is set, and the emulator's tokens are not signed: unset it, or set \
         INSTA_ENV=dev on a developer's machine"
    )]
    EmulatorInProduction,
    /// Unsigned tokens from the network.
    #[error(
        "FIREBASE_AUTH_EMULATOR_HOST is set, and the emulator's tokens are not signed: LISTEN_ADDR must be a \
         loopback address such as 127.0.0.1:7701"
    )]
    EmulatorOnOpenAddress,
    /// No project.
    #[error("FIREBASE_PROJECT_ID is empty: set it to the id of the Firebase project")]
    NoProject,
    /// No key.
    #[error("LIVEKIT_API_KEY is empty: set it to the API key of the LiveKit server")]
    NoLivekitKey,
    /// A secret that could be guessed.
    #[error("LIVEKIT_API_SECRET must have at least 32 characters, has {0}")]
    ShortLivekitSecret(usize),
    /// An address of the wrong kind.
    #[error("{name} must be an address such as {example}")]
    Address {
        /// Which setting.
        name: &'static str,
        /// What would be right.
        example: &'static str,
    },
}

impl FirebaseConfig {
    /// Where the emulator is, when there is to be one.
    pub fn emulator_host(&self) -> Option<&str> {
        // A `.env` file unsets a variable by leaving it empty.
        self.firebase_auth_emulator_host
            .as_deref()
            .filter(|host| !host.is_empty())
    }
}

impl Config {
    /// What no single setting shows: whether they fit together.
    ///
    /// # Errors
    /// The first thing that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_firebase()?;
        self.check_livekit()?;
        has_scheme(&self.profile_url, &["http", "https"])
            .then_some(())
            .ok_or(ConfigError::Address {
                name: "PROFILE_URL",
                example: "http://127.0.0.1:7702",
            })
    }

    fn check_firebase(&self) -> Result<(), ConfigError> {
        if self.firebase.firebase_project_id.is_empty() {
            return Err(ConfigError::NoProject);
        }
        if self.firebase.emulator_host().is_none() {
            return Ok(());
        }
        if self.server.environment != Environment::Dev {
            return Err(ConfigError::EmulatorInProduction);
        }
        if !self.server.listen_addr.ip().is_loopback() {
            return Err(ConfigError::EmulatorOnOpenAddress);
        }
        Ok(())
    }

    fn check_livekit(&self) -> Result<(), ConfigError> {
        if !has_scheme(&self.livekit.livekit_url, &["ws", "wss", "http", "https"]) {
            return Err(ConfigError::Address {
                name: "LIVEKIT_URL",
                example: "wss://example.livekit.cloud",
            });
        }
        if self.livekit.livekit_api_key.is_empty() {
            return Err(ConfigError::NoLivekitKey);
        }
        let length = self.livekit.livekit_api_secret.expose_secret().len();
        if length < MIN_LIVEKIT_SECRET {
            return Err(ConfigError::ShortLivekitSecret(length));
        }
        Ok(())
    }
}

fn has_scheme(uri: &Uri, schemes: &[&str]) -> bool {
    uri.host().is_some()
        && uri
            .scheme_str()
            .is_some_and(|scheme| schemes.contains(&scheme))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    const ARGS: [&str; 17] = [
        "auth-svc",
        "--listen-addr=127.0.0.1:7701",
        "--admin-addr=127.0.0.1:7711",
        "--env=dev",
        "--cors-allowed-origins=http://127.0.0.1:7700",
        "--reflection=true",
        "--rpc-timeout-secs=10",
        "--drain-timeout-secs=20",
        "--log-filter=info",
        "--log-format=text",
        "--database-url=postgresql://u:p@127.0.0.1/insta",
        "--firebase-project-id=demo",
        "--livekit-url=ws://127.0.0.1:7730",
        "--livekit-api-key=key",
        "--livekit-api-secret=0123456789abcdef0123456789abcdef",
        "--profile-url=http://127.0.0.1:7702",
        "--firebase-auth-emulator-host=127.0.0.1:7750",
    ];

    /// What is said of good settings in which these replace others.
    fn check(replaced: &[&str]) -> String {
        let name = |arg: &str| arg.split('=').next().unwrap_or_default().to_owned();
        let kept = ARGS
            .iter()
            .filter(|arg| !replaced.iter().any(|other| name(other) == name(arg)));
        let config = Config::try_parse_from(kept.chain(replaced)).unwrap();
        match config.check() {
            Ok(()) => "good".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Config::command().debug_assert();
    }

    #[test]
    fn unsigned_tokens_are_for_a_developers_machine_only() {
        assert_eq!(check(&[]), "good");
        assert!(check(&["--env=production"]).contains("set INSTA_ENV=dev"));
        assert!(check(&["--listen-addr=0.0.0.0:7701"]).contains("loopback"));
        let production = ["--env=production", "--firebase-auth-emulator-host="];
        assert_eq!(check(&production), "good");
    }

    #[test]
    fn wrong_settings_are_told_in_a_sentence_without_the_secret() {
        let wrong = [
            ["--firebase-project-id="],
            ["--livekit-url=127.0.0.1:7730"],
            ["--livekit-api-key="],
            ["--livekit-api-secret=canary"],
            ["--profile-url=ftp://127.0.0.1"],
        ]
        .map(|replaced| check(&replaced));
        insta::assert_snapshot!(wrong.join("\n"), @r"
        FIREBASE_PROJECT_ID is empty: set it to the id of the Firebase project
        LIVEKIT_URL must be an address such as wss://example.livekit.cloud
        LIVEKIT_API_KEY is empty: set it to the API key of the LiveKit server
        LIVEKIT_API_SECRET must have at least 32 characters, has 6
        PROFILE_URL must be an address such as http://127.0.0.1:7702
        ");
    }
}
