//! The packages of the web client, installed in the clone as its lockfile says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::manifest::hex;
use super::progress::Progress;
use super::{create_dir, lock_file};
use crate::process::run;
use crate::project::Project;

const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Whether `node_modules` is absent or of another lockfile.
pub fn is_stale(project: &Project) -> anyhow::Result<bool> {
    let stamp = fs::read_to_string(stamp(project)).unwrap_or_default();
    Ok(stamp != lockfile_hash(project)?)
}

/// Installs the packages unless they are there. npm begins by removing `node_modules` and the stamp in
/// it, so an installation that was cut off is never taken for a finished one.
pub fn install(project: &Project, progress: &Progress) -> anyhow::Result<()> {
    create_dir(&project.dev_dir())?;
    let _lock = lock_file(&project.dev_dir().join("web.lock"))?;
    if !is_stale(project)? {
        return Ok(());
    }
    let step = progress.begin("web packages");
    run(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(project.web_dir()),
        LIMIT,
    )?;
    fs::write(stamp(project), lockfile_hash(project)?)?;
    step.done();
    Ok(())
}

fn stamp(project: &Project) -> PathBuf {
    project.web_dir().join("node_modules/.installed-lockfile")
}

fn lockfile_hash(project: &Project) -> anyhow::Result<String> {
    let path = project.web_dir().join("package-lock.json");
    let lockfile = fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(hex(&Sha256::digest(lockfile)))
}
