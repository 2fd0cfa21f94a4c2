//! The files that parts write their logs to.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context;

/// A fresh log at `path`; the one of the run before is kept beside it.
pub(crate) fn begin(path: &Path) -> anyhow::Result<File> {
    if path.exists() {
        fs::rename(path, path.with_extension("log.1"))
            .with_context(|| path.display().to_string())?;
    }
    File::options()
        .create_new(true)
        .append(true)
        .open(path)
        .with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_log_of_the_run_before_is_kept_beside() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("part.log");
        for run in ["first", "second", "third"] {
            begin(&path).unwrap().write_all(run.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "third");
        assert_eq!(
            fs::read_to_string(dir.path().join("part.log.1")).unwrap(),
            "second"
        );
    }
}
