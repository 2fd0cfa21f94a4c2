//! Passwords and keys of a clone: made at first start, kept in `.dev/secrets.json`, in no repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::private_file;
use crate::project::Project;

/// One secret of a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// Of PostgreSQL's superuser.
    Postgres,
    /// Of the role that owns the tables.
    Migrator,
    /// Of a service's database role: `auth`, `profile`, `knowledge` or `agent`.
    Role(&'static str),
    /// What LiveKit's API secret goes by.
    LivekitKey,
    LivekitSecret,
    /// Of a service client.
    Client(&'static str),
}

impl Secret {
    /// Every secret of a clone.
    pub const ALL: &[Self] = &[
        Self::Postgres,
        Self::Migrator,
        Self::Role("auth"),
        Self::Role("profile"),
        Self::Role("knowledge"),
        Self::Role("agent"),
        Self::LivekitKey,
        Self::LivekitSecret,
        Self::Client("agent-svc"),
        Self::Client("auth-svc"),
        Self::Client("operator"),
        Self::Client("integration"),
    ];

    fn name(self) -> String {
        match self {
            Self::Postgres => "postgres".into(),
            Self::Migrator => "role.migrator".into(),
            Self::Role(service) => format!("role.{service}"),
            Self::LivekitKey => "livekit.key".into(),
            Self::LivekitSecret => "livekit.secret".into(),
            Self::Client(id) => format!("client.{id}"),
        }
    }

    fn generate(self) -> String {
        let random = |bytes: &mut [u8]| rand::fill(bytes);
        match self {
            Self::LivekitKey => {
                let mut bytes = [0; 6];
                random(&mut bytes);
                format!("API{}", crate::setup::hex(&bytes))
            }
            _ => {
                let mut bytes = [0; 32];
                random(&mut bytes);
                URL_SAFE_NO_PAD.encode(bytes)
            }
        }
    }
}

/// The secrets of a clone.
#[derive(Debug, Clone)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Reads what is kept, and makes and keeps what is missing.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be understood: it is left as it is, since passwords would be lost.
    pub fn load(project: &Project) -> anyhow::Result<Self> {
        let path = project.dev_dir().join("secrets.json");
        Self::load_from(&path, Secret::ALL).with_context(|| path.display().to_string())
    }

    fn load_from(path: &Path, wanted: &[Secret]) -> anyhow::Result<Self> {
        let mut kept: BTreeMap<String, String> = match fs::read(path) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        let before = kept.len();
        for secret in wanted {
            kept.entry(secret.name())
                .or_insert_with(|| secret.generate());
        }
        if kept.len() > before {
            private_file::write(path, &serde_json::to_vec_pretty(&kept)?)?;
        }
        Ok(Self(kept))
    }

    #[cfg(test)]
    pub(crate) fn named_after_themselves() -> Self {
        Self(
            Secret::ALL
                .iter()
                .map(|secret| (secret.name(), secret.name()))
                .collect(),
        )
    }

    /// A secret that was among the wanted ones.
    pub fn get(&self, secret: Secret) -> &str {
        self.0
            .get(&secret.name())
            .expect("every secret in use is made when they are loaded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_random_and_stay_the_same() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("secrets.json");
        let wanted = [Secret::Postgres, Secret::Client("operator")];
        let first = Secrets::load_from(&path, &wanted).unwrap();
        assert_ne!(first.get(wanted[0]), first.get(wanted[1]));
        assert_eq!(
            URL_SAFE_NO_PAD.decode(first.get(wanted[0])).unwrap().len(),
            32
        );

        let second = Secrets::load_from(&path, &[Secret::Postgres, Secret::Migrator]).unwrap();
        assert_eq!(second.get(Secret::Postgres), first.get(Secret::Postgres));
        assert_eq!(second.get(wanted[1]), first.get(wanted[1]));
    }

    #[test]
    fn a_broken_file_is_told_and_left_alone() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("secrets.json");
        fs::write(&path, "{").unwrap();
        Secrets::load_from(&path, &[Secret::Postgres]).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }
}
