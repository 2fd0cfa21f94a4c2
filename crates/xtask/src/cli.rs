//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::project::Project;
use crate::run::{self, Who};
use crate::{call, quality, setup, supervisor, web_server};

/// Sets up, runs, checks and tests the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring in every outside piece: servers, models, packages. Repeating it costs nothing.
    Setup,

    /// Set up, build and start everything in the foreground; Ctrl-C stops it.
    Dev(run::Options),

    /// Start what is missing and leave it running.
    Up {
        #[command(flatten)]
        options: run::Options,

        /// Print addresses, keys and process ids.
        #[arg(long)]
        json: bool,
    },

    /// Show how every part fares. Exits with 0 only when all are ready.
    Status {
        #[arg(long)]
        json: bool,
    },

    /// Stop everything.
    Down,

    /// Print a fresh token and nothing else.
    Token(TokenArgs),

    /// Call the assistant as a demo user (`--user EMAIL`), speak, and report what was heard.
    #[command(disable_help_flag = true)]
    Call {
        /// See `call --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },

    /// Judge everything that can be judged without running it.
    Check,

    /// Write anew what is generated from the contracts.
    Gen {
        /// Take the contracts of now as the ones that must not be broken any more.
        #[arg(long)]
        baseline: bool,
        /// Record the assistant's fixed sentences anew, in place of the contracts' code.
        #[arg(long)]
        recordings: bool,
        /// Have the questions of `eval knowledge` asked aloud anew, in place of the contracts' code.
        #[arg(long, conflicts_with = "recordings")]
        spoken_questions: bool,
    },

    /// Use local-ai by clients that others wrote: openai-python, the OpenAI Agents SDK, LiveKit Agents, pipecat.
    Conformance,

    /// Set up, check, and run every test there is.
    Test,

    /// Measure how quick a part is and what it costs.
    Bench(quality::BenchOptions),

    /// Use a part for half an hour, as people do, and see that it lasts.
    Soak(quality::BenchOptions),

    /// Judge how good the models are, against floors.
    Eval {
        #[command(subcommand)]
        evaluation: quality::Evaluation,
    },

    /// Use the whole system as people do: with a browser, by calls, with grpcurl.
    E2e(quality::E2eOptions),

    /// Run new migrations on the database that is up.
    Migrate,

    /// Own the parts of a clone. `up` starts this; it is of no use by itself.
    #[command(hide = true)]
    Supervise { root: PathBuf },

    /// Serve the built page. `up` starts this.
    #[command(hide = true)]
    ServeWeb(web_server::Options),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct TokenArgs {
    /// A session token of a demo user.
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,

    /// A service token that may do what operators may.
    #[arg(long)]
    operator: bool,

    /// A service token of a service client.
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
}

impl Cli {
    /// Carries the command out. A failure is told on stderr.
    pub fn run(self) -> ExitCode {
        match self.command.run() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Setup => setup::run(&Project::of_build()?).map(drop)?,
            Self::Dev(options) => run::dev(&Project::of_build()?, &options)?,
            Self::Up { options, json } => {
                let state = run::up(&Project::of_build()?, &options)?;
                if json {
                    println!("{}", serde_json::to_string_pretty(&state)?);
                }
            }
            Self::Status { json } => return status(&Project::of_build()?, json),
            Self::Down => block_on(run::down(&Project::of_build()?))?,
            Self::Token(who) => block_on(run::token(&Project::of_build()?, who.into()))?,
            Self::Migrate => block_on(run::migrate(&Project::of_build()?))?,
            Self::Call { args } => return call(args),
            Self::Check => {
                let project = Project::of_build()?;
                setup::run(&project)?;
                quality::check(&project)?;
            }
            Self::Gen {
                recordings: true, ..
            } => quality::record_lines(&Project::of_build()?)?,
            Self::Gen {
                spoken_questions: true,
                ..
            } => quality::hear_questions(&Project::of_build()?)?,
            Self::Gen { baseline, .. } => {
                let project = Project::of_build()?;
                quality::generate(&project)?;
                if baseline {
                    quality::write_baseline(&project)?;
                }
            }
            Self::Conformance => quality::conformance(&Project::of_build()?)?,
            Self::Test => quality::test(&Project::of_build()?)?,
            Self::Bench(options) => quality::bench(&Project::of_build()?, &options)?,
            Self::Soak(options) => quality::soak(&Project::of_build()?, &options)?,
            Self::Eval { evaluation } => quality::eval(&Project::of_build()?, &evaluation)?,
            Self::E2e(options) => quality::e2e(&Project::of_build()?, &options)?,
            Self::Supervise { root } => supervisor::run(&Project::at(root))?,
            Self::ServeWeb(options) => block_on(web_server::serve(options))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn status(project: &Project, json: bool) -> anyhow::Result<ExitCode> {
    let report = block_on(run::status(project))?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report.print();
    }
    Ok(if report.is_up() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn call(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let project = Project::of_build()?;
    block_on(async { Ok(call::call(&project, args).await) })
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

impl From<TokenArgs> for Who {
    fn from(args: TokenArgs) -> Self {
        match (args.user, args.client) {
            (Some(email), _) => Self::User(email),
            (None, Some(id)) => Self::Client(id),
            (None, None) => Self::Client("operator".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_token_is_asked_for_in_exactly_one_way() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["xtask", "token"], args].concat());
        assert!(parse(&["--operator"]).is_ok());
        assert!(parse(&[]).is_err());
        assert!(parse(&["--operator", "--client", "x"]).is_err());
    }
}
