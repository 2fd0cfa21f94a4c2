//! Chromium from Debian, the browser of the end-to-end tests. Any version will do; it is printed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{find_program, run};

const PACKAGE: &str = "chromium";
const INSTALL_LIMIT: Duration = Duration::from_secs(10 * 60);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The browser that `CHROMIUM` names, or the first one on the `PATH`.
pub fn find() -> Option<PathBuf> {
    match std::env::var_os("CHROMIUM").filter(|value| !value.is_empty()) {
        Some(path) => Some(path.into()),
        None => ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find_map(find_program),
    }
}

/// Finds the browser, or installs it when run by root. Without one everything but the browser tests
/// works, so its absence is told and is no error.
pub fn install() -> Option<PathBuf> {
    if find().is_none() {
        if !rustix::process::geteuid().is_root() || find_program("apt-get").is_none() {
            eprintln!(
                "Browser tests need Chromium: sudo apt-get install --no-install-recommends {PACKAGE}"
            );
            return None;
        }
        eprintln!("Installing Chromium for the browser tests");
        if let Err(error) = apt_install() {
            eprintln!("Chromium could not be installed: {error:#}");
        }
    }
    let found = find()?;
    eprintln!("Chromium {} ({})", version(&found), found.display());
    Some(found)
}

fn apt_install() -> anyhow::Result<()> {
    let apt = |args: &[&str]| {
        run(
            Command::new("apt-get")
                .args(args)
                .env("DEBIAN_FRONTEND", "noninteractive"),
            INSTALL_LIMIT,
        )
    };
    let install = ["install", "--yes", "--no-install-recommends", PACKAGE];
    // The package lists may be absent or old; only then are they fetched.
    if apt(&install).is_err() {
        apt(&["update"])?;
        apt(&install)?;
    }
    Ok(())
}

fn version(program: &Path) -> String {
    // Asking dpkg is much faster than starting the browser.
    let packaged = || {
        run(
            Command::new("dpkg-query").args(["--show", "--showformat=${Version}", PACKAGE]),
            ANSWER_LIMIT,
        )
    };
    let itself = || run(Command::new(program).arg("--version"), ANSWER_LIMIT);
    packaged().or_else(|_| itself()).map_or_else(
        |_| "of unknown version".into(),
        |output| output.stdout.trim().to_owned(),
    )
}
