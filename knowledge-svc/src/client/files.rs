//! The files of a folder that can be imported.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// The endings of what can be read; other files of a help centre are pictures and the like.
const ENDINGS: [&str; 7] = ["md", "markdown", "html", "htm", "xhtml", "txt", "text"];
/// What the service keeps of a file at most, in bytes.
const MAX_SIZE: u64 = 1024 * 1024;

/// A file below the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Below the folder, with `/` between the parts.
    pub(super) path: String,
    pub(super) place: PathBuf,
}

/// What a file holds: never more than the service needs to see that it is too much.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// Why it is not all of the file, a sentence for people.
    pub(super) failure: Option<String>,
}

/// The files below `folder`, by path. Hidden ones and links are passed over.
pub(super) fn find(folder: &Path) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        let shown = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(shown)? {
            let entry = entry.with_context(shown)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().with_context(shown)?;
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                folders.push((format!("{path}/"), entry.path()));
            } else if kind.is_file() && can_be_read(&name) {
                let place = entry.path();
                found.push(Found { path, place });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn can_be_read(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
}

/// Reads a file. One that cannot be read, or is too large, is sent all the same, so that the document it made before
/// is known to be still wanted.
pub(super) fn read(place: &Path) -> Content {
    let mut bytes = Vec::new();
    let read = File::open(place).and_then(|file| {
        let size = file.metadata()?.len();
        file.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
        Ok(size)
    });
    let failure = match read {
        Ok(size) if size > MAX_SIZE => Some(format!(
            "The file has {size} bytes, and at most {MAX_SIZE} are kept."
        )),
        Ok(_) => None,
        Err(error) => {
            bytes.clear();
            Some(format!("The file cannot be read: {error}."))
        }
    };
    Content { bytes, failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_files_are_found_in_order_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/c")).unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        for path in [
            "z.md",
            "b/c/page.HTML",
            "b/a.txt",
            "b/logo.png",
            ".git/x.md",
            ".hidden.md",
            "md",
        ] {
            fs::write(folder.path().join(path), "Text.").unwrap();
        }
        let found = find(folder.path()).unwrap();
        let paths: Vec<_> = found.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["b/a.txt", "b/c/page.HTML", "z.md"]);
        assert!(find(&folder.path().join("nothing")).is_err());
    }

    #[test]
    fn a_file_that_is_too_large_is_never_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("large.md");
        File::create(&place)
            .unwrap()
            .set_len(20 * 1024 * 1024)
            .unwrap();
        let content = read(&place);
        assert_eq!(content.bytes.len(), 1024 * 1024 + 1);
        let failure = content.failure.unwrap();
        assert_eq!(
            failure,
            "The file has 20971520 bytes, and at most 1048576 are kept."
        );
        assert!(read(&folder.path().join("gone.md")).failure.is_some());
    }
}
