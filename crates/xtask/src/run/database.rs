//! Making the database ready for the services: roles, tables, and the first service clients.

use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;

use crate::endpoints::Service;
use crate::parts::{self, Context};
use crate::process::run;
use crate::secrets::Secret;

const LIMIT: Duration = Duration::from_secs(60);

/// The first service clients and what each may do.
const CLIENTS: [(&str, &[&str]); 4] = [
    ("agent-svc", &["calls.serve"]),
    ("auth-svc", &["profile.ensure", "profile.read"]),
    ("operator", &["operator"]),
    (
        "integration",
        &[
            "knowledge.read",
            "knowledge.write",
            "profile.read",
            "profile.write",
        ],
    ),
];

/// Roles, tables and clients. Repeating it changes nothing.
pub async fn prepare(context: &Context<'_>) -> anyhow::Result<()> {
    in_background(bootstrap(context)).await?;
    in_background(migrate(context)).await?;
    try_join_all(CLIENTS.map(|(id, scopes)| in_background(client(context, id, scopes)))).await?;
    Ok(())
}

/// Runs the migrations that have not run yet.
pub fn migrate(context: &Context) -> Command {
    let password = context.secrets.get(Secret::Migrator);
    let mut command = program(context, "insta-migrate");
    command.arg("run").env(
        "DATABASE_URL",
        context
            .endpoints
            .database
            .role_url("insta_migrator", password),
    );
    command
}

fn bootstrap(context: &Context) -> Command {
    let database = &context.endpoints.database;
    let mut command = program(context, "insta-migrate");
    command
        .arg("bootstrap")
        .env("ADMIN_DATABASE_URL", database.admin_url())
        .env("DATABASE_NAME", &database.name)
        .env("MIGRATOR_PASSWORD", context.secrets.get(Secret::Migrator));
    for service in Service::ALL {
        let name = format!("{}_PASSWORD", service.name().to_uppercase());
        command.env(name, context.secrets.get(Secret::Role(service.name())));
    }
    command
}

/// Writes a client's row directly: to register one over the network takes a token, and so a client.
fn client(context: &Context, id: &'static str, scopes: &[&str]) -> Command {
    let mut command = program(context, Service::Auth.program());
    command.args(["bootstrap-client", "--id", id]);
    for scope in scopes {
        command.args(["--scope", scope]);
    }
    command
        .env("DATABASE_URL", parts::database_url(context, Service::Auth))
        .env("CLIENT_SECRET", context.secrets.get(Secret::Client(id)));
    command
}

fn program(context: &Context, name: &str) -> Command {
    Command::new(context.project.programs_dir().join(name))
}

async fn in_background(mut command: Command) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || run(&mut command, LIMIT))
        .await
        .context("a program was not waited for")??;
    Ok(())
}
