//! `conformance`: a real local-ai, used by clients that others wrote. What each of them must be able to do
//! is in its script, in `crates/local-ai/tests/conformance`.

mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::bail;

use super::step::{Steps, timed};
use crate::process::run;
use crate::project::Project;
use crate::run::programs;
use crate::setup::{self, Clients, Installed};
use server::LocalAi;

const SCRIPTS: &str = "crates/local-ai/tests/conformance";
/// Several times what the longest script takes on two busy cores.
const LIMIT: Duration = Duration::from_secs(5 * 60);
/// What a script gets of the environment: no key, no address of another service, no proxy.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

/// In the order in which they run: pipecat reads what openai-python's Realtime client has recorded.
const ALL: [(&str, Environment); 5] = [
    ("openai_rest.py", Environment::OpenAi),
    ("openai_realtime.py", Environment::OpenAi),
    ("pipecat_events.py", Environment::Pipecat),
    ("agents_runner.py", Environment::OpenAi),
    ("livekit_plugin.py", Environment::OpenAi),
];

/// Which Python a script runs with.
#[derive(Debug, Clone, Copy)]
enum Environment {
    OpenAi,
    Pipecat,
}

/// Sets up, builds, and runs every script.
///
/// # Errors
///
/// Names every script that failed, with what it printed.
pub fn conformance(project: &Project) -> anyhow::Result<()> {
    timed(|steps| {
        let installed = steps.run("setup", || setup::run(project))?;
        steps.run("build", || programs(project))?;
        run_scripts(project, &installed, steps)
    })
}

/// Runs every script against one server, the later ones also after one has failed.
pub(super) fn run_scripts(
    project: &Project,
    installed: &Installed,
    steps: &mut Steps,
) -> anyhow::Result<()> {
    let clients = steps.run("clients of others", setup::clients)?;
    fs::create_dir_all(project.logs_dir())?;
    let recording = project.dev_dir().join("conformance.jsonl");
    let server = LocalAi::start(project, &installed.models)?;
    let mut failures = Vec::new();
    for (name, environment) in ALL {
        let script = Script {
            path: project.root().join(SCRIPTS).join(name),
            python: environment.python(&clients),
            recording: &recording,
        };
        let result = steps.run(name, || script.run(&server));
        failures.extend(result.err().map(|error| format!("{error:#}")));
    }
    server.stop()?;
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n\n"))
}

impl Environment {
    fn python(self, clients: &Clients) -> &Path {
        match self {
            Self::OpenAi => &clients.openai,
            Self::Pipecat => &clients.pipecat,
        }
    }
}

/// One client's script.
struct Script<'a> {
    path: PathBuf,
    python: &'a Path,
    /// Every event of the Realtime session that openai-python held, one a line.
    recording: &'a Path,
}

impl Script<'_> {
    fn run(&self, server: &LocalAi) -> anyhow::Result<()> {
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let output = run(
            Command::new(self.python)
                .arg(&self.path)
                .env_clear()
                .envs(inherited)
                .env("OPENAI_BASE_URL", server.base_url())
                .env("OPENAI_API_KEY", "any")
                .env("RECORDING", self.recording)
                .env("PYTHONDONTWRITEBYTECODE", "1"),
            LIMIT,
        )?;
        print!("{}", output.stdout);
        Ok(())
    }
}
