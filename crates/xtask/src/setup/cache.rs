//! The cache that all clones on a machine share: one folder a piece, each complete or absent.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

const NAME: &str = "insta-voice-assistant";
const SYSTEM_CACHE: &str = "/var/cache";

/// The place of one piece in the cache.
#[derive(Debug, Clone)]
pub struct Slot {
    pub name: String,
    /// Changes whenever the piece does, so versions lie side by side.
    pub key: String,
    /// A file inside without which the piece is of no use: a Python environment, for example, breaks
    /// when the Python that it points at is removed.
    pub proof: PathBuf,
}

/// A folder of finished pieces, `<root>/<name>/<key>`.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The cache of this user: `INSTA_CACHE_DIR`; for root a folder that everyone can search, because
    /// PostgreSQL gives up root's rights; else the user's own cache folder.
    pub fn of_user() -> anyhow::Result<Self> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(dir) = set("INSTA_CACHE_DIR") {
            return Ok(Self::at(
                std::path::absolute(dir).context("INSTA_CACHE_DIR")?,
            ));
        }
        if rustix::process::geteuid().is_root() {
            return Ok(Self::system());
        }
        let base = match set("XDG_CACHE_HOME") {
            Some(dir) => PathBuf::from(dir),
            None => PathBuf::from(set("HOME").context("neither INSTA_CACHE_DIR nor HOME is set")?)
                .join(".cache"),
        };
        Ok(Self::at(base.join(NAME)))
    }

    fn system() -> Self {
        Self::at(Path::new(SYSTEM_CACHE).join(NAME))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where PostgreSQL's programs go: here, unless root's cache lies where the unprivileged user that
    /// PostgreSQL then runs as cannot reach it.
    pub fn for_postgres(&self) -> Self {
        let reachable = !rustix::process::geteuid().is_root() || searchable_by_others(&self.root);
        if reachable {
            self.clone()
        } else {
            Self::system()
        }
    }

    /// Where a finished piece lies, whether it is there or not.
    pub fn path(&self, slot: &Slot) -> PathBuf {
        self.root.join(&slot.name).join(&slot.key)
    }

    /// A finished piece, if it is there.
    pub fn find(&self, slot: &Slot) -> Option<PathBuf> {
        let path = self.path(slot);
        path.join(&slot.proof).exists().then_some(path)
    }

    /// Makes a piece unless it is there: `build` fills an empty folder, which takes its place in the
    /// cache only when `build` has succeeded. Of two processes one builds and the other waits for it.
    pub fn install(
        &self,
        slot: &Slot,
        build: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        if let Some(path) = self.find(slot) {
            return Ok(path);
        }
        let name = format!("{}-{}", slot.name, slot.key);
        let _lock = self.lock(&name)?;
        if let Some(path) = self.find(slot) {
            return Ok(path);
        }
        // What a run that was cut off has left is ours to remove: we hold the lock.
        let staging = self.root.join("staging").join(name);
        remove_dir(&staging)?;
        create_dir(&staging)?;
        build(&staging)?;
        ensure!(
            staging.join(&slot.proof).exists(),
            "{} has no {} in it",
            slot.name,
            slot.proof.display()
        );
        open_to_all(&staging)?;
        let path = self.path(slot);
        create_dir(path.parent().expect("a piece lies below the root"))?;
        remove_dir(&path)?;
        fs::rename(&staging, &path).with_context(|| at(&path))?;
        Ok(path)
    }

    fn lock(&self, name: &str) -> anyhow::Result<File> {
        let folder = self.root.join("locks");
        create_dir(&folder)?;
        lock_file(&folder.join(name))
    }
}

/// Takes an exclusive lock, waiting for whoever holds it. It ends with the file, so also with the process.
pub fn lock_file(path: &Path) -> anyhow::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| at(path))?;
    file.lock().with_context(|| at(path))?;
    Ok(file)
}

/// Whether a process of another user can get to `path`: every folder down to it lets others search.
/// Folders that do not exist yet will be made so.
pub fn searchable_by_others(path: &Path) -> bool {
    path.ancestors()
        .filter_map(|dir| fs::metadata(dir).ok())
        .all(|meta| meta.permissions().mode() & 0o001 != 0)
}

/// Makes a folder and its missing parents searchable by others, whatever the process's umask.
pub fn create_dir(path: &Path) -> anyhow::Result<()> {
    let missing: Vec<_> = path.ancestors().take_while(|dir| !dir.exists()).collect();
    fs::create_dir_all(path).with_context(|| at(path))?;
    for dir in missing {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).with_context(|| at(dir))?;
    }
    Ok(())
}

/// Lets others read what the owner can read, and run or search what the owner can.
fn open_to_all(path: &Path) -> anyhow::Result<()> {
    let meta = fs::symlink_metadata(path).with_context(|| at(path))?;
    if meta.is_symlink() {
        return Ok(());
    }
    let mode = meta.permissions().mode();
    let owner = (mode >> 6) & 0o5;
    let wanted = mode | owner << 3 | owner;
    if wanted != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(wanted)).with_context(|| at(path))?;
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path).with_context(|| at(path))? {
            open_to_all(&entry?.path())?;
        }
    }
    Ok(())
}

fn remove_dir(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| at(path))
        }
        _ => Ok(()),
    }
}

fn at(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use tempfile::TempDir;

    fn slot(proof: &str) -> Slot {
        Slot {
            name: "piece".into(),
            key: "k".into(),
            proof: proof.into(),
        }
    }

    #[test]
    fn a_piece_is_built_once_when_two_want_it_at_the_same_time() {
        let dir = TempDir::new().unwrap();
        let built = AtomicUsize::new(0);
        let install = || {
            Cache::at(dir.path())
                .install(&slot("file"), |staging| {
                    built.fetch_add(1, Ordering::SeqCst);
                    Ok(fs::write(staging.join("file"), "content")?)
                })
                .unwrap()
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(install)).collect();
            for thread in threads {
                let path = thread.join().unwrap();
                assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "content");
            }
        });
        assert_eq!(built.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_failed_build_leaves_no_piece_and_the_next_one_starts_empty() {
        let dir = TempDir::new().unwrap();
        let cache = Cache::at(dir.path());
        let failed = cache.install(&slot("whole"), |staging| {
            fs::write(staging.join("half"), "")?;
            anyhow::bail!("connection lost")
        });
        assert_eq!(failed.unwrap_err().to_string(), "connection lost");
        assert_eq!(cache.find(&slot("whole")), None);

        let path = cache.install(&slot("whole"), write_whole).unwrap();
        assert!(!path.join("half").exists());
        assert!(path.join("whole").exists());
    }

    #[test]
    fn a_piece_that_lost_its_proof_is_built_again() {
        let dir = TempDir::new().unwrap();
        let cache = Cache::at(dir.path());
        let path = cache.install(&slot("whole"), write_whole).unwrap();
        fs::remove_file(path.join("whole")).unwrap();
        assert_eq!(cache.find(&slot("whole")), None);
        cache.install(&slot("whole"), write_whole).unwrap();
        assert!(path.join("whole").exists());
    }

    fn write_whole(staging: &Path) -> anyhow::Result<()> {
        Ok(fs::write(staging.join("whole"), "")?)
    }

    #[test]
    fn others_may_read_what_was_installed_and_no_more_may_run() {
        let dir = TempDir::new().unwrap();
        let path = Cache::at(dir.path())
            .install(&slot("data"), |staging| {
                for (name, mode) in [("program", 0o700), ("data", 0o600)] {
                    fs::write(staging.join(name), "")?;
                    fs::set_permissions(staging.join(name), fs::Permissions::from_mode(mode))?;
                }
                Ok(())
            })
            .unwrap();
        let mode = |name| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("program"), mode("data")), (0o755, 0o644));
    }

    #[test]
    fn a_folder_below_a_private_one_is_not_searchable() {
        let dir = TempDir::new().unwrap();
        let below = dir.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        fs::set_permissions(dir.path().join("a"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!searchable_by_others(&below));
    }
}
