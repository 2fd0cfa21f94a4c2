//! The PostgreSQL manual as Debian packages it, unpacked and not installed, for `eval knowledge` alone. Any version
//! of the package will do; it is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use super::cache::{Cache, Slot};
use crate::process::run;

const PACKAGE: &str = "postgresql-doc-15";
const PAGES: &str = "usr/share/doc/postgresql-doc-15/html";
const VERSION: &str = "VERSION";
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// The folder with the manual's pages: what `POSTGRESQL_MANUAL` names, else Debian's.
///
/// # Errors
///
/// The package cannot be fetched, for example because this is no Debian.
pub fn manual() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("POSTGRESQL_MANUAL").filter(|value| !value.is_empty()) {
        return Ok(folder.into());
    }
    let slot = Slot {
        name: PACKAGE.into(),
        key: "debian".into(),
        proof: Path::new(PAGES).join("index.html"),
    };
    let folder = Cache::of_user()?.install(&slot, fetch).with_context(|| {
        format!(
            "{PACKAGE} cannot be had from Debian; POSTGRESQL_MANUAL may name a folder with the pages of the manual"
        )
    })?;
    let version = fs::read_to_string(folder.join(VERSION))?;
    eprintln!("{PACKAGE} {} ({})", version.trim(), folder.display());
    Ok(folder.join(PAGES))
}

fn fetch(dir: &Path) -> anyhow::Result<()> {
    let download = || {
        run(
            Command::new("apt-get")
                .args(["download", PACKAGE])
                .current_dir(dir),
            LIMIT,
        )
    };
    // The package lists may be absent or old; only then are they fetched.
    if download().is_err() {
        run(Command::new("apt-get").arg("update"), LIMIT)?;
        download()?;
    }
    let package = fs::read_dir(dir)?
        .next()
        .context("apt-get left no package")??
        .path();
    run(
        Command::new("dpkg-deb")
            .arg("--extract")
            .arg(&package)
            .arg(dir),
        LIMIT,
    )?;
    let version = run(
        Command::new("dpkg-deb")
            .arg("--field")
            .arg(&package)
            .arg("Version"),
        LIMIT,
    )?;
    fs::write(dir.join(VERSION), version.stdout)?;
    Ok(fs::remove_file(package)?)
}
