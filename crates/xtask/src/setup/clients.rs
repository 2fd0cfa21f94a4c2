//! Python environments with clients that others wrote, for `conformance` alone: hundreds of megabytes
//! that nobody else has to fetch.

use std::path::PathBuf;

use super::cache::{Cache, Slot};
use super::fetch;
use super::manifest::key;
use super::progress::Progress;

/// Made by pip's resolver; `--require-hashes` holds it to that.
const OPENAI_CLIENTS: &str = include_str!("../../python/openai-clients.txt");
const PIPECAT: &str = include_str!("../../python/pipecat.txt");

/// The Python of each environment.
#[derive(Debug, Clone)]
pub struct Clients {
    /// With openai-python, the OpenAI Agents SDK and LiveKit Agents.
    pub openai: PathBuf,
    /// With pipecat, whose pins clash with the others'.
    pub pipecat: PathBuf,
}

/// Makes the environments that are missing.
///
/// # Errors
///
/// A package cannot be fetched, or is not the pinned one.
pub fn clients() -> anyhow::Result<Clients> {
    let cache = Cache::of_user()?;
    Ok(Clients {
        openai: environment(&cache, "openai-clients", OPENAI_CLIENTS)?,
        pipecat: environment(&cache, "pipecat", PIPECAT)?,
    })
}

fn environment(cache: &Cache, name: &str, requirements: &str) -> anyhow::Result<PathBuf> {
    let slot = Slot {
        name: format!("{name}-python"),
        key: key(&requirements),
        proof: "bin/python".into(),
    };
    let folder = match cache.find(&slot) {
        Some(folder) => folder,
        None => {
            let progress = Progress::new(1);
            let step = progress.begin(&slot.name);
            let made = cache.install(&slot, |dir| fetch::python_environment(requirements, dir));
            match &made {
                Ok(_) => step.done(),
                Err(_) => step.failed(),
            }
            progress.finish();
            made?
        }
    };
    Ok(folder.join(slot.proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_by_version_and_hash_and_names_no_registry() {
        for requirements in [OPENAI_CLIENTS, PIPECAT] {
            let joined = requirements.replace(" \\\n", "");
            for line in joined.lines().filter(|line| !line.starts_with('#')) {
                let (package, hashes) = line.split_once(' ').unwrap_or((line, ""));
                assert!(package.contains("=="), "{line}");
                assert!(hashes.contains("--hash=sha256:"), "{line}");
                assert!(!line.contains("://"), "{line}");
            }
        }
    }
}
