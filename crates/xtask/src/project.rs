//! Where things are in a clone of the project.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// A clone, by its root folder.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The clone that this program was built from: cargo says where it is when it runs the program, and
    /// the build remembers it for the supervisor, which cargo does not run.
    ///
    /// # Errors
    ///
    /// The folder is not there any more.
    pub fn of_build() -> anyhow::Result<Self> {
        let crate_dir = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = crate_dir
            .ancestors()
            .nth(2)
            .context("the crate lies in crates/xtask")?;
        ensure!(
            root.join("Cargo.toml").exists(),
            "{} is not a clone of the project",
            root.display()
        );
        Ok(Self::at(root))
    }

    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything that running the project leaves behind in the clone.
    pub fn dev_dir(&self) -> PathBuf {
        self.root.join(".dev")
    }

    pub fn logs_dir(&self) -> PathBuf {
        self.dev_dir().join("logs")
    }

    /// What a part prints goes here.
    pub fn log(&self, part: &str) -> PathBuf {
        self.logs_dir().join(part).with_extension("log")
    }

    pub fn web_dir(&self) -> PathBuf {
        self.root.join("web")
    }

    /// Where cargo puts the programs that it builds.
    pub fn programs_dir(&self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.root.join("target"), PathBuf::from);
        target.join("debug")
    }
}
