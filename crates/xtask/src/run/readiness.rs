//! Bringing parts up in the order of their needs, those that do not need each other at the same time.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::bail;
use futures::future::join_all;
use tokio::sync::watch;

use super::{database, firebase};
use crate::demo;
use crate::parts::{self, Context, Part, Probe};
use crate::supervisor::Supervisor;

/// Far longer than any part takes on a slow machine.
const READY_LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);
const LOG_LINES: usize = 15;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Progress {
    Coming,
    Ready,
    Failed,
}

type Board = BTreeMap<String, watch::Sender<Progress>>;

/// Starts what does not run and waits until everything is ready.
///
/// # Errors
///
/// Names every part that failed, with the end of its log. The others have been brought up all the same,
/// but for those that need a failed one.
pub async fn bring_up(
    context: &Context<'_>,
    supervisor: &Supervisor,
    parts: &[Part],
) -> anyhow::Result<()> {
    let board: Board = parts
        .iter()
        .map(|part| (part.name.clone(), watch::Sender::new(Progress::Coming)))
        .collect();
    let all = parts.iter().map(async |part| {
        let result = bring_up_one(context, supervisor, part, &board).await;
        board[&part.name].send_replace(if result.is_ok() {
            Progress::Ready
        } else {
            Progress::Failed
        });
        result
            .err()
            .map(|error| format!("{}: {error:#}", part.name))
    });
    let failures: Vec<_> = join_all(all).await.into_iter().flatten().collect();
    if failures.is_empty() {
        Ok(())
    } else {
        bail!("{}", failures.join("\n"))
    }
}

/// Prints the part's share of the time, when it was started now.
async fn bring_up_one(
    context: &Context<'_>,
    supervisor: &Supervisor,
    part: &Part,
    board: &Board,
) -> anyhow::Result<()> {
    wait_for_needs(part, board).await?;
    let begun = Instant::now();
    prepare(context, part).await?;
    let started = supervisor.start(&part.name).await?;
    wait_until_ready(context, supervisor, part).await?;
    complete(context, part).await?;
    if started {
        let took = begun.elapsed().as_secs_f64();
        eprintln!(
            "  {:<14} ready in {took:>5.1} s  {}",
            part.name, part.address
        );
    }
    Ok(())
}

async fn wait_for_needs(part: &Part, board: &Board) -> anyhow::Result<()> {
    // A need that is not to be brought up is taken to be there.
    for (need, progress) in part
        .needs
        .iter()
        .filter_map(|need| Some((need, board.get(need)?)))
    {
        let mut progress = progress.subscribe();
        let known = progress
            .wait_for(|progress| *progress != Progress::Coming)
            .await?;
        if *known == Progress::Failed {
            bail!("not started, since it needs {need}");
        }
    }
    Ok(())
}

/// What has to be there before the part is started.
async fn prepare(context: &Context<'_>, part: &Part) -> anyhow::Result<()> {
    match part.name.as_str() {
        _ if part.process.is_none() => Ok(()),
        "postgres" => tokio::task::block_in_place(|| parts::postgres::prepare(context)),
        "firebase" => parts::firebase::write_config(context),
        "livekit" => parts::livekit::write_config(context),
        _ => Ok(()),
    }
}

/// What has to be done with a part before others can use it.
async fn complete(context: &Context<'_>, part: &Part) -> anyhow::Result<()> {
    match part.name.as_str() {
        "postgres" => database::prepare(context).await,
        "firebase" => match &context.endpoints.firebase.emulator_host {
            Some(host) => {
                let users = demo::users(context.project)?;
                let project = &context.endpoints.firebase.project_id;
                firebase::Emulator::at(host)?
                    .ensure_users(project, &users)
                    .await
            }
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

async fn wait_until_ready(
    context: &Context<'_>,
    supervisor: &Supervisor,
    part: &Part,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + READY_LIMIT;
    while !part.ready.passes().await {
        if part.process.is_some() {
            let status = supervisor.status().await?;
            let known = status
                .parts
                .into_iter()
                .find(|known| known.part.name == part.name);
            if let Some(ended) = known.and_then(|known| known.ended) {
                bail!("it ended at once ({ended}){}", end_of_log(context, part));
            }
        }
        if Instant::now() > deadline {
            bail!(
                "not ready after {} s{}{}",
                READY_LIMIT.as_secs(),
                waited_for(part),
                end_of_log(context, part)
            );
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn waited_for(part: &Part) -> String {
    match &part.ready {
        Probe::Http(url) | Probe::HttpAndLog { url, .. } => {
            format!(": {url} does not answer with success")
        }
        Probe::Tcp(address) => format!(": nothing accepts connections at {address}"),
        Probe::Command(..) | Probe::Assumed => String::new(),
    }
}

fn end_of_log(context: &Context, part: &Part) -> String {
    let path = context.project.log(&part.name);
    let Ok(log) = fs::read(&path) else {
        return String::new();
    };
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
    format!("; the end of {}:\n  {last}", path.display())
}
