//! `status`: how every part fares at this moment.

use futures::future::join_all;
use serde::Serialize;

use crate::project::Project;
use crate::supervisor::{PartStatus, Supervisor};

/// What `status --json` prints.
#[derive(Debug, Serialize)]
pub struct Report {
    pub state: Overall,
    pub parts: Vec<PartReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    /// Every part is ready.
    Up,
    /// A supervisor runs, but some part is not ready.
    Degraded,
    /// No supervisor runs, and so no part.
    Down,
}

/// One part in the report.
#[derive(Debug, Serialize)]
pub struct PartReport {
    pub name: String,
    /// Null when it does not run or is not ours.
    pub pid: Option<u32>,
    pub ready: bool,
    pub address: String,
    /// How it ended, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// Asks the supervisor and every part.
pub async fn status(project: &Project) -> anyhow::Result<Report> {
    let Some(supervisor) = Supervisor::find(project) else {
        return Ok(Report {
            state: Overall::Down,
            parts: vec![],
        });
    };
    let parts = join_all(supervisor.status().await?.parts.into_iter().map(ask)).await;
    let all_ready = !parts.is_empty() && parts.iter().all(|part| part.ready);
    Ok(Report {
        state: if all_ready {
            Overall::Up
        } else {
            Overall::Degraded
        },
        parts,
    })
}

async fn ask(known: PartStatus) -> PartReport {
    // Somebody else's program may answer where a part of ours that died was.
    let runs = known.part.process.is_none() || known.pid.is_some();
    PartReport {
        ready: runs && known.part.ready.passes().await,
        name: known.part.name,
        pid: known.pid,
        address: known.part.address,
        ended: known.ended,
    }
}

impl Report {
    /// Whether every part is ready.
    pub fn is_up(&self) -> bool {
        self.state == Overall::Up
    }

    /// For people.
    pub fn print(&self) {
        for part in &self.parts {
            let pid = part.pid.map_or_else(|| "-".into(), |pid| pid.to_string());
            let how = match (&part.ended, part.ready) {
                (_, true) => "ready".into(),
                (Some(ended), false) => format!("ended ({ended})"),
                (None, false) if part.pid.is_none() => "not started".into(),
                (None, false) => "not ready".into(),
            };
            println!("{:<14} {pid:>8}  {:<12} {}", part.name, how, part.address);
        }
        println!(
            "{}",
            match self.state {
                Overall::Up => "up",
                Overall::Degraded => "degraded: see `.dev/logs`, then `cargo xtask up`",
                Overall::Down => "down",
            }
        );
    }
}
