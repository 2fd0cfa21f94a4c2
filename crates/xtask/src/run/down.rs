//! `down`: everything stops.

use std::time::Instant;

use crate::project::Project;
use crate::setup::lock_file;
use crate::supervisor::Supervisor;

/// Stops every part and the supervisor. It is fine when nothing runs.
pub async fn down(project: &Project) -> anyhow::Result<()> {
    let Some(supervisor) = Supervisor::find(project) else {
        eprintln!("Nothing runs");
        return Ok(());
    };
    let _lock = lock_file(&project.dev_dir().join("up.lock"))?;
    let begun = Instant::now();
    supervisor.shut_down().await?;
    eprintln!("Down in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}
