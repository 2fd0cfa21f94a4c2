//! What is generated from the contracts and kept in the repository: the page's TypeScript, and the image
//! that later contracts must not break.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::process::run;
use crate::project::Project;

/// The contracts as they were published last, relative to the root.
pub(super) const BASELINE: &str = "proto/baseline.binpb";
const GENERATED: &str = "src/gen";
const LIMIT: Duration = Duration::from_secs(2 * 60);

/// Writes the page's TypeScript anew.
pub fn generate(project: &Project) -> anyhow::Result<()> {
    buf_generate(project, &project.web_dir())
}

/// Takes the contracts of now as the ones that must not be broken any more.
pub fn write_baseline(project: &Project) -> anyhow::Result<()> {
    let mut command = Command::new(buf(project));
    run(
        command
            .args(["build", "--output", BASELINE])
            .current_dir(project.root()),
        LIMIT,
    )?;
    Ok(())
}

/// # Errors
///
/// The files in the repository are not what the contracts give; the message names them.
pub(super) fn check(project: &Project) -> anyhow::Result<()> {
    let fresh = project.dev_dir().join("generated");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| fresh.display().to_string())?;
    }
    fs::create_dir_all(&fresh).with_context(|| fresh.display().to_string())?;
    buf_generate(project, &fresh)?;
    let stale = differences(&project.web_dir().join(GENERATED), &fresh.join(GENERATED))?;
    ensure!(
        stale.is_empty(),
        "not up to date: {}; run `cargo xtask gen`",
        stale
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
    Ok(())
}

pub(super) fn buf(project: &Project) -> PathBuf {
    tools(project).join("buf")
}

fn tools(project: &Project) -> PathBuf {
    project.web_dir().join("node_modules/.bin")
}

/// buf looks for its plugins on the `PATH`.
fn buf_generate(project: &Project, output: &Path) -> anyhow::Result<()> {
    let mut path = tools(project).into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(buf(project));
    command
        .arg("generate")
        .arg("--output")
        .arg(output)
        .current_dir(project.web_dir())
        .env("PATH", path);
    run(&mut command, LIMIT)?;
    Ok(())
}

/// Files that are in one folder only, or differ.
fn differences(kept: &Path, fresh: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (kept, fresh) = (files(kept)?, files(fresh)?);
    let paths: std::collections::BTreeSet<_> = kept.keys().chain(fresh.keys()).collect();
    Ok(paths
        .into_iter()
        .filter(|path| kept.get(*path) != fresh.get(*path))
        .cloned()
        .collect())
}

fn files(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .expect("it was found below")
                    .to_owned();
                found.insert(
                    name,
                    fs::read(&path).with_context(|| path.display().to_string())?,
                );
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_differ_or_are_missing_on_either_side_are_found() {
        let dir = tempfile::TempDir::new().unwrap();
        let (kept, fresh) = (dir.path().join("kept"), dir.path().join("fresh"));
        for (root, name, text) in [
            (&kept, "same", "1"),
            (&fresh, "same", "1"),
            (&kept, "a/changed", "1"),
            (&fresh, "a/changed", "2"),
            (&kept, "gone", "1"),
            (&fresh, "new", "1"),
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = differences(&kept, &fresh).unwrap();
        assert_eq!(
            found,
            [Path::new("a/changed"), Path::new("gone"), Path::new("new")]
        );
    }
}
