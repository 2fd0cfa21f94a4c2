//! Files that only their owner may read, written whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

/// Puts `content` in the file at `path`, mode 0600.
pub fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let at = || path.display().to_string();
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .with_context(at)?;
    file.set_permissions(Permissions::from_mode(0o600))
        .with_context(at)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .with_context(at)?;
    fs::rename(&new, path).with_context(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_open_to_others_is_closed_to_them() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("secrets.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
