//! The command line: `serve`, which is meant when nothing is said, and the two commands that write first rows.

use std::ffi::OsString;

use clap::{Args, Parser};
use db::DatabaseConfig;
use secrecy::SecretString;
use service_kit::{ClientId, Scope, UserId, with_serve};

use crate::config::Config;

/// What the process is started for.
#[derive(Debug, Parser)]
#[command(
    name = "auth-svc",
    version,
    about = "Issues every token of the system."
)]
pub enum Command {
    /// Serves until it is told to stop. This is what `auth-svc` alone does.
    ///
    /// Beside it there are `auth-svc bootstrap-client` and `auth-svc bootstrap-operator`, which write the first rows
    /// of a fresh database.
    Serve(Box<Config>),
    /// Registers a service client whose secret is known already, or changes its secret and scopes.
    BootstrapClient(BootstrapClient),
    /// Makes a user an operator.
    BootstrapOperator(BootstrapOperator),
}

/// Options of `auth-svc bootstrap-client`.
#[derive(Debug, Args)]
pub struct BootstrapClient {
    /// Where clients are kept.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// The client, for example agent-svc.
    #[arg(long)]
    pub id: ClientId,

    /// What it may do, for example `--scope profile.read profile.write`.
    #[arg(long = "scope", required = true, num_args = 1.., value_delimiter = ',')]
    pub scopes: Vec<Scope>,

    /// Its secret, at least 32 characters.
    #[arg(long, env, hide_env_values = true)]
    pub client_secret: SecretString,
}

/// Options of `auth-svc bootstrap-operator`.
#[derive(Debug, Args)]
pub struct BootstrapOperator {
    /// Where operators are kept.
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// The Firebase UID.
    #[arg(long)]
    pub user_id: UserId,
}

impl Command {
    /// Reads the command line, or ends the process with the help or a sentence on what is wrong.
    pub fn from_args(args: impl IntoIterator<Item = OsString>) -> Self {
        Self::parse_from(with_serve(args))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn read(line: &str) -> Result<Command, clap::Error> {
        let args = line.split_whitespace().map(OsString::from);
        Command::try_parse_from(with_serve(args))
    }

    const SETTINGS: &str = "--listen-addr=127.0.0.1:1 --admin-addr=127.0.0.1:2 --database-url=postgresql://u@h/d \
        --firebase-project-id=p --livekit-url=ws://h --livekit-api-key=k --livekit-api-secret=s --profile-url=http://h";

    #[test]
    fn the_command_line_is_well_formed() {
        Command::command().debug_assert();
    }

    #[test]
    fn serving_is_meant_when_nothing_is_said() {
        for line in [
            format!("auth-svc {SETTINGS}"),
            format!("auth-svc serve {SETTINGS}"),
        ] {
            assert!(matches!(read(&line), Ok(Command::Serve(_))), "{line}");
        }
        let help = read("auth-svc --help").unwrap_err().to_string();
        assert!(help.contains("--firebase-project-id"), "{help}");
        assert!(help.contains("bootstrap-client"), "{help}");
    }

    #[test]
    fn scopes_are_given_in_a_row() {
        let line = "auth-svc bootstrap-client --database-url=postgresql://u@h/d --client-secret=s --id agent-svc \
            --scope calls.serve profile.read";
        let Ok(Command::BootstrapClient(options)) = read(line) else {
            panic!("it is a good line");
        };
        assert_eq!(options.scopes, [Scope::CallsServe, Scope::ProfileRead]);
        assert!(read(&format!("{line} all.powers")).is_err());
        assert!(!format!("{options:?}").contains("SecretString(s)"));
    }
}
