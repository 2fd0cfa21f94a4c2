//! `up`: everything that is missing is brought in, built and started.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::{build, readiness, seed};
use crate::demo;
use crate::endpoints::{Endpoints, Service};
use crate::parts::{self, Context, Part};
use crate::ports::Ports;
use crate::project::Project;
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::setup::{self, create_dir, lock_file};
use crate::state::State;
use crate::supervisor::{self, Supervisor};

/// How `up` goes about it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Take what is there: bring nothing in, build nothing.
    #[arg(long)]
    pub no_build: bool,

    /// Only these parts, separated by commas, for example `postgres,firebase`.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
}

/// Brings everything up and leaves a supervisor that owns it.
///
/// # Errors
///
/// A part does not get ready; the others stay up.
pub fn up(project: &Project, options: &Options) -> anyhow::Result<State> {
    let begun = Instant::now();
    create_dir(&project.logs_dir())?;
    // Two at once would start parts against each other's plan.
    let _lock = lock_file(&project.dev_dir().join("up.lock"))?;
    let installed = if options.no_build {
        setup::locate()?
    } else {
        let installed = setup::run(project)?;
        build::programs(project)?;
        build::web(project)?;
        installed
    };
    let built = begun.elapsed();
    let settings = Settings::load(project)?;
    let secrets = Secrets::load(project)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let supervisor = supervisor::start(project, &supervisor::this_program()?).await?;
        let ports = Ports::at(supervisor.status().await?.base_port);
        let endpoints = Endpoints::new(ports, &settings, &secrets)?;
        let context = Context {
            project,
            installed: &installed,
            endpoints: &endpoints,
            settings: &settings,
            secrets: &secrets,
            xtask: supervisor::this_program()?,
        };
        let brought_up = start(&context, &supervisor, &options.only).await;
        // Also when a part failed: the others can be used.
        let state = write_state(&context, &supervisor).await?;
        brought_up?;
        report(begun, built);
        Ok(state)
    })
}

async fn start(
    context: &Context<'_>,
    supervisor: &Supervisor,
    only: &[String],
) -> anyhow::Result<()> {
    let plan = parts::plan(context);
    write_web_config(context)?;
    supervisor.plan(plan.clone()).await?;
    let chosen = choose(plan, only)?;
    readiness::bring_up(context, supervisor, &chosen).await?;
    if only.is_empty() {
        let begun = Instant::now();
        if seed::seed(context).await.context("demo data")? {
            eprintln!(
                "  {:<14} ready in {:>5.1} s",
                "demo data",
                begun.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

fn choose(mut parts: Vec<Part>, only: &[String]) -> anyhow::Result<Vec<Part>> {
    let names: Vec<_> = parts.iter().map(|part| part.name.clone()).collect();
    for name in only {
        ensure!(
            names.contains(name),
            "{name} is no part; there are {}",
            names.join(", ")
        );
    }
    parts.retain(|part| only.is_empty() || only.contains(&part.name));
    Ok(parts)
}

async fn write_state(context: &Context<'_>, supervisor: &Supervisor) -> anyhow::Result<State> {
    let status = supervisor.status().await?;
    let pid = |name: &str| {
        status
            .parts
            .iter()
            .find(|known| known.part.name == name)?
            .pid
    };
    let users = match context.endpoints.firebase.emulator_host {
        Some(_) => demo::users(context.project)?,
        None => vec![],
    };
    let state = State::new(context.endpoints, context.secrets, users, pid);
    state.write(context.project)?;
    Ok(state)
}

/// What the page has to know. Nothing in it is secret.
fn write_web_config(context: &Context) -> anyhow::Result<()> {
    let endpoints = context.endpoints;
    let firebase = &endpoints.firebase;
    let mut config = json!({
        "authUrl": endpoints.grpc_url(Service::Auth),
        "profileUrl": endpoints.grpc_url(Service::Profile),
        "knowledgeUrl": endpoints.grpc_url(Service::Knowledge),
        "agentUrl": endpoints.grpc_url(Service::Agent),
        "livekitUrl": endpoints.livekit.url,
        "firebase": {
            "projectId": firebase.project_id,
            "apiKey": firebase.api_key,
            "google": context.settings.get("FIREBASE_GOOGLE").is_some_and(|value| value == "true"),
        },
    });
    if let Some(host) = &firebase.emulator_host {
        config["firebase"]["emulatorUrl"] = format!("http://{host}").into();
    }
    let path = parts::web_config_path(context.project);
    fs::write(&path, serde_json::to_vec_pretty(&config)?)
        .with_context(|| path.display().to_string())
}

fn report(begun: Instant, built: Duration) {
    let all = begun.elapsed().as_secs_f64();
    eprintln!(
        "Up in {all:.1} s, {:.1} s of it setting up and building",
        built.as_secs_f64()
    );
}
