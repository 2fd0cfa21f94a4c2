//! PostgreSQL: where its data is, how the cluster is made, how it runs. As root it gives up root's rights.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sha2::{Digest, Sha256};

use super::part::{Probe, Process, Signal};
use super::plan::{Context, text};
use crate::private_file;
use crate::process::run;
use crate::secrets::Secret;
use crate::setup::{create_dir, hex, searchable_by_others};

/// Whom PostgreSQL runs as when we are root, which it refuses to be: `nobody` and its group everywhere.
const NOBODY: u32 = 65534;
const SYSTEM_DATA: &str = "/var/lib/insta-voice-assistant";
const INITDB_LIMIT: Duration = Duration::from_secs(60);

pub(super) fn process(context: &Context) -> Process {
    let data = data_dir(context);
    let args = [
        "-D",
        &text(&data),
        "-p",
        &context.endpoints.ports.postgres().to_string(),
        "-c",
        "listen_addresses=127.0.0.1",
        // A socket file has a length limit that some clones' paths exceed.
        "-c",
        "unix_socket_directories=",
        "-c",
        "max_connections=200",
        "-c",
        "jit=off",
    ];
    Process {
        args: args.map(str::to_owned).into(),
        user: user(),
        stop: Signal::Interrupt,
        // Ends at once; what was committed is recovered at the next start.
        orphaned: Signal::Quit,
        stops_last: true,
        ..Process::new(program(context, "postgres"), data.parent().unwrap_or(&data))
    }
}

pub(super) fn probe(context: &Context) -> Probe {
    let port = context.endpoints.ports.postgres().to_string();
    let args = ["-q", "-h", "127.0.0.1", "-p", &port].map(str::to_owned);
    Probe::Command(program(context, "pg_isready"), args.into())
}

/// Makes the cluster unless it is there: scram passwords, UTF-8, no locale of the machine's.
pub fn prepare(context: &Context) -> anyhow::Result<()> {
    let data = data_dir(context);
    if data.join("PG_VERSION").exists() {
        return Ok(());
    }
    let folder = data.parent().context("the data folder has a parent")?;
    create_dir(folder)?;
    remove_abandoned(folder)?;
    if let Some(user) = user() {
        ensure!(
            searchable_by_others(folder) && searchable_by_others(&context.installed.postgres),
            "PostgreSQL cannot run as root, and another user cannot reach {} and {}",
            folder.display(),
            context.installed.postgres.display()
        );
        chown(folder, Some(user), Some(user)).with_context(|| folder.display().to_string())?;
    }
    // Made beside its place and moved there, so that a cluster is whole or not there.
    let new = folder.join("new");
    let password = folder.join("password");
    let secret = context.secrets.get(Secret::Postgres);
    private_file::write(&password, secret.as_bytes())?;
    if let Some(user) = user() {
        chown(&password, Some(user), Some(user))?;
    }
    let made = run(
        initdb(context, &new, &password).current_dir(folder),
        INITDB_LIMIT,
    );
    fs::remove_file(&password).context("the password file")?;
    made?;
    fs::rename(&new, &data).with_context(|| data.display().to_string())
}

fn initdb(context: &Context, new: &Path, password: &Path) -> Command {
    let mut command = match user() {
        None => Command::new(program(context, "initdb")),
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={user}")]);
            command
                .args(["--clear-groups", "--no-new-privs", "--"])
                .arg(program(context, "initdb"));
            command
        }
    };
    command
        .arg("--pgdata")
        .arg(new)
        .args(["--username=postgres", "--auth=scram-sha-256"])
        .arg(format!("--pwfile={}", password.display()))
        .args([
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]);
    command
}

/// Clusters of this clone whose passwords are lost (its `.dev` was removed) and half-made ones. One that
/// still runs is left alone.
fn remove_abandoned(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() && !path.join("postmaster.pid").exists() {
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// A cluster belongs to a clone and to the password that it was made with.
fn data_dir(context: &Context) -> PathBuf {
    let short = |text: &[u8]| hex(&Sha256::digest(text))[..16].to_owned();
    let cluster = short(context.secrets.get(Secret::Postgres).as_bytes());
    match user() {
        None => context.project.dev_dir().join("postgres").join(cluster),
        Some(_) => {
            let clone = short(context.project.root().as_os_str().as_encoded_bytes());
            Path::new(SYSTEM_DATA).join(clone).join(cluster)
        }
    }
}

fn program(context: &Context, name: &str) -> PathBuf {
    context.installed.postgres.join("bin").join(name)
}

fn user() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(NOBODY)
}
