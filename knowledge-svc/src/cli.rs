//! The command line: `serve`, which is meant when nothing is said, and the commands that use a running service.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser};
use http::Uri;
use secrecy::SecretString;
use service_kit::{ClientId, with_serve};

use crate::config::Config;

/// What the process is started for.
#[derive(Debug, Parser)]
#[command(
    name = "knowledge-svc",
    version,
    about = "Keeps the help articles and finds the passages that answer a question."
)]
pub enum Command {
    /// Serves until it is told to stop. This is what `knowledge-svc` alone does.
    ///
    /// Beside it there are `knowledge-svc import` and `knowledge-svc search`, which use a service that runs.
    Serve(Box<Config>),
    /// Writes the files of a folder into a collection: Markdown, HTML and plain text.
    ///
    /// Files that have not changed cost nothing, and documents whose files are gone are removed. Prints what became
    /// of them, and fails when a file did.
    Import(Import),
    /// Asks a question and prints what is found, and why in this order.
    Search(Search),
}

/// Where the service is, and who asks.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Base URL of knowledge-svc, for example http://127.0.0.1:7703.
    #[arg(long, env)]
    pub knowledge_url: Uri,

    /// A service token, instead of a client's id and secret. It lives for five minutes.
    #[arg(long, env, hide_env_values = true, conflicts_with_all = ["client_id", "client_secret"])]
    pub service_token: Option<SecretString>,

    /// Base URL of auth-svc, which gives tokens to clients.
    #[arg(long, env, required_unless_present = "service_token")]
    pub auth_url: Option<Uri>,

    /// Id of a service client with the scopes `knowledge.read` and `knowledge.write`.
    #[arg(long, env, required_unless_present = "service_token")]
    pub client_id: Option<ClientId>,

    /// Secret of that client.
    #[arg(
        long,
        env,
        hide_env_values = true,
        required_unless_present = "service_token"
    )]
    pub client_secret: Option<SecretString>,
}

/// Options of `knowledge-svc import`.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// The folder; files in folders below it are taken too, hidden ones are not.
    pub folder: PathBuf,

    /// The collection that the documents go into: 3 to 80 lower-case letters, digits or dashes.
    #[arg(long)]
    pub collection: String,

    /// Keep documents of earlier imports whose files are gone.
    #[arg(long)]
    pub keep_missing: bool,

    /// Do not wait until what was written is found by meaning too.
    #[arg(long)]
    pub no_wait: bool,

    #[command(flatten)]
    pub connection: Connection,
}

/// Options of `knowledge-svc search`.
#[derive(Debug, Clone, Args)]
pub struct Search {
    /// The question.
    pub query: String,

    /// Only this collection.
    #[arg(long, default_value = "")]
    pub collection: String,

    /// Only documents that have this label; may be given several times, and then means all of them.
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,

    /// Language of the question, a BCP 47 tag.
    #[arg(long, default_value = "en")]
    pub language: String,

    /// How many passages at most.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(i32).range(1..=20))]
    pub limit: i32,

    #[command(flatten)]
    pub connection: Connection,
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

    #[test]
    fn the_command_line_is_well_formed() {
        Command::command().debug_assert();
    }

    #[test]
    fn serving_is_meant_when_nothing_is_said() {
        let settings = "--listen-addr=127.0.0.1:1 --admin-addr=127.0.0.1:2 --auth-url=http://h \
            --database-url=postgresql://u@h/d --openai-api-key=k";
        for line in [
            format!("knowledge-svc {settings}"),
            format!("knowledge-svc serve {settings}"),
        ] {
            assert!(matches!(read(&line), Ok(Command::Serve(_))), "{line}");
        }
        let help = read("knowledge-svc --help").unwrap_err().to_string();
        assert!(help.contains("--embedding-model"), "{help}");
        assert!(help.contains("knowledge-svc import"), "{help}");
    }

    #[test]
    fn a_token_or_a_client_says_who_asks() {
        let import = "knowledge-svc import articles --collection help --knowledge-url http://h";
        assert!(read(import).is_err());
        assert!(read(&format!("{import} --service-token t")).is_ok());
        let client = format!("{import} --auth-url http://a --client-id crm --client-secret s");
        let Ok(Command::Import(options)) = read(&client) else {
            panic!("it is a good line");
        };
        assert!(!format!("{options:?}").contains("SecretString(s)"));
        assert!(read(&format!("{client} --service-token t")).is_err());
    }
}
