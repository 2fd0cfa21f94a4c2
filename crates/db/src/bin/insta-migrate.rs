//! Sets up the database: roles once, then the tables of every service.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use db::{
    DatabaseUrl, migrations,
    roles::{self, Passwords},
};
use secrecy::SecretString;

/// Sets up the database of Insta Voice Assistant.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes the database, its roles and the vector extension. Needs a role that may do so.
    Bootstrap(Bootstrap),
    /// Runs the migrations that have not run yet, as the migrator.
    Run {
        /// The database, with the role insta_migrator.
        #[arg(long, env, hide_env_values = true)]
        database_url: DatabaseUrl,
    },
}

#[derive(Args)]
struct Bootstrap {
    /// The server, with a role that may make roles and databases.
    #[arg(long, env, hide_env_values = true)]
    admin_database_url: DatabaseUrl,

    /// The database to make; the one in the address when not given.
    #[arg(long, env)]
    database_name: Option<String>,

    /// Password for insta_migrator.
    #[arg(long, env, hide_env_values = true)]
    migrator_password: SecretString,

    /// Password for insta_auth.
    #[arg(long, env, hide_env_values = true)]
    auth_password: SecretString,

    /// Password for insta_profile.
    #[arg(long, env, hide_env_values = true)]
    profile_password: SecretString,

    /// Password for insta_knowledge.
    #[arg(long, env, hide_env_values = true)]
    knowledge_password: SecretString,

    /// Password for insta_agent.
    #[arg(long, env, hide_env_values = true)]
    agent_password: SecretString,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Command::parse().action).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(action: Action) -> anyhow::Result<()> {
    match action {
        Action::Bootstrap(options) => {
            let database = options
                .database_name
                .unwrap_or_else(|| options.admin_database_url.database());
            let passwords = Passwords {
                migrator: options.migrator_password,
                services: [
                    options.auth_password,
                    options.profile_password,
                    options.knowledge_password,
                    options.agent_password,
                ],
            };
            roles::bootstrap(&options.admin_database_url, &database, &passwords)
                .await
                .context("the roles could not be set up")
        }
        Action::Run { database_url } => {
            for version in migrations::run(&database_url).await? {
                println!("{version}");
            }
            Ok(())
        }
    }
}
